//! Foreign bytes, read from the front: bytes, integers of variable length, slices.
#![deny(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use alloc::vec::Vec;

/// What is wrong with the bytes of a column, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) what: Wrong,
}

/// The kinds of [`Fault`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// The bytes end too early.
    End,
    /// This part has a value that the format does not allow.
    Part(&'static str),
}

/// The bytes of a chunk and a place in them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The place of the next byte.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// All bytes that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let byte = self.bytes.get(self.at).ok_or_else(|| self.end())?;
        self.at = self.at.wrapping_add(1);
        Ok(*byte)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let taken = self.rest().get(..len).ok_or_else(|| self.end())?;
        self.at = self.at.wrapping_add(len);
        Ok(taken)
    }

    /// An unsigned integer of variable length.
    #[inline]
    pub(super) fn uvarint(&mut self) -> Result<u64, Fault> {
        match self.bytes.get(self.at) {
            Some(byte) if *byte < 0x80 => {
                self.at = self.at.wrapping_add(1);
                Ok(u64::from(*byte))
            }
            _ => self.long_uvarint(),
        }
    }

    fn long_uvarint(&mut self) -> Result<u64, Fault> {
        let start = *self;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte().map_err(|_| self.end())?;
            if shift == 63 && 1 < byte {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(start.wrong("integer"))
    }

    /// A zig-zag integer of variable length, as two's complement.
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        self.uvarint().map(unzigzag)
    }

    /// The fault that the bytes end.
    #[cold]
    pub(super) fn end(&self) -> Fault {
        Fault { offset: self.bytes.len(), what: Wrong::End }
    }

    /// The fault that what begins here is not allowed.
    #[cold]
    pub(super) fn wrong(&self, part: &'static str) -> Fault {
        Fault { offset: self.at, what: Wrong::Part(part) }
    }
}

pub(super) fn zigzag(value: u64) -> u64 {
    (value << 1) ^ ((value as i64) >> 63) as u64
}

pub(super) fn unzigzag(value: u64) -> u64 {
    (value >> 1) ^ (value & 1).wrapping_neg()
}

pub(super) fn push_uvarint(bytes: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

pub(super) fn push_varint(bytes: &mut Vec<u8>, value: u64) {
    push_uvarint(bytes, zigzag(value));
}
