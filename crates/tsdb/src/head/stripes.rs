//! The map of all series, by labels and by reference, in stripes with a lock each.
//!
//! A series' reference tells its stripe, so that one lock guards both ways to it. References are
//! counted up and never used again.

use std::hash::{BuildHasher as _, Hasher as _};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::{DefaultHashBuilder, HashTable};
use skopos_core::{Error, ErrorKind, LabelSet, Labels, SeriesRef};

use super::series::MemSeries;

/// A power of two, many times the number of cores.
const STRIPES: usize = 256;

#[derive(Debug)]
pub(super) struct Stripes {
    stripes: Box<[RwLock<Stripe>]>,
    hasher: DefaultHashBuilder,
    count: AtomicUsize,
    max_series: usize,
}

#[derive(Debug, Default)]
struct Stripe {
    by_labels: HashTable<Arc<MemSeries>>,
    /// The same series. Hashed by number.
    by_reference: HashTable<Arc<MemSeries>>,
    /// How many series there ever were.
    created: u64,
}

impl Stripes {
    pub(super) fn new(max_series: usize) -> Self {
        Self {
            stripes: (0..STRIPES).map(|_| RwLock::default()).collect(),
            hasher: DefaultHashBuilder::default(),
            count: AtomicUsize::new(0),
            max_series,
        }
    }

    /// How many series there are, those without a committed sample included.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How many series there ever were.
    pub(super) fn created(&self) -> u64 {
        (0..STRIPES).map(|at| self.read(at).created).sum()
    }

    pub(super) fn by_reference(&self, reference: SeriesRef) -> Option<Arc<MemSeries>> {
        let stripe = self.read(stripe_of(reference.0));
        let is_it = |series: &Arc<MemSeries>| series.reference == reference;
        stripe.by_reference.find(hash_of(reference.0), is_it).cloned()
    }

    /// The series with these labels, made if it is not there.
    pub(super) fn get_or_create(&self, labels: &dyn LabelSet) -> Result<Arc<MemSeries>, Error> {
        let hash = self.checked_hash(labels)?;
        // The table takes the lowest and the highest bits, so others choose the stripe.
        let at = (hash >> 40) as usize % STRIPES;
        if let Some(series) = self.read(at).find(hash, labels) {
            return Ok(series);
        }
        let owned = labels.to_labels();
        let mut stripe = self.write(at);
        if let Some(series) = stripe.find(hash, &owned) {
            return Ok(series);
        }
        self.reserve_one()?;
        Ok(stripe.create(at, hash, owned))
    }

    /// Forgets `series` if it is idle; returns whether it did.
    pub(super) fn forget_if_idle(&self, series: &Arc<MemSeries>) -> bool {
        let mut stripe = self.write(stripe_of(series.number()));
        let mut state = series.lock();
        if state.forgotten || !series.is_idle(&state) {
            return false;
        }
        state.forgotten = true;
        drop(state);
        stripe.remove(series);
        drop(stripe);
        self.count.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Calls `visit` with each series that is there; the stripe is not locked meanwhile.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&Arc<MemSeries>)) {
        for at in 0..STRIPES {
            let series: Vec<Arc<MemSeries>> = self.read(at).by_labels.iter().cloned().collect();
            series.iter().for_each(&mut visit);
        }
    }

    /// The heap memory behind the tables, estimated.
    pub(super) fn heap_bytes(&self) -> usize {
        // A control byte beside each slot.
        let slot = size_of::<Arc<MemSeries>>() + 1;
        let slots = |at| {
            let stripe = self.read(at);
            stripe.by_labels.num_buckets() + stripe.by_reference.num_buckets()
        };
        (0..STRIPES).map(slots).sum::<usize>() * slot
    }

    fn reserve_one(&self) -> Result<(), Error> {
        let taken = self.count.fetch_add(1, Ordering::Relaxed);
        if taken < self.max_series {
            return Ok(());
        }
        self.count.fetch_sub(1, Ordering::Relaxed);
        Err(full(self.max_series))
    }

    /// The hash of labels that a series can have.
    fn checked_hash(&self, labels: &dyn LabelSet) -> Result<u64, Error> {
        let mut hasher = self.hasher.build_hasher();
        let mut previous: Option<&str> = None;
        let mut ascending = true;
        labels.visit(&mut |name, value| {
            if value.is_empty() {
                return;
            }
            ascending &= !name.is_empty() && previous.is_none_or(|previous| previous < name);
            previous = Some(name);
            hasher.write(name.as_bytes());
            // No text has this byte, so that borders count.
            hasher.write_u8(0xff);
            hasher.write(value.as_bytes());
            hasher.write_u8(0xff);
        });
        match previous {
            None => Err(Error::new(ErrorKind::Invalid, "a series needs at least one label")),
            Some(_) if !ascending => Err(Error::new(
                ErrorKind::Invalid,
                "label names must be distinct, in ascending order and not empty",
            )),
            Some(_) => Ok(hasher.finish()),
        }
    }

    fn read(&self, at: usize) -> std::sync::RwLockReadGuard<'_, Stripe> {
        self.stripes[at].read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, at: usize) -> std::sync::RwLockWriteGuard<'_, Stripe> {
        self.stripes[at].write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stripe {
    fn find(&self, hash: u64, labels: &(impl LabelSet + ?Sized)) -> Option<Arc<MemSeries>> {
        let is_it =
            |series: &Arc<MemSeries>| series.hash == hash && is_same(&series.labels, labels);
        self.by_labels.find(hash, is_it).cloned()
    }

    fn create(&mut self, at: usize, hash: u64, labels: Labels) -> Arc<MemSeries> {
        // Numbers that leave the remainder `at`; the first stripe starts with its second one, since
        // 0 is none.
        let number =
            NonZeroU64::MIN.saturating_add(at as u64).saturating_add(self.created * STRIPES as u64);
        self.created += 1;
        let series = Arc::new(MemSeries::new(SeriesRef(number), hash, labels));
        self.by_labels.insert_unique(hash, Arc::clone(&series), |s| s.hash);
        self.by_reference
            .insert_unique(hash_of(number), Arc::clone(&series), |s| hash_of(s.number()));
        series
    }

    fn remove(&mut self, series: &Arc<MemSeries>) {
        let is_it = |other: &Arc<MemSeries>| Arc::ptr_eq(other, series);
        if let Ok(entry) = self.by_labels.find_entry(series.hash, is_it) {
            entry.remove();
        }
        if let Ok(entry) = self.by_reference.find_entry(hash_of(series.number()), is_it) {
            entry.remove();
        }
        self.shrink();
    }

    /// Returns memory once most of it is unused.
    fn shrink(&mut self) {
        let wanted = 2 * self.by_labels.len();
        if 4 * wanted.max(16) < self.by_labels.capacity() {
            self.by_labels.shrink_to(wanted, |s| s.hash);
            self.by_reference.shrink_to(wanted, |s| hash_of(s.number()));
        }
    }
}

/// References start from 1 in the first stripe.
fn stripe_of(number: NonZeroU64) -> usize {
    ((number.get() - 1) % STRIPES as u64) as usize
}

fn hash_of(number: NonZeroU64) -> u64 {
    // Numbers are distinct already; multiplying by the golden ratio spreads them over all bits.
    (number.get() / STRIPES as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn is_same(labels: &Labels, view: &(impl LabelSet + ?Sized)) -> bool {
    let mut rest = labels.iter();
    let mut same = true;
    view.visit(&mut |name, value| {
        same = same && (value.is_empty() || rest.next() == Some((name, value)));
    });
    same && rest.next().is_none()
}

#[cold]
fn full(max_series: usize) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("the head is full: it may hold {max_series} series, and this would be another"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripes() -> Stripes {
        Stripes::new(1_000)
    }

    #[test]
    fn labels_and_references_lead_to_the_same_series() {
        let stripes = stripes();
        let mut seen = std::collections::HashSet::new();
        for i in 0..1_000 {
            let labels = Labels::from_pairs([("i", i.to_string())]);
            let series = stripes.get_or_create(&labels).unwrap();
            assert!(seen.insert(series.reference), "references are distinct");
            let by_reference = stripes.by_reference(series.reference).unwrap();
            assert!(Arc::ptr_eq(&series, &by_reference));
            assert!(Arc::ptr_eq(&series, &stripes.get_or_create(&labels).unwrap()));
        }
        assert_eq!(stripes.len(), 1_000);
        let error = stripes.get_or_create(&Labels::from_pairs([("j", "0")])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(stripes.len(), 1_000);
    }

    #[test]
    fn a_forgotten_series_is_gone_and_its_reference_is_not_used_again() {
        let stripes = stripes();
        let labels = [("a", "1")];
        let series = stripes.get_or_create(&labels).unwrap();
        series.enter_batch();
        assert!(!stripes.forget_if_idle(&series), "a batch needs it");
        series.leave_batch();
        assert!(stripes.forget_if_idle(&series));
        assert!(!stripes.forget_if_idle(&series), "once");
        assert!(stripes.by_reference(series.reference).is_none());
        assert_eq!(stripes.len(), 0);
        assert_ne!(stripes.get_or_create(&labels).unwrap().reference, series.reference);
    }

    #[test]
    fn tables_shrink_when_series_go() {
        let stripes = Stripes::new(100_000);
        for i in 0..100_000 {
            stripes.get_or_create(&Labels::from_pairs([("i", i.to_string())])).unwrap();
        }
        let full = stripes.heap_bytes();
        stripes.for_each(|series| assert!(stripes.forget_if_idle(series)));
        assert!(stripes.heap_bytes() * 10 < full, "{} of {full} bytes", stripes.heap_bytes());
    }

    #[track_caller]
    fn check_invalid(labels: &dyn LabelSet) {
        let error = stripes().get_or_create(labels).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn labels_that_no_series_can_have_are_refused() {
        check_invalid(&Labels::empty());
        check_invalid(&[("b", "1"), ("a", "1")]);
        check_invalid(&[("a", "1"), ("a", "2")]);
        check_invalid(&[("", "1")]);
    }
}
