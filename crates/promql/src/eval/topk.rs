//! Aggregations that choose series and do not fold them: `limitk`, `limit_ratio`, and what they
//! share with `topk` and `bottomk`.

use skopos_core::Labels;
use xxhash_rust::xxh64::xxh64;

use super::column::{Column, Series};
use super::group::Groups;
use super::{Evaluator, Grid, Result, Sink, execution};
use crate::ast::AggregateOp;
use crate::functions::over_time::nan_first;
use crate::plan::Aggregate;

/// A series at one step, by its place among the input.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) series: usize,
    pub(super) v: f64,
}

impl Evaluator<'_> {
    /// Hands the series that `limitk` and `limit_ratio` choose to `sink`.
    pub(super) fn each_of_some(
        &self,
        aggregate: &Aggregate,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let Some(param) = &aggregate.param else { return Err(super::not_typed()) };
        let params = self.scalar(&param.node, grid)?;
        self.check_param(aggregate, &params)?;
        let input = self.collect(&aggregate.input.node, grid)?;
        let input = &input.series;
        let mut groups = Groups::new(&aggregate.grouping, aggregate.without);
        let group_of: Vec<usize> = input.iter().map(|series| groups.of(&series.labels)).collect();
        let hashes: Vec<f64> = match aggregate.op {
            AggregateOp::LimitRatio => input.iter().map(|s| ratio_of(&s.labels)).collect(),
            _ => Vec::new(),
        };
        let mut chosen: Vec<Option<Column>> = vec![None; input.len()];
        let mut order = Vec::new();
        for (i, param) in params.into_iter().enumerate() {
            self.check_time()?;
            let mut picks: Vec<Vec<Candidate>> = vec![Vec::new(); groups.labels().len()];
            match aggregate.op {
                AggregateOp::LimitRatio => {
                    pick_ratio(input, &group_of, &hashes, param, i, &mut picks);
                }
                _ => pick_first(input, &group_of, whole(param), i, &mut picks),
            }
            for Candidate { series, .. } in picks.into_iter().flatten() {
                let column = chosen[series].get_or_insert_with(|| {
                    order.push(series);
                    Column::new(grid.steps)
                });
                if let Some(point) = input[series].column.at(i) {
                    column.set(i, point.to_value());
                }
            }
        }
        for at in order {
            if let Some(column) = chosen[at].take() {
                let Series { labels, drop_name, .. } = &input[at];
                sink(Series { labels: labels.clone(), drop_name: *drop_name, column })?;
            }
        }
        Ok(())
    }

    /// Errors and warnings of the parameter.
    pub(super) fn check_param(&self, aggregate: &Aggregate, params: &[f64]) -> Result<()> {
        if aggregate.op == AggregateOp::LimitRatio {
            if params.iter().any(|r| r.is_nan()) {
                return Err(execution("Ratio value is NaN"));
            }
            let span = aggregate.param.as_ref().map(|param| param.span).unwrap_or_default();
            let max = params.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let min = params.iter().copied().fold(f64::INFINITY, f64::min);
            if 1.0 < max {
                self.notes.invalid_ratio(max, 1.0, span);
            }
            if min < -1.0 {
                self.notes.invalid_ratio(min, -1.0, span);
            }
            return Ok(());
        }
        for k in params {
            if k.is_nan() {
                return Err(execution("Parameter value is NaN"));
            }
            let shown = skopos_core::text::format_float(*k, skopos_core::text::FloatStyle::General);
            if 9_223_372_036_854_775_808.0 <= *k {
                return Err(execution(format!("Scalar value {shown} overflows int64")));
            }
            if *k <= -9_223_372_036_854_775_808.0 {
                return Err(execution(format!("Scalar value {shown} underflows int64")));
            }
        }
        Ok(())
    }
}

/// A parameter as a number of series.
pub(super) fn whole(k: f64) -> usize {
    if k < 1.0 { 0 } else { k as usize }
}

/// Where in [0, 1) the hash of the labels lies, by which `limit_ratio` samples.
fn ratio_of(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(256);
    for (name, value) in labels {
        for part in [name, value] {
            match u8::try_from(part.len()) {
                Ok(len) if len < 255 => bytes.push(len),
                _ => {
                    bytes.push(0xff);
                    bytes.extend_from_slice(&(part.len() as u32).to_le_bytes()[..3]);
                }
            }
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    xxh64(&bytes, 0) as f64 / u64::MAX as f64
}

fn pick_ratio(
    input: &[Series],
    group_of: &[usize],
    hashes: &[f64],
    ratio: f64,
    step: usize,
    picks: &mut [Vec<Candidate>],
) {
    let ratio = ratio.clamp(-1.0, 1.0);
    for (at, series) in input.iter().enumerate().filter(|(_, s)| s.column.has(step)) {
        let taken = if 0.0 <= ratio { hashes[at] < ratio } else { 1.0 + ratio <= hashes[at] };
        if taken && ratio != 0.0 {
            let v = if series.column.floats().get(step) { series.column.float(step) } else { 0.0 };
            push(&mut picks[group_of[at]], Candidate { series: at, v }, least_first);
        }
    }
}

fn pick_first(
    input: &[Series],
    group_of: &[usize],
    k: usize,
    step: usize,
    picks: &mut [Vec<Candidate>],
) {
    for (at, _) in input.iter().enumerate().filter(|(_, s)| s.column.has(step)) {
        let picks = &mut picks[group_of[at]];
        if picks.len() < k {
            picks.push(Candidate { series: at, v: 0.0 });
        }
    }
}

pub(super) type Less = fn(&Candidate, &Candidate) -> bool;

/// NaN, then the least value.
pub(super) fn least_first(a: &Candidate, b: &Candidate) -> bool {
    nan_first(&a.v, &b.v).is_lt()
}

/// NaN, then the greatest value.
pub(super) fn greatest_first(a: &Candidate, b: &Candidate) -> bool {
    if a.v.is_nan() || b.v.is_nan() { a.v.is_nan() && !b.v.is_nan() } else { b.v < a.v }
}

/// Adds to a binary heap whose root is the candidate to give up first. Which of equal ones that is
/// depends on every exchange, so these are those of the textbook, as upstream's are.
pub(super) fn push(heap: &mut Vec<Candidate>, candidate: Candidate, less: Less) {
    heap.push(candidate);
    let mut at = heap.len() - 1;
    while 0 < at {
        let parent = (at - 1) / 2;
        if !less(&heap[at], &heap[parent]) {
            break;
        }
        heap.swap(at, parent);
        at = parent;
    }
}

/// Restores the heap after its root was replaced.
pub(super) fn sift_down(heap: &mut [Candidate], less: Less) {
    let mut at = 0;
    loop {
        let mut child = 2 * at + 1;
        if heap.len() <= child {
            return;
        }
        if child + 1 < heap.len() && less(&heap[child + 1], &heap[child]) {
            child += 1;
        }
        if !less(&heap[child], &heap[at]) {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}
