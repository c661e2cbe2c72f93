//! The postings of a label name before they are sorted by value.
//!
//! Series come in the order of their ids, while lists are written value by value after the last
//! series. What is kept of a posting until then is the distance from the id before and the symbol of
//! the value, as varints: two to six bytes. A counting sort makes the lists of one name at a time.

use crate::block::scan::Scan;
use crate::block::write::output::put_uvarint;

/// Series ids in ascending order, each with the symbol of a value.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// Pairs of varints. Invariant: they decode to ids of `u32` and symbols.
    bytes: Vec<u8>,
    last: u32,
    count: usize,
}

impl Pending {
    pub(super) fn push(&mut self, id: u32, value: u32) {
        debug_assert!(self.last < id || self.count == 0);
        put_uvarint(&mut self.bytes, u64::from(id - self.last));
        put_uvarint(&mut self.bytes, u64::from(value));
        self.last = id;
        self.count += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        let (mut scan, mut id) = (Scan::new(&self.bytes), 0);
        std::iter::from_fn(move || {
            id += scan.uvarint32()?;
            Some((id, scan.uvarint32()?))
        })
    }
}

/// Sorts pending postings by value; its memory is used again.
#[derive(Debug)]
pub(super) struct Sorter {
    /// Of each symbol: where the next id with this value goes. Invariant: 0 between sorts.
    next: Vec<u32>,
    /// The values that occur, ascending.
    values: Vec<u32>,
    /// Where the list of each of `values` ends in `ids`.
    ends: Vec<u32>,
    ids: Vec<u32>,
}

impl Sorter {
    pub(super) fn new(symbols: usize) -> Self {
        // All series together stand under the first symbol, which need not be there.
        let next = vec![0; symbols.max(1)];
        Self { next, values: Vec::new(), ends: Vec::new(), ids: Vec::new() }
    }

    pub(super) fn sort(&mut self, pending: &Pending) {
        self.values.clear();
        self.ends.clear();
        for (_, value) in pending.iter() {
            let count = &mut self.next[value as usize];
            if *count == 0 {
                self.values.push(value);
            }
            *count += 1;
        }
        self.values.sort_unstable();
        let mut end = 0;
        for value in &self.values {
            let next = &mut self.next[*value as usize];
            let count = *next;
            *next = end;
            end += count;
            self.ends.push(end);
        }
        self.ids.clear();
        self.ids.resize(pending.count, 0);
        for (id, value) in pending.iter() {
            let next = &mut self.next[value as usize];
            self.ids[*next as usize] = id;
            *next += 1;
        }
        for value in &self.values {
            self.next[*value as usize] = 0;
        }
    }

    /// The values of the last sort with their ids, both ascending.
    pub(super) fn lists(&self) -> impl Iterator<Item = (u32, &[u32])> {
        let mut start = 0;
        self.values.iter().zip(&self.ends).map(move |(value, end)| {
            let ids = &self.ids[start..*end as usize];
            start = *end as usize;
            (*value, ids)
        })
    }
}
