//! What a backslash introduces, outside and inside of classes.

use regex_syntax::hir::{ClassUnicode, Look};

use super::{Parser, under_flags};
use crate::ast::{Item, Node};
use crate::error::{Error, ErrorKind};
use crate::unicode;

impl<'p> Parser<'p> {
    /// Parses a backslash outside of a class.
    pub(super) fn escaped(&mut self) -> Result<(), Error> {
        let start = self.at;
        let look = match self.rest().as_bytes().get(1) {
            Some(b'A') => Look::Start,
            Some(b'z') => Look::End,
            Some(b'b') => Look::WordAscii,
            Some(b'B') => Look::WordAsciiNegate,
            Some(b'C') => {
                self.at += 2;
                return Err(self.since(ErrorKind::InvalidEscape, start));
            }
            Some(b'Q') => return self.quoted(),
            _ => {
                if let Some(class) = self.class_escape()? {
                    return self.push(Item::leaf(Node::Class(class)));
                }
                return match char::from_u32(self.character_escape()?) {
                    Some(c) => self.literal(c),
                    // A surrogate: no text has it.
                    None => self.push(Item::leaf(Node::Class(ClassUnicode::empty()))),
                };
            }
        };
        self.at += 2;
        self.push(Item::leaf(Node::Look(look)))
    }

    /// Parses `\Q…\E`, where the end of the pattern counts as `\E`.
    fn quoted(&mut self) -> Result<(), Error> {
        self.at += 2;
        let rest = self.rest();
        let (text, end) = match rest.find(r"\E") {
            Some(at) => (&rest[..at], at + 2),
            None => (rest, rest.len()),
        };
        for c in text.chars() {
            self.literal(c)?;
        }
        self.at += end;
        Ok(())
    }

    /// Parses a class with a backslash, `\d` or `\p{…}`, if there is one.
    pub(super) fn class_escape(&mut self) -> Result<Option<ClassUnicode>, Error> {
        let mut chars = self.rest().chars();
        if chars.next() != Some('\\') {
            return Ok(None);
        }
        let Some(letter) = chars.next() else { return Ok(None) };
        if matches!(letter, 'p' | 'P') {
            return self.property(letter == 'P').map(Some);
        }
        let Some(class) = unicode::perl(letter.to_ascii_lowercase()) else { return Ok(None) };
        self.at += 2;
        let mut class = under_flags(class, self.flags);
        if letter.is_ascii_uppercase() {
            class.negate();
        }
        Ok(Some(class))
    }

    /// Parses `\pL`, `\p{Greek}`, `\p{^Greek}`, or those with `P`.
    fn property(&mut self, is_negated: bool) -> Result<ClassUnicode, Error> {
        let start = self.at;
        self.at += 2;
        let rest = self.rest();
        let name = match self.next() {
            None => return Err(self.since(ErrorKind::InvalidCharRange, start)),
            Some('{') => {
                let Some(end) = rest.find('}') else {
                    let seen = &self.pattern[start..];
                    return Err(self.error(ErrorKind::InvalidCharRange, seen, start));
                };
                self.at += end;
                &rest[1..end]
            }
            Some(c) => &rest[..c.len_utf8()],
        };
        let (name, is_reversed) = match name.strip_prefix('^') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let Some(class) = unicode::property(name) else {
            return Err(self.since(ErrorKind::InvalidCharRange, start));
        };
        let mut class = under_flags(class, self.flags);
        if is_negated != is_reversed {
            class.negate();
        }
        Ok(class)
    }

    /// Parses a backslash that stands for one character; returns its code, which can be a surrogate.
    pub(super) fn character_escape(&mut self) -> Result<u32, Error> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return Err(Error::new(ErrorKind::TrailingBackslash, "", Some(start)));
        };
        let code = match c {
            '0' => Some(self.octal(0)),
            '1'..='7' if self.peek().is_some_and(|c| c.is_digit(8)) => {
                Some(self.octal(u32::from(c) - u32::from('0')))
            }
            'x' => self.hexadecimal(start)?,
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
            _ => None,
        };
        code.ok_or_else(|| self.since(ErrorKind::InvalidEscape, start))
    }

    /// Two more octal digits at most.
    fn octal(&mut self, first: u32) -> u32 {
        let mut code = first;
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            code = code * 8 + digit;
        }
        code
    }

    /// Two hexadecimal digits, or any number of them in braces.
    fn hexadecimal(&mut self, start: usize) -> Result<Option<u32>, Error> {
        let Some(first) = self.next() else { return Ok(None) };
        if first != '{' {
            // A pattern that ends here is told like Go tells it: by what was read.
            let Some(second) = self.next() else {
                return Err(self.since(ErrorKind::InvalidEscape, start));
            };
            let digits = first.to_digit(16).zip(second.to_digit(16));
            return Ok(digits.map(|(high, low)| high * 16 + low));
        }
        let (mut code, mut is_empty) = (0_u32, true);
        while let Some(c) = self.next() {
            if c == '}' {
                return Ok((!is_empty).then_some(code));
            }
            let Some(digit) = c.to_digit(16) else { return Ok(None) };
            code = code * 16 + digit;
            if u32::from(char::MAX) < code {
                return Ok(None);
            }
            is_empty = false;
        }
        Ok(None)
    }
}
