//! The structural pass: where quotes, braces, spaces and line feeds are, found in blocks of 64 bytes.
//!
//! A block becomes bit masks, one bit a byte; what lines are made of falls out of a few operations on
//! words. A window of the page is looked through at a time. Only lines in the shape that exporters
//! write are taken (no escapes, no blanks between braces); every other line is left to the byte-wise
//! fast path, which agrees with this one where both dare to. The masks need AVX-512, looked for at run
//! time; where it is not, all lines are left to the byte-wise path.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;
use core::mem;

use super::work;
use crate::TextFormat;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use crate::number::avx512::Avx512;

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod masks;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

/// Bytes in a block.
const BLOCK: usize = 64;

/// Bytes in a window; places in it are numbers of 16 bits.
const WINDOW: usize = 64 * BLOCK;

/// Bytes behind a window that may be loaded with what stands in it.
const AHEAD: usize = 32;

/// The bytes that are looked through, and those that may be loaded.
type Window = [u8; WINDOW + AHEAD];

/// There is room for the values of as many lines as a window has if these are as long as this; those
/// of others are not read in advance.
const MEAN_LINE: usize = 16;

/// In a line's entry: it is not a usual one.
const UNUSUAL: u16 = 1 << 15;

/// Where many lines are unusual, so many windows at most are passed without a look, as a power of two.
const LONGEST_REST: u32 = 3;

/// The way to look through blocks on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scanner {
    /// There is none: lines are read byte by byte.
    Bytewise,
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    Avx512(Avx512),
}

impl Scanner {
    /// All that this machine has.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        alloc::vec![Self::Bytewise, Self::new()]
    }

    /// The best one for this machine.
    pub(super) fn new() -> Self {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if let Some(cpu) = Avx512::detect() {
            return Self::Avx512(cpu);
        }
        Self::Bytewise
    }
}

/// What a window of the page is made of.
#[derive(Debug)]
pub(super) struct Index {
    scanner: Scanner,
    /// The window's first byte.
    base: usize,
    /// Places of quotes, of braces and spaces outside of strings, and of line feeds, counted from
    /// `base`.
    marks: Vec<u16>,
    /// For each line that ends in the window, which mark its line feed is, and [`UNUSUAL`].
    lines: Vec<u16>,
    /// For each of the first usual lines the number that stands last, or before a timestamp; NaN where it
    /// was not read.
    values: Vec<f64>,
    is_timed: bool,
    line_count: usize,
    /// What the looking through needs.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    room: x86::Room,
    /// Whether there is no backslash and no NUL in the window.
    is_plain: bool,
    /// How many of the window's lines had their value somewhere else, so far.
    missed: usize,
    /// The last bytes of the page, made up to whole blocks.
    end: Vec<u8>,
    /// The next line, the next one of the values, the first of the line's marks, and where it begins.
    line: usize,
    value: usize,
    mark: usize,
    start: usize,
    /// How many lines of the window were asked for in vain.
    unusual: usize,
    /// No window is looked at before this byte; how long such a rest was, as a power of two.
    rest_to: usize,
    rest: u32,
}

/// A line's marks: at least the line feed, which is the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexedLine<'i> {
    pub(super) marks: &'i [u16],
    /// What the marks are counted from.
    pub(super) base: usize,
    /// Which of all marks is the first one.
    pub(super) first: usize,
    pub(super) is_usual: bool,
    /// On a usual line the number that stands last, or before another number if the line is expected to
    /// have a timestamp; NaN where it was not read.
    pub(super) value: f64,
    pub(super) is_timed: bool,
}

impl Index {
    #[cfg_attr(
        not(all(feature = "std", target_arch = "x86_64")),
        expect(unused_variables, reason = "no SIMD")
    )]
    pub(super) fn new(scanner: Scanner, format: TextFormat, page_len: usize) -> Self {
        let len = if scanner == Scanner::Bytewise {
            0
        } else {
            page_len.next_multiple_of(BLOCK).min(WINDOW) + BLOCK
        };
        let values = (len / MEAN_LINE).next_multiple_of(MEAN_LINE);
        Self {
            scanner,
            base: 0,
            marks: alloc::vec![0; len],
            lines: alloc::vec![0; len],
            values: alloc::vec![0.0; values],
            is_timed: false,
            line_count: 0,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            room: x86::Room::new(format, len / BLOCK, values),
            is_plain: false,
            missed: 0,
            end: Vec::new(),
            line: 0,
            value: 0,
            mark: 0,
            start: usize::MAX,
            unusual: 0,
            rest_to: 0,
            rest: 0,
        }
    }

    /// How it looks through blocks.
    #[inline]
    pub(super) fn scanner(&self) -> Scanner {
        self.scanner
    }

    /// The marks of the line at `pos`; nothing where it is not a usual one.
    #[inline]
    pub(super) fn line_at(&mut self, bytes: &[u8], pos: usize) -> Option<IndexedLine<'_>> {
        if pos != self.start || self.line_count <= self.line {
            self.seek(bytes, pos)?;
        }
        if self.lines.get(self.line)? & UNUSUAL != 0 {
            self.unusual += 1;
            self.next_line()?;
            return None;
        }
        self.next_line()
    }

    /// The same of any line; in an unusual one nothing is known of strings and names.
    #[inline]
    pub(super) fn any_line_at(&mut self, bytes: &[u8], pos: usize) -> Option<IndexedLine<'_>> {
        if pos != self.start || self.line_count <= self.line {
            self.seek(bytes, pos)?;
        }
        self.next_line()
    }

    #[inline]
    fn next_line(&mut self) -> Option<IndexedLine<'_>> {
        let entry = *self.lines.get(self.line)?;
        let (first, last) = (self.mark, usize::from(entry & !UNUSUAL));
        let marks = self.marks.get(first..=last)?;
        let end = usize::from(*marks.last()?);
        let value = self.values.get(self.value).copied().unwrap_or(f64::NAN);
        let (base, is_usual, is_timed) = (self.base, entry & UNUSUAL == 0, self.is_timed);
        self.line += 1;
        self.value += usize::from(is_usual);
        self.mark = last + 1;
        self.start = base + end + 1;
        Some(IndexedLine { marks, base, first, is_usual, value, is_timed })
    }

    /// The marks of the line at `pos`, usual or not, without going on behind it; nothing where another
    /// line is the next one. See [`Index::pass`].
    #[inline]
    pub(super) fn next_line_at(&self, pos: usize) -> Option<IndexedLine<'_>> {
        if pos != self.start || self.line_count <= self.line {
            return None;
        }
        let entry = *self.lines.get(self.line)?;
        let marks = self.marks.get(self.mark..=usize::from(entry & !UNUSUAL))?;
        let value = self.values.get(self.value).copied().unwrap_or(f64::NAN);
        let (base, first, is_timed) = (self.base, self.mark, self.is_timed);
        Some(IndexedLine { marks, base, first, is_usual: entry & UNUSUAL == 0, value, is_timed })
    }

    /// How many bytes from `pos` on may stand in a metric's name, up to 64; it is in the window.
    #[inline]
    #[cfg_attr(
        not(all(feature = "std", target_arch = "x86_64")),
        expect(unused_variables, clippy::unused_self, reason = "no SIMD")
    )]
    pub(super) fn name_len(&self, pos: usize) -> usize {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        return self.room.name_len(pos.wrapping_sub(self.base));
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        0
    }

    /// Whether there is no backslash and no NUL between two places in the window.
    #[inline]
    #[cfg_attr(
        not(all(feature = "std", target_arch = "x86_64")),
        expect(unused_variables, reason = "no SIMD")
    )]
    pub(super) fn is_plain_between(&self, start: usize, end: usize) -> bool {
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        return self.is_plain || self.room.is_plain(start - self.base, end - self.base);
        #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
        self.is_plain
    }

    /// Goes on behind a line with so many marks, that ends before `end`.
    #[inline]
    pub(super) fn pass(&mut self, marks: usize, is_usual: bool, end: usize) {
        self.line += 1;
        self.value += usize::from(is_usual);
        self.mark += marks;
        self.start = end;
    }

    #[cfg(test)]
    pub(super) fn is_bytewise(&self) -> bool {
        self.scanner == Scanner::Bytewise
    }

    /// Whether there is surely no backslash and no NUL on the lines that the index gives now.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Notes that the value of a line was not in its place, as with an exemplar behind it; where that is
    /// usual no values are read in advance.
    #[inline]
    pub(super) fn miss_value(&mut self) {
        self.missed += 1;
    }

    /// Some of the marks.
    #[inline]
    pub(super) fn marks(&self, start: usize, end: usize) -> &[u16] {
        self.marks.get(start..end).unwrap_or_default()
    }

    /// What the marks are counted from.
    #[inline]
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Where the index is, to come back to.
    pub(super) fn cursor(&self) -> Cursor {
        let Self { base, line, value, mark, start, .. } = *self;
        Cursor { base, line, value, mark, start }
    }

    /// Goes back to a place; costs a new look at the window if that is another one now.
    pub(super) fn go_back(&mut self, to: Cursor) {
        if self.base == to.base {
            (self.line, self.value, self.mark, self.start) = (to.line, to.value, to.mark, to.start);
        } else {
            self.start = usize::MAX;
        }
    }

    /// Makes the line at `pos` the next one, if lines are to be found there.
    #[cold]
    #[inline(never)]
    fn seek(&mut self, bytes: &[u8], pos: usize) -> Option<()> {
        if self.scanner == Scanner::Bytewise || pos < self.rest_to {
            return None;
        }
        while self.start < pos && self.line < self.line_count {
            let entry = *self.lines.get(self.line)?;
            let last = usize::from(entry & !UNUSUAL);
            self.start = self.base + usize::from(*self.marks.get(last)?) + 1;
            self.mark = last + 1;
            self.line += 1;
            self.value += usize::from(entry & UNUSUAL == 0);
        }
        if self.start != pos || self.line_count <= self.line {
            if self.wants_rest() {
                self.rest_to = pos + (WINDOW << self.rest);
                self.rest = LONGEST_REST.min(self.rest + 1);
                self.line_count = 0;
                return None;
            }
            self.fill(bytes, pos);
        }
        (self.line < self.line_count).then_some(())
    }

    /// Whether a third of the window's lines was asked for in vain, as the next one's may be.
    fn wants_rest(&mut self) -> bool {
        let wants_rest = self.line_count < 3 * mem::take(&mut self.unusual);
        if self.line_count != 0 && !wants_rest {
            self.rest = 0;
        }
        wants_rest
    }

    /// Looks through the window at `pos`.
    fn fill(&mut self, bytes: &[u8], pos: usize) {
        (self.base, self.start, self.line, self.mark) = (pos, pos, 0, 0);
        (self.line_count, self.value) = (0, 0);
        let rest = bytes.get(pos..).unwrap_or_default();
        if let Some(window) = rest.first_chunk() {
            return self.look_through(window, WINDOW / BLOCK);
        }
        // The end of the page; what is behind it counts as NUL.
        let mut end = mem::take(&mut self.end);
        end.clear();
        end.reserve_exact(WINDOW + AHEAD);
        end.extend_from_slice(rest);
        end.resize(WINDOW + AHEAD, 0);
        if let Some(window) = end.first_chunk() {
            self.look_through(window, rest.len().div_ceil(BLOCK).min(WINDOW / BLOCK));
        }
        self.end = end;
    }

    /// Looks through so many blocks.
    fn look_through(&mut self, window: &Window, blocks: usize) {
        work::add(blocks * BLOCK);
        match self.scanner {
            Scanner::Bytewise => _ = window,
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Scanner::Avx512(cpu) => x86::fill(cpu, self, window, blocks),
        }
    }
}

/// Where an [`Index`] is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    base: usize,
    line: usize,
    value: usize,
    mark: usize,
    start: usize,
}
