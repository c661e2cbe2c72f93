//! What a parser knows at the end of one piece of a page, for the parser of the next piece.
//!
//! What metadata lines say is not here: they are given to the next parser again, before its piece.

use alloc::vec::Vec;
use core::mem;

use super::Parser;
use super::convert::Collation;

/// The memory of a parser beyond metadata.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The classic histogram that is being collected; places in it count from the page's beginning.
    collation: Collation,
    /// The start timestamp that was found last, and the series that it is for.
    start: Option<i64>,
    start_key: Vec<u8>,
}

impl Parser<'_> {
    /// Whether there is an entry that was read already.
    pub(crate) fn has_pending(&self) -> bool {
        self.collation.has_pending()
    }

    /// Stops at this byte where lines are left out, as if it were the end; what is collected stays.
    pub(crate) fn stop_at(&mut self, stop_at: usize) {
        self.stop_at = stop_at;
    }

    /// Whether the page ended, or an error did.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Takes over what another parser knew. The piece's first byte is the page's byte `base`.
    pub(crate) fn restore(&mut self, mut memory: Memory, base: usize) {
        memory.collation.resume(&self.collation, base.wrapping_neg());
        self.collation = memory.collation;
        (self.ahead.last, self.ahead.last_key) = (memory.start, memory.start_key);
    }

    /// What is to be given to the next parser, be it after an error that was none.
    pub(crate) fn suspend(&mut self, base: usize) -> Memory {
        let mut collation = mem::take(&mut self.collation);
        collation.resume(&Collation::default(), base);
        Memory { collation, start: self.ahead.last, start_key: mem::take(&mut self.ahead.last_key) }
    }
}
