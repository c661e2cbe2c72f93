//! The layout behind [`Labels`]: one string of length-prefixed names and values.
//!
//! Lengths are written in groups of six bits, least significant first, each in one ASCII character
//! (`0x40` says that another group follows). So the whole is valid UTF-8 and every label is a safe,
//! constant-time slice of it. A length below 64 takes one byte.

use alloc::string::String;

use super::Labels;

const PAYLOAD: u8 = 0x3f;
const MORE: u8 = 0x40;

/// Writes labels, given in ascending order of names.
#[derive(Debug)]
pub(super) struct Packer {
    packed: String,
}

impl Packer {
    pub(super) fn new() -> Self {
        // Enough for nearly all sets, so that the string need not grow; the finished set is exact.
        Self { packed: String::with_capacity(256) }
    }

    /// Appends a label; one with an empty value is left out.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        self.push_str(name);
        self.push_str(value);
    }

    pub(super) fn finish(self) -> Labels {
        let labels = Labels { packed: self.packed.into() };
        debug_assert!(
            labels.iter().zip(labels.iter().skip(1)).all(|((a, _), (b, _))| a < b),
            "label names must be ascending and distinct: {labels}"
        );
        labels
    }

    fn push_str(&mut self, text: &str) {
        let mut rest = text.len();
        loop {
            let group = (rest & usize::from(PAYLOAD)) as u8;
            rest >>= 6;
            if rest == 0 {
                self.packed.push(char::from(group));
                break;
            }
            self.packed.push(char::from(group | MORE));
        }
        self.packed.push_str(text);
    }
}

/// The labels of a [`Labels`], in name order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    rest: &'a str,
}

impl<'a> Iter<'a> {
    pub(super) fn new(packed: &'a str) -> Self {
        Self { rest: packed }
    }

    fn take_str(&mut self) -> Option<&'a str> {
        let bytes = self.rest.as_bytes();
        let (mut len, mut shift, mut at) = (0, 0, 0);
        loop {
            let &group = bytes.get(at)?;
            at += 1;
            len |= usize::from(group & PAYLOAD) << shift;
            shift += 6;
            if group & MORE == 0 {
                break;
            }
        }
        let text = self.rest.get(at..at + len)?;
        self.rest = self.rest.get(at + len..)?;
        Some(text)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.take_str()?;
        let value = self.take_str()?;
        Some((name, value))
    }
}

impl core::iter::FusedIterator for Iter<'_> {}
