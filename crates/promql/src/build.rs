//! Queries made by code, with types that leave no room for the mistakes of texts.
//!
//! An instant vector, a range vector and a number are three types here, and each has the methods that
//! PromQL has for it. What is quoted and what stands in parentheses is not the caller's concern.
//! The whole language can be built, its experimental parts included; [`Vector::finish_with`] refuses what
//! is not enabled.
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
mod interval;
mod operator;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use skopos_core::{MatchOp, Matcher, Timestamp};

pub use self::function::{Grouping, end, pi, range, start, step, time};
pub use self::interval::Interval;
pub use self::operator::{Arithmetic, Comparison, Matching, Pairing, Trim};
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
pub struct Selector {
    selector: VectorSelector,
    times: Times,
}

/// An instant vector.
#[derive(Clone, Debug)]
#[must_use]
pub struct Vector(Tree);

/// A range vector.
#[derive(Clone, Debug)]
#[must_use]
pub struct Matrix(Tree);

/// A range vector with the last sample before it and up to its end: `anchored`.
///
/// It has the functions that PromQL has for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct AnchoredMatrix(Matrix);

/// A range vector with values at both of its ends, interpolated: `smoothed`.
///
/// It has the functions that PromQL has for it.
#[derive(Clone, Debug)]
#[must_use]
pub struct SmoothedMatrix(Matrix);

/// The values of an instant vector over a range of time; as a range vector by
/// [`matrix`](Self::matrix).
#[derive(Clone, Debug)]
#[must_use]
pub struct Subquery {
    vector: Tree,
    range: Interval,
    step: Option<Interval>,
    times: Times,
}

/// A number.
#[derive(Clone, Debug)]
#[must_use]
pub struct Scalar(Tree);

/// Which times are looked at.
#[derive(Clone, Debug, Default)]
struct Times {
    offset: DurationArg,
    at: Option<At>,
    /// How many constructs stand within each other in the offset.
    nesting: usize,
}

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
        let selector = new_selector(None, List::new(), Span::default());
        let all = Selector { selector, times: Times::default() };
        return all.label(METRIC_NAME, MatchOp::Regex, ".+");
    }
    let (kind, len) = word_at(name);
    let is_word = name.starts_with(|c: char| c == '_' || c == ':' || c.is_ascii_alphabetic());
    let is_name = matches!(kind, Kind::Identifier | Kind::MetricIdentifier);
    let plain = is_word && is_name && len == name.len();
    let name: Arc<str> = name.into();
    let matchers = List::one(Matcher::equal(METRIC_NAME, Arc::clone(&name)));
    let selector = new_selector(plain.then_some(name), matchers, Span::default());
    Selector { selector, times: Times::default() }
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

/// A duration as a number of seconds, whose milliseconds count.
///
/// ```
/// use std::time::Duration;
/// use skopos_promql::build::{seconds, time};
///
/// let hour_ago = time() - seconds(Duration::from_secs(3600));
/// assert_eq!(hour_ago.finish()?.to_string(), "time() - 1h");
/// # Ok::<(), skopos_promql::Error>(())
/// ```
pub fn seconds(duration: Duration) -> Scalar {
    let (value, is_duration) = interval::literal(duration);
    let literal = NumberLiteral { value, is_duration, span: Span::default() };
    Scalar(Tree::leaf(Expr::Number(Box::new(literal))))
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
            self.selector.name = None;
        }
        self.selector.matchers.insert(0, Matcher::new(name, op, value));
        self
    }

    /// The samples of so long a time, at least a millisecond.
    pub fn range(self, range: impl Into<Interval>) -> Matrix {
        let Times { offset, at, nesting } = self.times;
        let selector = VectorSelector { offset, at, ..self.selector };
        Matrix(Tree::matrix(selector, nesting, range.into()))
    }

    /// The same with the samples at which the range begins and ends, for `rate` and the like without
    /// extrapolation.
    ///
    /// ```
    /// use std::time::Duration;
    /// use skopos_promql::build::selector;
    ///
    /// let five_minutes = Duration::from_secs(300);
    /// let exact = selector("requests_total").anchored_range(five_minutes).increase();
    /// assert_eq!(exact.finish()?.to_string(), "increase(requests_total[5m] anchored)");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn anchored_range(mut self, range: impl Into<Interval>) -> AnchoredMatrix {
        self.selector.anchored = true;
        AnchoredMatrix(self.range(range))
    }

    /// The same with values at both ends of the range, interpolated.
    pub fn smoothed_range(mut self, range: impl Into<Interval>) -> SmoothedMatrix {
        self.selector.smoothed = true;
        SmoothedMatrix(self.range(range))
    }

    /// The selector as an instant vector.
    pub fn vector(self) -> Vector {
        let Times { offset, at, nesting } = self.times;
        Vector(Tree::selector(VectorSelector { offset, at, ..self.selector }, nesting))
    }

    /// The selector as an instant vector of values interpolated between the samples around each time.
    pub fn smoothed(mut self) -> Vector {
        self.selector.smoothed = true;
        self.vector()
    }
}

impl From<Selector> for Vector {
    fn from(selector: Selector) -> Self {
        selector.vector()
    }
}

impl Vector {
    /// The values over so long a time, computed at the engine's default interval or at
    /// [`step`](Subquery::step).
    ///
    /// ```
    /// use std::time::Duration;
    /// use skopos_promql::build::{Grouping, selector};
    ///
    /// let hour = Duration::from_secs(3600);
    /// let jobs = selector("up").vector().count(&Grouping::by(["job"]));
    /// let fewest = jobs.subquery(hour).offset(hour).matrix().min_over_time();
    /// assert_eq!(fewest.finish()?.to_string(), "min_over_time(count by (job) (up)[1h:] offset 1h)");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn subquery(self, range: impl Into<Interval>) -> Subquery {
        let (vector, times) = (self.0.operand(), Times::default());
        Subquery { vector, range: range.into(), step: None, times }
    }
}

impl Subquery {
    /// Computed at such a distance.
    pub fn step(mut self, step: impl Into<Interval>) -> Self {
        self.step = Some(step.into());
        self
    }

    /// The subquery as a range vector.
    pub fn matrix(self) -> Matrix {
        Matrix(self.vector.subquery(self.times, self.range, self.step))
    }
}

impl From<Subquery> for Matrix {
    fn from(subquery: Subquery) -> Self {
        subquery.matrix()
    }
}

/// Each looks at some times.
macro_rules! times {
    ($($name:ident)*) => {$(
        impl $name {
            /// The values of so long ago; of so long ahead where the interval is negative.
            ///
            /// Fixed durations here have milliseconds and are at most 292 years.
            pub fn offset(mut self, ago: impl Into<Interval>) -> Self {
                self.times.set_offset(ago.into());
                self
            }

            /// The values of so long ahead.
            pub fn offset_ahead(mut self, ahead: impl Into<Interval>) -> Self {
                self.times.set_offset(-ahead.into());
                self
            }

            /// The values at a fixed time, which is brought within 30,000 years of 1970.
            pub fn at(mut self, time: Timestamp) -> Self {
                self.times.at = Some(At::Timestamp(time.as_millis().clamp(-MAX_AT, MAX_AT)));
                self
            }

            /// The values at the start of the query.
            pub fn at_start(mut self) -> Self {
                self.times.at = Some(At::Start);
                self
            }

            /// The values at the end of the query.
            pub fn at_end(mut self) -> Self {
                self.times.at = Some(At::End);
                self
            }
        }
    )*};
}

times!(Selector Subquery);

impl Times {
    fn set_offset(&mut self, offset: Interval) {
        self.nesting = offset.nesting();
        self.offset = offset.into_offset();
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
            /// Experimental parts of the language may be in it: see
            /// [`finish_with`](Self::finish_with).
            ///
            /// # Errors
            ///
            /// `Parse` where a regular expression is wrong, where a number cannot be a duration or
            /// divides one by zero, where a text has the replacement character, or where more than
            /// [`MAX_NESTING`](crate::MAX_NESTING) constructs stand within each other.
            pub fn finish(self) -> Result<Expr, Error> {
                self.finish_with(&ParseOptions::all())
            }

            /// [`finish`](Self::finish) for who evaluates queries with these parts of the language.
            ///
            /// # Errors
            ///
            /// Those of [`finish`](Self::finish), and `Parse` where an experimental part is used
            /// that is not enabled.
            pub fn finish_with(self, options: &ParseOptions) -> Result<Expr, Error> {
                parse(&self.0.expr.to_string(), options)
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
