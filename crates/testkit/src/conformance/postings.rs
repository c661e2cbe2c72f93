//! The laws of [`Postings`].

use skopos_core::{Postings, SeriesId};

/// Checks that the cursors that `open` gives walk exactly `expected` and keep the laws of
/// [`Postings`].
///
/// # Panics
///
/// If they do not.
///
/// ```
/// use skopos_core::SeriesId;
/// use skopos_testkit::conformance;
///
/// let ids = [SeriesId(3), SeriesId(7)];
/// conformance::postings(|| &ids[..], &ids);
/// ```
#[track_caller]
pub fn postings<P: Postings>(open: impl Fn() -> P, expected: &[SeriesId]) {
    assert_eq!(rest(open()), expected, "a fresh cursor walks all ids in order");
    let mut used_up = open();
    while used_up.current().is_some() {
        used_up.advance();
    }
    used_up.advance();
    used_up.seek(SeriesId(0));
    assert_eq!(used_up.current(), None, "a cursor that is used up stays so");

    let mut targets: Vec<u32> = expected
        .iter()
        .flat_map(|id| [id.0.saturating_sub(1), id.0, id.0.saturating_add(1)])
        .collect();
    targets.extend([0, u32::MAX]);
    for target in targets.into_iter().map(SeriesId) {
        let mut cursor = open();
        cursor.seek(target);
        let from = expected.partition_point(|id| *id < target);
        assert_eq!(cursor.current(), expected.get(from).copied(), "seek lands on or after");
        cursor.seek(SeriesId(0));
        assert_eq!(
            rest(cursor),
            &expected[from..],
            "seek never moves back, and goes on from there"
        );
    }
}

fn rest(mut cursor: impl Postings) -> Vec<SeriesId> {
    let mut ids = Vec::new();
    while let Some(id) = cursor.current() {
        ids.push(id);
        cursor.advance();
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_boxes_are_postings() {
        for ids in [vec![], vec![0], vec![1, 2, 3], vec![0, 5, 100, u32::MAX]] {
            let ids: Vec<SeriesId> = ids.into_iter().map(SeriesId).collect();
            postings(|| ids.as_slice(), &ids);
            postings(|| Box::new(ids.as_slice()) as Box<dyn Postings + '_>, &ids);
        }
    }

    struct MovesBack<'a>(&'a [SeriesId], usize);

    impl Postings for MovesBack<'_> {
        fn current(&self) -> Option<SeriesId> {
            self.0.get(self.1).copied()
        }

        fn advance(&mut self) {
            self.1 += 1;
        }

        fn seek(&mut self, target: SeriesId) {
            self.1 = self.0.partition_point(|id| *id < target);
        }
    }

    #[test]
    fn a_cursor_that_moves_back_is_caught() {
        let ids = [SeriesId(1), SeriesId(2)];
        let caught = std::panic::catch_unwind(|| postings(|| MovesBack(&ids, 0), &ids));
        assert!(caught.is_err());
    }
}
