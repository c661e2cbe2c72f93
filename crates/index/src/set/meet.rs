//! The ids that several sets have in common, found without making sets on the way.
//!
//! Chunk by chunk: first the window in which all have ids, which a single run in it makes narrower, as
//! that of a metric's series does; then what is left of the runs; the shortest array within them,
//! looked up in the other ones; or the words of the bitmaps.

use skopos_core::SeriesId;

use super::array::{array_in, gallop};
use super::bits::{self, Bits};
use super::chunk::{Chunk, Form};
use super::deliver::From32;
use super::runs::{self, Run};
use super::{IdSet, split};

/// The most sets that are met at once.
pub(crate) const MOST: usize = 8;
/// So many numbers of an array are compared with one at once.
const BLOCK: usize = 16;
/// From this ratio of lengths on, numbers are searched by jumps.
const GALLOP_FROM: usize = 32;

/// What the chunks of a key have in the window, by their form.
#[derive(Default)]
struct Parts<'a> {
    runs: Few<&'a [Run]>,
    arrays: Few<&'a [u16]>,
    bits: Few<Option<&'a Bits>>,
}

/// A list that needs no allocation.
#[derive(Clone, Copy, Default)]
struct Few<T> {
    items: [T; MOST],
    len: usize,
}

/// Memory that is used for one chunk after another.
#[derive(Default)]
struct Scratch {
    runs: Vec<Run>,
    other: Vec<Run>,
    lows: Vec<u16>,
}

/// Some of the ids that two sets have in common.
pub(crate) enum Cut<'a> {
    /// The upper half of ids, and their lower halves.
    Lows(u32, &'a [u16]),
    /// The first of consecutive ids, and how many these are.
    Run(u32, u32),
}

impl IdSet {
    /// How many ids all of the sets have in common, at most, as the sizes of their chunks tell.
    pub(crate) fn most_in_common(sets: &[&Self]) -> u64 {
        let Some(lead) = sets.iter().min_by_key(|set| set.chunks.len()) else { return 0 };
        let most = |chunk: &Chunk| {
            let same = sets.iter().map(|set| set.find(chunk.key()).map(|at| set.chunks[at].len()));
            same.fold(chunk.len(), |most, len| most.min(len.unwrap_or(0)))
        };
        lead.chunks.iter().map(|chunk| u64::from(most(chunk))).sum()
    }

    /// The ids that all of the sets have, of which there are [`MOST`] at most.
    pub(crate) fn meet(sets: &[&Self]) -> Vec<SeriesId> {
        debug_assert!(sets.len() <= MOST, "there is room for no more");
        let (mut met, mut scratch) = (Vec::new(), Scratch::default());
        let Some(lead) = sets.iter().min_by_key(|set| set.chunks.len()) else { return met };
        'keys: for chunk in &lead.chunks {
            let mut chunks = [chunk; MOST];
            for (slot, set) in chunks.iter_mut().zip(sets) {
                let Ok(at) = set.find(chunk.key()) else { continue 'keys };
                *slot = &set.chunks[at];
            }
            let count = sets.len().min(MOST);
            meet_chunks(&mut chunks[..count], &mut scratch, &mut met);
        }
        met
    }

    /// Calls `take` with what both sets have, part by part, if one of them is a single run and the other
    /// an array or runs wherever both have ids; returns whether they are.
    ///
    /// So they are where those of a metric's series are asked for that are of one machine.
    pub(crate) fn cut(&self, other: &Self, mut take: impl FnMut(Cut<'_>)) -> bool {
        let (few, many) =
            if self.chunks.len() <= other.chunks.len() { (self, other) } else { (other, self) };
        for chunk in &few.chunks {
            let Ok(at) = many.find(chunk.key()) else { continue };
            let other = &many.chunks[at];
            let (window, form) = match (chunk.single_run(), other.single_run()) {
                (Some(window), _) => (window, other.form()),
                (None, Some(window)) => (window, chunk.form()),
                (None, None) => return false,
            };
            let base = u32::from(chunk.key()) << 16;
            match form {
                Form::Array(array) => take(Cut::Lows(base, array_in(array, window))),
                Form::Runs(runs) => {
                    let runs = from(runs, window).iter().map_while(|run| both(*run, window));
                    runs.for_each(|run| take(Cut::Run(base | u32::from(run.first), run.len())));
                }
                Form::Bits(_) => return false,
            }
        }
        true
    }

    /// The lowest id and the highest.
    pub(crate) fn span(&self) -> Option<(u32, u32)> {
        let (first, last) = (self.chunks.first()?, self.chunks.last()?);
        let id = |chunk: &Chunk, low: u16| u32::from(chunk.key()) << 16 | u32::from(low);
        Some((id(first, first.span()?.first), id(last, last.span()?.last)))
    }

    /// Keeps those of the ascending `ids` that are in the set.
    pub(crate) fn retain_in<T: From32>(&self, ids: &mut Vec<T>) {
        let (mut kept, mut at) = (0, 0);
        while let Some(first) = ids.get(at) {
            let key = split(first.to_32()).0;
            let same_key = ids[at..].iter().take_while(|id| split(id.to_32()).0 == key).count();
            let group = at..at + same_key;
            at = group.end;
            let Ok(chunk) = self.find(key).map(|at| &self.chunks[at]) else { continue };
            if chunk.has_all(split(ids[group.start].to_32()).1, split(ids[group.end - 1].to_32()).1)
            {
                ids.copy_within(group, kept);
                kept += same_key;
                continue;
            }
            // Without a branch for each.
            for at in group {
                let id = ids[at];
                ids[kept] = id;
                kept += usize::from(chunk.contains(split(id.to_32()).1));
            }
        }
        ids.truncate(kept);
    }
}

/// Adds what all `chunks`, which have the same key, have in common.
fn meet_chunks(chunks: &mut [&Chunk], scratch: &mut Scratch, met: &mut Vec<SeriesId>) {
    let Some(base) = chunks.first().map(|chunk| u32::from(chunk.key()) << 16) else { return };
    let mut parts = Parts::default();
    let Some(window) = narrow(chunks, &mut parts) else { return };
    if let ([], [array], []) = (parts.runs.items(), parts.arrays.items(), parts.bits.items()) {
        // It was cut to the window already.
        return met.extend(array.iter().map(|low| SeriesId(base | u32::from(*low))));
    }
    let Scratch { runs, other, lows } = scratch;
    runs.clear();
    if let Some((first, rest)) = parts.runs.by_length().split_first() {
        runs.reserve(first.len());
        runs.extend(clipped(first, window));
        for more in rest {
            other.clear();
            other.reserve(runs.len());
            runs_and(runs, more, other);
            std::mem::swap(runs, other);
        }
    } else {
        runs.push(window);
    }
    let arrays = parts.arrays.by_length();
    let Some((first, rest)) = arrays.split_first() else {
        match parts.bits.items() {
            [] => add_runs(base, runs, met),
            bits => runs.iter().for_each(|run| meet_words(base, *run, bits, met)),
        }
        return;
    };
    lows.clear();
    lows.reserve(first.len());
    let mut array = *first;
    for run in runs.iter() {
        array = &array[gallop(array, run.first)..];
        let end = run.last.checked_add(1).map_or(array.len(), |end| gallop(array, end));
        let (inside, behind) = array.split_at(end);
        lows.extend_from_slice(inside);
        array = behind;
    }
    rest.iter().for_each(|array| retain_in_array(lows, array));
    for bits in parts.bits.items().iter().flatten() {
        retain(lows, |low| bits.contains(low));
    }
    met.extend(lows.iter().map(|low| SeriesId(base | u32::from(*low))));
}

/// The window outside of which there is nothing, and what has to be met in it; `None` if nothing is
/// met. Chunks with one run in the window are the window.
fn narrow<'a>(chunks: &mut [&'a Chunk], parts: &mut Parts<'a>) -> Option<Run> {
    let mut window = Run { first: 0, last: u16::MAX };
    for chunk in chunks.iter() {
        window = both(window, chunk.span()?)?;
    }
    let mut left = chunks.len();
    let mut at = 0;
    while at < left {
        let Form::Runs(runs) = chunks[at].form() else {
            at += 1;
            continue;
        };
        let [run, rest @ ..] = from(runs, window) else { return None };
        if rest.first().is_some_and(|next| next.first <= window.last) {
            at += 1;
            continue;
        }
        let narrower = both(window, *run)?;
        left -= 1;
        chunks.swap(at, left);
        // What did not fit before may do now.
        at = if narrower == window { at } else { 0 };
        window = narrower;
    }
    for chunk in &chunks[..left] {
        match chunk.form() {
            Form::Array(array) => parts.arrays.push(array_in(array, window)),
            Form::Runs(runs) => {
                let runs = from(runs, window);
                let end = runs.partition_point(|run| run.first <= window.last);
                parts.runs.push(&runs[..end]);
            }
            Form::Bits(bits) => parts.bits.push(Some(bits)),
        }
    }
    Some(window)
}

/// The runs from the first on that does not end before the window.
fn from(runs: &[Run], window: Run) -> &[Run] {
    match runs {
        [only] if only.last < window.first => &[],
        [_] => runs,
        _ => &runs[runs.partition_point(|run| run.last < window.first)..],
    }
}

fn both(a: Run, b: Run) -> Option<Run> {
    let (first, last) = (a.first.max(b.first), a.last.min(b.last));
    (first <= last).then_some(Run { first, last })
}

fn clipped(runs: &[Run], window: Run) -> impl Iterator<Item = Run> {
    runs.iter().filter_map(move |run| both(*run, window))
}

/// Adds what both lists have, of which the first should be the shorter one.
fn runs_and(few: &[Run], mut many: &[Run], met: &mut Vec<Run>) {
    for run in few {
        many = &many[jump(many, run.first)..];
        for other in many {
            let Some(common) = both(*run, *other) else { break };
            met.push(common);
        }
    }
}

/// How many runs end before `low`; fast if they are few.
fn jump(runs: &[Run], low: u16) -> usize {
    let mut step = 1;
    while step < runs.len() && runs[step].last < low {
        step *= 2;
    }
    let (from, to) = (step / 2, (step + 1).min(runs.len()));
    from + runs[from..to].partition_point(|run| run.last < low)
}

fn add_runs(base: u32, runs: &[Run], met: &mut Vec<SeriesId>) {
    met.reserve(runs::len(runs) as usize);
    for run in runs {
        let first = base | u32::from(run.first);
        met.extend((0..run.len()).map(|i| SeriesId(first + i)));
    }
}

/// Adds what all bitmaps have of the run.
fn meet_words(base: u32, run: Run, bitmaps: &[Option<&Bits>], met: &mut Vec<SeriesId>) {
    let (from, to) = bits::places(run);
    for at in from..=to {
        let mask = bits::mask(run, at);
        let mut word = bitmaps.iter().flatten().fold(mask, |word, bits| word & bits.word(at));
        while word != 0 {
            met.push(SeriesId(base | (at as u32) << 6 | word.trailing_zeros()));
            word &= word - 1;
        }
    }
}

/// Keeps the numbers for which `is_kept` holds, without a branch for each.
fn retain(lows: &mut Vec<u16>, mut is_kept: impl FnMut(u16) -> bool) {
    let mut count = 0;
    for at in 0..lows.len() {
        let low = lows[at];
        lows[count] = low;
        count += usize::from(is_kept(low));
    }
    lows.truncate(count);
}

fn retain_in_array(lows: &mut Vec<u16>, mut array: &[u16]) {
    if GALLOP_FROM * lows.len() < array.len() {
        return retain(lows, |low| {
            array = &array[gallop(array, low)..];
            array.first() == Some(&low)
        });
    }
    // Whole blocks are passed by their last number, and one is counted through without a branch.
    retain(lows, |low| {
        while let Some((block, rest)) = array.split_first_chunk::<BLOCK>() {
            if low <= block[BLOCK - 1] {
                let below = block.iter().map(|other| u16::from(*other < low)).sum::<u16>();
                return block[usize::from(below)] == low;
            }
            array = rest;
        }
        array.contains(&low)
    });
}

impl<'a, T> Few<&'a [T]> {
    /// The lists, the shortest first.
    fn by_length(&mut self) -> &[&'a [T]] {
        let items = &mut self.items[..self.len];
        if 1 < items.len() {
            items.sort_unstable_by_key(|item| item.len());
        }
        items
    }
}

impl<T> Few<T> {
    fn push(&mut self, item: T) {
        self.items[self.len] = item;
        self.len += 1;
    }

    fn items(&self) -> &[T] {
        &self.items[..self.len]
    }
}
