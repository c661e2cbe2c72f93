//! From the syntax tree to what is evaluated: durations and fixed times resolved, parentheses gone,
//! and a mark on every part whose value does not depend on the step.

mod resolve;

use std::sync::Arc;

use skopos_core::{Matcher, Selection};

use self::resolve::{Resolved, resolve};
pub(crate) use self::resolve::{info_matchers, info_reference, info_times};
use crate::ast::{
    AggregateExpr, AggregateOp, At, BinaryExpr, BinaryOp, DurationContext, Expr, List,
    MatrixSelector, SubqueryExpr, UnaryOp, VectorMatchCardinality, VectorMatching, VectorSelector,
};
use crate::error::Error;
use crate::eval::{Grid, is_metadata, of_scalars};
use crate::signature::Signature;
use crate::span::Span;
use crate::types::ValueType;

/// The times of a query, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// 0 for an instant query.
    pub(crate) step: i64,
    /// The step of subqueries that name none.
    pub(crate) subquery_step: i64,
    /// How far an instant selector looks back.
    pub(crate) lookback: i64,
}

impl Times {
    /// The times of evaluation.
    pub(crate) fn grid(&self) -> Grid {
        if self.step == 0 {
            return Grid::new(self.start, self.start, 1);
        }
        Grid::new(self.start, self.end, self.step)
    }
}

/// A planned expression.
#[derive(Debug)]
pub(crate) enum Node {
    Aggregate(Box<Aggregate>),
    Binary(Box<Binary>),
    Call(Box<Call>),
    Negate(Box<Negation>),
    Number(Constant),
    /// The same at every step: evaluated at the first.
    Once(Box<Self>),
    Range(Box<Range>),
    Selector(Box<Selector>),
    Text(Arc<str>),
}

/// A number that is known before the query runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant {
    pub(crate) v: f64,
    /// Whether it was computed from others.
    pub(crate) folded: bool,
    pub(crate) span: Span,
}

/// A change of sign.
#[derive(Debug)]
pub(crate) struct Negation {
    pub(crate) input: Node,
    pub(crate) span: Span,
}

/// How samples count in a query's statistics.
///
/// Prometheus counts what each step would cost as a query of its own, so that what is evaluated once
/// counts at every step. Inside of a function's subquery nothing counts: its result does.
pub(crate) type Weight = u64;

/// A choice of series.
#[derive(Debug)]
pub(crate) struct Selector {
    /// Which of the plan's selections it reads; none where there is no step.
    pub(crate) selection: Option<usize>,
    /// How each of its values counts.
    pub(crate) weight: Weight,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) shift: Shift,
    pub(crate) anchored: bool,
    pub(crate) smoothed: bool,
    /// Whether only counts and sums of histograms are asked for.
    pub(crate) stats: bool,
    /// What is done with the series, for the source to know.
    pub(crate) around: Around,
    pub(crate) span: Span,
}

/// The call or aggregation around a selector.
#[derive(Clone, Debug, Default)]
pub(crate) struct Around {
    /// The function's or operator's name; empty under a binary operator.
    pub(crate) function: &'static str,
    /// The grouping of an aggregation.
    pub(crate) grouping: Vec<Arc<str>>,
    /// Whether the grouping is kept and not dropped.
    pub(crate) by: bool,
}

/// Which time is meant at a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    offset: i64,
    at: Option<i64>,
}

impl Shift {
    /// The time that is meant at step `t`.
    pub(crate) fn reference(&self, t: i64) -> i64 {
        self.at.unwrap_or(t).saturating_sub(self.offset)
    }

    /// A shift by an offset in milliseconds.
    #[cfg(test)]
    pub(crate) fn by(offset: i64) -> Self {
        Self { offset, at: None }
    }

    /// The offset, for evaluations that keep to one time.
    pub(crate) fn is_fixed(&self) -> bool {
        self.at.is_some()
    }
}

/// A range vector.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) source: RangeSource,
    /// How far it looks back, in milliseconds.
    pub(crate) range: i64,
    /// How each sample of a window counts.
    pub(crate) weight: Weight,
    pub(crate) span: Span,
}

impl Range {
    /// How many samples a window has as a rule: they come every 15 seconds in most places.
    pub(crate) fn usual_samples(&self) -> usize {
        usize::try_from(self.range / 15_000).unwrap_or(usize::MAX)
    }
}

/// Where the samples of a range vector come from.
#[derive(Debug)]
pub(crate) enum RangeSource {
    Selector(Selector),
    Subquery { node: Node, step: i64, shift: Shift },
}

/// A function call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) func: &'static Signature,
    pub(crate) args: Vec<Arg>,
    /// How the values of info series count.
    pub(crate) weight: Weight,
    /// Of `info`, which of the plan's selections holds its info series.
    pub(crate) info: Option<usize>,
    /// Whether nobody looks at the names of its series, so that they need not be dropped.
    pub(crate) name_unseen: bool,
    pub(crate) span: Span,
}

/// An argument.
#[derive(Debug)]
pub(crate) struct Arg {
    pub(crate) node: Node,
    pub(crate) span: Span,
}

/// An aggregation.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) op: AggregateOp,
    pub(crate) input: Arg,
    pub(crate) param: Option<Arg>,
    /// Ascending.
    pub(crate) grouping: Vec<Arc<str>>,
    pub(crate) without: bool,
    pub(crate) span: Span,
}

/// A binary operation.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) op: BinaryOp,
    pub(crate) lhs: Node,
    pub(crate) rhs: Node,
    pub(crate) lhs_scalar: bool,
    pub(crate) rhs_scalar: bool,
    pub(crate) return_bool: bool,
    pub(crate) matching: VectorMatching,
    pub(crate) span: Span,
}

/// A planned query.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) root: Node,
    pub(crate) value_type: ValueType,
    /// When the root is evaluated.
    pub(crate) grid: Grid,
    /// Whether it is evaluated once, for a vector.
    pub(crate) is_instant: bool,
    /// What is asked of the source; equal selectors have one in common.
    pub(crate) selections: Vec<Selection>,
    /// How many times the query is evaluated, or one of its subqueries, if that is more.
    pub(crate) most_steps: usize,
}

/// Plans a query for its times.
pub(crate) fn plan(expr: &Expr, times: Times) -> Result<Plan, Error> {
    let mut planner = Planner {
        times,
        context: DurationContext { step: times.step, range: times.end.saturating_sub(times.start) },
        stats: false,
        around: Around::default(),
    };
    let mut root = planner.node(expr)?.once();
    let grid = times.grid();
    let Resolved { selections, most_steps } = resolve(&mut root, times, grid);
    let (value_type, is_instant) = (expr.value_type(), times.step == 0);
    Ok(Plan { root, value_type, grid, is_instant, selections, most_steps })
}

/// A node, and whether it is the same at every step.
struct Planned {
    node: Node,
    invariant: bool,
}

impl Planned {
    fn new(node: Node, invariant: bool) -> Self {
        Self { node, invariant }
    }

    fn number(v: f64, span: Span, folded: bool) -> Self {
        Self::new(Node::Number(Constant { v, folded, span }), true)
    }

    /// The node, wrapped if it is worth it.
    fn once(self) -> Node {
        let literal = matches!(self.node, Node::Number(_) | Node::Text(_) | Node::Range(_));
        if self.invariant && !literal { Node::Once(Box::new(self.node)) } else { self.node }
    }
}

/// Functions whose value depends on the step, whatever their arguments are.
const STEP_VARIANT: [&str; 11] = [
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "predict_linear",
    "time",
    "timestamp",
    "year",
];

/// Whether a function's value depends on the step, whatever its arguments are.
#[cfg(feature = "test-script")]
pub(crate) fn is_step_variant(name: &str) -> bool {
    STEP_VARIANT.contains(&name) || matches!(name, "end" | "range" | "start" | "step")
}

/// Whether an aggregation gives groups of which no label tells what a metric is.
fn groups_without_name(e: &AggregateExpr) -> bool {
    let is_fold = !e.op.has_param() || e.op == AggregateOp::Quantile;
    is_fold && !e.without && !e.grouping.iter().any(|name| is_metadata(name))
}

struct Planner {
    times: Times,
    context: DurationContext,
    /// Whether only counts and sums of histograms are asked for here.
    stats: bool,
    around: Around,
}

impl Planner {
    fn node(&mut self, expr: &Expr) -> Result<Planned, Error> {
        match expr {
            Expr::Aggregate(e) => self.aggregate(e),
            Expr::Binary(e) => self.binary(e),
            Expr::Call(e) => self.call(e.func, &e.args, e.span),
            Expr::Matrix(e) => self.matrix(e),
            Expr::Number(e) => Ok(Planned::number(e.value, e.span, false)),
            Expr::Paren(e) => self.node(&e.expr),
            Expr::String(e) => Ok(Planned::new(Node::Text(Arc::clone(&e.value)), true)),
            Expr::Subquery(e) => self.subquery(e),
            Expr::Unary(e) => {
                let inner = self.node(&e.expr)?;
                Ok(match (e.op, inner.node) {
                    (UnaryOp::Plus, node) => Planned::new(node, inner.invariant),
                    (UnaryOp::Minus, Node::Number(Constant { v, folded, .. })) => {
                        Planned::number(-v, e.span, folded)
                    }
                    (UnaryOp::Minus, input) => {
                        let negation = Negation { input, span: e.span };
                        Planned::new(Node::Negate(Box::new(negation)), inner.invariant)
                    }
                })
            }
            Expr::Vector(e) => {
                let selector = self.selector(e)?;
                let invariant = selector.shift.is_fixed();
                Ok(Planned::new(Node::Selector(Box::new(selector)), invariant))
            }
        }
    }

    fn at(&self, at: Option<At>) -> Option<i64> {
        at.map(|at| match at {
            At::Timestamp(t) => t,
            At::Start => self.times.start,
            At::End => self.times.end,
        })
    }

    fn selector(&self, e: &VectorSelector) -> Result<Selector, Error> {
        Ok(Selector {
            selection: None,
            weight: 0,
            matchers: e.matchers.to_vec(),
            shift: Shift { offset: e.offset.millis(self.context)?, at: self.at(e.at) },
            anchored: e.anchored,
            smoothed: e.smoothed,
            stats: self.stats,
            around: self.around.clone(),
            span: e.span,
        })
    }

    fn matrix(&mut self, e: &MatrixSelector) -> Result<Planned, Error> {
        let range = e.range.positive_millis(self.context)?;
        let selector = self.selector(&e.selector)?;
        let invariant = selector.shift.is_fixed();
        let source = RangeSource::Selector(selector);
        let range = Range { source, range, weight: 0, span: e.span };
        Ok(Planned::new(Node::Range(Box::new(range)), invariant))
    }

    fn subquery(&mut self, e: &SubqueryExpr) -> Result<Planned, Error> {
        let range = e.range.positive_millis(self.context)?;
        let step = match &e.step {
            Some(step) => step.positive_millis(self.context)?,
            None => self.times.subquery_step,
        };
        let shift = Shift { offset: e.offset.millis(self.context)?, at: self.at(e.at) };
        let stats = std::mem::take(&mut self.stats);
        let node = self.node(&e.expr)?.once();
        self.stats = stats;
        let source = RangeSource::Subquery { node, step: step.max(1), shift };
        let range = Range { source, range, weight: 0, span: e.span };
        Ok(Planned::new(Node::Range(Box::new(range)), shift.is_fixed()))
    }

    fn call(
        &mut self,
        func: &'static Signature,
        args: &[Expr],
        span: Span,
    ) -> Result<Planned, Error> {
        let seconds = |millis: i64| Planned::number(millis as f64 / 1000.0, span, true);
        match func.name {
            "start" => return Ok(seconds(self.times.start)),
            "end" => return Ok(seconds(self.times.end)),
            "range" => return Ok(seconds(self.context.range)),
            "step" => return Ok(seconds(self.context.step)),
            "pi" => return Ok(Planned::number(std::f64::consts::PI, span, true)),
            _ => {}
        }
        let outer = self.stats;
        self.stats = match func.name {
            "histogram_avg" | "histogram_count" | "histogram_sum" => true,
            "histogram_fraction" | "histogram_quantile" | "histogram_quantiles" => false,
            _ => outer,
        };
        let around = Around { function: func.name, ..Around::default() };
        let around = std::mem::replace(&mut self.around, around);
        let mut planned = Vec::with_capacity(args.len());
        for arg in args {
            let arg = arg.unparen();
            planned.push((self.node(arg)?, arg.span()));
        }
        self.stats = outer;
        self.around = around;
        let fixed_selector = |p: &Planned| p.invariant && matches!(p.node, Node::Selector(_));
        let variant = STEP_VARIANT.contains(&func.name)
            && !(func.name == "timestamp" && planned.iter().all(|(p, _)| fixed_selector(p)));
        let invariant = !variant && planned.iter().all(|(p, _)| p.invariant);
        let args = planned
            .into_iter()
            .map(|(p, span)| Arg { node: if invariant { p.node } else { p.once() }, span })
            .collect();
        let (weight, info, name_unseen) = (0, None, false);
        let call = Call { func, args, weight, info, name_unseen, span };
        Ok(Planned::new(Node::Call(Box::new(call)), invariant))
    }

    fn aggregate(&mut self, e: &AggregateExpr) -> Result<Planned, Error> {
        let (function, grouping) = (e.op.as_str(), e.grouping.to_vec());
        let around = Around { function, grouping, by: !e.without };
        let around = std::mem::replace(&mut self.around, around);
        let param = match &e.param {
            Some(param) => Some((self.node(param)?, param.span())),
            None => None,
        };
        let mut input = self.node(&e.expr)?;
        self.around = around;
        if let Node::Call(call) = &mut input.node {
            call.name_unseen = groups_without_name(e);
        }
        let invariant = input.invariant && param.as_ref().is_none_or(|(p, _)| p.invariant);
        let wrap = |p: Planned| if invariant { p.node } else { p.once() };
        let mut grouping = e.grouping.to_vec();
        grouping.sort();
        grouping.dedup();
        let aggregate = Aggregate {
            op: e.op,
            input: Arg { node: wrap(input), span: e.expr.span() },
            param: param.map(|(p, span)| Arg { node: wrap(p), span }),
            grouping,
            without: e.without,
            span: e.span,
        };
        Ok(Planned::new(Node::Aggregate(Box::new(aggregate)), invariant))
    }

    fn binary(&mut self, e: &BinaryExpr) -> Result<Planned, Error> {
        let around = std::mem::take(&mut self.around);
        // Long chains lean to the left; they are walked and not descended into.
        let mut chain = vec![e];
        let mut first = &e.lhs;
        while let Expr::Binary(next) = first {
            chain.push(next);
            first = &next.lhs;
        }
        let mut lhs = self.node(first)?;
        for e in chain.into_iter().rev() {
            let rhs = self.node(&e.rhs)?;
            lhs = Self::joined(e, lhs, rhs);
        }
        self.around = around;
        Ok(lhs)
    }

    fn joined(e: &BinaryExpr, lhs: Planned, rhs: Planned) -> Planned {
        if let (Node::Number(a), Node::Number(b)) = (&lhs.node, &rhs.node) {
            return Planned::number(of_scalars(e.op, a.v, b.v), e.span, true);
        }
        let invariant = lhs.invariant && rhs.invariant;
        let wrap = |p: Planned| if invariant { p.node } else { p.once() };
        let matching = e.matching.clone().unwrap_or(VectorMatching {
            card: VectorMatchCardinality::OneToOne,
            matching_labels: List::new(),
            on: false,
            include: List::new(),
            fill_left: None,
            fill_right: None,
        });
        let binary = Binary {
            op: e.op,
            lhs: wrap(lhs),
            rhs: wrap(rhs),
            lhs_scalar: e.lhs.value_type() == ValueType::Scalar,
            rhs_scalar: e.rhs.value_type() == ValueType::Scalar,
            return_bool: e.return_bool,
            matching,
            span: e.span,
        };
        Planned::new(Node::Binary(Box::new(binary)), invariant)
    }
}
