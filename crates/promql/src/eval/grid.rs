//! The times at which an expression is evaluated.

/// Times at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The first, in milliseconds.
    pub(crate) start: i64,
    /// The distance in milliseconds; positive.
    pub(crate) step: i64,
    /// How many there are.
    pub(crate) steps: usize,
}

impl Grid {
    /// The times from `start` to `end`.
    pub(crate) fn new(start: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        let span = i128::from(end) - i128::from(start);
        let steps = if span < 0 { 0 } else { span / i128::from(step) + 1 };
        Self { start, step, steps: usize::try_from(steps).unwrap_or(usize::MAX) }
    }

    /// The first time alone.
    pub(crate) fn first(self) -> Self {
        Self { steps: self.steps.min(1), ..self }
    }

    /// The time of a step, which is one of the grid's.
    #[inline]
    pub(crate) fn time(self, i: usize) -> i64 {
        // No time of the grid is after its end, which is one that can be told.
        self.start.wrapping_add(self.step.wrapping_mul(i as i64))
    }

    /// The last time.
    pub(crate) fn end(self) -> i64 {
        self.time(self.steps.saturating_sub(1))
    }
}
