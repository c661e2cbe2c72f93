//! What an exemplar's labels looked like: of one exemplar after the other only the values differ, and
//! not their lengths, so that the labels of the next one cost a comparison of blocks.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::RawLabel;

const BLOCK: usize = 32;

/// Longer ones are read as ever.
const LONGEST: usize = 256;

/// The bytes from the space before the sign to the space behind the closing brace.
#[derive(Debug)]
pub(super) struct Tail {
    blocks: Vec<Block>,
    len: usize,
    labels: usize,
}

/// What a block must be: where all bits are set in `fixed` the same, where they are in `value` any
/// ASCII that needs no thought.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    text: [u8; BLOCK],
    fixed: [u8; BLOCK],
    value: [u8; BLOCK],
}

impl Tail {
    /// If `rest` begins so: the length, and how many labels there are.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
    pub(super) fn find(&self, rest: &[u8]) -> Option<(usize, usize)> {
        let pages = rest.get(..self.blocks.len() * BLOCK)?.as_chunks().0;
        let blocks = pages.iter().zip(&self.blocks);
        let is_same = blocks.fold(true, |same, (page, block)| same & block.fits(page));
        is_same.then_some((self.len, self.labels))
    }

    /// Takes over how these labels, of which none is looked at, stand on the page.
    pub(super) fn learn(bytes: &[u8], labels: &[RawLabel]) -> Option<Self> {
        let (first, last) = (labels.first()?, labels.last()?);
        // ` # {`, and `"} `.
        let (start, end) = (first.name.start.checked_sub(4)?, last.value.end + 3);
        let text = bytes.get(start..end)?;
        let is_usual = text.len() <= LONGEST
            && text.starts_with(b" # {")
            && text.ends_with(b"\"} ")
            && !labels.iter().any(|label| label.escaped);
        if !is_usual {
            return None;
        }
        let blocks = text.chunks(BLOCK).zip(0..).map(|(piece, number)| {
            let mut block = Block::default();
            let parts = block.text.iter_mut().zip(&mut block.fixed).zip(&mut block.value);
            for ((((text, fixed), value), byte), at) in parts.zip(piece).zip(0..) {
                let place = start + number * BLOCK + at;
                let in_value =
                    |label: &RawLabel| (label.value.start..label.value.end).contains(&place);
                let is_value = labels.iter().any(in_value);
                (*text, *fixed, *value) = if is_value { (0, 0, !0) } else { (*byte, !0, 0) };
            }
            block
        });
        Some(Self { blocks: blocks.collect(), len: text.len(), labels: labels.len() })
    }
}

impl Block {
    /// Whether the page has nothing else.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
    fn fits(&self, page: &[u8; BLOCK]) -> bool {
        let parts = self.text.iter().zip(&self.fixed).zip(&self.value);
        let others = page.iter().zip(parts).fold(0, |others, (&byte, ((text, fixed), value))| {
            let is_special =
                ((byte as i8) <= 0) | (byte == b'"') | (byte == b'\\') | (byte == b'\n');
            others | (byte ^ text) & fixed | u8::from(is_special).wrapping_neg() & value
        });
        others == 0
    }
}
