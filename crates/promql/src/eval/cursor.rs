//! A place among times that ascend, which only moves forward.

/// How many times are not after the one that was last asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    pub(super) at: usize,
    /// How far it moved the last time.
    stride: usize,
}

impl Cursor {
    /// Moves behind the last time that is not after `t`, and tells the place.
    #[inline]
    pub(super) fn advance(&mut self, times: &[i64], t: i64) -> usize {
        let before = self.at;
        // Samples come at equal distances as a rule, so that the next move is like the last one.
        let guess = before + self.stride;
        if 0 < self.stride && times.get(guess - 1).is_some_and(|time| *time <= t) {
            self.at = guess;
        }
        while times.get(self.at).is_some_and(|time| *time <= t) {
            self.at += 1;
        }
        self.stride = self.at - before;
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn a_cursor_stands_where_a_search_would() {
        let times = [1, 2, 3, 3, 7, 20, 21, 22, 23, 24, 40];
        for step in 1..12 {
            let mut cursor = Cursor::default();
            for t in (-3..60).step_by(step) {
                assert_eq!(cursor.advance(&times, t), times.partition_point(|time| *time <= t));
            }
        }
    }
}
