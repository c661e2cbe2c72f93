//! Numbers and texts off the front of bytes, and the frame that most sections stand in.
//!
//! Reading trusts nothing: what is not there is `None`, and the caller knows where it was. Integers
//! are big-endian; varints are those of the Go library, of at most 64 bits.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

/// Bytes that are read from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    rest: &'a [u8],
}

/// Bytes that many others may begin with: short ones are compared as one word.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prefix<'a> {
    bytes: &'a [u8],
    /// The first eight bytes, or all of them before zeros.
    word: u64,
    /// Ones where `word` has bytes.
    mask: u64,
}

impl<'a> Prefix<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let (mut word, mut mask) = ([0; 8], [0; 8]);
        for ((word, mask), byte) in word.iter_mut().zip(&mut mask).zip(bytes) {
            (*word, *mask) = (*byte, 0xff);
        }
        Self { bytes, word: u64::from_le_bytes(word), mask: u64::from_le_bytes(mask) }
    }
}

/// The bytes of a varint, to be compared without decoding. Writers take no more bytes than needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded {
    /// The bytes before zeros.
    word: u64,
    mask: u64,
    length: usize,
}

impl Encoded {
    pub(super) fn new(number: u32) -> Self {
        let (mut word, mut length, mut rest) = (0_u64, 0_usize, number);
        loop {
            let is_last = rest < 0x80;
            let byte = u64::from(rest & 0x7f) | u64::from(!is_last) << 7;
            word |= byte << length.wrapping_mul(8);
            length = length.wrapping_add(1);
            rest >>= 7;
            if is_last {
                let mask = (1_u64 << length.wrapping_mul(8)).wrapping_sub(1);
                return Self { word, mask, length };
            }
        }
    }
}

impl<'a> Scan<'a> {
    /// Goes over a value and a varint if they have this shape.
    #[inline]
    pub(super) fn skip_shape(&mut self, shape: &Shape) -> bool {
        let Some(behind) = self.rest.get(shape.before..).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let (mask, ends) = shape.ends;
        let fits =
            self.rest.first() == Some(&shape.value) && u64::from_le_bytes(*behind) & mask == ends;
        if fits {
            self.rest = self.rest.get(shape.length..).unwrap_or_default();
        }
        fits
    }

    /// What was gone over since `before`.
    pub(super) fn since(&self, before: Self) -> &'a [u8] {
        let count = before.rest.len().saturating_sub(self.rest.len());
        before.rest.get(..count).unwrap_or_default()
    }

    /// Goes over `number` if it comes next.
    #[inline]
    pub(super) fn skip_encoded(&mut self, number: &Encoded) -> bool {
        let mut eight = [0xff; 8];
        let word = match self.rest.first_chunk() {
            Some(eight) => u64::from_le_bytes(*eight),
            None => {
                eight.iter_mut().zip(self.rest).for_each(|(to, from)| *to = *from);
                u64::from_le_bytes(eight)
            }
        };
        let comes = word & number.mask == number.word;
        if comes {
            self.rest = self.rest.get(number.length..).unwrap_or_default();
        }
        comes
    }

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(front)
    }

    /// Goes over `prefix` if the bytes begin with it.
    #[inline]
    pub(super) fn skip_prefix(&mut self, prefix: &Prefix<'_>) -> bool {
        if let Some(eight) = self.rest.first_chunk()
            && u64::from_le_bytes(*eight) & prefix.mask != prefix.word
        {
            return false;
        }
        let rest = if prefix.bytes.len() <= 8 && 8 <= self.rest.len() {
            self.rest.get(prefix.bytes.len()..)
        } else {
            self.rest.strip_prefix(prefix.bytes)
        };
        match rest {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (front, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*front)
    }

    pub(super) fn be32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn be64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    #[inline]
    pub(super) fn uvarint(&mut self) -> Option<u64> {
        let (&first, rest) = self.rest.split_first()?;
        if first < 0x80 {
            self.rest = rest;
            return Some(u64::from(first));
        }
        self.long_uvarint()
    }

    fn long_uvarint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        let mut rest = self.rest;
        for shift in (0..64).step_by(7) {
            let (&byte, behind) = rest.split_first()?;
            rest = behind;
            if shift == 63 && 1 < byte {
                return None;
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                self.rest = rest;
                return Some(number);
            }
        }
        None
    }

    /// A number that must fit 32 bits.
    #[inline]
    pub(super) fn uvarint32(&mut self) -> Option<u32> {
        self.uvarint().and_then(|number| u32::try_from(number).ok())
    }

    /// A signed number, zig-zag.
    pub(super) fn varint(&mut self) -> Option<i64> {
        let number = self.uvarint()?;
        Some((number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg())
    }

    /// Goes over a varint; of one that is too long it may go over a part.
    #[inline]
    pub(super) fn skip_varint(&mut self) -> Option<()> {
        if let Some(eight) = self.rest.first_chunk::<8>() {
            let ends = !u64::from_le_bytes(*eight) & 0x8080_8080_8080_8080;
            if ends != 0 {
                let last = ends.trailing_zeros() >> 3;
                self.rest = self.rest.get((last as usize).wrapping_add(1)..)?;
                return Some(());
            }
        }
        self.uvarint().map(|_| ())
    }

    /// Bytes after their length.
    #[inline]
    pub(super) fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.uvarint()?).ok()?;
        self.take(length)
    }
}

/// `length u32 | contents | checksum u32`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) contents: &'a [u8],
    checksum: u32,
}

impl<'a> Frame<'a> {
    /// The frame at `offset`, if the bytes have it whole.
    pub(super) fn at(bytes: &'a [u8], offset: u64) -> Option<Self> {
        let mut scan = Scan::new(bytes.get(usize::try_from(offset).ok()?..)?);
        let length = usize::try_from(scan.be32()?).ok()?;
        let contents = scan.take(length)?;
        Some(Self { contents, checksum: scan.be32()? })
    }

    /// Whether the contents are those that were written. Linear.
    pub(super) fn is_sound(&self) -> bool {
        crc32c::crc32c(self.contents) == self.checksum
    }

    /// The same, for who passes over the contents anyway.
    pub(super) fn proof(&self) -> Proof<'a> {
        Proof { rest: self.contents, left: self.contents.len(), sum: 0, expected: self.checksum }
    }
}

/// A checksum that grows with a pass over the bytes: what was summed up lies in the cache when the pass
/// comes to it, so that memory is read once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof<'a> {
    /// What was not summed up.
    rest: &'a [u8],
    left: usize,
    sum: u32,
    expected: u32,
}

/// So many bytes are summed up at once.
const BLOCK: usize = 32 * 1024;

impl Proof<'_> {
    /// Tells that the pass has so many bytes before it.
    #[inline]
    pub(super) fn pass(&mut self, left: usize) {
        if left <= self.left {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let (block, rest) = self.rest.split_at(BLOCK.min(self.rest.len()));
        self.sum = crc32c::crc32c_append(self.sum, block);
        (self.rest, self.left) = (rest, rest.len());
    }

    /// Whether the contents are those that were written.
    pub(super) fn is_sound(self) -> bool {
        crc32c::crc32c_append(self.sum, self.rest) == self.expected
    }
}

/// The form of an entry: how long the value behind its head is, and the varint behind that. Where the
/// next one has the same, it is known where that ends before all of it has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The value's length, of one byte.
    value: u8,
    /// The value with its length.
    before: usize,
    /// Which bits of the eight bytes behind the value end the varint, and what they are.
    ends: (u64, u64),
    length: usize,
}

impl Shape {
    /// That of an entry that was gone over: its bytes behind the head.
    pub(super) fn of(entry: &[u8]) -> Option<Self> {
        let value = *entry.first().filter(|length| **length < 0x80)?;
        let before = usize::from(value).checked_add(1)?;
        let varint = entry.len().checked_sub(before).filter(|length| (1..=8).contains(length))?;
        let unused = 8_usize.wrapping_sub(varint).wrapping_mul(8);
        let mask = 0x8080_8080_8080_8080 >> unused;
        let last = 0x80 << varint.wrapping_sub(1).wrapping_mul(8);
        Some(Self { value, before, ends: (mask, mask ^ last), length: entry.len() })
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a test fails where it is out of bounds")]
#[expect(clippy::cast_possible_truncation, reason = "seven bits are left")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<(u64, usize)>) {
        let mut scan = Scan::new(bytes);
        assert_eq!(scan.uvarint().map(|number| (number, scan.left())), expected);
    }

    #[test]
    fn a_varint_may_be_longer_than_needed_but_not_than_64_bits() {
        check(&[], None);
        check(&[0x7f, 1], Some((127, 1)));
        check(&[0x80], None);
        check(&[0x80, 0x80, 0x00], Some((0, 0)));
        let most = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        check(&most, Some((u64::MAX, 0)));
        check(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], None);
        check(&[0x80; 11], None);
    }

    #[test]
    fn skipping_a_varint_is_reading_it() {
        for bytes in [&[5, 9, 9][..], &[0x80, 1, 9, 9, 9, 9, 9, 9, 9], &[0xff; 20], &[]] {
            let (mut read, mut skipped) = (Scan::new(bytes), Scan::new(bytes));
            assert_eq!(read.uvarint().is_some(), skipped.skip_varint().is_some());
            assert_eq!(read.left(), skipped.left());
        }
    }

    #[test]
    fn an_encoded_number_is_gone_over_where_it_stands() {
        let numbers = [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000, u32::MAX];
        for number in numbers {
            let mut bytes = Vec::new();
            let mut rest = number;
            while 0x80 <= rest {
                bytes.push(0x80 | (rest & 0x7f) as u8);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            for behind in [&[][..], &[9; 9]] {
                let bytes = [bytes.as_slice(), behind].concat();
                for other in numbers {
                    let mut scan = Scan::new(&bytes);
                    assert_eq!(scan.skip_encoded(&Encoded::new(other)), other == number);
                    assert_eq!(scan.left() == behind.len(), other == number);
                }
            }
        }
        assert!(!Scan::new(&[]).skip_encoded(&Encoded::new(0)));
    }

    #[test]
    fn signed_numbers_alternate() {
        let read = |byte| Scan::new(&[byte]).varint();
        assert_eq!([0, 1, 2, 3].map(read), [Some(0), Some(-1), Some(1), Some(-2)]);
    }

    #[test]
    fn a_shape_fits_what_is_as_long() {
        let entry = |value: usize, varint: usize| {
            let mut bytes = vec![value as u8];
            bytes.resize(1 + value, b'v');
            bytes.resize(value + varint, 0x80);
            bytes.push(1);
            bytes
        };
        for (value, varint) in [(0, 1), (1, 1), (16, 4), (127, 8)] {
            let shape = Shape::of(&entry(value, varint)).unwrap();
            for (other_value, other_varint) in [(0, 1), (1, 1), (16, 4), (16, 3), (16, 5), (127, 8)]
            {
                let mut bytes = entry(other_value, other_varint);
                let same = (value, varint) == (other_value, other_varint);
                let mut cut = Scan::new(&bytes);
                assert!(!cut.skip_shape(&shape) || (same && cut.left() == 0));
                bytes.extend([0xff; 8]);
                let mut scan = Scan::new(&bytes);
                assert_eq!(scan.skip_shape(&shape), same, "{value} {varint}");
                assert_eq!(scan.left() == 8, same);
            }
        }
        assert!(Shape::of(&entry(128, 1)).is_none() && Shape::of(&[]).is_none());
        assert!(Shape::of(&[1, b'v']).is_none());
    }

    #[test]
    fn a_proof_grows_with_the_pass() {
        let mut bytes = vec![0, 1, 0x86, 0xa0];
        bytes.extend((0..100_000_u32).map(|i| (i % 251) as u8));
        bytes.extend(crc32c::crc32c(&bytes[4..]).to_be_bytes());
        for changed in [None, Some(4), Some(50_000), Some(100_003)] {
            let mut bytes = bytes.clone();
            if let Some(at) = changed {
                bytes[at] ^= 1;
            }
            let frame = Frame::at(&bytes, 0).unwrap();
            for step in [7, 40_000, 1_000_000] {
                let mut proof = frame.proof();
                (0..frame.contents.len()).rev().step_by(step).for_each(|left| proof.pass(left));
                assert_eq!(proof.is_sound(), changed.is_none());
            }
        }
    }

    #[test]
    fn a_frame_must_be_whole_and_sound() {
        let mut bytes = vec![9, 0, 0, 0, 2, 7, 7];
        bytes.extend(crc32c::crc32c(&[7, 7]).to_be_bytes());
        assert!(Frame::at(&bytes, 1).is_some_and(|frame| frame.is_sound()));
        assert!(Frame::at(&bytes, 0).is_none() && Frame::at(&bytes, u64::MAX).is_none());
        assert!(Frame::at(&bytes[..10], 1).is_none());
        bytes[5] = 8;
        assert!(Frame::at(&bytes, 1).is_some_and(|frame| !frame.is_sound()));
    }
}
