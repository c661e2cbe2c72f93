//! What the bytes of blocks are as bit masks, and what lines are made of by them: word by word.
//!
//! This is the portable twin of what vectors do with eight blocks at a time, and what is done where a
//! string or a pair of braces is not closed on its line.
#![deny(clippy::indexing_slicing)]

/// How many blocks there are in a group.
pub(super) const LANES: usize = 8;

/// What is known of the bytes of a group of blocks: a word for each block, the first byte in the lowest
/// bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(super) struct Masks {
    pub(super) newline: [u64; LANES],
    pub(super) quote: [u64; LANES],
    /// Backslashes and NUL, which make a line an unusual one.
    pub(super) rare: [u64; LANES],
    /// `{` and `}`.
    pub(super) brace: [u64; LANES],
    pub(super) space: [u64; LANES],
    /// Those that may stand in a metric's name.
    pub(super) name: [u64; LANES],
    /// Those that must not be followed by the byte after them, where labels are and strings are not.
    pub(super) misfit: [u64; LANES],
    /// Found from the others: the bytes that become marks.
    pub(super) marked: [u64; LANES],
    /// Found from the others: line feeds of unusual lines.
    pub(super) unusual: [u64; LANES],
}

/// The same of one block.
#[derive(Clone, Copy, Debug)]
struct Block {
    newline: u64,
    quote: u64,
    rare: u64,
    brace: u64,
    space: u64,
    name: u64,
    misfit: u64,
}

impl Masks {
    fn block(&self, lane: usize) -> Option<Block> {
        Some(Block {
            newline: *self.newline.get(lane)?,
            quote: *self.quote.get(lane)?,
            rare: *self.rare.get(lane)?,
            brace: *self.brace.get(lane)?,
            space: *self.space.get(lane)?,
            name: *self.name.get(lane)?,
            misfit: *self.misfit.get(lane)?,
        })
    }
}

/// What one block hands on to the next. Of the first two all bits are set or none, the others are 1 or
/// 0.
#[derive(Clone, Copy, Debug, Default)]
struct Carry {
    in_string: u64,
    in_braces: u64,
    /// Whether the block begins with a line or within a metric's name.
    in_name: u64,
    /// Whether it begins within a line that is unusual.
    unusual: u64,
}

/// Finds marks and unusual lines, of which the first begins with the groups. In `one_pair` all bits are
/// set where an opening brace must follow a line's name to be usual.
pub(super) fn mark_words(groups: &mut [Masks], one_pair: u64) {
    let mut carry = Carry { in_name: 1, ..Carry::default() };
    for group in groups {
        for lane in 0..LANES {
            let Some(block) = group.block(lane) else { break };
            let (marked, unusual) = mark_word(block, &mut carry, one_pair);
            if let Some(word) = group.marked.get_mut(lane) {
                *word = marked;
            }
            if let Some(word) = group.unusual.get_mut(lane) {
                *word = unusual;
            }
        }
    }
}

/// The marks and the line feeds of unusual lines in a block.
fn mark_word(found: Block, carry: &mut Carry, one_pair: u64) -> (u64, u64) {
    let newline = found.newline;
    let mut inside = parity(found.quote) ^ carry.in_string;
    let mut braces = found.brace & !inside;
    let mut labels = parity(braces) ^ carry.in_braces;
    let mut unusual = found.rare | carry.unusual;
    if (inside | labels) & newline != 0 {
        (inside, braces, labels) = by_lines((newline, found.quote, found.brace), *carry);
        unusual |= (inside | labels) & newline;
        (inside, labels) = (inside & !newline, labels & !newline);
    }
    let ends = braces | found.space & !inside;
    let starts = newline << 1 | carry.in_name;
    let (ran, in_name) = found.name.overflowing_add(starts);
    let after_names = ran & !found.name;
    unusual |= braces & labels & !after_names & one_pair
        | found.misfit & labels & !inside
        | after_names & !ends & !newline;
    // From an unusual byte a carry runs to the line feed that ends its line, or out of the block.
    let (run, is_unusual) = (!newline).overflowing_add(unusual & !newline);
    *carry = Carry {
        in_string: ((inside as i64) >> 63) as u64,
        in_braces: ((labels as i64) >> 63) as u64,
        in_name: u64::from(in_name) | newline >> 63,
        unusual: u64::from(is_unusual),
    };
    (found.quote | ends | newline, (run | unusual) & newline)
}

/// What is in strings, the braces outside of them, and what is between those, where a string or a
/// pair of braces is not closed on its line; each line begins outside of both.
#[cold]
#[inline(never)]
fn by_lines((newline, quote, brace): (u64, u64, u64), carry: Carry) -> (u64, u64, u64) {
    let (mut inside, mut braces, mut labels) = (0, 0, 0);
    let (mut in_string, mut in_braces) = (carry.in_string, carry.in_braces);
    let mut left = newline;
    let mut rest = !0;
    while rest != 0 {
        // The bits of one line: up to the next line feed, or all that are left.
        let line = (left ^ left.wrapping_sub(1)) & rest;
        let line_inside = (parity(quote & line) ^ in_string) & line;
        let line_braces = brace & line & !line_inside;
        labels |= (parity(line_braces) ^ in_braces) & line;
        (inside, braces) = (inside | line_inside, braces | line_braces);
        (in_string, in_braces) = (0, 0);
        rest &= !line;
        left &= left.wrapping_sub(1);
    }
    (inside, braces, labels)
}

/// For each bit, whether the number of set bits up to it is odd.
fn parity(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].iter().fold(bits, |sum, by| sum ^ sum << by)
}
