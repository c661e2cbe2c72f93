//! Comparisons that cannot be meant, and conditions that are none.

use super::metric::{self, Trend};
use super::{Code, Linter, is_shifted, number};
use crate::ast::{AggregateOp, BinaryExpr, BinaryOp, Expr};

/// A comparison with a number, the number on the right.
struct Comparison<'a> {
    subject: &'a Expr,
    op: BinaryOp,
    number: f64,
}

fn with_number(e: &BinaryExpr) -> Option<Comparison<'_>> {
    if !e.op.is_comparison() {
        return None;
    }
    if let Some(number) = number(&e.rhs) {
        return Some(Comparison { subject: e.lhs.unparen(), op: e.op, number });
    }
    let op = match e.op {
        BinaryOp::Gte => BinaryOp::Lte,
        BinaryOp::Gtr => BinaryOp::Lss,
        BinaryOp::Lss => BinaryOp::Gtr,
        BinaryOp::Lte => BinaryOp::Gte,
        op => op,
    };
    Some(Comparison { subject: e.rhs.unparen(), op, number: number(&e.lhs)? })
}

/// Whether the operator compares with 0: of a counter, whether anything happened ever.
pub(super) fn asks_existence(e: &BinaryExpr) -> bool {
    with_number(e).is_some_and(|comparison| comparison.number == 0.0)
}

pub(super) fn lint(linter: &mut Linter<'_>, e: &BinaryExpr) {
    let Some(comparison) = with_number(e) else { return };
    if let Some(what) = at_least_one(comparison.subject)
        && asks_below_one(&comparison)
    {
        linter.add(Code::CountIsNeverZero, e.span, || {
            format!("{what} of nothing is nothing and not 0, so that this never holds")
        });
    }
    let Expr::Vector(selector) = comparison.subject else { return };
    let orders = !matches!(comparison.op, BinaryOp::Eq | BinaryOp::Neq);
    if orders
        && comparison.number != 0.0
        && !is_shifted(selector)
        && metric::trend(selector, linter.options) == Trend::Counter
    {
        linter.add(Code::ComparisonOfCounter, e.span, || {
            let name = metric::name(selector).unwrap_or_default();
            format!("{name} is a counter, and its value depends on when it started")
        });
    }
}

/// What an expression is whose values are at least 1, wherever it has any.
fn at_least_one(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Aggregate(e) => {
            matches!(e.op, AggregateOp::Count | AggregateOp::Group).then(|| e.op.as_str())
        }
        Expr::Call(e) => matches!(
            e.func.name,
            "absent" | "absent_over_time" | "count_over_time" | "present_over_time"
        )
        .then_some(e.func.name),
        _ => None,
    }
}

fn asks_below_one(comparison: &Comparison<'_>) -> bool {
    let n = comparison.number;
    match comparison.op {
        BinaryOp::Eq | BinaryOp::Lte => n < 1.0,
        BinaryOp::Lss => n <= 1.0,
        _ => false,
    }
}

/// Lints of what an alert asks.
pub(super) fn lint_condition(linter: &mut Linter<'_>, expr: &Expr) {
    let mut filters = false;
    expr.walk(&mut |e| {
        match e {
            Expr::Binary(e) => {
                filters |= e.op.is_set() || e.op.is_comparison() && !e.return_bool;
            }
            Expr::Call(e) => {
                filters |= e.func.name.starts_with("absent");
                if e.func.name == "irate" {
                    linter.add(Code::IrateInAlert, e.span, || {
                        "irate looks at the last two samples alone, so that one decides".into()
                    });
                }
            }
            _ => {}
        }
        true
    });
    if !filters && always_answers(expr) {
        linter.add(Code::AlertWithoutCondition, expr.span(), || {
            "nothing is compared, so that it alerts wherever there are series at all".into()
        });
    }
}

/// Whether an expression computes values without choosing among them. Plain selectors are left alone:
/// there are series that exist only while something is wrong.
fn always_answers(expr: &Expr) -> bool {
    match expr.unparen() {
        Expr::Binary(e) => {
            let divides = matches!(e.op, BinaryOp::Div | BinaryOp::Sub) && e.matching.is_some();
            e.return_bool || divides || always_answers(&e.lhs) || always_answers(&e.rhs)
        }
        Expr::Call(e) => {
            matches!(e.func.name, "deriv" | "increase" | "irate" | "predict_linear" | "rate")
        }
        Expr::Aggregate(e) => {
            !matches!(e.op, AggregateOp::Count | AggregateOp::Group) && always_answers(&e.expr)
        }
        Expr::Unary(e) => always_answers(&e.expr),
        _ => false,
    }
}
