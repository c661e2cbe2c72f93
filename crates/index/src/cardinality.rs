//! Where the series come from: the numbers of a status page.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::memory::MemoryIndex;
use crate::values::Values;

/// A name or a label pair with its number, as part of a [`Cardinality`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row of a ranking is these two")]
pub struct Ranked {
    /// What is counted.
    pub name: String,
    /// How many there are.
    pub count: u64,
}

/// How the labels of an index are distributed. Rankings are descending by count, ties in the order of
/// names.
///
/// ```
/// use skopos_index::MemoryIndex;
///
/// let mut index = MemoryIndex::new();
/// index.insert(&[("__name__", "up"), ("job", "api")])?;
/// index.insert(&[("__name__", "up"), ("job", "web")])?;
/// let cardinality = index.cardinality("__name__", 10);
/// assert_eq!(cardinality.series, 2);
/// assert_eq!(cardinality.series_by_value[0].name, "up");
/// assert_eq!(cardinality.values_by_name[0].name, "job");
/// assert_eq!(cardinality.series_by_pair[0].name, "__name__=up");
/// # Ok::<(), skopos_index::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cardinality {
    /// How many series there are.
    pub series: u64,
    /// How many label names there are.
    pub label_names: u64,
    /// How many different pairs of a name and a value there are.
    pub label_pairs: u64,
    /// The values of the label that was asked for, by their series: with `__name__`, the metrics.
    pub series_by_value: Vec<Ranked>,
    /// Label names, by the number of their values.
    pub values_by_name: Vec<Ranked>,
    /// Label names, by the bytes that name and value take in the label sets of all series.
    pub bytes_by_name: Vec<Ranked>,
    /// Pairs, written `name=value`, by their series.
    pub series_by_pair: Vec<Ranked>,
}

impl MemoryIndex {
    /// How the labels are distributed, with the first `limit` of each ranking (all for 0); `label` is
    /// the label whose values are ranked by series. Visits every value.
    #[must_use]
    pub fn cardinality(&self, label: &str, limit: usize) -> Cardinality {
        let mut by_value = Ranking::new(limit);
        let mut values_by_name = Ranking::new(limit);
        let mut bytes_by_name = Ranking::new(limit);
        let mut by_pair = Ranking::new(limit);
        let mut pairs = 0;
        for (name, entry) in self.names() {
            let values = entry.len() as u64;
            pairs += values;
            values_by_name.offer(values, name, "");
            bytes_by_name.offer(label_bytes(name, entry), name, "");
            for (value, slot) in entry.iter() {
                let series = entry.series_of(slot);
                by_pair.offer(series, name, value);
                if name == label {
                    by_value.offer(series, value, "");
                }
            }
        }
        Cardinality {
            series: self.len() as u64,
            label_names: self.names().count() as u64,
            label_pairs: pairs,
            series_by_value: by_value.finish(""),
            values_by_name: values_by_name.finish(""),
            bytes_by_name: bytes_by_name.finish(""),
            series_by_pair: by_pair.finish("="),
        }
    }

    /// The heap memory that the index takes: texts, their order, and the sets and lists of series.
    /// Visits every list.
    ///
    /// ```
    /// use skopos_index::MemoryIndex;
    ///
    /// let mut index = MemoryIndex::new();
    /// assert_eq!(index.heap_bytes(), 0);
    /// index.insert(&[("job", "api")])?;
    /// assert!(0 < index.heap_bytes());
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let values = self.names().map(|(_, values)| values.text_bytes() + values.posting_bytes());
        self.name_bytes() + values.sum::<usize>() + self.all_set().heap_bytes()
    }

    /// The part of [`heap_bytes`](Self::heap_bytes) that says which series have a value and which
    /// carry a name: without the texts and their order.
    ///
    /// ```
    /// use skopos_index::MemoryIndex;
    ///
    /// let mut index = MemoryIndex::new();
    /// for i in 0..1_000 {
    ///     index.insert(&[("job", "api"), ("pod", format!("api-{i}").as_str())])?;
    /// }
    /// index.seal();
    /// // The one job is a run of series, and of each pod there is the id.
    /// assert!(index.posting_bytes() < 2 * 4 * 1_000);
    /// # Ok::<(), skopos_index::Error>(())
    /// ```
    #[must_use]
    pub fn posting_bytes(&self) -> usize {
        self.names().map(|(_, values)| values.posting_bytes()).sum::<usize>()
            + self.all_set().heap_bytes()
    }
}

fn label_bytes(name: &str, values: &Values) -> u64 {
    let bytes = values.iter().map(|(value, slot)| {
        (name.len() as u64 + value.len() as u64).saturating_mul(values.series_of(slot))
    });
    bytes.fold(0, u64::saturating_add)
}

/// The rows with the highest counts seen so far.
struct Ranking<'a> {
    limit: usize,
    /// The lowest on top.
    rows: BinaryHeap<Reverse<Row<'a>>>,
}

/// Ordered by count, and at the same count the earlier name counts as higher.
type Row<'a> = (u64, Reverse<(&'a str, &'a str)>);

impl<'a> Ranking<'a> {
    fn new(limit: usize) -> Self {
        let limit = if limit == 0 { usize::MAX } else { limit };
        Self { limit, rows: BinaryHeap::new() }
    }

    fn offer(&mut self, count: u64, name: &'a str, value: &'a str) {
        let row = Reverse((count, Reverse((name, value))));
        if self.rows.len() < self.limit {
            self.rows.push(row);
        } else if let Some(mut lowest) = self.rows.peek_mut()
            && row < *lowest
        {
            *lowest = row;
        }
    }

    fn finish(self, separator: &str) -> Vec<Ranked> {
        let ascending = self.rows.into_sorted_vec().into_iter();
        let row = |Reverse((count, Reverse((name, value)))): Reverse<Row<'_>>| Ranked {
            name: [name, separator, value].concat(),
            count,
        };
        ascending.map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ranking: &[Ranked], expected: &[(&str, u64)]) {
        let rows: Vec<(&str, u64)> = ranking.iter().map(|r| (r.name.as_str(), r.count)).collect();
        assert_eq!(rows, expected);
    }

    fn index() -> MemoryIndex {
        let mut index = MemoryIndex::new();
        for (metric, job, pod) in
            [("up", "api", "1"), ("up", "api", "2"), ("up", "web", "3"), ("go", "web", "3")]
        {
            index.insert(&[("__name__", metric), ("job", job), ("pod", pod)]).unwrap();
        }
        index
    }

    #[test]
    fn rankings_descend_and_ties_are_in_the_order_of_names() {
        let cardinality = index().cardinality("__name__", 0);
        assert_eq!(cardinality.series, 4);
        assert_eq!(cardinality.label_names, 3);
        assert_eq!(cardinality.label_pairs, 7);
        check(&cardinality.series_by_value, &[("up", 3), ("go", 1)]);
        check(&cardinality.values_by_name, &[("pod", 3), ("__name__", 2), ("job", 2)]);
        check(&cardinality.bytes_by_name, &[("__name__", 40), ("job", 24), ("pod", 16)]);
        check(
            &cardinality.series_by_pair,
            &[
                ("__name__=up", 3),
                ("job=api", 2),
                ("job=web", 2),
                ("pod=3", 2),
                ("__name__=go", 1),
                ("pod=1", 1),
                ("pod=2", 1),
            ],
        );
    }

    #[test]
    fn a_limit_keeps_the_head_of_each_ranking() {
        let cardinality = index().cardinality("job", 2);
        check(&cardinality.series_by_value, &[("api", 2), ("web", 2)]);
        check(&cardinality.values_by_name, &[("pod", 3), ("__name__", 2)]);
        check(&cardinality.series_by_pair, &[("__name__=up", 3), ("job=api", 2)]);
    }

    #[test]
    fn memory_returns_when_series_go() {
        let mut index = index();
        for (i, labels) in [("up", "api", "1"), ("up", "api", "2"), ("up", "web", "3")]
            .into_iter()
            .chain([("go", "web", "3")])
            .enumerate()
        {
            let id = skopos_core::SeriesId(u32::try_from(i).unwrap());
            let (metric, job, pod) = labels;
            assert!(index.remove(id, &[("__name__", metric), ("job", job), ("pod", pod)]));
        }
        assert_eq!(index.heap_bytes(), 0);
        assert_eq!(index.cardinality("job", 0), Cardinality::default());
    }
}
