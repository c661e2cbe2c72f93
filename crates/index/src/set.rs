//! Sets of series ids: what posting lists and selections are made of.
//!
//! The layout is that of roaring bitmaps: ids that share their upper half form a chunk, and a chunk
//! is a sorted array, a list of runs or a bitmap, whichever is smallest. It is made here, and not
//! taken from a library, for what the index does most: ids are appended one by one, runs have to
//! appear by themselves, and selections are read in batches straight from the chunks.
//!
//! A set knows no index. Sets are shared behind an `Arc` and copied when one who shares writes.

use std::sync::Arc;
#[cfg(any(test, feature = "roaring"))]
use std::{mem, ops::RangeInclusive};

mod array;
mod bits;
mod chunk;
mod deliver;
mod iter;
mod meet;
mod runs;
#[cfg(test)]
pub(crate) mod tests;

use self::bits::Bits;
use self::chunk::Chunk;
#[cfg(feature = "roaring")]
use self::chunk::Form;
pub(crate) use self::iter::Ids;
pub(crate) use self::meet::{Cut, MOST};
use self::runs::Run;

/// A compressed set of ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdSet {
    /// Invariant: keys ascend, no chunk is empty.
    chunks: Vec<Chunk>,
}

/// The lower halves of ids with the same upper half.
#[cfg(feature = "roaring")]
pub(crate) enum Part<'a> {
    Array(&'a [u16]),
    /// The first number of the first word, and the words.
    Bits(u16, &'a [u64]),
    Runs(&'a [Run]),
}

/// The key and the rest of an id.
fn split(id: u32) -> (u16, u16) {
    ((id >> 16) as u16, id as u16)
}

impl IdSet {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The set of ascending, distinct ids.
    pub(crate) fn from_sorted(ids: impl IntoIterator<Item = u32>) -> Self {
        let mut set: Self = ids.into_iter().collect();
        set.seal();
        set
    }

    /// The set of big-endian ids, fast if they ascend without duplicates.
    pub(crate) fn from_big_endian(ids: &[[u8; 4]]) -> Self {
        // Big-endian numbers are in the order of their bytes.
        let id = |bytes: &[u8; 4]| u32::from_be_bytes(*bytes);
        if !ids.windows(2).all(|pair| id(&pair[0]) < id(&pair[1])) {
            return Self::from_unsorted(ids.iter().map(id).collect());
        }
        let mut chunks = Vec::new();
        let mut rest = ids;
        while let Some(first) = rest.first() {
            let key = split(id(first)).0;
            let count = rest.partition_point(|other| split(id(other)).0 == key);
            let (same_key, others) = rest.split_at(count);
            let last = same_key.last().unwrap_or(first);
            let span = Run { first: split(id(first)).1, last: split(id(last)).1 };
            let lows = same_key.iter().map(|other| split(id(other)).1);
            chunks.push(Chunk::from_lows(key, span, lows));
            rest = others;
        }
        Self { chunks }
    }

    /// The set of ids in any order.
    pub(crate) fn from_unsorted(mut ids: Vec<u32>) -> Self {
        let Some(max) = ids.iter().max() else { return Self::new() };
        let words = *max as usize / 64 + 1;
        if 64 < ids.len() && words <= 8 * ids.len() {
            return Self::scattered(&ids, *max);
        }
        ids.sort_unstable();
        ids.dedup();
        Self::from_ascending(&ids)
    }

    /// The set of ascending, distinct ids, not sealed.
    pub(crate) fn from_ascending(ids: &[u32]) -> Self {
        let same_key = ids.chunk_by(|one, next| split(*one).0 == split(*next).0);
        let chunk = |ids: &[u32]| {
            let ((key, first), (_, last)) = (split(*ids.first()?), split(*ids.last()?));
            let lows = ids.iter().map(|id| split(*id).1);
            Some(Chunk::from_lows(key, Run { first, last }, lows))
        };
        Self { chunks: same_key.filter_map(chunk).collect() }
    }

    /// The same by way of a plain bitmap: no sorting, but room for all ids up to `max`.
    fn scattered(ids: &[u32], max: u32) -> Self {
        let mut all = vec![Bits::with_room(); usize::from(split(max).0) + 1];
        for id in ids {
            let (key, low) = split(*id);
            all[usize::from(key)].insert(low);
        }
        let chunks = all.into_iter().zip(0..=u16::MAX);
        Self { chunks: chunks.filter_map(|(bits, key)| Chunk::from_bits(key, bits)).collect() }
    }

    /// The set of ascending ranges, of which none touches another with the same key.
    #[cfg(any(test, feature = "roaring"))]
    pub(crate) fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> Self {
        let (mut set, mut runs, mut key) = (Self::new(), Vec::new(), 0);
        for range in ranges {
            let (mut first, last) = range.into_inner();
            loop {
                let (upper, low) = split(first);
                if upper != key {
                    set.chunks.extend(Chunk::from_runs(key, mem::take(&mut runs)));
                    key = upper;
                }
                if upper == split(last).0 {
                    runs.push(Run { first: low, last: split(last).1 });
                    break;
                }
                runs.push(Run { first: low, last: u16::MAX });
                first = (u32::from(upper) + 1) << 16;
            }
        }
        set.chunks.extend(Chunk::from_runs(key, runs));
        set
    }

    /// The ids in parts that have the same upper half: it, and the lower halves in their form.
    #[cfg(feature = "roaring")]
    pub(crate) fn parts(&self) -> impl Iterator<Item = (u32, Part<'_>)> {
        self.chunks.iter().map(|chunk| {
            let part = match chunk.form() {
                Form::Array(array) => Part::Array(array),
                Form::Runs(runs) => Part::Runs(runs),
                Form::Bits(bits) => Part::Bits(bits.base(), bits.words()),
            };
            (u32::from(chunk.key()) << 16, part)
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| u64::from(chunk.len())).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        let (key, low) = split(id);
        self.find(key).is_ok_and(|at| self.chunks[at].contains(low))
    }

    /// The lowest id.
    pub(crate) fn min(&self) -> Option<u32> {
        self.ids().next()
    }

    /// The highest id.
    pub(crate) fn max(&self) -> Option<u32> {
        let last = self.chunks.last()?;
        Some(u32::from(last.key()) << 16 | u32::from(last.span()?.last))
    }

    /// Adds an id; returns whether it was new. Cheapest for an id above all others.
    pub(crate) fn insert(&mut self, id: u32) -> bool {
        let (key, low) = split(id);
        match self.chunks.last_mut() {
            Some(last) if last.key() == key => return last.insert(low),
            Some(last) if key < last.key() => {}
            last => {
                // The chunk is full of what it will have, unless ids are used again.
                if let Some(last) = last {
                    last.seal();
                }
                self.push(Chunk::of(key, low));
                return true;
            }
        }
        match self.find(key) {
            Ok(at) => self.chunks[at].insert(low),
            Err(at) => {
                self.chunks.insert(at, Chunk::of(key, low));
                true
            }
        }
    }

    fn push(&mut self, chunk: Chunk) {
        if self.chunks.capacity() == self.chunks.len() {
            // Most sets are small, so they grow by half and not to twice their size.
            self.chunks.reserve_exact(1 + self.chunks.len() / 2);
        }
        self.chunks.push(chunk);
    }

    /// Removes an id; returns whether it was there.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let (key, low) = split(id);
        let Ok(at) = self.find(key) else { return false };
        let was_there = self.chunks[at].remove(low);
        if self.chunks[at].len() == 0 {
            self.chunks.remove(at);
        }
        if self.chunks.is_empty() {
            self.chunks = Vec::new();
        }
        was_there
    }

    /// Gives each chunk its smallest form, and returns memory that was held for growth.
    pub(crate) fn seal(&mut self) {
        self.chunks.iter_mut().for_each(Chunk::seal);
        self.chunks.shrink_to_fit();
    }

    /// The same ids as numbers and long runs, which are read faster than bitmaps, and take more room.
    pub(crate) fn unpacked(&self) -> Self {
        Self { chunks: self.chunks.iter().map(Chunk::unpacked).collect() }
    }

    /// The same ids with bitmaps for all but short arrays: they are asked faster whether they have one.
    pub(crate) fn packed(&self) -> Self {
        Self { chunks: self.chunks.iter().map(Chunk::packed).collect() }
    }

    pub(crate) fn is_disjoint(&self, other: &Self) -> bool {
        self.pairs(other).all(|(a, b)| a.is_disjoint(b))
    }

    /// Whether all ids are in the other set, where that is cheap to say; `false` otherwise.
    pub(crate) fn is_surely_within(&self, other: &Self) -> bool {
        let mut count = 0;
        self.pairs(other).inspect(|_| count += 1).all(|(a, b)| a.is_surely_within(b))
            && count == self.chunks.len()
    }

    pub(crate) fn and(&self, other: &Self) -> Self {
        Self { chunks: self.pairs(other).filter_map(|(a, b)| a.and(b)).collect() }
    }

    /// Those that are in one of the sets.
    pub(crate) fn and_any(&self, sets: &[impl AsRef<Self>]) -> Self {
        let and_any = |chunk: &Chunk| {
            let same_key = sets.iter().filter_map(|set| {
                let set = set.as_ref();
                set.find(chunk.key()).ok().map(|at| &set.chunks[at])
            });
            chunk.and_any(&same_key.collect::<Vec<_>>())
        };
        Self { chunks: self.chunks.iter().filter_map(and_any).collect() }
    }

    /// How many numbers, runs or words the set is made of: how long it takes to go through it.
    pub(crate) fn weight(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.weight() as u64).sum()
    }

    pub(crate) fn and_not(&self, other: &Self) -> Self {
        let mut others = other.chunks.as_slice();
        let rest = |chunk: &Chunk| {
            others = &others[others.partition_point(|other| other.key() < chunk.key())..];
            match others.first().filter(|other| other.key() == chunk.key()) {
                Some(other) => chunk.and_not(other),
                None => Some(chunk.clone()),
            }
        };
        Self { chunks: self.chunks.iter().filter_map(rest).collect() }
    }

    /// The union of any number of sets.
    pub(crate) fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut chunks: Vec<&Chunk> = sets.into_iter().flat_map(|set| &set.chunks).collect();
        let keys =
            chunks.iter().map(|chunk| usize::from(chunk.key())).max().map_or(0, |key| key + 1);
        // Few runs are joined sooner than drawn, and stay runs.
        let are_few_runs = || {
            let runs = chunks.iter().map(|chunk| chunk.few_runs()).sum::<Option<usize>>();
            runs.is_some_and(|runs| runs <= 16 * keys)
        };
        if 4 * keys < chunks.len() && !are_few_runs() {
            return Self::gathered(&chunks, keys);
        }
        chunks.sort_by_key(|chunk| chunk.key());
        let same_key = chunks.chunk_by(|a, b| a.key() == b.key());
        Self { chunks: same_key.filter_map(Chunk::union).collect() }
    }

    /// The union of many chunks with few keys: each is added to the bitmap of its key.
    fn gathered(chunks: &[&Chunk], keys: usize) -> Self {
        let mut all = vec![Bits::with_room(); keys];
        chunks.iter().for_each(|chunk| chunk.add_to(&mut all[usize::from(chunk.key())]));
        let chunks = all.into_iter().zip(0..=u16::MAX);
        Self { chunks: chunks.filter_map(|(bits, key)| Chunk::from_bits(key, bits)).collect() }
    }

    /// The intersection, which is one of both where they are the same.
    pub(crate) fn and_shared(this: &Arc<Self>, other: &Arc<Self>) -> Arc<Self> {
        if Arc::ptr_eq(this, other) { Arc::clone(this) } else { Arc::new(this.and(other)) }
    }

    /// The ids, ascending.
    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids::new(&self.chunks)
    }

    /// The heap memory behind the set.
    pub(crate) fn heap_bytes(&self) -> usize {
        let chunks = self.chunks.iter();
        self.chunks.capacity() * size_of::<Chunk>() + chunks.map(Chunk::heap_bytes).sum::<usize>()
    }

    fn find(&self, key: u16) -> Result<usize, usize> {
        // Ids are dense, so a chunk is most often where its key says.
        match self.chunks.get(usize::from(key)) {
            Some(chunk) if chunk.key() == key => Ok(usize::from(key)),
            _ => self.chunks.binary_search_by_key(&key, Chunk::key),
        }
    }

    /// The chunks that both have.
    fn pairs<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Chunk, &'a Chunk)> {
        let (few, many, swapped) = if self.chunks.len() <= other.chunks.len() {
            (&self.chunks, &other.chunks, false)
        } else {
            (&other.chunks, &self.chunks, true)
        };
        let mut many = many.as_slice();
        few.iter().filter_map(move |chunk| {
            many = &many[many.partition_point(|other| other.key() < chunk.key())..];
            let other = many.first().filter(|other| other.key() == chunk.key())?;
            Some(if swapped { (other, chunk) } else { (chunk, other) })
        })
    }
}

impl PartialEq for IdSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.ids().eq(other.ids())
    }
}

impl AsRef<Self> for IdSet {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Ids in ascending order make the smallest set.
impl FromIterator<u32> for IdSet {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut set = Self::new();
        for id in ids {
            set.insert(id);
        }
        set
    }
}
