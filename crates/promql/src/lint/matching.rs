//! Labels that are asked for and cannot be there.

use skopos_core::labels::METRIC_NAME;

use super::labels::{self, KnownLabels, Operands};
use super::names::Names;
use super::{Code, Linter, metric};
use crate::ast::{AggregateExpr, BinaryExpr, BinaryOp, Call, Expr, VectorMatchCardinality};

pub(super) fn lint(linter: &mut Linter<'_>, expr: &Expr) {
    labels::walk(expr, &mut |e, operands| match e {
        Expr::Aggregate(e) => lint_grouping(linter, e, operands),
        Expr::Binary(e) => lint_operator(linter, e, operands),
        Expr::Call(e) if e.func.name == "histogram_quantile" => lint_le(linter, e, operands),
        _ => {}
    });
}

fn lint_grouping(linter: &mut Linter<'_>, e: &AggregateExpr, operands: Operands<'_, '_>) {
    let [inner] = operands else { return };
    if e.without || inner.only().is_none() {
        return;
    }
    let Some(missing) = e.grouping.iter().find(|name| inner.lacks(name)) else { return };
    linter.add(Code::GroupingLabelIsMissing, e.span, || {
        format!("{} groups by {missing}, which its operand has lost", e.op)
    });
}

/// Classic buckets without the label that tells them apart; native histograms need none.
fn lint_le(linter: &mut Linter<'_>, e: &Call, operands: Operands<'_, '_>) {
    let [_, inner] = operands else { return };
    let Some(vector) = e.args.get(1) else { return };
    if !inner.lacks("le") {
        return;
    }
    let Some(selector) = super::only_selector(vector) else { return };
    let Some(name) = metric::name(selector).filter(|name| name.ends_with("_bucket")) else {
        return;
    };
    linter.add(Code::QuantileWithoutLe, e.span, || {
        format!("the label le, which tells the buckets of {name} apart, is aggregated away")
    });
}

fn lint_operator(linter: &mut Linter<'_>, e: &BinaryExpr, operands: Operands<'_, '_>) {
    let ([left, right], Some(matching)) = (operands, &e.matching) else { return };
    let is_filled = matching.fill_left.is_some() || matching.fill_right.is_some();
    // `or` takes what does not match.
    if e.op == BinaryOp::Or || is_filled {
        return;
    }
    let one = match matching.card {
        VectorMatchCardinality::ManyToOne => Some(right),
        VectorMatchCardinality::OneToMany => Some(left),
        _ => None,
    };
    if let Some(one) = one
        && let Some(label) = matching.include.iter().find(|label| one.lacks(label))
    {
        linter.add(Code::JoinedLabelIsMissing, e.span, || {
            format!("{label} is to be taken from the other side, which has lost it")
        });
    }
    if matching.on {
        let listed = &matching.matching_labels;
        let one_sided = |label: &str| left.lacks(label) != right.lacks(label);
        if let Some(label) = listed.iter().find(|label| one_sided(label)) {
            linter.add(Code::OperandsNeverMatch, e.span, || {
                let side = if left.lacks(label) { "left" } else { "right" };
                format!("{} matches on {label}, which the {side} side has lost", e.op)
            });
        }
        return;
    }
    let ignored: Names<'_> = matching.matching_labels.iter().map(|name| &**name).collect();
    let compared = |name: &str| name != METRIC_NAME && !ignored.contains(name);
    let fixed = |side: &KnownLabels<'_>, other: &KnownLabels<'_>| {
        let mut always = side.always().iter().filter(|name| compared(name));
        always.any(|name| other.lacks(name))
    };
    if fixed(left, right) || fixed(right, left) {
        linter.add(Code::OperandsNeverMatch, e.span, || {
            format!("one side of {} has a label that the other has lost, so that none match", e.op)
        });
        return;
    }
    let (Some(a), Some(b)) = (left.exactly(), right.exactly()) else { return };
    let (a, b) = (a.clone().keep(compared), b.clone().keep(compared));
    if a == b {
        return;
    }
    linter.add(Code::OperandsNeverMatch, e.span, || {
        let list = |names: &[&str]| match names {
            [] => "no labels".to_owned(),
            names => names.join(", "),
        };
        let (a, b) = (list(a.as_slice()), list(b.as_slice()));
        format!("the left side of {} has {a} and the right side {b}, so that none match", e.op)
    });
}
