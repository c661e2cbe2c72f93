//! Functions of range vectors of floats: a loop of its own for what is asked most.
//!
//! Windows come in segments in which both ends move evenly, so that most loops have no condition in
//! them. What has no loop here is called window by window.

use super::Result;
use super::column::Column;
use super::range::Extent;
use super::range_function::{Prepared, RangeFunction};
use crate::functions::rate::{self, Slope};
use crate::functions::window::{Context, Samples, start_reset};
use crate::functions::{over_time, sliding};

impl Prepared<'_> {
    /// The function's value for each window of a series of floats; how large the windows are.
    ///
    /// The windows must not hold samples beyond their range.
    pub(super) fn fill_floats(
        &self,
        samples: &mut Samples,
        cx: &Context<'_>,
        column: &mut Column,
    ) -> Result<Extent> {
        match self.function {
            RangeFunction::Changes => {
                samples.count_floats(|samples, i| over_time::is_change(&samples.values, i));
                Ok(self.fill_counted(samples, column))
            }
            RangeFunction::Resets => {
                samples.count_floats(|samples, i| {
                    samples.values[i] < samples.values[i - 1]
                        || start_reset(&samples.times, &samples.starts, i)
                });
                Ok(self.fill_counted(samples, column))
            }
            RangeFunction::CountOverTime
            | RangeFunction::FirstOverTime
            | RangeFunction::LastOverTime
            | RangeFunction::PresentOverTime => Ok(self.fill_places(samples, column)),
            RangeFunction::Slope(slope) => Ok(self.fill_slopes(samples, slope, cx, column)),
            RangeFunction::AvgOverTime
            | RangeFunction::MaxOverTime
            | RangeFunction::MinOverTime
            | RangeFunction::QuantileOverTime
            | RangeFunction::StddevOverTime
            | RangeFunction::StdvarOverTime
            | RangeFunction::SumOverTime => self.slide(samples, column),
            _ => self.fill(samples, cx, column),
        }
    }

    /// What is told by where windows begin and end.
    fn fill_places(&self, samples: &Samples, column: &mut Column) -> Extent {
        let mut extent = Extent::default();
        for segment in self.windows.segments(&samples.times) {
            extent.add_all(&segment);
            let steps = segment.steps.clone();
            match self.function {
                RangeFunction::FirstOverTime => {
                    column.copy(steps, &samples.values[segment.from..], segment.from_stride);
                }
                RangeFunction::LastOverTime => {
                    column.copy(steps, &samples.values[segment.to - 1..], segment.to_stride);
                }
                RangeFunction::PresentOverTime => column.copy(steps, &[1.0], 0),
                _ => {
                    for (i, out) in column.slots(steps.clone()).iter_mut().enumerate() {
                        let (from, to) = segment.window(i);
                        *out = (to - from) as f64;
                    }
                    column.mark(steps);
                }
            }
        }
        extent
    }

    /// How many floats of each window have been counted.
    fn fill_counted(&self, samples: &Samples, column: &mut Column) -> Extent {
        let mut extent = Extent::default();
        for segment in self.windows.segments(&samples.times) {
            extent.add_all(&segment);
            let steps = segment.steps.clone();
            for (i, out) in column.slots(steps.clone()).iter_mut().enumerate() {
                *out = samples.counted_in(segment.window(i));
            }
            column.mark(steps);
        }
        extent
    }

    fn fill_slopes(
        &self,
        samples: &mut Samples,
        slope: Slope,
        cx: &Context<'_>,
        column: &mut Column,
    ) -> Extent {
        if slope.counter {
            samples.find_resets();
        }
        let mut extent = Extent::default();
        let mut factors = rate::Factors::default();
        for segment in self.windows.segments(&samples.times) {
            extent.add_all(&segment);
            let (from, steps) = (segment.steps.start, segment.steps.len());
            let mut done = 0;
            while done < steps {
                let window = self.windows.window(samples, &segment, done);
                let moves = rate::Moves {
                    step: self.windows.stride(),
                    stride: segment.from_stride,
                    count: if segment.from_stride == segment.to_stride { steps - done } else { 1 },
                };
                let out = column.slots(from + done..from + steps);
                let mut even = rate::of_even_floats(&window, moves, slope, &mut factors, out);
                if even == 0 {
                    if let Some(v) = rate::of_floats(&window, slope, cx, &mut factors) {
                        column.set_float(from + done, v);
                    }
                    even = 1;
                } else {
                    column.mark(from + done..from + done + even);
                }
                done += even;
            }
        }
        extent
    }

    /// Functions that carry something from a window to the next.
    fn slide(&self, samples: &Samples, column: &mut Column) -> Result<Extent> {
        let mut spans = Vec::with_capacity(self.windows.steps());
        let mut extent = Extent::default();
        for segment in self.windows.segments(&samples.times) {
            extent.add_all(&segment);
            spans.extend(segment.steps.clone().enumerate().map(|(i, step)| {
                let (from, to) = segment.window(i);
                sliding::Span { step, from, to }
            }));
        }
        // What is carried on costs little at each step; the rest is done as much at a time as takes a
        // few milliseconds, so that a query that is canceled ends.
        let carries = matches!(
            self.function,
            RangeFunction::MaxOverTime
                | RangeFunction::MinOverTime
                | RangeFunction::QuantileOverTime
        );
        let mut rest = spans.as_slice();
        while !rest.is_empty() {
            let count = if carries { rest.len() } else { sliding::block(rest) };
            let (now, later) = rest.split_at(count);
            self.slide_over(&samples.values, now, column);
            self.windows.interrupt.check_canceled()?;
            rest = later;
        }
        Ok(extent)
    }

    fn slide_over(&self, values: &[f64], spans: &[sliding::Span], column: &mut Column) {
        let out = &mut |i, v| column.set_float(i, v);
        match self.function {
            RangeFunction::AvgOverTime => sliding::mean(values, spans, out),
            RangeFunction::MaxOverTime => sliding::max(values, spans, out),
            RangeFunction::MinOverTime => sliding::min(values, spans, out),
            RangeFunction::QuantileOverTime => {
                let stop = || self.windows.interrupt.is_canceled();
                sliding::quantile(values, spans, |step| self.quantile(step), stop, out);
            }
            RangeFunction::StddevOverTime => {
                sliding::variance(values, spans, &mut |i, v| out(i, v.sqrt()));
            }
            RangeFunction::StdvarOverTime => sliding::variance(values, spans, out),
            _ => sliding::sum(values, spans, out),
        }
    }
}
