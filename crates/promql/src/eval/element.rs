//! Binary operators on two values.

use std::sync::Arc;

use skopos_core::{FloatHistogram, ResetHint, SampleValue};

use super::column::Point;
use crate::annotation::{Annotations, HistogramOp};
use crate::ast::BinaryOp;
use crate::histogram::{self, Trim};
use crate::math;
use crate::span::Span;

/// What an operator makes of two values.
pub(super) enum Outcome {
    /// A value; for comparisons, the left one, and whether the comparison holds.
    Value { value: SampleValue, keep: bool },
    /// Nothing: the types do not fit, which has been noted.
    Nothing,
}

/// An operator between two scalars.
pub(crate) fn of_scalars(op: BinaryOp, a: f64, b: f64) -> f64 {
    let (v, holds) = of_floats(op, a, b);
    if op.is_comparison() { f64::from(u8::from(holds)) } else { v }
}

/// An operator on floats; for comparisons, the left value.
pub(super) fn of_floats(op: BinaryOp, a: f64, b: f64) -> (f64, bool) {
    match op {
        BinaryOp::Add => (a + b, true),
        BinaryOp::Atan2 => (math::atan2(a, b), true),
        BinaryOp::Div => (a / b, true),
        BinaryOp::Eq => (a, a == b),
        BinaryOp::Gte => (a, a >= b),
        BinaryOp::Gtr => (a, a > b),
        BinaryOp::Lss => (a, a < b),
        BinaryOp::Lte => (a, a <= b),
        BinaryOp::Mod => (a % b, true),
        BinaryOp::Mul => (a * b, true),
        BinaryOp::Neq => (a, a != b),
        BinaryOp::Pow => (math::pow(a, b), true),
        BinaryOp::Sub => (a - b, true),
        BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::TrimLower
        | BinaryOp::TrimUpper
        | BinaryOp::Unless => (a, false),
    }
}

/// Whether the operator has a meaning for two floats.
pub(super) fn takes_floats(op: BinaryOp) -> bool {
    !matches!(op, BinaryOp::TrimLower | BinaryOp::TrimUpper)
}

/// Whether the result is another metric than the operands.
pub(super) fn changes_metric(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Atan2
            | BinaryOp::Div
            | BinaryOp::Mod
            | BinaryOp::Mul
            | BinaryOp::Pow
            | BinaryOp::Sub
    )
}

/// An operator on two values of either kind.
pub(super) fn apply(
    op: BinaryOp,
    left: Point<'_>,
    right: Point<'_>,
    notes: &Annotations,
    span: Span,
) -> Outcome {
    let value = match (left, right) {
        (Point::Float(a), Point::Float(b)) if takes_floats(op) => {
            let (v, keep) = of_floats(op, a, b);
            return Outcome::Value { value: SampleValue::Float(v), keep };
        }
        (Point::Float(factor), Point::Histogram(h)) if op == BinaryOp::Mul => {
            Some(scaled(h, |h| histogram::mul(h, factor)))
        }
        (Point::Histogram(h), Point::Float(v)) => match op {
            BinaryOp::Mul => Some(scaled(h, |h| histogram::mul(h, v))),
            BinaryOp::Div => Some(scaled(h, |h| histogram::div(h, v))),
            BinaryOp::TrimLower => Some(histogram::trim(h, v, Trim::Lower)),
            BinaryOp::TrimUpper => Some(histogram::trim(h, v, Trim::Upper)),
            _ => None,
        },
        (Point::Histogram(a), Point::Histogram(b)) => match op {
            BinaryOp::Add | BinaryOp::Sub => return add(op, a, b, notes, span),
            BinaryOp::Eq | BinaryOp::Neq => {
                let keep = histogram::equals(a, b) == (op == BinaryOp::Eq);
                return Outcome::Value { value: SampleValue::Histogram(Arc::clone(a)), keep };
            }
            _ => None,
        },
        _ => None,
    };
    match value {
        Some(h) => Outcome::Value { value: SampleValue::Histogram(Arc::new(h)), keep: true },
        None => {
            notes.incompatible_types(kind(left), op, kind(right), span);
            Outcome::Nothing
        }
    }
}

fn kind(point: Point<'_>) -> &'static str {
    match point {
        Point::Float(_) => "float",
        Point::Histogram(_) => "histogram",
    }
}

fn scaled(h: &FloatHistogram, scale: impl FnOnce(&mut FloatHistogram)) -> FloatHistogram {
    let mut h = h.clone();
    scale(&mut h);
    histogram::compact(&mut h);
    h
}

fn add(
    op: BinaryOp,
    a: &FloatHistogram,
    b: &FloatHistogram,
    notes: &Annotations,
    span: Span,
) -> Outcome {
    let mut h = a.clone();
    let (result, kind) = if op == BinaryOp::Add {
        (histogram::add(&mut h, b), HistogramOp::Addition)
    } else {
        let result = histogram::sub(&mut h, b);
        h.reset_hint = ResetHint::Gauge;
        (result, HistogramOp::Subtraction)
    };
    let Ok(outcome) = result else {
        notes.incompatible_bucket_layout(op, span);
        return Outcome::Nothing;
    };
    if outcome.collision {
        notes.reset_collision(kind, span);
    }
    if outcome.reconciled {
        notes.reconciled_bounds(kind, span);
    }
    histogram::compact(&mut h);
    Outcome::Value { value: SampleValue::Histogram(Arc::new(h)), keep: true }
}
