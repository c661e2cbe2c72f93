//! What is remembered of a target's series: by the bytes that they have on its pages.
//!
//! Pages resemble the ones before. A parser that knows the layout of the last page tells which of its
//! samples comes again, and then nothing is looked up. Otherwise, after a series comes the one that came
//! after it last time: a lookup is first a guess, which costs a comparison of bytes; only a miss costs
//! a hash.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};
use skopos_core::{Labels, SeriesRef};

/// The place of an entry, or of none.
type Id = u32;
const NONE: Id = Id::MAX;

/// How many entries may come on, beside twice the last success', before failing scrapes' are dropped.
const FLUSH_MARGIN: usize = 1_000;

/// The memory of a target's pages.
#[derive(Debug)]
pub(super) struct Cache {
    /// Invariant: `table` has exactly those entries whose key is not empty; `free` the others.
    entries: Vec<Entry>,
    free: Vec<Id>,
    table: HashTable<Id>,
    hasher: DefaultHashBuilder,
    /// The number of the current pass; entries seen in it have it.
    pass: u64,
    /// How many entries were seen in it.
    seen: usize,
    /// The entry of the sample before, and the first entry of the last page.
    previous: Id,
    first: Id,
    /// Series to be marked stale unless they are seen again: of the pass before, and of this one.
    tracked: Vec<Id>,
    tracking: Vec<Id>,
    /// How many entries there were after the last success.
    successful_len: usize,
    /// The entries of a page's samples by slot: of the page before, and of this one.
    slots_before: Vec<Id>,
    slots: Vec<Id>,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8]>,
    hash: u64,
    /// The entry that came behind it last time.
    next: Id,
    /// The last pass that it was seen in.
    seen: u64,
    /// The last pass that it was tracked in.
    tracked: u64,
    /// What it is stored as, unless rules dropped it.
    series: Option<(SeriesRef, Labels)>,
}

/// What is known of some bytes.
pub(super) enum Cached {
    /// Rules drop this series.
    Dropped,
    /// The series is stored.
    Kept {
        /// Where it is remembered.
        id: Id,
        /// Whether it was seen on this page already.
        is_repeated: bool,
    },
    /// They were not seen before.
    Unknown,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            pass: 0,
            seen: 0,
            previous: NONE,
            first: NONE,
            tracked: Vec::new(),
            tracking: Vec::new(),
            successful_len: 0,
            slots_before: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Begins a page, or none.
    pub(super) fn begin_pass(&mut self) {
        self.pass += 1;
        self.seen = 0;
        self.previous = NONE;
        self.tracking.clear();
    }

    /// Begins to count the samples of a page, whose parser may tell which ones of the page before they
    /// are.
    pub(super) fn begin_slots(&mut self) {
        std::mem::swap(&mut self.slots_before, &mut self.slots);
        self.slots.clear();
    }

    /// The number of the current pass.
    pub(super) fn pass(&self) -> u64 {
        self.pass
    }

    /// Ends a pass. After a success, entries that were not seen are forgotten; otherwise only if
    /// failing scrapes brought too many.
    pub(super) fn end_pass(&mut self, is_success: bool) {
        let has_grown = self.successful_len * 2 + FLUSH_MARGIN < self.table.len();
        if (is_success || has_grown) && self.seen != self.table.len() {
            self.forget_unseen();
        }
        if is_success {
            self.successful_len = self.table.len();
        }
        std::mem::swap(&mut self.tracked, &mut self.tracking);
        self.tracking.clear();
    }

    /// What is known of the bytes of the page's next sample, which is in a slot; `known` tells in which
    /// one the same bytes were on the page before.
    #[inline]
    pub(super) fn get(&mut self, bytes: &[u8], slot: usize, known: Option<usize>) -> Cached {
        let known = known.and_then(|known| self.slots_before.get(known).copied());
        let Some(id) = known.filter(|id| *id != NONE).or_else(|| self.find(bytes)) else {
            return Cached::Unknown;
        };
        debug_assert!(
            self.entries.get(id as usize).is_some_and(|entry| *entry.key == *bytes),
            "a slot leads to its series"
        );
        self.set_slot(slot, id);
        self.link(id);
        let Some(entry) = self.entries.get_mut(id as usize) else { return Cached::Unknown };
        let is_repeated = entry.seen == self.pass;
        if !is_repeated {
            entry.seen = self.pass;
            self.seen += 1;
        }
        match entry.series {
            Some(_) => Cached::Kept { id, is_repeated },
            None => Cached::Dropped,
        }
    }

    /// The reference and the labels of a series that is kept.
    #[inline]
    pub(super) fn series(&self, id: Id) -> (SeriesRef, &Labels) {
        let series = self.entries.get(id as usize).and_then(|entry| entry.series.as_ref());
        let (series, labels) = series.expect("only entries with a series are called kept");
        (*series, labels)
    }

    /// Notes that a sample of the series was stored, under a reference that may be new.
    #[inline]
    pub(super) fn touch(&mut self, id: Id, series: SeriesRef, is_tracked: bool) {
        let Some(entry) = self.entries.get_mut(id as usize) else { return };
        if let Some((known, _)) = &mut entry.series {
            *known = series;
        }
        if is_tracked && entry.tracked != self.pass {
            entry.tracked = self.pass;
            self.tracking.push(id);
        }
    }

    /// Remembers a series that was stored for the first time.
    pub(super) fn insert(
        &mut self,
        bytes: &[u8],
        slot: usize,
        series: SeriesRef,
        labels: Labels,
        is_tracked: bool,
    ) {
        let id = self.insert_entry(bytes, slot, Some((series, labels)));
        self.touch(id, series, is_tracked);
    }

    /// Remembers that rules drop a series.
    pub(super) fn insert_dropped(&mut self, bytes: &[u8], slot: usize) {
        self.insert_entry(bytes, slot, None);
    }

    /// Whether series of the pass before are tracked.
    pub(super) fn has_tracked(&self) -> bool {
        !self.tracked.is_empty()
    }

    /// Calls `mark` with each series that was tracked in the pass before and not in this one.
    pub(super) fn for_each_stale(&self, mut mark: impl FnMut(SeriesRef, &Labels)) {
        let entries = self.tracked.iter().filter_map(|id| self.entries.get(*id as usize));
        let mut stale = entries.filter(|entry| entry.tracked != self.pass).peekable();
        if stale.peek().is_none() {
            return;
        }
        // The same series may have come under other bytes: labels in another order, say.
        let alive = self.tracking.iter().filter_map(|id| self.entries.get(*id as usize));
        let alive: HashSet<SeriesRef> =
            alive.filter_map(|entry| entry.series.as_ref().map(|(series, _)| *series)).collect();
        for (series, labels) in stale.filter_map(|entry| entry.series.as_ref()) {
            if !alive.contains(series) {
                mark(*series, labels);
            }
        }
    }

    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<Id> {
        let guess = match self.entries.get(self.previous as usize) {
            Some(previous) => previous.next,
            None => self.first,
        };
        match self.entries.get(guess as usize) {
            Some(entry) if *entry.key == *bytes => Some(guess),
            _ => self.find_by_hash(bytes),
        }
    }

    fn find_by_hash(&self, bytes: &[u8]) -> Option<Id> {
        let is_it = |id: &Id| self.entries.get(*id as usize).is_some_and(|e| *e.key == *bytes);
        self.table.find(self.hasher.hash_one(bytes), is_it).copied()
    }

    /// Notes that `id` came after the entry before.
    #[inline]
    fn link(&mut self, id: Id) {
        match self.entries.get_mut(self.previous as usize) {
            Some(previous) if previous.next == id => {}
            Some(previous) => previous.next = id,
            None => self.first = id,
        }
        self.previous = id;
    }

    /// Notes the entry of the sample in a slot; slots that are passed over have none.
    #[inline]
    fn set_slot(&mut self, slot: usize, id: Id) {
        if slot == self.slots.len() {
            self.slots.push(id);
        } else if self.slots.len() < slot {
            self.slots.resize(slot, NONE);
            self.slots.push(id);
        }
    }

    fn insert_entry(
        &mut self,
        bytes: &[u8],
        slot: usize,
        series: Option<(SeriesRef, Labels)>,
    ) -> Id {
        let hash = self.hasher.hash_one(bytes);
        let entry =
            Entry { key: bytes.into(), hash, next: NONE, seen: self.pass, tracked: 0, series };
        let id = match self.free.pop() {
            Some(id) => id,
            None => Id::try_from(self.entries.len()).unwrap_or(NONE),
        };
        match self.entries.get_mut(id as usize) {
            Some(slot) => *slot = entry,
            None => self.entries.push(entry),
        }
        let entries = &self.entries;
        let rehash = |id: &Id| entries.get(*id as usize).map_or(0, |entry| entry.hash);
        self.table.insert_unique(hash, id, rehash);
        self.seen += 1;
        self.set_slot(slot, id);
        self.link(id);
        id
    }

    fn forget_unseen(&mut self) {
        let Self { entries, table, free, pass, .. } = self;
        table.retain(|id| {
            let Some(entry) = entries.get_mut(*id as usize) else { return false };
            if entry.seen == *pass {
                return true;
            }
            // An empty key equals no series' bytes, so links to the entry lead nowhere.
            entry.key = Box::default();
            entry.series = None;
            free.push(*id);
            false
        });
        let is_kept = |id: &Id| entries.get(*id as usize).is_some_and(|e| e.series.is_some());
        self.tracking.retain(is_kept);
        // After a pass without a page, the slots are those of a page before it.
        for id in &mut self.slots {
            if entries.get(*id as usize).is_none_or(|entry| entry.key.is_empty()) {
                *id = NONE;
            }
        }
    }
}

#[cfg(test)]
mod tests;
