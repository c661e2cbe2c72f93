//! From a plan to its explanation.

use std::time::Duration;

use skopos_core::text::{FloatStyle, Quoted, format_float};
use skopos_core::{QueryStatistics, Timestamp};

use super::{Explanation, Measured, Operator};
use crate::ast::AggregateOp;
use crate::eval::Grid;
use crate::eval::analysis::{Analysis, Key};
use crate::plan::{Aggregate, Binary, Call, Node, Plan, Range, RangeSource};
use crate::span::Span;

impl Explanation {
    pub(crate) fn new(
        plan: &Plan,
        query: &str,
        analyzed: Option<(&Analysis<'_>, &QueryStatistics)>,
    ) -> Self {
        let mut readers = vec![0; plan.selections.len()];
        count_readers(&plan.root, &mut readers);
        let builder = Builder { query, analysis: analyzed.map(|(analysis, _)| analysis), readers };
        let grid = plan.grid;
        Self {
            query: query.to_owned(),
            start: Timestamp::from_millis(grid.start),
            end: Timestamp::from_millis(grid.end()),
            step: if plan.is_instant { 0 } else { grid.step },
            root: builder.node(&plan.root, grid),
            selections: plan.selections.clone(),
            statistics: analyzed.map(|(_, statistics)| statistics.clone()),
        }
    }
}

/// Counts the selectors that read each selection.
fn count_readers(node: &Node, readers: &mut [usize]) {
    let mut count = |selection: Option<usize>| {
        if let Some(n) = selection.and_then(|at| readers.get_mut(at)) {
            *n += 1;
        }
    };
    match node {
        Node::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                count_readers(&param.node, readers);
            }
            count_readers(&aggregate.input.node, readers);
        }
        Node::Binary(binary) => {
            count_readers(&binary.lhs, readers);
            count_readers(&binary.rhs, readers);
        }
        Node::Call(call) => {
            count(call.info);
            call.args.iter().for_each(|arg| count_readers(&arg.node, readers));
        }
        Node::Negate(negation) => count_readers(&negation.input, readers),
        Node::Number(_) | Node::Text(_) => {}
        Node::Once(inner) => count_readers(inner, readers),
        Node::Range(range) => match &range.source {
            RangeSource::Selector(selector) => count(selector.selection),
            RangeSource::Subquery { node, .. } => count_readers(node, readers),
        },
        Node::Selector(selector) => count(selector.selection),
    }
}

struct Builder<'b> {
    query: &'b str,
    analysis: Option<&'b Analysis<'b>>,
    /// How many selectors read each selection.
    readers: Vec<usize>,
}

impl Builder<'_> {
    fn node(&self, node: &Node, grid: Grid) -> Operator {
        match node {
            Node::Aggregate(aggregate) => self.aggregate(node, aggregate, grid),
            Node::Binary(binary) => self.binary(node, binary, grid),
            Node::Call(call) => self.call(node, call, grid),
            Node::Negate(negation) => {
                let mut operator = self.operator(node, "-", negation.span, grid);
                operator.inputs.push(self.node(&negation.input, grid));
                operator
            }
            Node::Number(constant) => {
                let name = format_float(constant.v, FloatStyle::General);
                let mut operator = self.operator(node, name, constant.span, grid);
                if constant.folded {
                    operator.marks.push("constant");
                }
                operator
            }
            Node::Once(inner) => {
                let mut operator = self.node(inner, grid.first());
                operator.marks.insert(0, "once");
                operator
            }
            Node::Range(range) => self.range(node, range, grid),
            Node::Selector(selector) => {
                let name = selector.span.slice(self.query);
                let mut operator = self.operator(node, name, selector.span, grid);
                self.selects(&mut operator, selector.selection);
                operator
            }
            Node::Text(text) => {
                self.operator(node, Quoted(text).to_string(), Span::default(), grid)
            }
        }
    }

    fn operator(&self, node: &Node, name: impl Into<String>, span: Span, grid: Grid) -> Operator {
        let measured = self.analysis.map(|analysis| {
            let observed = analysis.of(Key::of_node(node));
            let nanos = u64::try_from(observed.nanos).unwrap_or(0);
            Measured {
                series: observed.series,
                samples: observed.samples,
                bytes: observed.bytes,
                time: analysis.has_times().then_some(Duration::from_nanos(nanos)),
            }
        });
        Operator {
            name: name.into(),
            text: span.slice(self.query).to_owned(),
            span,
            steps: grid.steps,
            step: grid.step,
            marks: Vec::new(),
            selection: None,
            measured,
            inputs: Vec::new(),
        }
    }

    fn selects(&self, operator: &mut Operator, selection: Option<usize>) {
        operator.selection = selection;
        if selection.is_some_and(|at| 1 < self.readers[at]) {
            operator.marks.push("shared");
        }
    }

    fn aggregate(&self, node: &Node, aggregate: &Aggregate, grid: Grid) -> Operator {
        let mut name = aggregate.op.as_str().to_owned();
        if aggregate.without || !aggregate.grouping.is_empty() {
            let word = if aggregate.without { "without" } else { "by" };
            name = format!("{name} {word} ({})", aggregate.grouping.join(", "));
        }
        let mut operator = self.operator(node, name, aggregate.span, grid);
        operator.marks.push(match aggregate.op {
            AggregateOp::LimitK | AggregateOp::LimitRatio | AggregateOp::Quantile => "holds input",
            _ => "fused",
        });
        let param = aggregate.param.as_ref().filter(|param| !matches!(param.node, Node::Text(_)));
        operator.inputs.extend(param.map(|param| self.node(&param.node, grid)));
        operator.inputs.push(self.node(&aggregate.input.node, grid));
        operator
    }

    fn binary(&self, node: &Node, binary: &Binary, grid: Grid) -> Operator {
        let bool = if binary.return_bool { " bool" } else { "" };
        let name = format!("{}{bool}{}", binary.op.as_str(), binary.matching);
        let mut operator = self.operator(node, name, binary.span, grid);
        if !binary.lhs_scalar && !binary.rhs_scalar {
            operator.marks.push("holds input");
        }
        operator.inputs = vec![self.node(&binary.lhs, grid), self.node(&binary.rhs, grid)];
        operator
    }

    fn call(&self, node: &Node, call: &Call, grid: Grid) -> Operator {
        let name = call.func.name;
        let mut operator = self.operator(node, name, call.span, grid);
        let holds = match name {
            "histogram_fraction" | "histogram_quantile" | "histogram_quantiles" | "info" => true,
            _ => name.starts_with("sort"),
        };
        if holds {
            operator.marks.push("holds input");
        }
        self.selects(&mut operator, call.info);
        // The second argument of `info` is no selector of its own.
        let inputs = if name == "info" { 1 } else { call.args.len() };
        let inputs = call.args.iter().take(inputs).map(|arg| &arg.node);
        operator.inputs = inputs
            .filter(|node| !matches!(node, Node::Text(_)))
            .map(|node| self.node(node, grid))
            .collect();
        operator
    }

    fn range(&self, node: &Node, range: &Range, grid: Grid) -> Operator {
        match &range.source {
            RangeSource::Selector(selector) => {
                let name = range.span.slice(self.query);
                let mut operator = self.operator(node, name, range.span, grid);
                self.selects(&mut operator, selector.selection);
                operator
            }
            RangeSource::Subquery { node: inner, step, .. } => {
                let text = |millis| crate::duration::format_duration(millis);
                let name = format!("subquery [{}:{}]", text(range.range), text(*step));
                let mut operator = self.operator(node, name, range.span, grid);
                operator.inputs.push(self.node(inner, range.inner_grid(grid)));
                operator
            }
        }
    }
}
