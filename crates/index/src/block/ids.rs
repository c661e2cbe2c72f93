//! Searching ascending numbers by jumps, be they decoded or as a file has them.

/// Ascending numbers that can be searched.
pub(super) trait Ascending {
    fn count(&self) -> usize;

    /// The number at `index`, which is below the count.
    fn number(&self, index: usize) -> u32;

    /// The index of the first number from `from` on that is not below `target`: in steps that double,
    /// so that near ones are found fast.
    #[inline]
    fn seek(&self, from: usize, target: u32) -> usize {
        let count = self.count();
        let (mut low, mut step) = (from, 1);
        while low + step <= count && self.number(low + step - 1) < target {
            low += step;
            step *= 2;
        }
        let mut high = count.min(low + step);
        while low < high {
            let middle = low.midpoint(high);
            if self.number(middle) < target {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl Ascending for [[u8; 4]] {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline]
    fn number(&self, index: usize) -> u32 {
        u32::from_be_bytes(self[index])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_jump_lands_where_a_walk_would(
            numbers in proptest::collection::btree_set(0_u32..300, 0..40),
            from in 0_usize..40,
            target in 0_u32..320,
        ) {
            let encoded: Vec<[u8; 4]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
            let from = from.min(numbers.len());
            let walked = numbers.iter().skip(from).take_while(|number| **number < target).count();
            prop_assert_eq!(encoded.seek(from, target), from + walked);
        }
    }
}
