//! Lengths of time, also those that a query computes from its own times.

use std::ops;
use std::time::Duration;

use crate::ast::{DurationArg, DurationExpr, DurationKind, DurationOp};
use crate::build::tree::LIMIT;
use crate::build::{MAX_MILLIS, millis};
use crate::parser::{literal_millis, seconds as seconds_of};
use crate::span::Span;

/// A length of time: fixed, as a [`Duration`] is, or computed from the step and the range of the query.
///
/// It counts seconds, so that numbers can stand beside durations. A fixed one has milliseconds and is at
/// most 292 years.
///
/// ```
/// use std::time::Duration;
/// use skopos_promql::build::{Interval, selector};
///
/// let window = (Interval::step() * 4.0).max_of(Duration::from_secs(60));
/// let rate = selector("requests_total").range(window).rate();
/// assert_eq!(rate.finish()?.to_string(), "rate(requests_total[max_of(step() * 4, 1m)])");
/// # Ok::<(), skopos_promql::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Interval {
    kind: DurationKind,
    /// At least so many constructs stand within each other.
    nesting: usize,
}

const NOWHERE: Span = Span::new(0, 0);

impl Interval {
    /// The step of the query; 0 for an instant query.
    pub fn step() -> Self {
        Self { kind: DurationKind::Step, nesting: 1 }
    }

    /// From the start of the query to its end; 0 for an instant query.
    pub fn range() -> Self {
        Self { kind: DurationKind::Range, nesting: 1 }
    }

    /// So many seconds.
    ///
    /// What is not finite or beyond 292 years is refused in the end.
    pub fn seconds(seconds: f64) -> Self {
        // A negative zero would lose its sign where it is printed.
        let kind = DurationKind::Number { seconds: seconds + 0.0, is_duration: false };
        Self { kind, nesting: 1 }
    }

    /// The shorter of two.
    pub fn min_of(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        let nesting = 1 + self.nesting.max(other.nesting);
        self.with(other, nesting, |a, b| DurationKind::MinOf(plain(a), plain(b)))
    }

    /// The longer of two.
    pub fn max_of(self, other: impl Into<Self>) -> Self {
        let other = other.into();
        let nesting = 1 + self.nesting.max(other.nesting);
        self.with(other, nesting, |a, b| DurationKind::MaxOf(plain(a), plain(b)))
    }

    /// The seconds to the power of a number.
    pub fn pow(self, exponent: impl Into<Self>) -> Self {
        self.binary(DurationOp::Pow, exponent.into())
    }

    fn binary(self, op: DurationOp, other: Self) -> Self {
        let (left, right) = (needs_parentheses(&self.kind), needs_parentheses(&other.kind));
        let right = 1 + other.nesting + usize::from(right);
        let nesting = right.max(self.nesting + usize::from(left));
        self.with(other, nesting, |a, b| DurationKind::Binary(op, operand(a), operand(b)))
    }

    /// Both within one construct; what is too deep for the parser does not grow.
    fn with(
        self,
        other: Self,
        nesting: usize,
        join: impl FnOnce(DurationKind, DurationKind) -> DurationKind,
    ) -> Self {
        if LIMIT < self.nesting.max(other.nesting) {
            return if self.nesting < other.nesting { other } else { self };
        }
        Self { kind: join(self.kind, other.kind), nesting }
    }

    pub(super) fn nesting(&self) -> usize {
        self.nesting
    }

    /// As the range of a selector or a subquery, or as its step: at least a millisecond, where that
    /// is known.
    pub(super) fn into_range(self) -> DurationArg {
        match fixed(&self.kind) {
            Some(millis) => DurationArg::Millis(millis.max(1)),
            None => DurationArg::Expr(plain(self.kind)),
        }
    }

    /// As the range of a subquery, where the colon is read only if there was a number before it.
    pub(super) fn into_subquery_range(self) -> DurationArg {
        if has_number(&self.kind) { self.into_range() } else { (self * 1.0).into_range() }
    }

    /// As an offset, where operators need parentheses.
    pub(super) fn into_offset(self) -> DurationArg {
        match fixed(&self.kind) {
            Some(millis) => DurationArg::Millis(millis),
            None => {
                let wrapped = matches!(self.kind, DurationKind::Binary(..));
                DurationArg::Expr(boxed(self.kind, wrapped))
            }
        }
    }
}

fn has_number(kind: &DurationKind) -> bool {
    match kind {
        DurationKind::Number { .. } => true,
        DurationKind::Range | DurationKind::Step => false,
        DurationKind::Neg(d) | DurationKind::Plus(d) => has_number(&d.kind),
        DurationKind::Binary(_, a, b) | DurationKind::MaxOf(a, b) | DurationKind::MinOf(a, b) => {
            has_number(&a.kind) || has_number(&b.kind)
        }
    }
}

/// Whole milliseconds of a plain literal, if it is one that can be a duration; whole seconds where the
/// milliseconds would not be read again, as of some that are longer than a hundred days.
fn fixed(kind: &DurationKind) -> Option<i64> {
    let DurationKind::Number { seconds, .. } = *kind else { return None };
    #[expect(clippy::cast_precision_loss, reason = "the limit is below 2^53")]
    let limit = MAX_MILLIS as f64;
    let millis = (seconds * 1000.0).round();
    if limit < millis.abs() || millis.is_nan() {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was checked to fit")]
    let millis = millis as i64;
    let is_read_again = literal_millis(seconds_of(millis)) == millis;
    Some(if is_read_again { millis } else { millis - millis % 1000 })
}

fn boxed(kind: DurationKind, wrapped: bool) -> Box<DurationExpr> {
    Box::new(DurationExpr { kind, wrapped, span: NOWHERE })
}

/// Without parentheses.
fn plain(kind: DurationKind) -> Box<DurationExpr> {
    boxed(kind, false)
}

/// In parentheses, where it needs them.
fn operand(kind: DurationKind) -> Box<DurationExpr> {
    let wrapped = needs_parentheses(&kind);
    boxed(kind, wrapped)
}

/// Whether an operator beside it would take it apart.
fn needs_parentheses(kind: &DurationKind) -> bool {
    match kind {
        DurationKind::Number { seconds, .. } => *seconds < 0.0,
        DurationKind::Binary(..) | DurationKind::Neg(_) | DurationKind::Plus(_) => true,
        DurationKind::MaxOf(..)
        | DurationKind::MinOf(..)
        | DurationKind::Range
        | DurationKind::Step => false,
    }
}

/// The seconds of a duration, and whether they can be printed with units: some would lose a
/// millisecond.
pub(super) fn literal(duration: Duration) -> (f64, bool) {
    let millis = millis(duration);
    let seconds = seconds_of(millis);
    #[expect(clippy::cast_possible_truncation, reason = "it is what the printer does")]
    let is_duration = (seconds * 1e9) as i64 / 1_000_000 == millis;
    (seconds, is_duration)
}

impl From<Duration> for Interval {
    fn from(duration: Duration) -> Self {
        let (seconds, is_duration) = literal(duration);
        Self { kind: DurationKind::Number { seconds, is_duration }, nesting: 1 }
    }
}

/// So many seconds.
impl From<f64> for Interval {
    fn from(seconds: f64) -> Self {
        Self::seconds(seconds)
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident),*) => {$(
        impl<T: Into<Interval>> ops::$trait<T> for Interval {
            type Output = Self;

            fn $method(self, rhs: T) -> Self {
                self.binary(DurationOp::$op, rhs.into())
            }
        }
    )*};
}

operators!(Add add Add, Div div Div, Mul mul Mul, Rem rem Mod, Sub sub Sub);

impl ops::Neg for Interval {
    type Output = Self;

    fn neg(self) -> Self {
        if LIMIT < self.nesting {
            return self;
        }
        let (kind, more) = match self.kind {
            DurationKind::Number { seconds, is_duration } => {
                (DurationKind::Number { seconds: 0.0 - seconds, is_duration }, 0)
            }
            kind => {
                let more = usize::from(needs_parentheses(&kind));
                (DurationKind::Neg(operand(kind)), more)
            }
        };
        Self { kind, nesting: self.nesting + more }
    }
}
