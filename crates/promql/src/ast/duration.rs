//! Durations that a query computes: literals, `step()`, `range()` and arithmetic over them.

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::span::Span;

/// A duration of a selector or subquery: known, or to be computed once a query's times are known.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
pub enum DurationArg {
    /// Milliseconds.
    Millis(i64),
    /// An expression.
    Expr(Box<DurationExpr>),
}

impl Default for DurationArg {
    fn default() -> Self {
        Self::Millis(0)
    }
}

/// An expression that gives a duration.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DurationExpr {
    /// What it is.
    pub kind: DurationKind,
    /// Whether it stood in parentheses (of its own, not those of a function).
    pub wrapped: bool,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of duration expressions.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "an evaluator must know every kind")]
pub enum DurationKind {
    /// A number of seconds, or a literal like `5m` (`is_duration`).
    Number {
        /// Seconds.
        seconds: f64,
        /// Whether it was written with units.
        is_duration: bool,
    },
    /// `range()`: from the query's start to its end.
    Range,
    /// `step()`: the query's step.
    Step,
    /// `-d`.
    Neg(Box<DurationExpr>),
    /// `+d`.
    Plus(Box<DurationExpr>),
    /// `a + b` and the like.
    Binary(DurationOp, Box<DurationExpr>, Box<DurationExpr>),
    /// `min_of(a, b)`.
    MinOf(Box<DurationExpr>, Box<DurationExpr>),
    /// `max_of(a, b)`.
    MaxOf(Box<DurationExpr>, Box<DurationExpr>),
}

/// Arithmetic on durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are no others")]
#[expect(missing_docs, reason = "each is named as PromQL names it")]
pub enum DurationOp {
    Add,
    Div,
    Mod,
    Mul,
    Pow,
    Sub,
}

/// What a duration expression may ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DurationContext {
    /// The query's step in milliseconds; 0 for an instant query.
    pub step: i64,
    /// Milliseconds from the query's start to its end; 0 for an instant query.
    pub range: i64,
}

impl DurationArg {
    /// The duration in milliseconds.
    ///
    /// ```
    /// use skopos_promql::ast::{DurationContext, Expr};
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let expr = parse("foo[4 * step()]", &ParseOptions::all())?;
    /// let Expr::Matrix(matrix) = expr else { unreachable!("it has a range") };
    /// let times = DurationContext { step: 15_000, range: 3_600_000 };
    /// assert_eq!(matrix.range.millis(times)?, 60_000);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Duration` where the value is not finite, does not fit, or divides by zero. A range or step
    /// must be positive besides: see [`positive_millis`](Self::positive_millis).
    pub fn millis(&self, times: DurationContext) -> Result<i64, Error> {
        self.checked_millis(times, true)
    }

    /// The duration in milliseconds, of a range or step.
    ///
    /// # Errors
    ///
    /// Those of [`millis`](Self::millis), and where it is not positive.
    pub fn positive_millis(&self, times: DurationContext) -> Result<i64, Error> {
        self.checked_millis(times, false)
    }

    fn checked_millis(&self, times: DurationContext, any_sign: bool) -> Result<i64, Error> {
        match self {
            Self::Millis(millis) => Ok(*millis),
            Self::Expr(expr) => to_millis(expr.seconds(times)?, any_sign)
                .map_err(|message| Error::duration(expr.span, message)),
        }
    }
}

/// The largest number of seconds that upstream's nanoseconds can hold.
const MAX_SECONDS: f64 = 9_223_372_036.854_776;

/// Whole milliseconds of `seconds`, cut off, or what is wrong with them.
fn to_millis(seconds: f64, any_sign: bool) -> Result<i64, &'static str> {
    if !seconds.is_finite() {
        return Err("duration is NaN or infinite");
    }
    if seconds <= 0.0 && !any_sign {
        return Err("duration must be greater than 0");
    }
    if seconds.abs() > MAX_SECONDS {
        return Err("duration is out of range");
    }
    #[expect(clippy::cast_possible_truncation, reason = "cutting off is what upstream does")]
    let millis = (seconds * 1000.0) as i64;
    Ok(millis)
}

impl DurationExpr {
    /// The value in seconds.
    ///
    /// # Errors
    ///
    /// `Duration` where something is divided by zero.
    pub fn seconds(&self, times: DurationContext) -> Result<f64, Error> {
        Ok(match &self.kind {
            DurationKind::Number { seconds, .. } => *seconds,
            DurationKind::Range => seconds_of(times.range),
            DurationKind::Step => seconds_of(times.step),
            DurationKind::Neg(d) => -d.seconds(times)?,
            DurationKind::Plus(d) => d.seconds(times)?,
            DurationKind::MinOf(a, b) => {
                // NaN wins, as in Go.
                let (a, b) = (a.seconds(times)?, b.seconds(times)?);
                if a.is_nan() || a < b { a } else { b }
            }
            DurationKind::MaxOf(a, b) => {
                let (a, b) = (a.seconds(times)?, b.seconds(times)?);
                if a.is_nan() || b < a { a } else { b }
            }
            DurationKind::Binary(op, a, b) => {
                let (left, right) = (a.seconds(times)?, b.seconds(times)?);
                op.apply(left, right).map_err(|message| Error::duration(self.span, message))?
            }
        })
    }
}

impl DurationOp {
    /// The operator as PromQL writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Mul => "*",
            Self::Pow => "^",
            Self::Sub => "-",
        }
    }

    fn apply(self, a: f64, b: f64) -> Result<f64, &'static str> {
        match self {
            Self::Div if b == 0.0 => Err("division by zero"),
            Self::Mod if b == 0.0 => Err("modulo by zero"),
            Self::Add => Ok(a + b),
            Self::Div => Ok(a / b),
            Self::Mod => Ok(a % b),
            Self::Mul => Ok(a * b),
            Self::Pow => Ok(a.powf(b)),
            Self::Sub => Ok(a - b),
        }
    }
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a query's times are far below 2^53")]
fn seconds_of(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
