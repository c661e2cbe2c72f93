//! Protobuf's wire format: keys, varints, fixed numbers and lengths, with the errors that Prometheus'
//! decoder gives.
//!
//! Nothing here knows a message; what is read is a slice of the page.
#![deny(clippy::indexing_slicing)]

use alloc::format;
use alloc::string::String;

use crate::{Error, ErrorKind};

/// How a field's value is written.
pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const BYTES: u8 = 2;
const START_GROUP: u8 = 3;
const END_GROUP: u8 = 4;
const FIXED32: u8 = 5;

/// A message that is being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wire<'a> {
    rest: &'a [u8],
    /// The byte of the page after the message.
    end: usize,
}

/// A field's number and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) field: u32,
    pub(super) kind: u8,
    /// Where it begins.
    at: usize,
}

impl<'a> Wire<'a> {
    /// The message that `bytes` are, which end before the byte `end` of the page.
    pub(super) fn new(bytes: &'a [u8], end: usize) -> Self {
        Self { rest: bytes, end }
    }

    /// The byte of the page that comes next.
    #[inline]
    pub(super) fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The next field of a message of the type `message`, or nothing at its end.
    #[inline]
    pub(super) fn key(&mut self, message: &str) -> Result<Option<Key>, Error> {
        let at = self.offset();
        match self.rest.split_first() {
            None => Ok(None),
            Some((&byte, rest)) if (8..0x80).contains(&byte) && byte & 7 != END_GROUP => {
                self.rest = rest;
                Ok(Some(Key { field: u32::from(byte >> 3), kind: byte & 7, at }))
            }
            Some(_) => self.long_key(message, at).map(Some),
        }
    }

    #[cold]
    fn long_key(&mut self, message: &str, at: usize) -> Result<Key, Error> {
        let key = self.varint()?;
        let (number, kind) = ((key >> 3) as i32, (key & 7) as u8);
        if kind == END_GROUP {
            return Err(syntax(format!("proto: {message}: wiretype end group for non-group"), at));
        }
        match u32::try_from(number) {
            Ok(field) if field != 0 => Ok(Key { field, kind, at }),
            _ => {
                let message = format!("proto: {message}: illegal tag {number} (wire type {key})");
                Err(syntax(message, at))
            }
        }
    }

    /// An integer of up to 64 bits, lowest seven first.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Error> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            Some((&low, [high @ 0..0x80, rest @ ..])) => {
                self.rest = rest;
                Ok(u64::from(low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        if self.rest.len() < 10 {
            return Err(truncated(self.end));
        }
        Err(syntax("proto: integer overflow".into(), self.offset()))
    }

    /// The varint that a field called `name` must be.
    #[inline]
    pub(super) fn integer(&mut self, key: Key, name: &str) -> Result<u64, Error> {
        if key.kind != VARINT {
            return Err(wrong_kind(key, name));
        }
        self.varint()
    }

    /// The double that a field called `name` must be.
    #[inline]
    pub(super) fn double(&mut self, key: Key, name: &str) -> Result<f64, Error> {
        if key.kind != FIXED64 {
            return Err(wrong_kind(key, name));
        }
        self.fixed64()
    }

    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<f64, Error> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<8>() else {
            return Err(truncated(self.end));
        };
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    /// The bytes that a field called `name` must be.
    #[inline]
    pub(super) fn bytes(&mut self, key: Key, name: &str) -> Result<&'a [u8], Error> {
        if key.kind != BYTES {
            return Err(wrong_kind(key, name));
        }
        let at = self.offset();
        let len = self.varint()?;
        if i64::try_from(len).is_err() {
            return Err(negative_length(at));
        }
        match usize::try_from(len).ok().and_then(|len| self.rest.split_at_checked(len)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(truncated(self.end)),
        }
    }

    /// The message that a field called `name` must be.
    #[inline]
    pub(super) fn message(&mut self, key: Key, name: &str) -> Result<Self, Error> {
        let bytes = self.bytes(key, name)?;
        Ok(Self { rest: bytes, end: self.offset() })
    }

    /// Splits off the messages of the field `key` at the front that are shorter than 128 bytes.
    #[inline]
    pub(super) fn short_messages(&mut self, key: u8) -> Self {
        let all = self.rest;
        while let [found, len @ 0..0x80, rest @ ..] = self.rest
            && *found == key
            && let Some(rest) = rest.get(usize::from(*len)..)
        {
            self.rest = rest;
        }
        let bytes = all.get(..all.len() - self.rest.len()).unwrap_or_default();
        Self { rest: bytes, end: self.offset() }
    }

    /// What is left of the message.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Passes over a field that is not known.
    #[cold]
    pub(super) fn skip(&mut self, key: Key) -> Result<(), Error> {
        let mut depth = 0_usize;
        let mut kind = key.kind;
        loop {
            let at = self.offset();
            match kind {
                VARINT => drop(self.varint()?),
                FIXED64 => self.pass(8)?,
                BYTES => {
                    let len = self.varint()?;
                    if i64::try_from(len).is_err() {
                        return Err(negative_length(at));
                    }
                    self.pass(len)?;
                }
                START_GROUP => depth += 1,
                END_GROUP if depth == 0 => {
                    return Err(syntax("proto: unexpected end of group".into(), at));
                }
                END_GROUP => depth -= 1,
                FIXED32 => self.pass(4)?,
                _ => return Err(syntax(format!("proto: illegal wireType {kind}"), key.at)),
            }
            if depth == 0 {
                return Ok(());
            }
            kind = (self.varint()? & 7) as u8;
        }
    }

    fn pass(&mut self, len: u64) -> Result<(), Error> {
        let rest = usize::try_from(len).ok().and_then(|len| self.rest.get(len..));
        self.rest = rest.ok_or_else(|| truncated(self.end))?;
        Ok(())
    }
}

/// A signed integer from its zigzag form.
#[inline]
pub(super) fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A signed integer of 32 bits from its zigzag form; higher bits are cut off.
#[inline]
pub(super) fn zigzag32(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[cold]
fn wrong_kind(key: Key, name: &str) -> Error {
    syntax(format!("proto: wrong wireType = {} for field {name}", key.kind), key.at)
}

#[cold]
fn negative_length(at: usize) -> Error {
    syntax("proto: negative length found during unmarshaling".into(), at)
}

#[cold]
fn truncated(end: usize) -> Error {
    Error::in_bytes(ErrorKind::Truncated, "unexpected EOF".into(), end)
}

#[cold]
fn syntax(message: String, at: usize) -> Error {
    Error::in_bytes(ErrorKind::Syntax, message, at)
}
