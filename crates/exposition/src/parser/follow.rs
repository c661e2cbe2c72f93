//! Known lines that follow each other, found in one go.
//!
//! Of most pages nearly every line is the one that is expected, and ends in the form that it had. A
//! batch of lines is compared and their numbers are read in one loop, which hands on nothing but a
//! place from line to line, and knows that before it looks at a line's bytes; it has a twin for wide
//! vectors. The parser then takes line by line from the batch. A batch ends before the first line that
//! is not expected or does not end in a usual way, and before the last bytes of the page; such a line is
//! looked at singly.
#![deny(clippy::indexing_slicing)]

use super::ending::{Behind, BehindForm, End, Endings, Number, Scaled};
use super::layout::{Known, Lines, begins_with};
use super::scan::Scanner;
use crate::TextFormat;

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

/// Lines that are found in one go.
const BATCH: usize = 32;

/// A line that was found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    pub(super) known: Known,
    /// Where the next line begins.
    pub(super) next: usize,
    /// Whether anything stands behind the value.
    has_behind: bool,
}

/// Lines that were found and not taken yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    found: [Found; BATCH],
    scaled: [Scaled; BATCH],
    behind: [Behind; BATCH],
    count: usize,
    /// The line that is taken next.
    at: usize,
}

/// The lines that are expected at a place of a page.
#[derive(Debug)]
pub(super) struct Ahead<'l> {
    pub(super) format: TextFormat,
    pub(super) page: &'l [u8],
    pub(super) pos: usize,
    pub(super) known: &'l mut Lines,
    /// The number of the first.
    pub(super) next: usize,
    pub(super) endings: &'l mut Endings,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        (self.at, self.count) = (0, 0);
    }

    /// The next line, if there is one, its value, which for metadata is any, and what stands behind
    /// that.
    #[inline]
    pub(super) fn take(&mut self) -> Option<(&Found, f64, Option<&Behind>)> {
        let found = self.found.get(..self.count)?.get(self.at)?;
        let value = self.scaled.get(self.at)?.value();
        let behind = if found.has_behind { self.behind.get(self.at) } else { None };
        self.at += 1;
        Some((found, value, behind))
    }

    /// Finds the lines that stand on the page.
    pub(super) fn fill(&mut self, scanner: Scanner, ahead: Ahead<'_>) {
        self.at = 0;
        self.count = match scanner {
            Scanner::Bytewise => self.fill_by(ahead, begins, Number::read, BehindForm::read),
            #[cfg(all(feature = "std", target_arch = "x86_64"))]
            Scanner::Avx512(avx512) => x86::fill_avx512(avx512, self, ahead),
        };
    }

    /// Finds the lines by these functions; gives how many there are. `begins` tells whether two pieces
    /// have the same first bytes, so many of them; `number` and `behind` read what has a form.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
    fn fill_by(
        &mut self,
        ahead: Ahead<'_>,
        begins: impl Fn(&[u8], &[u8], usize) -> bool,
        number: impl Fn(&Number, &[u8], usize, &mut Scaled) -> bool,
        behind: impl Fn(&BehindForm, &[u8], usize, &mut Behind) -> bool,
    ) -> usize {
        let Ahead { format, page, mut pos, known, next, endings } = ahead;
        let mut count = 0;
        let (lines, text) = known.from(next);
        let values = self.scaled.iter_mut().zip(&mut self.behind);
        for ((line, found), (value, more)) in lines.iter_mut().zip(&mut self.found).zip(values) {
            let (Some(rest), Some(text)) = (page.get(pos..), text.get(line.start()..)) else {
                break;
            };
            if !begins(rest, text, line.len()) {
                break;
            }
            pos += line.len();
            (found.known, found.has_behind) = (*line, false);
            if line.is_sample() {
                let mut end = End { value, behind: more, has_behind: &mut found.has_behind };
                let mut is_found = false;
                let read = loop {
                    if let Some(ending) = endings.get(line.ending())
                        && let Some(next) = ending.read(page, pos, &mut end, &number, &behind)
                    {
                        break Some(next);
                    }
                    // Another form than last time.
                    let other = if is_found { None } else { endings.find(format, page, pos) };
                    let Some(other) = other else { break None };
                    line.set_ending(other);
                    is_found = true;
                };
                let Some(next) = read else { break };
                pos = next;
            } else if page.get(pos) == Some(&0) {
                // OpenMetrics takes NUL behind a text for a part of it.
                break;
            }
            found.next = pos;
            count += 1;
        }
        endings.grant(count);
        count
    }
}

/// Whether both have the same first bytes.
#[inline]
fn begins(rest: &[u8], text: &[u8], len: usize) -> bool {
    text.get(..len).is_some_and(|text| begins_with(rest, text))
}
