//! Whether a histogram can follow the last one of a chunk, and what has to be done for it.

use skopos_core::ResetHint;
use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;

use crate::histogram::flavor::{Counts, Flavor, Shape, State};
use crate::histogram::layout::Layout;
use crate::histogram::spans::Merged;

/// The answer.
#[derive(Debug)]
pub(super) enum Fit {
    /// It can, if both get the buckets that they lack, as empty ones.
    Joins { positive: Merged, negative: Merged },
    /// It begins a chunk with this header.
    Not(ResetHint),
}

/// A chunk's last sample, and the chunk's counter-reset header.
pub(super) struct Last<'c, H: Flavor> {
    pub(super) header: ResetHint,
    pub(super) layout: &'c Layout,
    pub(super) state: &'c State<H>,
}

impl<H: Flavor> Last<'_, H> {
    /// Whether a histogram that is no gauge can follow.
    pub(super) fn fit_counter(&self, shape: &Shape<'_>, counts: &Counts<'_, H>) -> Fit {
        if self.header == ResetHint::Gauge {
            return Fit::Not(H::AFTER_GAUGE);
        }
        if shape.hint == ResetHint::Reset {
            return Fit::Not(ResetHint::Reset);
        }
        if counts.is_stale() {
            return Fit::joins();
        }
        if self.state.is_stale() {
            return Fit::Not(ResetHint::Unknown);
        }
        if counts.count < self.state.count {
            return Fit::Not(ResetHint::Reset);
        }
        if !self.has_resolution(shape) {
            return Fit::Not(ResetHint::Unknown);
        }
        if !self.has_bounds(shape) || counts.zero < self.state.zero {
            return Fit::Not(ResetHint::Reset);
        }
        let last = self.state.counts(self.layout.n_positive);
        let positive = Merged::counters::<H>(
            (&self.layout.positive, last.positive),
            (shape.positive, counts.positive),
        );
        let negative = Merged::counters::<H>(
            (&self.layout.negative, last.negative),
            (shape.negative, counts.negative),
        );
        match (positive, negative) {
            (Ok(positive), Ok(negative)) => Fit::Joins { positive, negative },
            _ => Fit::Not(ResetHint::Reset),
        }
    }

    /// Whether a gauge can follow.
    pub(super) fn fit_gauge(&self, shape: &Shape<'_>, counts: &Counts<'_, H>) -> Fit {
        let header = ResetHint::Gauge;
        if self.header != header {
            return Fit::Not(header);
        }
        if counts.is_stale() {
            return Fit::joins();
        }
        if self.state.is_stale() || !self.has_resolution(shape) || !self.has_bounds(shape) {
            return Fit::Not(header);
        }
        Fit::Joins {
            positive: Merged::gauges(&self.layout.positive, shape.positive),
            negative: Merged::gauges(&self.layout.negative, shape.negative),
        }
    }

    fn has_resolution(&self, shape: &Shape<'_>) -> bool {
        shape.schema == self.layout.schema && shape.zero_threshold == self.layout.zero_threshold
    }

    fn has_bounds(&self, shape: &Shape<'_>) -> bool {
        let bits = |bound: &f64| bound.to_bits();
        shape.schema != CUSTOM_BUCKETS_SCHEMA
            || shape.custom.iter().map(bits).eq(self.layout.custom.iter().map(bits))
    }
}

impl Fit {
    fn joins() -> Self {
        Self::Joins { positive: Merged::default(), negative: Merged::default() }
    }
}
