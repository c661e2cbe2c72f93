//! Divisions whose result is missing just when it matters.

use super::{Code, Linter, metric, number, only_selector};
use crate::ast::{AggregateOp, BinaryExpr, BinaryOp, Expr, UnaryOp, VectorSelector};
use crate::types::ValueType;

/// Which values of an expression are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    High,
    Low,
}

impl Asked {
    fn flipped(self) -> Self {
        match self {
            Self::High => Self::Low,
            Self::Low => Self::High,
        }
    }
}

pub(super) fn lint(linter: &mut Linter<'_>, e: &BinaryExpr) {
    let asked = match e.op {
        BinaryOp::Gte | BinaryOp::Gtr => Asked::High,
        BinaryOp::Lss | BinaryOp::Lte => Asked::Low,
        _ => return,
    };
    if e.rhs.value_type() == ValueType::Scalar {
        descend(linter, &e.lhs, asked);
    } else if e.lhs.value_type() == ValueType::Scalar {
        descend(linter, &e.rhs, asked.flipped());
    }
}

/// Looks for divisions from which the values of `expr` are made monotonically.
fn descend(linter: &mut Linter<'_>, expr: &Expr, asked: Asked) {
    match expr {
        Expr::Paren(e) => descend(linter, &e.expr, asked),
        Expr::Unary(e) => {
            let asked = if e.op == UnaryOp::Minus { asked.flipped() } else { asked };
            descend(linter, &e.expr, asked);
        }
        Expr::Aggregate(e) => {
            use AggregateOp::{Avg, Max, Min, Sum};
            if matches!(e.op, Avg | Max | Min | Sum) {
                descend(linter, &e.expr, asked);
            }
        }
        Expr::Binary(e) => descend_operator(linter, e, asked),
        _ => {}
    }
}

fn descend_operator(linter: &mut Linter<'_>, e: &BinaryExpr, asked: Asked) {
    let (left, right) = (number(&e.lhs), number(&e.rhs));
    match (e.op, left, right) {
        (BinaryOp::Div, None, None) => divided(linter, e, asked),
        (BinaryOp::Add | BinaryOp::Sub, None, Some(_)) => descend(linter, &e.lhs, asked),
        (BinaryOp::Div | BinaryOp::Mul, None, Some(n)) if 0.0 < n => {
            descend(linter, &e.lhs, asked);
        }
        (BinaryOp::Add, Some(_), None) => descend(linter, &e.rhs, asked),
        (BinaryOp::Mul, Some(n), None) if 0.0 < n => descend(linter, &e.rhs, asked),
        (BinaryOp::Sub, Some(_), None) => descend(linter, &e.rhs, asked.flipped()),
        _ => {}
    }
}

fn divided(linter: &mut Linter<'_>, e: &BinaryExpr, asked: Asked) {
    let Some(matching) = &e.matching else { return };
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return;
    }
    if linter.options.has(Code::DivisionWithoutFallback) && !has_fallback(&e.lhs, &e.rhs) {
        linter.add(Code::DivisionWithoutFallback, e.span, || {
            "where one side has no series there is no result, and the comparison is silent".into()
        });
    }
    let (Some(above), Some(below)) = (only_selector(&e.lhs), only_selector(&e.rhs)) else { return };
    // A missing part is a ratio of 0: of which somebody who asks for high ones need not hear.
    let (part, whole) = match asked {
        Asked::Low => (above, below),
        Asked::High => (below, above),
    };
    if is_part(part, whole) {
        linter.add(Code::DivisionHidesAbsence, e.span, || {
            let name = metric::name(part).unwrap_or_default();
            format!("once no series of {name} matches the narrower selector there is no ratio to compare")
        });
    }
}

fn has_fallback(left: &Expr, right: &Expr) -> bool {
    let mut found = false;
    for side in [left, right] {
        side.walk(&mut |e| {
            found |= matches!(e, Expr::Binary(e) if e.op == BinaryOp::Or);
            !found
        });
    }
    found
}

/// Whether `part` asks for fewer of the series of `whole`.
fn is_part(part: &VectorSelector, whole: &VectorSelector) -> bool {
    let Some(name) = metric::name(part) else { return false };
    // Labels that all series of a histogram have come and go together.
    let fixed = |name: &str| matches!(name, "le" | "quantile");
    metric::name(whole) == Some(name)
        && part.matchers.len() <= 64
        && whole.matchers.iter().all(|m| part.matchers.contains(m))
        && part.matchers.iter().any(|m| !whole.matchers.contains(m) && !fixed(m.name()))
}
