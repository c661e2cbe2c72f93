//! Classes in brackets.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{Parser, under_flags};
use crate::ast::{Item, Node};
use crate::error::{Error, ErrorKind};
use crate::unicode;

/// The first and the last surrogate: codes that no text has.
const SURROGATES: (u32, u32) = (0xd800, 0xdfff);

impl Parser<'_> {
    /// Parses `[…]`.
    pub(super) fn class(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        let is_negated = self.peek() == Some('^');
        if is_negated {
            self.at += 1;
        }
        let mut ranges = Vec::new();
        let mut is_first = true;
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if let Some(class) = self.named_class()? {
                ranges.extend_from_slice(class.ranges());
            } else {
                self.range(start, &mut ranges)?;
            }
            if super::MAX_RANGES < ranges.len() {
                return Err(self.whole(ErrorKind::TooLarge));
            }
        }
        self.at += 1;
        let mut class = under_flags(ClassUnicode::new(ranges), self.flags);
        if is_negated {
            class.negate();
        }
        self.push(Item::leaf(Node::Class(class)))
    }

    /// Parses a class inside of brackets that has a name, if there is one.
    fn named_class(&mut self) -> Result<Option<ClassUnicode>, Error> {
        if let Some(class) = self.posix_class()? {
            return Ok(Some(class));
        }
        self.class_escape()
    }

    /// Parses `[:alpha:]` or `[:^alpha:]`, if it is there with its end.
    fn posix_class(&mut self) -> Result<Option<ClassUnicode>, Error> {
        let start = self.at;
        let rest = self.rest();
        let Some(inner) = rest.strip_prefix("[:") else { return Ok(None) };
        let Some(len) = inner.find(":]") else { return Ok(None) };
        self.at += len + 4;
        let name = &inner[..len];
        let (name, is_negated) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let Some(class) = unicode::posix(name) else {
            return Err(self.since(ErrorKind::InvalidCharRange, start));
        };
        let mut class = under_flags(class, self.flags);
        if is_negated {
            class.negate();
        }
        Ok(Some(class))
    }

    /// Parses one character or a range of them.
    fn range(&mut self, open: usize, ranges: &mut Vec<ClassUnicodeRange>) -> Result<(), Error> {
        let start = self.at;
        let low = self.class_character(open)?;
        let mut high = low;
        let rest = self.rest().as_bytes();
        // A `-` before the closing bracket is itself.
        if 2 <= rest.len() && rest[0] == b'-' && rest[1] != b']' {
            self.at += 1;
            high = self.class_character(open)?;
            if high < low {
                return Err(self.since(ErrorKind::InvalidCharRange, start));
            }
        }
        push_range(ranges, low, high);
        Ok(())
    }

    fn class_character(&mut self, open: usize) -> Result<u32, Error> {
        match self.peek() {
            None => {
                let seen = &self.pattern[open..];
                Err(self.error(ErrorKind::MissingBracket, seen, open))
            }
            Some('\\') => self.character_escape(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(u32::from(c))
            }
        }
    }
}

/// Appends the range without its surrogates.
fn push_range(ranges: &mut Vec<ClassUnicodeRange>, low: u32, high: u32) {
    let (first, last) = SURROGATES;
    let mut push = |low: u32, high: u32| {
        if let (Some(low), Some(high)) = (char::from_u32(low), char::from_u32(high))
            && low <= high
        {
            ranges.push(ClassUnicodeRange::new(low, high));
        }
    };
    if high < first || last < low {
        push(low, high);
        return;
    }
    push(low, first - 1);
    push(last + 1, high);
}
