//! A column of integers: an affine map, a prediction, and residuals in one of four forms.

use alloc::vec::Vec;

use super::bitpack::width_of;
use super::entropy::{self, Entropy};
use super::input::{Fault, Input, push_uvarint, push_varint};
use super::predict::{Integrator, Predictor};
use super::sparse::{self, Sparse};
use super::{BLOCK, Block, Tier, packed};

/// The forms of residuals, in bits 2 and 3 of a column's first byte.
const EQUAL: u8 = 0;
const PACKED: u8 = 1;
const SPARSE: u8 = 2;
const ENTROPY: u8 = 3;

/// Residuals that are read block by block.
enum Residuals<'a> {
    Equal,
    Packed,
    Sparse(Sparse<'a>),
    Entropy(Entropy<'a>),
}

/// Where integers go as they are read.
pub(super) trait Sink {
    /// Lets `write` set 128 integers, and takes the first `n` of them.
    fn take(&mut self, n: usize, write: impl FnOnce(&mut [i64; BLOCK]));
}

impl Sink for Vec<i64> {
    #[inline]
    fn take(&mut self, n: usize, write: impl FnOnce(&mut [i64; BLOCK])) {
        let start = self.len();
        self.resize(start.wrapping_add(BLOCK), 0);
        if let Some(block) = self.last_chunk_mut() {
            write(block);
        }
        self.truncate(start.wrapping_add(n));
    }
}

/// Reads `len` integers, at least one, into `sink`.
///
/// # Errors
///
/// What is wrong with the bytes; the integers that went into `sink` before are sound.
#[inline]
pub(super) fn read(input: &mut Input<'_>, len: usize, sink: &mut impl Sink) -> Result<(), Fault> {
    let start = *input;
    let head = input.byte()?;
    if 0x0f < head {
        return Err(start.wrong("form of a column"));
    }
    let predictor = Predictor::from_code(head);
    let first = input.varint()?;
    let start = *input;
    let factor = input.uvarint()?;
    if factor == 0 || (factor != 1 && predictor == Predictor::Bits) {
        return Err(start.wrong("factor of a column"));
    }
    let slope = if predictor.has_slope() { input.varint()? } else { 0 };
    let base = input.varint()?;
    // Without a factor, the map is done by starting from the first integer.
    let map = Map { first: if factor == 1 { 0 } else { first }, factor };
    let start_at = if factor == 1 { first } else { 0 };
    let n_given = predictor.n_given().min(len);
    if n_given != 0 {
        sink.take(n_given, |block| {
            for (y, given) in block.iter_mut().zip([start_at, start_at.wrapping_add(slope)]) {
                *y = given.cast_signed();
            }
            map.apply(block);
        });
    }
    let n_residuals = len.wrapping_sub(n_given);
    let mut residuals = Residuals::read(input, head >> 2, base, n_residuals)?;
    let mut integrator = Integrator::new(predictor, start_at, slope);
    let mut block = [base; BLOCK];
    for at in (0..n_residuals).step_by(BLOCK) {
        let n = n_residuals.wrapping_sub(at).min(BLOCK);
        residuals.fill(input, base, at, n, &mut block)?;
        sink.take(n, |ys| {
            integrator.integrate(&block, ys);
            map.apply(ys);
        });
    }
    match residuals {
        Residuals::Entropy(entropy) => entropy.finish(input),
        _ => Ok(()),
    }
}

impl<'a> Residuals<'a> {
    fn read(input: &mut Input<'a>, form: u8, base: u64, len: usize) -> Result<Self, Fault> {
        let start = *input;
        Ok(match form {
            EQUAL => Self::Equal,
            PACKED => Self::Packed,
            SPARSE => Self::Sparse(Sparse::read(input, len)?),
            _ if len == 0 => return Err(start.wrong("stream of no residuals")),
            _ => Self::Entropy(Entropy::read(input, base)?),
        })
    }

    #[inline]
    fn fill(
        &mut self,
        input: &mut Input<'a>,
        base: u64,
        at: usize,
        len: usize,
        block: &mut Block,
    ) -> Result<(), Fault> {
        match self {
            // The block was filled at first, and nobody changes it.
            Self::Equal => (),
            Self::Packed => packed::read_block(input, base, len, block)?,
            Self::Sparse(sparse) => sparse.fill(base, at, len, block),
            Self::Entropy(entropy) => entropy.fill(len, block)?,
        }
        Ok(())
    }
}

/// `first + factor · y`.
#[derive(Clone, Copy)]
struct Map {
    first: u64,
    factor: u64,
}

impl Map {
    #[inline]
    fn apply(self, ys: &mut [i64]) {
        if self.factor == 1 {
            return;
        }
        let (first, factor) = (self.first.cast_signed(), self.factor.cast_signed());
        if self.factor.is_power_of_two() {
            let shift = factor.trailing_zeros();
            for y in ys {
                *y = first.wrapping_add(*y << shift);
            }
        } else {
            for y in ys {
                *y = first.wrapping_add(y.wrapping_mul(factor));
            }
        }
    }
}

/// Writes integers, at least one.
pub(super) fn write(xs: &[u64], predictors: &[Predictor], tier: Tier, bytes: &mut Vec<u8>) {
    let first = xs.first().copied().unwrap_or(0);
    let mut ys: Vec<u64> = xs.iter().map(|x| x.wrapping_sub(first)).collect();
    let factor = common_factor(&ys);
    if factor != 1 {
        for y in &mut ys {
            *y = (*y as i64 / factor as i64) as u64;
        }
    }
    let mut candidates: Vec<Candidate> = slopes(&ys, predictors)
        .into_iter()
        .map(|(predictor, slope)| match predictor {
            // Bits are not mapped.
            Predictor::Bits => Candidate::new(predictor, 0, 1, xs),
            _ => Candidate::new(predictor, slope, factor, &ys),
        })
        .collect();
    candidates.sort_by_key(|candidate| candidate.bits);
    // The estimates are of packing, and entropy coding may see it otherwise.
    let n_tried = if tier == Tier::Cold { 3 } else { 1 };
    let tried = candidates.iter().take(n_tried).map(|c| c.write(first, tier));
    if let Some(least) = tried.min_by_key(Vec::len) {
        bytes.extend(least);
    }
}

/// Predictors with the slopes that are worth trying.
fn slopes(ys: &[u64], predictors: &[Predictor]) -> Vec<(Predictor, u64)> {
    let last = ys.last().copied().unwrap_or(0) as i64;
    let n_steps = ys.len().saturating_sub(1).max(1) as i64;
    let second = ys.get(1).copied().unwrap_or(0);
    let mut slopes = Vec::new();
    for predictor in predictors {
        match predictor {
            Predictor::Line => {
                let mean = last.wrapping_add(n_steps / 2).div_euclid(n_steps);
                slopes.push((Predictor::Line, 0));
                if mean != 0 {
                    slopes.push((Predictor::Line, mean as u64));
                }
            }
            Predictor::Trend => slopes.push((Predictor::Trend, second)),
            other => slopes.push((*other, 0)),
        }
    }
    slopes
}

/// The greatest common divisor of signed integers; 1 if all are 0.
fn common_factor(ys: &[u64]) -> u64 {
    let mut factor = 0;
    for y in ys {
        let mut rest = (*y as i64).unsigned_abs();
        while rest != 0 {
            (factor, rest) = (rest, factor % rest);
        }
        if factor == 1 {
            break;
        }
    }
    // Integers are divided as signed ones.
    if factor == 0 || 1 << 63 <= factor { 1 } else { factor }
}

/// A prediction and what it leaves.
struct Candidate {
    predictor: Predictor,
    slope: u64,
    factor: u64,
    residuals: Vec<u64>,
    majority: Option<u64>,
    /// About how many bits it takes without entropy coding.
    bits: u64,
    packs: bool,
}

impl Candidate {
    fn new(predictor: Predictor, slope: u64, factor: u64, ys: &[u64]) -> Self {
        let residuals = predictor.residuals(ys, slope);
        let packed = packed::estimated_bits(&residuals);
        let majority = sparse::majority(&residuals);
        let sparse = majority.map_or(u64::MAX, |(base, others)| {
            if others == 0 { 0 } else { sparse::estimated_bits(&residuals, base) }
        });
        let bits = packed.min(sparse) + u64::from(width_of(slope));
        let packs = packed < sparse;
        let majority = majority.map(|(base, _)| base);
        Self { predictor, slope, factor, residuals, majority, bits, packs }
    }

    fn write(&self, first: u64, tier: Tier) -> Vec<u8> {
        let mut bytes = Vec::new();
        let quick = self.write_quick(&mut bytes);
        let mut written = self.head(quick, first);
        written.extend(bytes);
        if tier == Tier::Cold && quick.0 != EQUAL {
            let mut bytes = Vec::new();
            let base = entropy::write(&self.residuals, &mut bytes);
            let mut coded = self.head((ENTROPY, base), first);
            coded.extend(bytes);
            // What is hardly smaller is not worth the time to decode it.
            let gain = (written.len() / 32).max(self.residuals.len() / 64);
            if coded.len() + gain < written.len() {
                return coded;
            }
        }
        written
    }

    /// Writes the residuals without entropy coding; returns their form and base.
    fn write_quick(&self, bytes: &mut Vec<u8>) -> (u8, u64) {
        let Some(first) = self.residuals.first().copied() else { return (EQUAL, 0) };
        if self.residuals.iter().all(|r| *r == first) {
            return (EQUAL, first);
        }
        match self.majority.filter(|_| !self.packs) {
            Some(base) => {
                sparse::write(&self.residuals, base, bytes);
                (SPARSE, base)
            }
            None => {
                packed::write(&self.residuals, first, bytes);
                (PACKED, first)
            }
        }
    }

    fn head(&self, (form, base): (u8, u64), first: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24);
        bytes.push(self.predictor.code() | (form << 2));
        push_varint(&mut bytes, first);
        push_uvarint(&mut bytes, self.factor);
        if self.predictor.has_slope() {
            push_varint(&mut bytes, self.slope);
        }
        push_varint(&mut bytes, base);
        bytes
    }
}
