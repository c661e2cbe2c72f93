//! The ids of a set that share their upper half, in one of three forms.

use super::array::{
    GALLOP_FROM, array_and_not, array_in, arrays_and, arrays_are_disjoint, insert_in_array, keep,
    slices_in,
};
use super::bits::{self, Bits};
use super::runs::{self, Run};

/// Longer arrays are larger than any bitmap.
const MAX_ARRAY: usize = 4096;
/// An array is larger than a bitmap if it has so many numbers for each word of it.
const PER_WORD: usize = 4;
/// More runs are larger than a bitmap.
const MAX_RUNS: usize = 2048;
/// So many numbers or runs are sorted sooner than they are put into a bitmap.
const FEW: usize = 64;
/// The shortest array that may turn to runs while it grows.
const MIN_TURN: usize = 16;
/// The shortest array that may turn to a bitmap while it grows.
const MIN_BITS: usize = 64;
/// Runs that are so long are read as fast as numbers.
const LONG_RUN: usize = 16;

/// Up to 65536 ids.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// The upper half of the ids.
    key: u16,
    len: u32,
    form: Form,
}

/// The lower halves of the ids.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Ascending, distinct.
    Array(Vec<u16>),
    /// Ascending; none touches the next.
    Runs(Vec<Run>),
    Bits(Bits),
}

impl Chunk {
    pub(super) fn of(key: u16, low: u16) -> Self {
        // `vec!` allocates for exactly one, where a push would allocate for four.
        Self { key, len: 1, form: Form::Array(vec![low]) }
    }

    pub(super) fn from_bits(key: u16, mut bits: Bits) -> Option<Self> {
        let (span, len) = (bits.span()?, bits.len());
        let form = if are_dense(len as usize, span) {
            let (from, to) = bits::places(span);
            if 2 * (to - from + 1) < bits.words().len() {
                bits.trim();
            }
            Form::Bits(bits)
        } else {
            Form::Array(bits.to_array(len as usize))
        };
        Some(Self { key, len, form })
    }

    /// The chunk of ascending, distinct numbers with this span.
    pub(super) fn from_lows(key: u16, span: Run, lows: impl ExactSizeIterator<Item = u16>) -> Self {
        let len = lows.len();
        let form = if MIN_BITS <= len && are_dense(len, span) {
            let mut bits = Bits::with_room_for(span);
            lows.for_each(|low| {
                bits.insert(low);
            });
            Form::Bits(bits)
        } else {
            Form::Array(lows.collect())
        };
        Self { key, len: u32::try_from(len).unwrap_or(u32::MAX), form }
    }

    fn from_array(key: u16, array: Vec<u16>) -> Option<Self> {
        let len = u32::try_from(array.len()).unwrap_or(u32::MAX);
        (!array.is_empty()).then_some(Self { key, len, form: Form::Array(array) })
    }

    pub(super) fn from_runs(key: u16, runs: Vec<Run>) -> Option<Self> {
        let len = runs::len(&runs);
        let form = if (len as usize) < MAX_ARRAY && (len as usize) < 2 * runs.len() {
            Form::Array(runs.iter().flat_map(|run| run.first..=run.last).collect())
        } else if MAX_RUNS < runs.len() {
            Form::Bits(bits_of(&Form::Runs(runs)))
        } else {
            Form::Runs(runs)
        };
        (len != 0).then_some(Self { key, len, form })
    }

    /// How many runs it has, if it is made of few.
    pub(super) fn few_runs(&self) -> Option<usize> {
        match &self.form {
            Form::Runs(runs) if runs.len() <= FEW => Some(runs.len()),
            _ => None,
        }
    }

    /// How many numbers, runs or words it is made of: how long it takes to go through it.
    pub(super) fn weight(&self) -> usize {
        match &self.form {
            Form::Array(array) => array.len(),
            Form::Runs(runs) => runs.len(),
            Form::Bits(bits) => bits.words().len(),
        }
    }

    pub(super) fn key(&self) -> u16 {
        self.key
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// From the lowest number to the highest.
    pub(super) fn span(&self) -> Option<Run> {
        span_of(&self.form)
    }

    pub(super) fn contains(&self, low: u16) -> bool {
        match &self.form {
            Form::Array(array) => array.binary_search(&low).is_ok(),
            Form::Runs(runs) => runs::find(runs, low).is_ok(),
            Form::Bits(bits) => bits.contains(low),
        }
    }

    /// The run, if it is one.
    pub(super) fn single_run(&self) -> Option<Run> {
        match &self.form {
            Form::Runs(runs) => runs.first().copied().filter(|_| runs.len() == 1),
            _ => None,
        }
    }

    /// Whether it is one run that has both numbers, and so all between them.
    pub(super) fn has_all(&self, first: u16, last: u16) -> bool {
        self.single_run().is_some_and(|run| run.first <= first && last <= run.last)
    }

    /// Returns whether it was not there.
    pub(super) fn insert(&mut self, low: u16) -> bool {
        let is_new = match &mut self.form {
            Form::Array(array) => insert_in_array(array, low),
            Form::Runs(runs) => match runs.last_mut() {
                Some(last) if u32::from(last.last) + 1 == u32::from(low) => {
                    last.last = low;
                    true
                }
                _ => runs::insert(runs, low),
            },
            Form::Bits(bits) => bits.insert(low),
        };
        if is_new {
            self.len += 1;
            self.adapt();
        }
        is_new
    }

    /// Returns whether it was there.
    pub(super) fn remove(&mut self, low: u16) -> bool {
        let was_there = match &mut self.form {
            Form::Array(array) => {
                let found = array.binary_search(&low);
                found.map(|at| array.remove(at)).is_ok()
            }
            Form::Runs(runs) => runs::remove(runs, low),
            Form::Bits(bits) => bits.remove(low),
        };
        if was_there {
            self.len -= 1;
            self.adapt();
        }
        was_there
    }

    /// Changes the form where it has become a bad one. Forms overlap, so that it happens seldom.
    fn adapt(&mut self) {
        let len = self.len as usize;
        match &self.form {
            Form::Array(array) if MAX_ARRAY <= len => {
                self.form = if runs::of_array(array).count() <= MAX_RUNS / 2 {
                    Form::Runs(runs::of_array(array).collect())
                } else {
                    Form::Bits(bits_of(&self.form))
                };
            }
            Form::Array(array) if MIN_TURN <= len && len.is_power_of_two() => {
                if runs::of_array(array).count() <= len / 4 {
                    self.form = Form::Runs(runs::of_array(array).collect());
                } else if MIN_BITS <= len && self.span().is_some_and(|span| are_dense(len, span)) {
                    self.form = Form::Bits(bits_of(&self.form));
                }
            }
            Form::Runs(runs) if MIN_TURN <= runs.len() => {
                if len < MAX_ARRAY && len < 2 * runs.len() {
                    self.form = Form::Array(runs.iter().flat_map(|r| r.first..=r.last).collect());
                } else if MAX_RUNS <= runs.len() {
                    self.form = Form::Bits(bits_of(&self.form));
                }
            }
            // A bitmap holds words for growth, and is not given up because of them.
            Form::Bits(bits) if len < PER_WORD / 2 * bits.words().len() => {
                self.form = Form::Array(bits.to_array(len));
            }
            _ => {}
        }
    }

    fn is_array(&self) -> bool {
        matches!(self.form, Form::Array(_))
    }

    /// Takes the smallest form, and returns memory that was held for growth.
    pub(super) fn seal(&mut self) {
        let (len, Some(span)) = (self.len as usize, self.span()) else { return };
        let is_dense = are_dense(len, span);
        let (from, to) = bits::places(span);
        // In bytes, a run is two numbers and half a word.
        let most = if is_dense { 2 * (to - from + 1) } else { len / 2 };
        match &mut self.form {
            Form::Array(array) => {
                if runs::of_array(array).count() < most {
                    self.form = Form::Runs(runs::of_array(array).collect());
                } else if is_dense {
                    self.form = Form::Bits(bits_of(&self.form));
                } else {
                    array.shrink_to_fit();
                }
            }
            Form::Runs(runs) if is_dense && most < runs.len() => {
                self.form = Form::Bits(bits_of(&self.form));
            }
            Form::Runs(runs) => runs.shrink_to_fit(),
            Form::Bits(bits) => {
                let count = bits.count_runs();
                if count < most {
                    self.form = Form::Runs(runs_of(bits, count));
                } else if is_dense {
                    bits.trim();
                } else {
                    self.form = Form::Array(bits.to_array(len));
                }
            }
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Array(array) => array.capacity() * size_of::<u16>(),
            Form::Runs(runs) => runs.capacity() * size_of::<Run>(),
            Form::Bits(bits) => bits.heap_bytes(),
        }
    }

    /// The same numbers, one by one or in runs that are long.
    pub(super) fn unpacked(&self) -> Self {
        let len = self.len as usize;
        let form = match &self.form {
            Form::Bits(bits) => match bits.count_runs() {
                count if LONG_RUN * count <= len => Form::Runs(runs_of(bits, count)),
                _ => Form::Array(bits.to_array(len)),
            },
            Form::Runs(runs) if len < LONG_RUN * runs.len() => {
                Form::Array(runs.iter().flat_map(|run| run.first..=run.last).collect())
            }
            form => form.clone(),
        };
        Self { key: self.key, len: self.len, form }
    }

    /// The same numbers as a bitmap, unless they are few.
    pub(super) fn packed(&self) -> Self {
        let form = match &self.form {
            Form::Array(array) if array.len() < MIN_BITS => self.form.clone(),
            form => Form::Bits(bits_of(form)),
        };
        Self { key: self.key, len: self.len, form }
    }

    pub(super) fn is_disjoint(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Bits(a), Form::Bits(b)) => a.is_disjoint(b),
            (Form::Bits(bits), Form::Array(array)) | (Form::Array(array), Form::Bits(bits)) => {
                !array.iter().any(|low| bits.contains(*low))
            }
            (Form::Bits(bits), Form::Runs(runs)) | (Form::Runs(runs), Form::Bits(bits)) => {
                !runs.iter().any(|run| bits.meets_run(*run))
            }
            (Form::Array(array), Form::Runs(runs)) | (Form::Runs(runs), Form::Array(array)) => {
                slices_in(array, runs).all(<[u16]>::is_empty)
            }
            (Form::Array(a), Form::Array(b)) => arrays_are_disjoint(a, b),
            (Form::Runs(a), Form::Runs(b)) => {
                runs::and(a.iter().copied(), b.iter().copied()).is_empty()
            }
        }
    }

    /// Whether all numbers are in the other chunk, where that is cheap to say; `false` otherwise.
    pub(super) fn is_surely_within(&self, other: &Self) -> bool {
        match (&self.form, &other.form) {
            (Form::Bits(a), Form::Bits(b)) => a.is_surely_within(b),
            (Form::Array(array), Form::Bits(bits)) => array.iter().all(|low| bits.contains(*low)),
            _ => false,
        }
    }

    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let key = self.key;
        match (&self.form, &other.form) {
            (Form::Bits(a), Form::Bits(b)) => Self::from_bits(key, a.and(b)),
            (Form::Bits(bits), Form::Array(array)) | (Form::Array(array), Form::Bits(bits)) => {
                Self::from_array(key, keep(array, |low| bits.contains(low)))
            }
            (Form::Bits(bits), Form::Runs(runs)) | (Form::Runs(runs), Form::Bits(bits)) => {
                if self.len.min(other.len) as usize <= MAX_ARRAY {
                    Self::from_array(key, bits.array_within(runs, MAX_ARRAY))
                } else {
                    Self::from_bits(key, bits.within(runs))
                }
            }
            (Form::Array(array), Form::Runs(runs)) | (Form::Runs(runs), Form::Array(array)) => {
                if FEW < runs.len() && array.len() < GALLOP_FROM * runs.len() {
                    // Searching for the ends of so many runs takes longer than to draw them.
                    let bits = bits_of(if self.is_array() { &other.form } else { &self.form });
                    return Self::from_array(key, keep(array, |low| bits.contains(low)));
                }
                let mut both = Vec::new();
                slices_in(array, runs).for_each(|slice| both.extend_from_slice(slice));
                Self::from_array(key, both)
            }
            (Form::Array(a), Form::Array(b)) => Self::from_array(key, arrays_and(a, b)),
            (Form::Runs(a), Form::Runs(b)) => {
                let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
                let both = if GALLOP_FROM * few.len() <= many.len() {
                    runs::and_few(few, many)
                } else {
                    runs::and(a.iter().copied(), b.iter().copied())
                };
                Self::from_runs(key, both)
            }
        }
    }

    /// What is in one of the others, which have the same key.
    pub(super) fn and_any(&self, others: &[&Self]) -> Option<Self> {
        let [first, rest @ ..] = others else { return None };
        if rest.is_empty() {
            return self.and(first);
        }
        let total: usize = others.iter().map(|other| other.len as usize).sum();
        if FEW * (self.len as usize) < total {
            let met: Vec<Self> = others.iter().filter_map(|other| self.and(other)).collect();
            return Self::union(&met.iter().collect::<Vec<_>>());
        }
        // Their union is no chunk, since only some of it is kept.
        let mut bits = Bits::with_room();
        let span = self.span()?;
        for other in others {
            match &other.form {
                Form::Array(array) => bits.insert_all(array_in(array, span)),
                form => add(&mut bits, form),
            }
        }
        match &self.form {
            Form::Array(array) => Self::from_array(self.key, keep(array, |low| bits.contains(low))),
            Form::Bits(own) => Self::from_bits(self.key, own.and(&bits)),
            Form::Runs(runs) if self.len as usize <= MAX_ARRAY => {
                Self::from_array(self.key, bits.array_within(runs, MAX_ARRAY))
            }
            Form::Runs(runs) => Self::from_bits(self.key, bits.within(runs)),
        }
    }

    pub(super) fn and_not(&self, other: &Self) -> Option<Self> {
        let key = self.key;
        match (&self.form, &other.form) {
            (Form::Bits(a), Form::Bits(b)) => Self::from_bits(key, a.and_not(b)),
            (Form::Bits(a), Form::Array(b)) => {
                let mut rest = Bits::clone(a);
                for low in b {
                    rest.remove(*low);
                }
                Self::from_bits(key, rest)
            }
            (Form::Bits(a), Form::Runs(b)) => {
                let mut rest = Bits::clone(a);
                b.iter().for_each(|run| rest.remove_run(*run));
                Self::from_bits(key, rest)
            }
            (Form::Array(a), Form::Bits(b)) => {
                Self::from_array(key, keep(a, |low| !b.contains(low)))
            }
            (Form::Array(a), Form::Array(b)) => Self::from_array(key, array_and_not(a, b)),
            (Form::Array(a), Form::Runs(b)) => {
                let rest = a.iter().copied().filter(|low| runs::find(b, *low).is_err());
                Self::from_array(key, rest.collect())
            }
            (Form::Runs(_), Form::Bits(b)) => Self::from_bits(key, bits_of(&self.form).and_not(b)),
            (Form::Runs(a), Form::Array(b)) => {
                Self::from_runs(key, runs::and_not(a.iter().copied(), runs::of_array(b)))
            }
            (Form::Runs(a), Form::Runs(b)) => {
                Self::from_runs(key, runs::and_not(a.iter().copied(), b.iter().copied()))
            }
        }
    }

    /// The union of chunks of the same key.
    pub(super) fn union(chunks: &[&Self]) -> Option<Self> {
        let [first, rest @ ..] = chunks else { return None };
        if rest.is_empty() {
            return Some((*first).clone());
        }
        let arrays = chunks.iter().map(|chunk| match &chunk.form {
            Form::Array(array) => Some(array.as_slice()),
            _ => None,
        });
        let total: usize = chunks.iter().map(|chunk| chunk.len as usize).sum();
        if total <= FEW
            && let Some(arrays) = arrays.collect::<Option<Vec<&[u16]>>>()
        {
            let mut array = arrays.concat();
            array.sort_unstable();
            array.dedup();
            return Self::from_array(first.key, array);
        }
        let runs = chunks.iter().map(|chunk| match &chunk.form {
            Form::Runs(runs) if runs.len() <= FEW => Some(runs.as_slice()),
            _ => None,
        });
        if let Some(runs) = runs.collect::<Option<Vec<&[Run]>>>()
            && runs.iter().map(|runs| runs.len()).sum::<usize>() <= FEW
        {
            let mut runs = runs.concat();
            runs.sort_unstable_by_key(|run| run.first);
            runs::join(&mut runs);
            return Self::from_runs(first.key, runs);
        }
        let mut bits = Bits::with_room();
        chunks.iter().for_each(|chunk| chunk.add_to(&mut bits));
        Self::from_bits(first.key, bits)
    }

    /// Adds what is in the chunk to a bitmap.
    pub(super) fn add_to(&self, bits: &mut Bits) {
        add(bits, &self.form);
    }
}

/// Whether so many numbers with this span are smaller as a bitmap than as an array.
fn are_dense(len: usize, span: Run) -> bool {
    let (from, to) = bits::places(span);
    PER_WORD * (to - from + 1) <= len
}

fn span_of(form: &Form) -> Option<Run> {
    match form {
        Form::Array(array) => Some(Run { first: *array.first()?, last: *array.last()? }),
        Form::Runs(runs) => Some(Run { first: runs.first()?.first, last: runs.last()?.last }),
        Form::Bits(bits) => bits.span(),
    }
}

fn add(bits: &mut Bits, form: &Form) {
    match form {
        Form::Array(array) => bits.insert_all(array),
        Form::Runs(runs) => runs.iter().for_each(|run| bits.insert_run(*run)),
        Form::Bits(more) => bits.or_assign(more),
    }
}

fn bits_of(form: &Form) -> Bits {
    let mut bits = span_of(form).map_or_else(Bits::with_room, Bits::with_room_for);
    add(&mut bits, form);
    bits
}

fn runs_of(bits: &Bits, count: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(count);
    for (word, base) in bits.words().iter().zip((bits.base()..=u16::MAX).step_by(64)) {
        let mut word = *word;
        while word != 0 {
            let start = word.trailing_zeros();
            let len = (!(word >> start)).trailing_zeros();
            let first = base + start as u16;
            let last = first + (len - 1) as u16;
            match runs.last_mut() {
                Some(run) if u32::from(run.last) + 1 == u32::from(first) => run.last = last,
                _ => runs.push(Run { first, last }),
            }
            if 64 <= start + len {
                break;
            }
            word &= u64::MAX << (start + len);
        }
    }
    runs
}
