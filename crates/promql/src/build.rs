//! Queries made by code, with types that leave no room for the mistakes of texts.
//!
//! An instant vector, a range vector and a number are three types here, and each has the methods that
//! PromQL has for it. What is quoted and what stands in parentheses is not the caller's concern.
//! Not here: `fill`, duration arithmetic, `anchored`, `smoothed` and experimental functions.
//!
//! ```
//! use std::time::Duration;
//!
//! use skopos_core::MatchOp::{Equal, Regex};
//! use skopos_promql::build::{Grouping, number, selector};
//!
//! let five_minutes = Duration::from_secs(300);
//! let errors = selector("requests_total").label("job", Equal, "api").label("code", Regex, "5..");
//! let all = selector("requests_total").label("job", Equal, "api");
//! let by = Grouping::by(["path"]);
//!
//! let ratio = errors.range(five_minutes).rate().sum(&by) / all.range(five_minutes).rate().sum(&by);
//! let query = (ratio * number(100.0)).finish()?;
//! assert_eq!(
//!     query.to_string(),
//!     "(sum by (path) (rate(requests_total{code=~\"5..\",job=\"api\"}[5m])) / \
//!      sum by (path) (rate(requests_total{job=\"api\"}[5m]))) * 100",
//! );
//! # Ok::<(), skopos_promql::Error>(())
//! ```

mod function;
mod operator;
mod tree;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use skopos_core::{MatchOp, Matcher, Timestamp};

pub use self::function::Grouping;
pub use self::operator::{Arithmetic, Comparison, Matching, Pairing};
use self::tree::Tree;
use crate::ast::{At, DurationArg, Expr, List, NumberLiteral, VectorSelector};
use crate::error::Error;
use crate::lexer::word_at;
use crate::options::ParseOptions;
use crate::parse::parse;
use crate::parser::selector::{METRIC_NAME, new_selector};
use crate::span::Span;
use crate::token::Kind;

/// A choice of series: an instant vector, or with [`range`](Self::range) a range vector.
#[derive(Clone, Debug)]
#[must_use]
pub struct Selector(VectorSelector);

/// An instant vector.
#[derive(Clone, Debug)]
#[must_use]
pub struct Vector(Tree);

/// A range vector.
#[derive(Clone, Debug)]
#[must_use]
pub struct Matrix(Tree);

/// A number.
#[derive(Clone, Debug)]
#[must_use]
pub struct Scalar(Tree);

/// The series of a metric; an empty name chooses all metrics.
///
/// ```
/// use skopos_promql::build::{Vector, selector};
///
/// let text = |name| Vector::from(selector(name)).finish().unwrap().to_string();
/// assert_eq!(text("up"), "up");
/// assert_eq!(text("http.requests"), "{__name__=\"http.requests\"}");
/// assert_eq!(text(""), "{__name__=~\".+\"}");
/// ```
pub fn selector(name: &str) -> Selector {
    if name.is_empty() {
        return Selector(new_selector(None, List::new(), Span::default())).label(
            METRIC_NAME,
            MatchOp::Regex,
            ".+",
        );
    }
    let (kind, len) = word_at(name);
    let is_word = name.starts_with(|c: char| c == '_' || c == ':' || c.is_ascii_alphabetic());
    let is_name = matches!(kind, Kind::Identifier | Kind::MetricIdentifier);
    let plain = is_word && is_name && len == name.len();
    let name: Arc<str> = name.into();
    let matchers = List::one(Matcher::equal(METRIC_NAME, Arc::clone(&name)));
    Selector(new_selector(plain.then_some(name), matchers, Span::default()))
}

/// A number.
///
/// ```
/// assert_eq!(skopos_promql::build::number(-1.5).finish()?.to_string(), "-1.5");
/// # Ok::<(), skopos_promql::Error>(())
/// ```
pub fn number(value: f64) -> Scalar {
    let literal = NumberLiteral { value, is_duration: false, span: Span::default() };
    Scalar(Tree::leaf(Expr::Number(Box::new(literal))))
}

/// The time of the evaluation, in seconds.
///
/// ```
/// assert_eq!(skopos_promql::build::time().finish()?.to_string(), "time()");
/// # Ok::<(), skopos_promql::Error>(())
/// ```
pub fn time() -> Scalar {
    Scalar(Tree::call("time", []))
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        number(value)
    }
}

impl Selector {
    /// The series that also meet a condition.
    pub fn label(mut self, name: &str, op: MatchOp, value: &str) -> Self {
        if name == METRIC_NAME {
            // A second condition on the name stands beside the first, in braces.
            self.0.name = None;
        }
        self.0.matchers.insert(0, Matcher::new(name, op, value));
        self
    }

    /// The values of so long ago.
    ///
    /// Durations here have milliseconds and are at most 292 years.
    pub fn offset(mut self, ago: Duration) -> Self {
        self.0.offset = DurationArg::Millis(millis(ago));
        self
    }

    /// The values of so long ahead.
    pub fn offset_ahead(mut self, ahead: Duration) -> Self {
        self.0.offset = DurationArg::Millis(-millis(ahead));
        self
    }

    /// The values at a fixed time, which is brought within 30,000 years of 1970.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.0.at = Some(At::Timestamp(time.as_millis().clamp(-MAX_AT, MAX_AT)));
        self
    }

    /// The values at the start of the query.
    pub fn at_start(mut self) -> Self {
        self.0.at = Some(At::Start);
        self
    }

    /// The values at the end of the query.
    pub fn at_end(mut self) -> Self {
        self.0.at = Some(At::End);
        self
    }

    /// The samples of so long a time, at least a millisecond.
    pub fn range(self, range: Duration) -> Matrix {
        Matrix(Tree::matrix(self.0, millis(range).max(1)))
    }

    /// The selector as an instant vector.
    pub fn vector(self) -> Vector {
        Vector(Tree::leaf(Expr::Vector(Box::new(self.0))))
    }
}

impl From<Selector> for Vector {
    fn from(selector: Selector) -> Self {
        selector.vector()
    }
}

impl Vector {
    /// The values over so long a time, computed at every step, or at the engine's default interval.
    pub fn subquery(self, range: Duration, step: Option<Duration>) -> Matrix {
        let step = step.map(|step| millis(step).max(1));
        Matrix(self.0.operand().subquery(millis(range).max(1), step))
    }
}

/// Each ends in a query.
macro_rules! finish {
    ($($name:ident)*) => {$(
        /// The text so far.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.expr.fmt(f)
            }
        }

        impl $name {
            /// The query, with the places of its canonical text.
            ///
            /// # Errors
            ///
            /// `Parse` where a regular expression is wrong, where a text has the replacement
            /// character, or where more than [`MAX_NESTING`](crate::MAX_NESTING) constructs stand
            /// within each other.
            pub fn finish(self) -> Result<Expr, Error> {
                parse(&self.0.expr.to_string(), &ParseOptions::default())
            }
        }
    )*};
}

finish!(Matrix Scalar Vector);

/// Beyond it, printed times would lose digits.
const MAX_AT: i64 = 1 << 50;

/// What upstream's nanoseconds can hold.
const MAX_MILLIS: i64 = 9_223_372_036_000;

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(MAX_MILLIS).min(MAX_MILLIS)
}
