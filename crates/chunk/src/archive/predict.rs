//! Predictions: what is written of a column of integers is what they got wrong.
//!
//! Integers are added and subtracted modulo 2^64.

use alloc::vec::Vec;

use super::Block;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Integrator {
    predictor: Predictor,
    /// The integer before the next one; of a line, what its place foretells.
    y: u64,
    /// The slope, or the difference before.
    slope: u64,
}

impl Integrator {
    /// Starts with `first`, to which the slope leads on.
    pub(super) fn new(predictor: Predictor, first: u64, slope: u64) -> Self {
        let y = match predictor {
            Predictor::Trend => first.wrapping_add(slope),
            _ => first,
        };
        Self { predictor, y, slope }
    }

    #[inline]
    pub(super) fn integrate(&mut self, block: &mut Block) {
        match self.predictor {
            Predictor::Line => {
                // Four at a time, without multiplying.
                let steps = [0, 1, 2, 3].map(|i: u64| i.wrapping_mul(self.slope));
                let mut starts = steps.map(|step| self.y.wrapping_add(step));
                for ys in block.as_chunks_mut::<4>().0 {
                    for (y, start) in ys.iter_mut().zip(&mut starts) {
                        *y = y.wrapping_add(*start);
                        *start = start.wrapping_add(self.slope << 2);
                    }
                }
                self.y = self.y.wrapping_add(self.slope.wrapping_mul(block.len() as u64));
            }
            Predictor::Last => {
                for y in block {
                    self.y = self.y.wrapping_add(*y);
                    *y = self.y;
                }
            }
            Predictor::Trend => {
                for y in block {
                    self.slope = self.slope.wrapping_add(*y);
                    self.y = self.y.wrapping_add(self.slope);
                    *y = self.y;
                }
            }
            Predictor::Bits => {
                for y in block {
                    self.y ^= *y;
                    *y = self.y;
                }
            }
        }
    }
}
