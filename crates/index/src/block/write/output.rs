//! The sink of an index file, with its position, and the encodings that are written.

use std::fmt;
use std::io::Write;

use crate::error::Error;

/// The sink gets pieces of about this size.
const FLUSH_FROM: usize = 64 * 1024;

/// A sink that knows how much it got.
pub(super) struct Output<W> {
    out: W,
    /// What `out` has not got yet.
    buffer: Vec<u8>,
    /// Bytes that `out` got.
    flushed: u64,
}

impl<W> fmt::Debug for Output<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("flushed", &self.flushed).finish_non_exhaustive()
    }
}

impl<W: Write> Output<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, buffer: Vec::with_capacity(2 * FLUSH_FROM), flushed: 0 }
    }

    /// Where the next byte goes, from the start of the file.
    pub(super) fn position(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    /// To append to; [`flush_if_full`](Self::flush_if_full) follows sooner or later.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    pub(super) fn flush_if_full(&mut self) -> Result<(), Error> {
        if FLUSH_FROM <= self.buffer.len() { self.flush() } else { Ok(()) }
    }

    /// Zero bytes up to a multiple of `width`, which is a power of two.
    pub(super) fn align(&mut self, width: u64) -> Result<(), Error> {
        while !self.position().is_multiple_of(width) {
            self.buffer.push(0);
        }
        self.flush_if_full()
    }

    /// A postings list: ids of series in a frame.
    pub(super) fn write_list(&mut self, ids: &[u32]) -> Result<(), Error> {
        let length = 4 + 4 * ids.len();
        let (Ok(length), Ok(count)) = (u32::try_from(length), u32::try_from(ids.len())) else {
            return Err(Error::limit(format!("posting size exceeds 4 bytes: {length}")));
        };
        self.write_framed(length, |frame| {
            frame.extend(&count.to_be_bytes())?;
            for some in ids.chunks(FLUSH_FROM / 4) {
                frame.scratch().extend(some.iter().flat_map(|id| id.to_be_bytes()));
                frame.commit()?;
            }
            Ok(())
        })
    }

    /// `length u32 | contents | checksum u32`, the contents as `fill` gives them.
    pub(super) fn write_framed(
        &mut self,
        length: u32,
        fill: impl FnOnce(&mut Contents<'_, W>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.buffer.extend(length.to_be_bytes());
        let start = self.position();
        let checked = self.buffer.len();
        let mut contents = Contents { output: self, checked, checksum: 0 };
        fill(&mut contents)?;
        let checksum = contents.checksum;
        debug_assert_eq!(self.position() - start, u64::from(length));
        self.buffer.extend(checksum.to_be_bytes());
        self.flush_if_full()
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        self.flush()?;
        self.out.flush().map_err(Error::io)?;
        Ok(self.out)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.out.write_all(&self.buffer).map_err(Error::io)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// The contents of a frame while they are written.
pub(super) struct Contents<'a, W> {
    output: &'a mut Output<W>,
    /// Up to here the buffer is part of the checksum, or stands before the contents.
    checked: usize,
    checksum: u32,
}

impl<W: Write> Contents<'_, W> {
    pub(super) fn extend(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.scratch().extend(bytes);
        self.commit()
    }

    /// To append to; [`commit`](Self::commit) follows before anything else.
    pub(super) fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.output.buffer
    }

    pub(super) fn commit(&mut self) -> Result<(), Error> {
        let fresh = self.output.buffer.get(self.checked..).unwrap_or_default();
        self.checksum = crc32c::crc32c_append(self.checksum, fresh);
        self.output.flush_if_full()?;
        self.checked = self.output.buffer.len();
        Ok(())
    }
}

pub(super) fn put_uvarint(buffer: &mut Vec<u8>, mut number: u64) {
    while 0x80 <= number {
        buffer.push(number as u8 | 0x80);
        number >>= 7;
    }
    buffer.push(number as u8);
}

pub(super) fn put_varint(buffer: &mut Vec<u8>, number: i64) {
    put_uvarint(buffer, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// How many bytes [`put_uvarint`] appends.
pub(super) fn uvarint_length(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_varint_is_told_before_it_is_written() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit]);
        for number in edges.chain([u64::MAX]) {
            let mut bytes = Vec::new();
            put_uvarint(&mut bytes, number);
            assert_eq!(bytes.len(), uvarint_length(number), "{number}");
        }
    }

    #[test]
    fn the_checksum_does_not_depend_on_how_contents_are_given() {
        let write = |pieces: &[&[u8]]| {
            let mut out = Output::new(Vec::new());
            out.buffer().push(7);
            let length = pieces.iter().map(|piece| piece.len() as u32).sum();
            out.write_framed(length, |contents| {
                pieces.iter().try_for_each(|piece| contents.extend(piece))
            })
            .unwrap();
            out.finish().unwrap()
        };
        let long = vec![5; 3 * FLUSH_FROM];
        let (front, back) = long.split_at(FLUSH_FROM + 1);
        assert_eq!(write(&[&long]), write(&[front, back]));
    }
}
