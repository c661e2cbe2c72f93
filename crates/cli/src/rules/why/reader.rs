//! PromQL's tree as the parts that are asked for one by one.

use skopos_core::Timestamp;
use skopos_promql::ast::{
    At, DurationArg, DurationContext, Expr, VectorMatchCardinality, VectorMatching, VectorSelector,
};
use skopos_promql::{ParseOptions, parse};
use skopos_rules::why::{
    Aggregation, Binary, ExpressionReader, Matching, Part, PartKind, Selector, Side,
};

/// Reads PromQL, with everything that can be enabled.
pub(super) struct Reader;

impl ExpressionReader for Reader {
    fn read(&self, expr: &str) -> Option<Part> {
        parse(expr, &ParseOptions::all()).ok().map(|expr| part(&expr))
    }
}

fn part(expr: &Expr) -> Part {
    let span = expr.span();
    let span = span.start as usize..span.end as usize;
    Part::new(span, expr.to_string(), kind(expr))
}

fn kind(expr: &Expr) -> PartKind {
    match expr {
        Expr::Aggregate(e) => {
            let mut aggregation = Aggregation::new(e.op.as_str(), part(&e.expr));
            aggregation.parameter = e.param.as_ref().map(|param| Box::new(part(param)));
            aggregation.grouping = e.grouping.iter().map(ToString::to_string).collect();
            aggregation.without = e.without;
            PartKind::Aggregation(aggregation)
        }
        Expr::Binary(e) => {
            let mut binary = Binary::new(e.op.as_str(), part(&e.lhs), part(&e.rhs));
            binary.is_bool = e.return_bool;
            binary.matching = e.matching.as_ref().map(matching);
            PartKind::Binary(binary)
        }
        Expr::Call(e) => PartKind::Call {
            function: e.func.name.to_owned(),
            arguments: e.args.iter().map(part).collect(),
        },
        Expr::Matrix(e) => selector(&e.selector, Some(&e.range)),
        Expr::Number(e) => PartKind::Number(e.value),
        Expr::Paren(e) => PartKind::Transparent(Box::new(part(&e.expr))),
        Expr::String(e) => PartKind::Text(e.value.to_string()),
        Expr::Subquery(e) => PartKind::Subquery(Box::new(part(&e.expr))),
        Expr::Unary(e) => PartKind::Transparent(Box::new(part(&e.expr))),
        Expr::Vector(e) => selector(e, None),
    }
}

fn matching(from: &VectorMatching) -> Matching {
    let mut matching = Matching::default();
    matching.labels = from.matching_labels.iter().map(ToString::to_string).collect();
    matching.on = from.on;
    matching.many = match from.card {
        VectorMatchCardinality::ManyToOne => Some(Side::Left),
        VectorMatchCardinality::OneToMany => Some(Side::Right),
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => None,
    };
    matching.include = from.include.iter().map(ToString::to_string).collect();
    (matching.fill_left, matching.fill_right) = (from.fill_left, from.fill_right);
    matching
}

/// A selector, unless its durations cannot be computed.
fn selector(from: &VectorSelector, range: Option<&DurationArg>) -> PartKind {
    // Rules ask instant queries.
    let times = DurationContext::default();
    let (Ok(offset), Ok(range)) =
        (from.offset.millis(times), range.map(|range| range.positive_millis(times)).transpose())
    else {
        return PartKind::Other(Vec::new());
    };
    let mut selector = Selector::default();
    selector.matchers = from.matchers.to_vec();
    selector.range = range;
    selector.offset = offset;
    selector.at = match from.at {
        Some(At::Timestamp(millis)) => Some(Timestamp::from_millis(millis)),
        Some(At::Start | At::End) | None => None,
    };
    PartKind::Selector(selector)
}
