//! Slopes of many windows of floats that move evenly over samples at equal distances.
//!
//! All of them are extrapolated by the same factor, so that what is left is a loop without conditions.
//! The bits are those of one window after the other.

use super::{Extent, Factors, Slope};
use crate::functions::window::Window;

/// So many windows are looked at together.
const BLOCK: usize = 64;
/// Values within these limits can be multiplied by times without a look at their exponents.
const USUAL: std::ops::Range<f64> = 1e-200..1e200;

/// How the windows behind a first one lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moves {
    /// How far the next one is, in milliseconds.
    pub(crate) step: i64,
    /// How many samples further it begins and ends.
    pub(crate) stride: usize,
    /// How many windows there are, the first among them.
    pub(crate) count: usize,
}

/// Writes the slopes of `window` and those behind it, as far as they are even; how many there were.
pub(crate) fn of_even_floats(
    window: &Window<'_>,
    moves: Moves,
    slope: Slope,
    factors: &mut Factors,
    out: &mut [f64],
) -> usize {
    let samples = window.samples;
    let (from, to) = window.floats;
    let most = moves.count.min(BLOCK).min(out.len());
    if most < 2 || to - from < 2 || !samples.starts.is_empty() {
        return 0;
    }
    let moves = Moves { count: most, ..moves };
    let moves = Moves { count: even_times(&samples.times, from, moves), ..moves };
    let moves = Moves { count: even_times(&samples.times, to - 1, moves), ..moves };
    let (resets, count) =
        if slope.counter { shared_resets(window, moves) } else { (&[][..], moves.count) };
    if count < 2 {
        return 0;
    }
    let (mut first, mut last) = ([0.0; BLOCK], [0.0; BLOCK]);
    let firsts = every(&samples.values[from..], moves.stride, &mut first[..count]);
    let lasts = every(&samples.values[to - 1..], moves.stride, &mut last[..count]);
    let out = &mut out[..count];
    for (out, (first, last)) in out.iter_mut().zip(firsts.iter().zip(lasts)) {
        *out = last - first;
    }
    for reset in resets {
        let before = samples.values[reset - 1];
        out.iter_mut().for_each(|raw| *raw += before);
    }
    let times = &samples.times;
    let extent =
        Extent { first: times[from], last: times[to - 1], intervals: to - 1 - from, started: None };
    factors.prepare(window, &extent, slope);
    let near_zero = |first: f64, raw: f64| factors.may_reach_zero(first, raw);
    let raws = || firsts.iter().zip(&*out);
    if slope.counter && raws().fold(false, |any, (first, raw)| any | near_zero(*first, *raw)) {
        for (out, first) in out.iter_mut().zip(firsts) {
            *out *= factors.of_counter(window, slope, *first, *out);
        }
    } else {
        out.iter_mut().for_each(|raw| *raw *= factors.factor);
    }
    count
}

/// How many of the samples that windows move over are at the distances of the windows.
fn even_times(times: &[i64], at: usize, moves: Moves) -> usize {
    let Moves { step, stride, count } = moves;
    let is_even = |i: usize| times[at + stride * i] - times[at] == step * i as i64;
    if count < 2 || !is_even(1) {
        return count.min(1);
    }
    let uneven = if stride == 1 {
        let times = &times[at..at + count];
        let off = times.iter().enumerate().map(|(i, t)| t - times[0] - step * i as i64);
        off.fold(0, |any, off| any | off)
    } else {
        (2..count).fold(0, |any, i| any | i64::from(!is_even(i)))
    };
    if uneven == 0 { count } else { (2..count).find(|i| !is_even(*i)).unwrap_or(count) }
}

/// The resets in `window`, as indices, and how many windows have the same ones.
fn shared_resets<'a>(window: &Window<'a>, moves: Moves) -> (&'a [usize], usize) {
    let Moves { stride, count, .. } = moves;
    let (from, to) = window.floats;
    let resets = &window.samples.resets;
    let left = resets.partition_point(|i| *i <= from);
    let within = resets[left..].partition_point(|i| *i < to);
    let mut shared = count;
    if stride != 0 {
        if let Some(next) = resets.get(left) {
            shared = shared.min((next - from).div_ceil(stride));
        }
        if let Some(next) = resets.get(left + within) {
            shared = shared.min((next - to) / stride + 1);
        }
    }
    (&resets[left..left + within], shared)
}

/// Every `stride`th value, in place or in `buffer`, whose length tells how many.
fn every<'a>(values: &'a [f64], stride: usize, buffer: &'a mut [f64]) -> &'a [f64] {
    match stride {
        0 => buffer.fill(values[0]),
        1 => return &values[..buffer.len()],
        _ => buffer.iter_mut().zip(values.iter().step_by(stride)).for_each(|(to, v)| *to = *v),
    }
    buffer
}

impl Factors {
    /// Whether the counter may have been zero between the window's start and its first sample. Says
    /// so rather too often.
    #[inline]
    fn may_reach_zero(&self, first: f64, raw: f64) -> bool {
        // In real numbers: sampled * (first / raw) < to_start. The margin is far above what rounds.
        let limit = self.reach.to_start * (1.0 + 1e-9);
        let is_usual = |v: f64| (USUAL.start < v) & (v < USUAL.end);
        let is_far = is_usual(first) & is_usual(raw) & (limit * raw < first * self.reach.sampled);
        (0.0 < raw) & (0.0 <= first) & !is_far
    }
}
