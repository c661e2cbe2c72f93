//! The postings offset table: label names and values to the places of their lists.
//!
//! Entries have no fixed width, but those of one name stand together and in the order of values. At
//! the first question one pass proves the checksum and notes where each name begins and every 32nd of
//! its values, so that a lookup is a binary search and a short walk, and a range of values is read in
//! place. In version 1 nothing is in order, so that every entry is noted and sorted.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering as Memory};
use std::sync::{Arc, OnceLock};

use crate::block::lookups::{Found, Lookups};
use crate::block::scan::{Frame, Prefix, Proof, Scan, Shape};
use crate::block::toc::{Toc, Variant};
use crate::error::{Error, Section};
use crate::set::IdSet;

/// One entry of a name in so many has its place noted, where entries are in order.
const STRIDE: u32 = 32;

/// What the pass over the table found.
#[derive(Debug)]
pub(super) struct Places {
    /// Ascending by name, distinct.
    names: Vec<Name>,
    /// Places of entries from the start of the contents, the names' one after the other.
    sparse: Vec<u32>,
    stride: u32,
    /// One bit for each entry: its list's checksum was right.
    sound: Box<[AtomicU64]>,
    /// Entries that were looked up.
    lookups: Lookups,
}

/// The entries of one label name.
#[derive(Debug)]
pub(super) struct Name {
    /// The name's text in the contents.
    text: Range<u32>,
    /// Its first bytes, by which most names are told apart at once.
    start: u64,
    /// How many bytes of an entry stand before its value.
    head: u32,
    /// Its entries' numbers in the order of all.
    entries: Range<u32>,
    /// The first of its places in `sparse`.
    sparse: u32,
    /// The series that carry the label, once asked for.
    pub(super) presence: OnceLock<Arc<IdSet>>,
}

/// The table, to be searched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    places: &'a Places,
    contents: &'a [u8],
    toc: &'a Toc,
}

/// A value and its list's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub(super) value: &'a [u8],
    pub(super) place: Place,
}

/// Where a list is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The number of its entry in the order of all.
    pub(super) number: u32,
    /// In the file.
    pub(super) offset: u64,
}

impl Places {
    /// Notes where entries are. Linear in the table.
    pub(super) fn find(bytes: &[u8], toc: &Toc, variant: Variant) -> Result<Self, Error> {
        if toc.postings_table == 0 {
            let stride = STRIDE;
            return Ok(Self {
                names: Vec::new(),
                sparse: Vec::new(),
                stride,
                sound: Box::default(),
                lookups: Lookups::default(),
            });
        }
        let frame = frame(bytes, toc)?;
        let contents = frame.contents;
        let mut pass = Pass::new(frame);
        let mut scan = Scan::new(contents);
        let count = scan.be32().ok_or_else(|| corrupt(toc, "invalid size"))?;
        let places = match variant {
            Variant::ByNumber => pass.in_order(scan, count),
            Variant::ByOffset => pass.out_of_order(scan, count),
        };
        // What does not make sense was most often changed.
        if !pass.proof.is_sound() {
            return Err(corrupt(toc, "invalid checksum"));
        }
        let mut places = places.map_err(|message| corrupt(toc, message))?;
        let words = (count as usize).div_ceil(64);
        places.sound = std::iter::repeat_with(AtomicU64::default).take(words).collect();
        places.lookups = Lookups::new(count);
        Ok(places)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let presences = self.names.iter().filter_map(|name| name.presence.get());
        let presences: usize = presences.map(|set| set.heap_bytes()).sum();
        size_of_val(self.names.as_slice())
            .saturating_add(size_of_val(self.sparse.as_slice()))
            .saturating_add(size_of_val(&*self.sound))
            .saturating_add(self.lookups.heap_bytes())
            .saturating_add(presences)
    }
}

/// The state of the pass.
struct Pass<'a> {
    contents: &'a [u8],
    proof: Proof<'a>,
    names: Vec<Name>,
    sparse: Vec<u32>,
    /// What stands before the values of the current name.
    head: Prefix<'a>,
    name: &'a [u8],
}

impl<'a> Pass<'a> {
    fn new(frame: Frame<'a>) -> Self {
        Self {
            contents: frame.contents,
            proof: frame.proof(),
            names: Vec::new(),
            sparse: Vec::new(),
            head: Prefix::default(),
            name: &[],
        }
    }

    fn in_order(&mut self, mut scan: Scan<'a>, count: u32) -> Result<Places, &'static str> {
        let mut in_name = 0_u32;
        let mut shape = None;
        for number in 0..count {
            self.proof.pass(scan.left());
            let place = self.place(scan);
            let same_name = 0 < number && scan.skip_prefix(&self.head);
            if !same_name {
                let name = read_head(&mut scan)?;
                if 0 < number && name <= self.name {
                    return Err("label names are not in order");
                }
                self.begin(name, place, self.place(scan), number)?;
                in_name = 0;
            }
            if in_name.is_multiple_of(STRIDE) {
                self.sparse.push(place);
            }
            in_name = in_name.wrapping_add(1);
            if !shape.as_ref().is_some_and(|shape| scan.skip_shape(shape)) {
                let before = scan;
                scan.prefixed().ok_or("an entry is cut off")?;
                scan.skip_varint().ok_or("an entry is cut off")?;
                shape = Shape::of(scan.since(before));
            }
        }
        self.finish(count, STRIDE, scan)
    }

    fn out_of_order(&mut self, mut scan: Scan<'a>, count: u32) -> Result<Places, &'static str> {
        let mut entries: Vec<(&[u8], &[u8], u32, u32)> = Vec::new();
        for _ in 0..count {
            let place = self.place(scan);
            let name = read_head(&mut scan)?;
            let behind = self.place(scan);
            let value = scan.prefixed().ok_or("an entry is cut off")?;
            scan.skip_varint().ok_or("an entry is cut off")?;
            entries.push((name, value, place, behind));
        }
        entries.sort_unstable();
        if !entries.is_sorted_by(|one, next| (one.0, one.1) < (next.0, next.1)) {
            return Err("a label value has two lists");
        }
        for (number, (name, _, place, behind)) in (0_u32..).zip(entries) {
            if number == 0 || name != self.name {
                self.begin(name, place, behind, number)?;
            }
            self.sparse.push(place);
        }
        self.finish(count, 1, scan)
    }

    /// A new name, whose first entry is at `place`, with its value at `behind`.
    fn begin(
        &mut self,
        name: &'a [u8],
        place: u32,
        behind: u32,
        number: u32,
    ) -> Result<(), &'static str> {
        if let Some(last) = self.names.last_mut() {
            last.entries.end = number;
        }
        self.name = name;
        let head = self.contents.get(place as usize..behind as usize).ok_or("invalid size")?;
        self.head = Prefix::new(head);
        let length = u32::try_from(name.len()).map_err(|_| "invalid size")?;
        self.names.push(Name {
            text: behind.saturating_sub(length)..behind,
            start: start_of(name),
            head: behind.saturating_sub(place),
            entries: number..number,
            sparse: u32::try_from(self.sparse.len()).map_err(|_| "invalid size")?,
            presence: OnceLock::new(),
        });
        Ok(())
    }

    fn finish(&mut self, count: u32, stride: u32, scan: Scan<'_>) -> Result<Places, &'static str> {
        if scan.left() != 0 {
            return Err("there is something behind the last entry");
        }
        if let Some(last) = self.names.last_mut() {
            last.entries.end = count;
        }
        let (names, sparse) = (std::mem::take(&mut self.names), std::mem::take(&mut self.sparse));
        let (sound, lookups) = (Box::default(), Lookups::default());
        Ok(Places { names, sparse, stride, sound, lookups })
    }

    /// Where `scan` stands. Contents are shorter than 4 GiB: their length is 32 bits wide.
    fn place(&self, scan: Scan<'_>) -> u32 {
        u32::try_from(self.contents.len().wrapping_sub(scan.left())).unwrap_or(u32::MAX)
    }
}

/// The first eight bytes, or all of them before zeros, as a number: it is in the order of the bytes.
fn start_of(name: &[u8]) -> u64 {
    let mut start = [0; 8];
    start.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(start)
}

/// An entry up to its value; returns the name.
fn read_head<'a>(scan: &mut Scan<'a>) -> Result<&'a [u8], &'static str> {
    match scan.uvarint() {
        Some(2) => scan.prefixed().ok_or("an entry is cut off"),
        Some(_) => Err("unexpected number of keys for postings offset table"),
        None => Err("an entry is cut off"),
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(places: &'a Places, bytes: &'a [u8], toc: &'a Toc) -> Result<Self, Error> {
        let contents = match toc.postings_table {
            0 => &[],
            _ => frame(bytes, toc)?.contents,
        };
        Ok(Self { places, contents, toc })
    }

    /// The names in order, the empty one of all series among them.
    pub(super) fn names(&self) -> &'a [Name] {
        &self.places.names
    }

    pub(super) fn name(&self, name: &str) -> Option<&'a Name> {
        let names = &self.places.names;
        let start = start_of(name.as_bytes());
        let found = names.binary_search_by(|entry| {
            let (bytes, by_start) = (self.name_bytes(entry), entry.start.cmp(&start));
            // Of short names the start is all.
            by_start.then_with(|| match bytes.len().max(name.len()) {
                0..=8 => bytes.len().cmp(&name.len()),
                _ => bytes.cmp(name.as_bytes()),
            })
        });
        names.get(found.ok()?)
    }

    pub(super) fn name_bytes(&self, name: &Name) -> &'a [u8] {
        self.contents.get(name.text.start as usize..name.text.end as usize).unwrap_or_default()
    }

    pub(super) fn name_text(&self, name: &Name) -> Result<&'a str, Error> {
        self.text(self.name_bytes(name))
    }

    /// A name or a value as text.
    #[inline]
    pub(super) fn text(&self, bytes: &'a [u8]) -> Result<&'a str, Error> {
        str::from_utf8(bytes).map_err(|_| self.corrupt("a name or a value is not UTF-8"))
    }

    /// How many values `name` has.
    pub(super) fn value_count(&self, name: &Name) -> u32 {
        name.entries.end.saturating_sub(name.entries.start)
    }

    /// The number of the first entry of `name` in the order of all.
    pub(super) fn first_number(&self, name: &Name) -> u32 {
        name.entries.start
    }

    /// The entry of one value.
    pub(super) fn find(&self, name: &Name, value: &str) -> Result<Option<Entry<'a>>, Error> {
        let (lookups, value) = (&self.places.lookups, value.as_bytes());
        let hash = lookups.hash(name.entries.start, value);
        if let Some(found) = lookups.get(hash)
            && let Some(entry) = self.entry_at(name, found)
            && (value.is_empty() && entry.value.is_empty() || entry.value == value)
        {
            return Ok(Some(entry));
        }
        // What is not there is remembered by what stands before it, under a hash of its own.
        if lookups.get(!hash).is_some_and(|before| self.is_gap(name, before, value)) {
            return Ok(None);
        }
        let mut walk = self.walk_near(name, value);
        let mut before = None;
        loop {
            let place = walk.place();
            let Some(entry) = walk.next().transpose()? else { break };
            let found = Found { place, number: entry.place.number };
            match entry.value.cmp(value) {
                Ordering::Less => before = Some(found),
                Ordering::Equal => {
                    lookups.put(hash, found);
                    return Ok(Some(entry));
                }
                Ordering::Greater => break,
            }
        }
        // Without an order, what stands behind an entry says nothing.
        if let Some(before) = before.filter(|_| self.places.stride != 1) {
            lookups.put(!hash, before);
        }
        Ok(None)
    }

    /// Whether `value` would stand right behind the entry at this place.
    fn is_gap(&self, name: &Name, before: Found, value: &[u8]) -> bool {
        let rest = self.contents.get(before.place as usize..).unwrap_or_default();
        let (mut scan, head) = (Scan::new(rest), name.head as usize);
        let next = |scan: &mut Scan<'a>| scan.take(head).and_then(|_| scan.prefixed());
        // A hash can be that of another name's value.
        let is_before = name.entries.contains(&before.number)
            && next(&mut scan).is_some_and(|entry| entry < value);
        let is_last = before.number.wrapping_add(1) == name.entries.end;
        let mut behind = || scan.skip_varint().and_then(|()| next(&mut scan));
        is_before && (is_last || behind().is_some_and(|entry| value < entry))
    }

    /// The entry of `name` that was found at this place.
    fn entry_at(&self, name: &Name, found: Found) -> Option<Entry<'a>> {
        let mut scan = Scan::new(self.contents.get(found.place as usize..)?);
        scan.take(name.head as usize)?;
        let value = scan.prefixed()?;
        let place = Place { number: found.number, offset: scan.uvarint()? };
        Some(Entry { value, place })
    }

    /// How many values of `name` have this prefix, at most: told from the noted places.
    pub(super) fn count_with_prefix(&self, name: &Name, prefix: &[u8]) -> u32 {
        if prefix.is_empty() {
            return self.value_count(name);
        }
        let places = self.sparse_of(name);
        let behind = |is_before: &dyn Fn(&[u8]) -> bool| {
            places.partition_point(|place| self.value_at(name, *place).is_some_and(is_before))
        };
        let from = behind(&|value| value < prefix);
        let to = behind(&|value| value < prefix || value.starts_with(prefix));
        let strides = u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX);
        strides.saturating_add(1).saturating_mul(self.places.stride).min(self.value_count(name))
    }

    /// The value of the entry of `name` at a place.
    fn value_at(&self, name: &Name, place: u32) -> Option<&'a [u8]> {
        let mut scan = Scan::new(self.contents.get(place as usize..)?);
        scan.take(name.head as usize)?;
        scan.prefixed()
    }

    /// All entries of `name` in order.
    pub(super) fn walk(&self, name: &Name) -> Walk<'a> {
        self.walk_at(name, name.entries.start)
    }

    /// The entries of `name` in order, from the first whose value is not below `from`.
    pub(super) fn walk_from(&self, name: &Name, from: &[u8]) -> Walk<'a> {
        let mut walk = self.walk_near(name, from);
        if from.is_empty() {
            return walk;
        }
        // Nothing is in the way of a copy: a walk is a few words.
        let mut next = walk.clone();
        while let Some(Ok(entry)) = next.next()
            && entry.value < from
        {
            walk.clone_from(&next);
        }
        walk
    }

    /// The entries of `name` from a noted one on: the last of those whose value is below `from`, or the
    /// first of all.
    fn walk_near(&self, name: &Name, from: &[u8]) -> Walk<'a> {
        if from.is_empty() {
            return self.walk(name);
        }
        let places = self.sparse_of(name);
        let is_before = |place: &u32| self.value_at(name, *place).is_some_and(|value| value < from);
        let behind = places.partition_point(is_before);
        let before = u32::try_from(behind.saturating_sub(1)).unwrap_or(u32::MAX);
        let first = name.entries.start.saturating_add(before.saturating_mul(self.places.stride));
        self.walk_at(name, first)
    }

    /// The entries of `name` whose bytes begin at the first place not before `place`, or that hold it.
    pub(super) fn walk_at_place(&self, name: &Name, place: u32) -> Walk<'a> {
        let places = self.sparse_of(name);
        let behind = places.partition_point(|start| *start <= place);
        let before = u32::try_from(behind.saturating_sub(1)).unwrap_or(u32::MAX);
        let first = name.entries.start.saturating_add(before.saturating_mul(self.places.stride));
        self.walk_at(name, first)
    }

    /// The bytes of all entries of `name`, with their place, where they stand together.
    pub(super) fn packed(&self, name: &Name) -> Option<(u32, &'a [u8])> {
        if self.places.stride == 1 {
            return None;
        }
        let start = *self.sparse_of(name).first()?;
        let next = name.sparse.checked_add(u32::try_from(self.sparse_of(name).len()).ok()?)?;
        let end = self.places.sparse.get(next as usize);
        let end = end.map_or(self.contents.len(), |end| *end as usize);
        Some((start, self.contents.get(start as usize..end)?))
    }

    /// Whether the list of the entry with this number has been found sound.
    pub(super) fn is_known_sound(&self, number: u32) -> bool {
        let word = self.places.sound.get((number >> 6) as usize);
        word.is_some_and(|word| word.load(Memory::Relaxed) >> (number & 63) & 1 == 1)
    }

    pub(super) fn set_known_sound(&self, number: u32) {
        if let Some(word) = self.places.sound.get((number >> 6) as usize) {
            word.fetch_or(1 << (number & 63), Memory::Relaxed);
        }
    }

    pub(super) fn corrupt(&self, message: &str) -> Error {
        corrupt(self.toc, message)
    }

    fn sparse_of(&self, name: &Name) -> &'a [u32] {
        let count = self.value_count(name).div_ceil(self.places.stride);
        let from = name.sparse as usize;
        self.places.sparse.get(from..from.saturating_add(count as usize)).unwrap_or_default()
    }

    /// A walk that begins at the entry `number`, which has a noted place.
    fn walk_at(&self, name: &Name, number: u32) -> Walk<'a> {
        let mut walk = Walk {
            table: *self,
            sparse: self.sparse_of(name),
            head: name.head as usize,
            first: name.entries.start,
            number,
            end: name.entries.end,
            scan: Scan::new(&[]),
        };
        walk.jump();
        walk
    }
}

/// Entries of one name, in order.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    table: Table<'a>,
    sparse: &'a [u32],
    head: usize,
    first: u32,
    /// The next entry.
    number: u32,
    end: u32,
    scan: Scan<'a>,
}

impl<'a> Walk<'a> {
    /// Where the next entry is in the table.
    pub(super) fn place(&self) -> u32 {
        u32::try_from(self.table.contents.len().wrapping_sub(self.scan.left())).unwrap_or(u32::MAX)
    }

    /// Goes to the place of the next entry, which is noted.
    fn jump(&mut self) {
        let index = self.number.wrapping_sub(self.first).checked_div(self.table.places.stride);
        let place = index.and_then(|index| self.sparse.get(index as usize));
        let rest = place.and_then(|place| self.table.contents.get(*place as usize..));
        self.scan = Scan::new(rest.unwrap_or_default());
    }

    #[inline]
    fn read(&mut self) -> Option<Entry<'a>> {
        self.scan.take(self.head)?;
        let value = self.scan.prefixed()?;
        let offset = self.scan.uvarint()?;
        Some(Entry { value, place: Place { number: self.number, offset } })
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<Entry<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.end <= self.number {
            return None;
        }
        let entry = self.read().ok_or_else(|| self.table.corrupt("an entry is cut off"));
        self.number = if entry.is_ok() { self.number.wrapping_add(1) } else { self.end };
        if self.table.places.stride == 1 {
            self.jump();
        }
        Some(entry)
    }
}

fn frame<'a>(bytes: &'a [u8], toc: &Toc) -> Result<Frame<'a>, Error> {
    Frame::at(bytes, toc.postings_table).ok_or_else(|| corrupt(toc, "invalid size"))
}

#[cold]
fn corrupt(toc: &Toc, message: &str) -> Error {
    Error::corrupt(Section::PostingsTable, toc.postings_table, message.to_owned())
}
