//! The same query at another time: every selector without `@` gets one.

use crate::ast::{At, Expr};
use crate::plan::is_step_variant;

/// Whether a query's value depends on the time of evaluation apart from its selectors.
pub(super) fn is_variant(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= matches!(expr, Expr::Call(call) if is_step_variant(call.func.name));
        !found
    });
    found
}

/// Fixes all selectors at `t`; what lies inside of a subquery is fixed with it.
pub(super) fn pin(expr: &mut Expr, t: i64) {
    let fix = |at: &mut Option<At>| {
        if !matches!(at, Some(At::Timestamp(_))) {
            *at = Some(At::Timestamp(t));
        }
    };
    match expr {
        Expr::Aggregate(e) => {
            e.param.iter_mut().for_each(|param| pin(param, t));
            pin(&mut e.expr, t);
        }
        Expr::Binary(e) => {
            pin(&mut e.lhs, t);
            pin(&mut e.rhs, t);
        }
        Expr::Call(e) => e.args.iter_mut().for_each(|arg| pin(arg, t)),
        Expr::Matrix(e) => fix(&mut e.selector.at),
        Expr::Paren(e) => pin(&mut e.expr, t),
        Expr::Subquery(e) => fix(&mut e.at),
        Expr::Unary(e) => pin(&mut e.expr, t),
        Expr::Vector(e) => fix(&mut e.at),
        Expr::Number(_) | Expr::String(_) => {}
    }
}
