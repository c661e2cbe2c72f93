//! Query texts: what parses is printed, in one line and in many, and what is printed parses to the
//! same tree.

use skopos_promql::ast::{At, DurationArg, DurationExpr, DurationKind, Expr, VectorSelector};
use skopos_promql::{ParseOptions, Span, parse, parse_selector};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = parse_selector(text);
    let _ = parse(text, &ParseOptions::default());
    let Ok(expr) = parse(text, &ParseOptions::all()) else { return };
    let printed = expr.to_string();
    let again = parse(&printed, &ParseOptions::all());
    if !is_printed_faithfully(&expr) || printed.contains(char::REPLACEMENT_CHARACTER) {
        // Upstream prints these so too; what does parse again prints the same again.
        let Ok(again) = again else { return };
        let twice = again.to_string();
        if let Ok(third) = parse(&twice, &ParseOptions::all()) {
            assert_eq!(third.to_string(), twice, "{text:?}");
        }
        return;
    }
    let shape = without_places(expr.clone());
    assert_eq!(again.map(without_places).as_ref(), Ok(&shape), "{printed}");
    let pretty = expr.pretty();
    let again = parse(&pretty, &ParseOptions::all());
    assert_eq!(again.map(without_places).as_ref(), Ok(&shape), "{pretty}");
}

/// The tree with all places at the start, and with conditions in one order.
fn without_places(mut expr: Expr) -> Expr {
    expr.walk_mut(&mut |e| match e {
        Expr::Aggregate(e) => e.span = Span::default(),
        Expr::Binary(e) => e.span = Span::default(),
        Expr::Call(e) => e.span = Span::default(),
        Expr::Matrix(e) => {
            e.span = Span::default();
            duration(&mut e.range);
            selector(&mut e.selector);
        }
        Expr::Number(e) => e.span = Span::default(),
        Expr::Paren(e) => e.span = Span::default(),
        Expr::String(e) => e.span = Span::default(),
        Expr::Subquery(e) => {
            e.span = Span::default();
            duration(&mut e.range);
            duration(&mut e.offset);
            e.step.iter_mut().for_each(duration);
        }
        Expr::Unary(e) => e.span = Span::default(),
        Expr::Vector(e) => selector(e),
    });
    expr
}

fn selector(e: &mut VectorSelector) {
    e.span = Span::default();
    e.matchers.sort();
    duration(&mut e.offset);
}

fn duration(arg: &mut DurationArg) {
    if let DurationArg::Expr(expr) = arg {
        duration_expr(expr);
    }
}

fn duration_expr(expr: &mut DurationExpr) {
    expr.span = Span::default();
    match &mut expr.kind {
        DurationKind::Number { .. } | DurationKind::Range | DurationKind::Step => {}
        DurationKind::Neg(d) | DurationKind::Plus(d) => duration_expr(d),
        DurationKind::Binary(_, a, b) | DurationKind::MinOf(a, b) | DurationKind::MaxOf(a, b) => {
            duration_expr(a);
            duration_expr(b);
        }
    }
}

/// Whether none of the parts is in it that Prometheus prints otherwise than they were; the crate's
/// documentation lists them.
fn is_printed_faithfully(expr: &Expr) -> bool {
    let mut faithful = true;
    expr.walk(&mut |e| {
        faithful &= match e {
            Expr::Matrix(e) => is_exact(&e.range) && is_faithful_selector(&e.selector),
            Expr::Number(e) => !e.value.is_infinite() && is_exact_number(e.value, e.is_duration),
            Expr::Subquery(e) => {
                let has_number = match &e.range {
                    DurationArg::Millis(_) => true,
                    DurationArg::Expr(range) => {
                        range.to_string().contains(|c: char| c.is_ascii_digit())
                    }
                };
                let step = e.step.as_ref().is_none_or(is_exact);
                has_number && step && is_exact(&e.range) && is_faithful_offset(&e.offset, e.at)
            }
            Expr::Vector(e) => is_faithful_selector(e),
            _ => true,
        };
        faithful
    });
    faithful
}

fn is_faithful_selector(e: &VectorSelector) -> bool {
    is_faithful_offset(&e.offset, e.at)
}

fn is_faithful_offset(offset: &DurationArg, at: Option<At>) -> bool {
    let takes_operators = matches!(offset, DurationArg::Expr(expr) if expr.wrapped
        || matches!(expr.kind, DurationKind::Binary(..)));
    let at = !matches!(at, Some(At::Timestamp(t)) if 1 << 52 < t.unsigned_abs());
    !takes_operators && is_exact(offset) && at
}

fn is_exact(arg: &DurationArg) -> bool {
    match arg {
        DurationArg::Millis(millis) => millis.unsigned_abs() < 100 * 86_400_000,
        DurationArg::Expr(expr) => is_exact_expr(expr),
    }
}

fn is_exact_expr(expr: &DurationExpr) -> bool {
    match &expr.kind {
        DurationKind::Number { seconds, is_duration } => is_exact_number(*seconds, *is_duration),
        DurationKind::Range | DurationKind::Step => true,
        DurationKind::Neg(d) | DurationKind::Plus(d) => is_exact_expr(d),
        DurationKind::Binary(_, a, b) | DurationKind::MinOf(a, b) | DurationKind::MaxOf(a, b) => {
            is_exact_expr(a) && is_exact_expr(b)
        }
    }
}

/// Whether a literal with units has whole seconds, which no rounding can change.
fn is_exact_number(value: f64, is_duration: bool) -> bool {
    !is_duration || (value.fract() == 0.0 && value.abs() < 1e6)
}
