//! Predictions: what is written of a column of integers is what they got wrong.
//!
//! Integers are added and subtracted modulo 2^64.

use alloc::vec::Vec;

use super::{BLOCK, Block};

/// How an integer is foretold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    /// From its place alone, on a line.
    Line,
    /// It equals the one before.
    Last,
    /// It differs from the one before as that one did from the one before it.
    Trend,
    /// It equals the one before, and the difference is in bits.
    Bits,
}

impl Predictor {
    pub(super) fn from_code(code: u8) -> Self {
        match code & 3 {
            0 => Self::Line,
            1 => Self::Last,
            2 => Self::Trend,
            _ => Self::Bits,
        }
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::Line => 0,
            Self::Last => 1,
            Self::Trend => 2,
            Self::Bits => 3,
        }
    }

    /// How many integers at the front have no residual.
    pub(super) fn n_given(self) -> usize {
        match self {
            Self::Line => 0,
            Self::Last | Self::Bits => 1,
            Self::Trend => 2,
        }
    }

    /// Whether a slope is written.
    pub(super) fn has_slope(self) -> bool {
        matches!(self, Self::Line | Self::Trend)
    }

    /// The residuals of integers; but for `Bits`, the first of them is 0.
    pub(super) fn residuals(self, ys: &[u64], slope: u64) -> Vec<u64> {
        let pairs = ys.windows(2).filter_map(|pair| pair.first_chunk::<2>());
        match self {
            Self::Line => {
                (0_u64..).zip(ys).map(|(i, y)| y.wrapping_sub(i.wrapping_mul(slope))).collect()
            }
            Self::Last => pairs.map(|[a, b]| b.wrapping_sub(*a)).collect(),
            Self::Bits => pairs.map(|[a, b]| b ^ a).collect(),
            Self::Trend => ys
                .windows(3)
                .filter_map(|three| three.first_chunk::<3>())
                .map(|[a, b, c]| c.wrapping_sub(*b).wrapping_sub(b.wrapping_sub(*a)))
                .collect(),
        }
    }
}

/// Turns residuals back into integers, block by block.
#[derive(Debug)]
pub(super) struct Integrator {
    predictor: Predictor,
    /// The integer before the next one; of a line, what its place foretells.
    y: u64,
    /// The slope, or the difference before.
    slope: u64,
    /// What the slope adds within a block of a line: a table, since vectors cannot multiply.
    ramp: Block,
}

impl Integrator {
    /// Starts with `first`, to which the slope leads on.
    pub(super) fn new(predictor: Predictor, first: u64, slope: u64) -> Self {
        let y = match predictor {
            Predictor::Trend => first.wrapping_add(slope),
            _ => first,
        };
        let mut ramp = [0; BLOCK];
        if predictor == Predictor::Line && slope != 0 {
            for (step, i) in ramp.iter_mut().zip(0_u64..) {
                *step = slope.wrapping_mul(i);
            }
        }
        Self { predictor, y, slope, ramp }
    }

    #[inline]
    pub(super) fn integrate(&mut self, residuals: &Block, ys: &mut [i64; BLOCK]) {
        let pairs = ys.iter_mut().zip(residuals);
        match self.predictor {
            Predictor::Line => {
                let start = self.y;
                for ((y, r), step) in pairs.zip(&self.ramp) {
                    *y = r.wrapping_add(start).wrapping_add(*step).cast_signed();
                }
                self.y = start.wrapping_add(self.slope.wrapping_mul(BLOCK as u64));
            }
            Predictor::Last => {
                let mut last = self.y;
                for (y, r) in pairs {
                    last = last.wrapping_add(*r);
                    *y = last.cast_signed();
                }
                self.y = last;
            }
            Predictor::Trend => {
                for (y, r) in pairs {
                    self.slope = self.slope.wrapping_add(*r);
                    self.y = self.y.wrapping_add(self.slope);
                    *y = self.y.cast_signed();
                }
            }
            Predictor::Bits => {
                for (y, r) in pairs {
                    self.y ^= r;
                    *y = self.y.cast_signed();
                }
            }
        }
    }
}
