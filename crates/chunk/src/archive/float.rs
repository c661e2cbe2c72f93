//! A column of floats: decimals as integers, or the floats' bits as integers.

use alloc::vec::Vec;
use core::ops::Range;

use super::column::{self, Sink};
use super::input::{Fault, Input, push_uvarint};
use super::predict::Predictor;
use super::{BLOCK, Tier};

/// The form of a column whose integers are the floats' bits; smaller ones are a number of decimals.
const BITS: u8 = 0x40;
/// The most decimals.
const MAX_DECIMALS: u8 = 22;
/// More decimals than that are compared with the floats' bits before they are written.
const SURE_DECIMALS: usize = 6;
const SIGN: u64 = 1 << 63;

/// The powers of ten that a float holds exactly.
const POWERS: [f64; MAX_DECIMALS as usize + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Adding and subtracting it rounds to an integer, as long as the result is below 2^51.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Floats that no decimal gives: a run of equal ones.
#[derive(Debug)]
struct Run {
    places: Range<usize>,
    bits: u64,
}

/// Reads `len` floats, at least one, and appends them to `values`.
///
/// # Errors
///
/// What is wrong with the bytes; the floats before are appended.
pub(super) fn read(input: &mut Input<'_>, len: usize, values: &mut Vec<f64>) -> Result<(), Fault> {
    let start = *input;
    let form = input.byte()?;
    if form == BITS {
        return column::read(input, len, &mut OrderedBits { values });
    }
    let Some(power) = POWERS.get(usize::from(form)) else {
        return Err(start.wrong("form of the values"));
    };
    let runs = read_runs(input, len)?;
    let before = values.len();
    let mut decimals = Decimals::new(form, *power, values);
    let result = column::read(input, len, &mut decimals);
    let new = values.split_at_mut(before).1;
    for run in runs {
        let places = run.places.start.min(new.len())..run.places.end.min(new.len());
        if let Some(values) = new.get_mut(places) {
            values.fill(f64::from_bits(run.bits));
        }
    }
    result
}

fn read_runs(input: &mut Input<'_>, len: usize) -> Result<Vec<Run>, Fault> {
    let start = *input;
    let n_runs = input.uvarint()?;
    if (len as u64) < n_runs {
        return Err(start.wrong("number of special values"));
    }
    let mut runs = Vec::new();
    let mut end = 0_usize;
    for _ in 0..n_runs {
        let before = *input;
        let (gap, more) = (input.uvarint()?, input.uvarint()?);
        let bits = *input.take(8)?.first_chunk().ok_or_else(|| before.end())?;
        let left = len.saturating_sub(end) as u64;
        if left <= gap || left.wrapping_sub(gap) <= more {
            return Err(before.wrong("run of special values"));
        }
        let start = end.wrapping_add(gap as usize);
        end = start.wrapping_add(more as usize).wrapping_add(1);
        runs.push(Run { places: start..end, bits: u64::from_le_bytes(bits) });
    }
    Ok(runs)
}

/// Turns integers in the order of floats into these.
struct OrderedBits<'a> {
    values: &'a mut Vec<f64>,
}

impl Sink for OrderedBits<'_> {
    #[inline]
    fn take(&mut self, n: usize, write: impl FnOnce(&mut [i64; BLOCK])) {
        let mut xs = [0; BLOCK];
        write(&mut xs);
        let xs = xs.split_at(n).0.iter();
        self.values.extend(xs.map(|x| f64::from_bits(from_ordered(x.cast_unsigned()))));
    }
}

/// Turns integers into decimals: the float nearest to n / 10^decimals.
struct Decimals<'a> {
    values: &'a mut Vec<f64>,
    power: f64,
    /// The reciprocal of the power in two parts, where they give what division gives.
    ///
    /// `high` has 21 bits, so that its product with an integer of 32 bits is exact, and what is
    /// wrong with the sum of both products is below 2^-72 of it. A quotient that is not a float lies
    /// at least 2^-54 / 5^decimals of itself from the middle between two floats, which is more for up
    /// to 7 decimals; it cannot be in the middle, since n is too small for the odd factor it needs.
    parts: Option<(f64, f64)>,
    whole: bool,
}

impl<'a> Decimals<'a> {
    /// The most decimals for which multiplying is proved to be as good.
    const MULTIPLIED: u8 = 7;

    fn new(decimals: u8, power: f64, values: &'a mut Vec<f64>) -> Self {
        let high = f64::from_bits((1.0 / power).to_bits() & (u64::MAX << 32));
        // Both operations before the division are exact.
        let low = (1.0 - high * power) / power;
        let parts = (decimals <= Self::MULTIPLIED).then_some((high, low));
        Self { values, power, parts, whole: decimals == 0 }
    }
}

impl Sink for Decimals<'_> {
    #[inline]
    fn take(&mut self, n: usize, write: impl FnOnce(&mut [i64; BLOCK])) {
        let mut ns = [0; BLOCK];
        write(&mut ns);
        // All bits that are set in any of them, where those in range have none from a bit on.
        let short = ns.iter().fold(0, |all, n| all | n.wrapping_add(1 << 31).cast_unsigned());
        let ns = ns.split_at(n).0.iter();
        match self.parts {
            _ if 1 << 32 <= short => {
                let power = self.power;
                self.values.extend(ns.map(|n| *n as f64 / power));
            }
            _ if self.whole => self.values.extend(ns.map(|n| small(*n))),
            Some((high, low)) => {
                self.values.extend(ns.map(|n| small(*n)).map(|n| n * high + n * low));
            }
            None => {
                let power = self.power;
                self.values.extend(ns.map(|n| small(*n) / power));
            }
        }
    }
}

/// A signed integer below 2^51 as a float, in a way that vectors can do.
#[inline]
fn small(n: i64) -> f64 {
    f64::from_bits(n.cast_unsigned().wrapping_add(ROUNDER.to_bits())) - ROUNDER
}

/// An integer whose order as a signed one is that of the floats.
fn to_ordered(bits: u64) -> u64 {
    if bits & SIGN == 0 { bits } else { bits ^ !SIGN }
}

fn from_ordered(ordered: u64) -> u64 {
    ordered ^ (((ordered as i64) >> 63) as u64 & !SIGN)
}

/// Writes floats, at least one.
pub(super) fn write(values: &[f64], tier: Tier, bytes: &mut Vec<u8>) {
    let decimals = decimals_of(values);
    let by_decimals = decimals.map(|decimals| written_decimals(values, decimals, tier));
    match by_decimals {
        Some(written) if decimals <= Some(SURE_DECIMALS) => bytes.extend(written),
        Some(written) => {
            let by_bits = written_bits(values, tier);
            bytes.extend(if by_bits.len() < written.len() { by_bits } else { written });
        }
        None => bytes.extend(written_bits(values, tier)),
    }
}

fn written_bits(values: &[f64], tier: Tier) -> Vec<u8> {
    let ordered: Vec<u64> = values.iter().map(|v| to_ordered(v.to_bits())).collect();
    let mut bytes = Vec::from([BITS]);
    let all = [Predictor::Line, Predictor::Last, Predictor::Trend, Predictor::Bits];
    column::write(&ordered, &all, tier, &mut bytes);
    bytes
}

fn written_decimals(values: &[f64], decimals: usize, tier: Tier) -> Vec<u8> {
    let mut ns: Vec<Option<u64>> = Vec::with_capacity(values.len());
    ns.extend(values.iter().map(|v| integer_of(*v, decimals).map(|n| n as u64)));
    let mut bytes = Vec::from([decimals as u8]);
    push_runs(values, &ns, &mut bytes);
    // In place of a special value stands the integer before it, which takes the fewest bits.
    let mut last = ns.iter().copied().flatten().next().unwrap_or(0);
    let ns: Vec<u64> = ns
        .into_iter()
        .map(|n| {
            last = n.unwrap_or(last);
            last
        })
        .collect();
    let integers = [Predictor::Line, Predictor::Last, Predictor::Trend];
    column::write(&ns, &integers, tier, &mut bytes);
    bytes
}

fn push_runs(values: &[f64], ns: &[Option<u64>], bytes: &mut Vec<u8>) {
    let mut runs: Vec<Run> = Vec::new();
    for (i, (v, _)) in values.iter().zip(ns).enumerate().filter(|(_, (_, n))| n.is_none()) {
        match runs.last_mut().filter(|run| run.places.end == i && run.bits == v.to_bits()) {
            Some(run) => run.places.end += 1,
            None => runs.push(Run { places: i..i + 1, bits: v.to_bits() }),
        }
    }
    push_uvarint(bytes, runs.len() as u64);
    let mut end = 0;
    for run in runs {
        push_uvarint(bytes, (run.places.start - end) as u64);
        push_uvarint(bytes, run.places.len() as u64 - 1);
        bytes.extend(run.bits.to_le_bytes());
        end = run.places.end;
    }
}

/// How many decimals all but a few of the values have; `None` if many have no such number.
fn decimals_of(values: &[f64]) -> Option<usize> {
    let few = values.len() / 64;
    let mut of_number = [0_usize; MAX_DECIMALS as usize + 1];
    let mut n_none = 0;
    for v in values.iter().filter(|v| v.is_finite() && v.to_bits() != SIGN) {
        match (0..of_number.len()).find(|decimals| integer_of(*v, *decimals).is_some()) {
            Some(decimals) => of_number[decimals] += 1,
            None => n_none += 1,
        }
        if values.len() / 16 < n_none {
            return None;
        }
    }
    let mut n_more = 0;
    for (decimals, n) in of_number.iter().enumerate().rev() {
        n_more += n;
        if few < n_more {
            return Some(decimals);
        }
    }
    Some(0)
}

/// The integer that, divided by the power of ten, is `v` to the bit.
fn integer_of(v: f64, decimals: usize) -> Option<i64> {
    let power = POWERS.get(decimals)?;
    let scaled = v * power;
    // Greater ones may be integers, but no decimals can be told.
    let limit = if decimals == 0 { 9_223_372_036_854_775_808.0 } else { 9_007_199_254_740_992.0 };
    if scaled.is_nan() || limit <= scaled.abs() {
        return None;
    }
    let n = if scaled.abs() < 2_251_799_813_685_248.0 {
        ((scaled + ROUNDER) - ROUNDER) as i64
    } else {
        scaled as i64
    };
    (((n as f64) / power).to_bits() == v.to_bits()).then_some(n)
}
