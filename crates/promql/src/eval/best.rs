//! `topk` and `bottomk`: the series with the greatest or least values, at each step anew.
//!
//! Series are taken in one after the other, at all steps at once, and only the best of each step are
//! held: memory grows with `k` and not with the number of series.

use skopos_core::Labels;

use super::budget::Size;
use super::column::{Bits, Column, Series};
use super::group::Groups;
use super::topk::{Candidate, Less, greatest_first, least_first, push, sift_down, whole};
use super::{Evaluator, Grid, Result, Sink};
use crate::ast::AggregateOp;
use crate::plan::Aggregate;

impl Evaluator<'_> {
    /// Hands the best series to `sink`.
    pub(super) fn each_of_best(
        &self,
        aggregate: &Aggregate,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let Some(param) = &aggregate.param else { return Err(super::not_typed()) };
        let params = self.scalar(&param.node, grid)?;
        self.check_param(aggregate, &params)?;
        let wanted = Wanted {
            counts: params.into_iter().map(whole).collect(),
            top: aggregate.op == AggregateOp::TopK,
        };
        let mut groups = Groups::new(&aggregate.grouping, aggregate.without);
        let mut best: Vec<Best> = Vec::new();
        let mut input: Vec<(Labels, bool)> = Vec::new();
        let mut held = self.budget.hold(Size::default())?;
        self.each(&aggregate.input.node, grid, &mut |series| {
            let column = &series.column;
            if column.is_empty() {
                return Ok(());
            }
            let at = groups.of(&series.labels);
            if best.len() <= at {
                held.grow(Best::size(grid.steps))?;
                best.push(Best::new(&wanted));
            }
            let more = best[at].offer(column, input.len(), &wanted);
            held.grow(Size { samples: more, bytes: more * size_of::<Candidate>() })?;
            if wanted.ignores_of(column) {
                let op = aggregate.op.as_str();
                self.notes.histogram_ignored_in_aggregation(op, aggregate.span);
            }
            input.push((series.labels, series.drop_name));
            Ok(())
        })?;
        self.emit_best(best, &wanted, &input, grid, sink)
    }

    fn emit_best(
        &self,
        mut best: Vec<Best>,
        wanted: &Wanted,
        input: &[(Labels, bool)],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut chosen: Vec<Option<Column>> = vec![None; input.len()];
        let interrupt = self.settings.interrupt;
        // Those come first that are best at the first step.
        let mut order = Vec::new();
        for i in 0..grid.steps {
            interrupt.check_canceled()?;
            for best in &mut best {
                for Candidate { series, v } in best.take(i, wanted) {
                    let column = chosen[series].get_or_insert_with(|| {
                        order.push(series);
                        Column::new(grid.steps)
                    });
                    column.set_float(i, v);
                }
            }
        }
        for at in order {
            if let Some(column) = chosen[at].take() {
                let (labels, drop_name) = &input[at];
                sink(Series { labels: labels.clone(), drop_name: *drop_name, column })?;
            }
        }
        Ok(())
    }
}

/// How many series are wanted, of which kind.
struct Wanted {
    /// At each step.
    counts: Vec<usize>,
    /// Whether those with the greatest values.
    top: bool,
}

impl Wanted {
    /// The order of candidates, those to give up first.
    fn less(&self) -> Less {
        if self.top { least_first } else { greatest_first }
    }

    /// Whether a value takes the place of the worst one of as many as are wanted.
    #[inline]
    fn beats(&self, v: f64, worst: f64) -> bool {
        let better = if self.top { worst < v } else { v < worst };
        better || (worst.is_nan() && !v.is_nan())
    }

    /// Whether a series has histograms where something is wanted.
    fn ignores_of(&self, column: &Column) -> bool {
        let histograms = column.histograms().iter().zip(&self.counts);
        histograms.into_iter().any(|(h, count)| h.is_some() && 0 < *count)
    }
}

/// The best of a group at each step.
struct Best {
    /// Binary heaps, the worst of the best at the root.
    heaps: Vec<Vec<Candidate>>,
    /// The values at the roots of those that are full.
    worst: Vec<f64>,
    /// Which heaps have as many candidates as are wanted.
    full: Bits,
}

impl Best {
    /// How much the heaps take while they are empty.
    fn size(steps: usize) -> Size {
        let each = size_of::<Vec<Candidate>>() + size_of::<f64>();
        Size { samples: 0, bytes: steps.saturating_mul(each) }
    }

    fn new(wanted: &Wanted) -> Self {
        let steps = wanted.counts.len();
        // What beats everything stands where nothing is wanted.
        let worst = if wanted.top { f64::INFINITY } else { f64::NEG_INFINITY };
        let mut full = Bits::new(steps);
        let none = wanted.counts.iter().enumerate().filter(|(_, count)| **count == 0);
        none.for_each(|(i, _)| full.set(i));
        Self { heaps: vec![Vec::new(); steps], worst: vec![worst; steps], full }
    }

    /// Takes the floats of a series in; by how many candidates the heaps have grown.
    fn offer(&mut self, column: &Column, series: usize, wanted: &Wanted) -> usize {
        let mut grown = 0;
        for (at, word) in column.floats().words().iter().enumerate() {
            let from = 64 * at;
            if *word & !self.full.words()[at] == 0 {
                let to = column.steps().min(from + 64);
                let pairs = column.values()[from..to].iter().zip(&self.worst[from..to]);
                // Most series are among the best nowhere: a look at all steps says so. Where the
                // series has no value, what it seems to have does no harm.
                if !pairs.fold(false, |any, (v, worst)| any | wanted.beats(*v, *worst)) {
                    continue;
                }
            }
            let mut rest = *word;
            while rest != 0 {
                let i = from + rest.trailing_zeros() as usize;
                grown += usize::from(self.offer_one(i, column.float(i), series, wanted));
                rest &= rest - 1;
            }
        }
        grown
    }

    /// Takes one float in; whether the heap has grown.
    fn offer_one(&mut self, i: usize, v: f64, series: usize, wanted: &Wanted) -> bool {
        let (heap, count) = (&mut self.heaps[i], wanted.counts[i]);
        let grows = heap.len() < count;
        if grows {
            push(heap, Candidate { series, v }, wanted.less());
        } else if 0 < count && wanted.beats(v, heap[0].v) {
            heap[0] = Candidate { series, v };
            sift_down(heap, wanted.less());
        } else {
            return false;
        }
        if heap.len() == count {
            self.full.set(i);
            self.worst[i] = heap[0].v;
        }
        grows
    }

    /// The best at a step, the best first; equal values keep the order of the heap.
    fn take(&mut self, i: usize, wanted: &Wanted) -> Vec<Candidate> {
        let mut heap = std::mem::take(&mut self.heaps[i]);
        let less = wanted.less();
        heap.sort_by(|a, b| {
            if less(b, a) {
                std::cmp::Ordering::Less
            } else if less(a, b) {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        });
        heap
    }
}
