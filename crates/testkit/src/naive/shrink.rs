//! Makes a failing case smaller, so that people can see what is wrong.

use super::Case;
use super::expr::{Expr, Shift};

/// Takes away what can be taken away while `fails` holds.
pub(crate) fn shrink(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut best = case.clone();
    while let Some(smaller) = candidates(&best).into_iter().find(|candidate| fails(candidate)) {
        best = smaller;
    }
    best
}

/// Cases that are each a little simpler.
fn candidates(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    for at in 0..size(&case.expr) {
        for replacement in simpler(node(&case.expr, at)) {
            let mut smaller = case.clone();
            *node_mut(&mut smaller.expr, at) = replacement;
            out.push(smaller);
        }
    }
    if case.start < case.end {
        let (first, steps) = (case.start + case.step, (case.end - case.start) / case.step);
        for (start, end) in [(case.start, case.start), (first, case.end)] {
            out.push(Case { start, end, ..case.clone() });
        }
        let end = case.start + (steps - 1).max(0) * case.step;
        if end < case.end {
            out.push(Case { end, ..case.clone() });
        }
    }
    for i in 0..case.data.series.len() {
        let mut smaller = case.clone();
        smaller.data.series.remove(i);
        out.push(smaller);
    }
    for (i, (_, samples)) in case.data.series.iter().enumerate() {
        let mut size = samples.len();
        while 0 < size {
            for from in (0..samples.len()).step_by(size) {
                let mut smaller = case.clone();
                let until = (from + size).min(samples.len());
                smaller.data.series[i].1.drain(from..until);
                out.push(smaller);
            }
            size /= 2;
        }
    }
    out
}

fn size(expr: &Expr) -> usize {
    1 + expr.children().into_iter().map(size).sum::<usize>()
}

/// The node with a number, those being counted from the root down.
fn node(expr: &Expr, mut at: usize) -> &Expr {
    if at == 0 {
        return expr;
    }
    at -= 1;
    for child in expr.children() {
        if at < size(child) {
            return node(child, at);
        }
        at -= size(child);
    }
    expr
}

fn node_mut(expr: &mut Expr, mut at: usize) -> &mut Expr {
    if at == 0 {
        return expr;
    }
    at -= 1;
    let sizes: Vec<usize> = expr.children().into_iter().map(size).collect();
    let child = sizes.iter().position(|size| {
        let here = at < *size;
        if !here {
            at -= size;
        }
        here
    });
    let mut children = expr.children_mut();
    node_mut(children.swap_remove(child.unwrap_or_default()), at)
}

/// Simpler expressions of the same type.
fn simpler(expr: &Expr) -> Vec<Expr> {
    let mut out: Vec<Expr> = expr
        .children()
        .into_iter()
        .flat_map(|child| [child].into_iter().chain(child.children()))
        .filter(|child| child.kind() == expr.kind())
        .cloned()
        .collect();
    match expr {
        Expr::Aggregate { op, grouping: Some(_), param, input } => out.push(Expr::Aggregate {
            op,
            grouping: None,
            param: param.clone(),
            input: input.clone(),
        }),
        Expr::Select(selector) if selector.shift.at.is_some() || selector.shift.offset != 0 => {
            let mut selector = selector.clone();
            selector.shift = Shift::default();
            out.push(Expr::Select(selector));
        }
        Expr::Window(selector, range)
            if selector.shift.at.is_some() || selector.shift.offset != 0 =>
        {
            let mut selector = selector.clone();
            selector.shift = Shift::default();
            out.push(Expr::Window(selector, *range));
        }
        Expr::Number(v) if *v != 1.0 => out.push(Expr::Number(1.0)),
        _ => {}
    }
    out
}
