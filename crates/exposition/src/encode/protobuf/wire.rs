//! Protobuf's wire format, written.

use alloc::vec::Vec;

use crate::protobuf::{BYTES, FIXED64, VARINT};

/// The longest varint.
const MAX_VARINT: usize = 10;

/// The fields of a message.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the fields of another message.
    pub(super) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Appends the message behind its length.
    pub(super) fn write_delimited(&self, out: &mut Vec<u8>) {
        let (bytes, len) = varint(self.0.len() as u64);
        out.extend_from_slice(bytes.get(..len).unwrap_or_default());
        out.extend_from_slice(&self.0);
    }

    pub(super) fn varint(&mut self, field: u32, value: u64) {
        self.key(field, VARINT);
        self.raw_varint(value);
    }

    /// A signed integer in its zigzag form.
    pub(super) fn sint(&mut self, field: u32, value: i64) {
        self.varint(field, (value << 1 ^ value >> 63).cast_unsigned());
    }

    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.key(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.key(field, BYTES);
        self.raw_varint(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A message within the message.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.key(field, BYTES);
        let start = self.0.len();
        self.0.push(0);
        write(self);
        let (bytes, len) = varint((self.0.len() - start - 1) as u64);
        self.0.splice(start..=start, bytes.into_iter().take(len));
    }

    fn key(&mut self, field: u32, kind: u8) {
        self.raw_varint(u64::from(field) << 3 | u64::from(kind));
    }

    fn raw_varint(&mut self, value: u64) {
        let (bytes, len) = varint(value);
        self.0.extend_from_slice(bytes.get(..len).unwrap_or_default());
    }
}

/// The bytes of a varint, and how many of them count.
fn varint(mut value: u64) -> ([u8; MAX_VARINT], usize) {
    let mut bytes = [0; MAX_VARINT];
    let mut len = 0;
    for byte in &mut bytes {
        len += 1;
        *byte = value as u8 & 0x7f;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, len)
}
