//! The parser of Go's regular-expression language: from a pattern to a tree.
//!
//! It accepts what Go's `regexp/syntax` accepts with the flags of Perl, refuses what that refuses,
//! and says so with the same words about the same part of the pattern. It runs in one pass, without
//! recursion, and keeps Go's limits: counts of at most 1000 (also as a product), 1000 levels of
//! nesting, and a size.

use regex_syntax::hir::{ClassUnicode, Look};

use crate::ast::{Item, Node};
use crate::error::{Error, ErrorKind};
use crate::unicode;

mod class;
mod escape;
#[cfg(test)]
mod tests;

/// The highest count of a repetition, alone or multiplied with the repetitions inside of it.
const MAX_REPEAT: u32 = 1000;
/// The highest tree.
pub(crate) const MAX_HEIGHT: u32 = 1000;
/// The largest program, in instructions.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// The most ranges that the classes of one pattern may have together; Go's limit is higher, but
/// what is compiled of so many exceeds the limit of the compiled form.
const MAX_RANGES: usize = 1 << 20;

/// The flags that a pattern can switch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    /// `i`
    pub(crate) fold: bool,
    /// `m`
    pub(crate) multi_line: bool,
    /// `s`
    pub(crate) dot_newline: bool,
    /// `U`
    pub(crate) ungreedy: bool,
}

/// A parsed pattern.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) node: Node,
    pub(crate) height: u32,
    /// The names of groups by number; the whole match is number 0.
    pub(crate) names: Vec<Option<String>>,
}

/// Parses a pattern that starts with the given flags.
pub(crate) fn parse(pattern: &str, flags: Flags) -> Result<Parsed, Error> {
    Parser {
        pattern,
        at: 0,
        flags,
        groups: vec![Group::default()],
        names: vec![None],
        last_repeat: None,
        ranges: 0,
    }
    .run()
}

/// A group that is open, or the whole pattern.
#[derive(Debug, Default)]
struct Group {
    /// The flags to return to.
    flags: Flags,
    capture: Option<u32>,
    choices: Vec<Item>,
    /// The sequence that grows.
    items: Vec<Item>,
}

impl Group {
    /// Ends the sequence: it becomes a choice.
    fn bar(&mut self) {
        let items = core::mem::take(&mut self.items);
        self.choices.push(Item::concat(items));
    }

    fn close(mut self) -> Item {
        self.bar();
        Item::alternate(self.choices)
    }
}

struct Parser<'p> {
    pattern: &'p str,
    at: usize,
    flags: Flags,
    /// Invariant: never empty; the first is the whole pattern.
    groups: Vec<Group>,
    names: Vec<Option<String>>,
    /// Where the repetition starts that ends right here.
    last_repeat: Option<usize>,
    ranges: usize,
}

impl<'p> Parser<'p> {
    fn run(mut self) -> Result<Parsed, Error> {
        while let Some(c) = self.peek() {
            let start = self.at;
            let is_repeat = self.step(c)?;
            self.last_repeat = is_repeat.then_some(start);
        }
        if self.groups.len() != 1 {
            return Err(self.whole(ErrorKind::MissingParen));
        }
        let item = self.groups.pop().map_or_else(|| Item::leaf(Node::Empty), Group::close);
        self.check_limits(&item)?;
        Ok(Parsed { node: item.node, height: item.height, names: self.names })
    }

    /// Parses what starts with `c`; returns whether it was a repetition.
    fn step(&mut self, c: char) -> Result<bool, Error> {
        match c {
            '(' if self.rest().starts_with("(?") => self.perl_group()?,
            '(' => {
                self.at += 1;
                let number = self.capture_number(None);
                self.open(Some(number), self.flags);
            }
            '|' => {
                self.at += 1;
                self.group().bar();
            }
            ')' => self.close()?,
            '^' => self.single(Node::Look(self.line_or_text(Look::StartLF, Look::Start)))?,
            '$' => self.single(Node::Look(self.line_or_text(Look::EndLF, Look::End)))?,
            '.' if self.flags.dot_newline => self.single(Node::Any)?,
            '.' => self.single(Node::AnyButNewline)?,
            '[' => self.class()?,
            '*' | '+' | '?' => {
                let start = self.at;
                self.at += 1;
                let (min, max) = match c {
                    '*' => (0, None),
                    '+' => (1, None),
                    _ => (0, Some(1)),
                };
                self.repeat(start, min, max, false)?;
                return Ok(true);
            }
            '{' => return self.braces(),
            '\\' => self.escaped()?,
            _ => {
                self.at += c.len_utf8();
                self.literal(c)?;
            }
        }
        Ok(false)
    }

    fn line_or_text(&self, line: Look, text: Look) -> Look {
        if self.flags.multi_line { line } else { text }
    }

    /// Pushes what one byte of the pattern stands for.
    fn single(&mut self, node: Node) -> Result<(), Error> {
        self.at += 1;
        self.push(Item::leaf(node))
    }

    /// Pushes a literal character under the flags in force.
    fn literal(&mut self, c: char) -> Result<(), Error> {
        self.push(Item::leaf(Node::Literal { text: c.into(), fold: self.flags.fold }))
    }

    fn push(&mut self, item: Item) -> Result<(), Error> {
        if let Node::Class(class) = &item.node {
            self.ranges += class.ranges().len();
        }
        self.check_limits(&item)?;
        self.group().items.push(item);
        Ok(())
    }

    fn check_limits(&self, item: &Item) -> Result<(), Error> {
        if MAX_SIZE < item.size || MAX_RANGES < self.ranges {
            return Err(self.whole(ErrorKind::TooLarge));
        }
        if MAX_HEIGHT < item.height {
            return Err(self.whole(ErrorKind::NestingDepth));
        }
        Ok(())
    }

    fn group(&mut self) -> &mut Group {
        self.groups.last_mut().expect("the whole pattern's group is closed last")
    }

    fn open(&mut self, capture: Option<u32>, restore: Flags) {
        self.groups.push(Group { flags: restore, capture, ..Group::default() });
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.groups.len() < 2 {
            return Err(self.whole_at(ErrorKind::UnexpectedParen, self.at));
        }
        self.at += 1;
        let Some(group) = self.groups.pop() else { return Ok(()) };
        self.flags = group.flags;
        let capture = group.capture;
        let item = group.close();
        self.check_limits(&item)?;
        self.push(match capture {
            Some(number) => item.capture(number),
            None => item,
        })
    }

    fn capture_number(&mut self, name: Option<String>) -> u32 {
        self.names.push(name);
        // There are no more groups than bytes of the pattern, and it would take gigabytes.
        u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX)
    }

    /// Parses `(?…`: a named group, flags, or a group without a number.
    fn perl_group(&mut self) -> Result<(), Error> {
        let rest = self.rest();
        if (4 < rest.len() && rest.starts_with("(?P<"))
            || (3 < rest.len() && rest.starts_with("(?<"))
        {
            return self.named_group(rest);
        }
        let start = self.at;
        self.at += 2;
        let mut flags = self.flags;
        let (mut value, mut saw_flag) = (true, false);
        while let Some(c) = self.next() {
            match c {
                'i' => flags.fold = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_newline = value,
                'U' => flags.ungreedy = value,
                '-' if value => value = false,
                ':' | ')' if value || saw_flag => {
                    if c == ':' {
                        self.open(None, self.flags);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            saw_flag = c != '-';
        }
        Err(self.since(ErrorKind::InvalidPerlOp, start))
    }

    fn named_group(&mut self, rest: &'p str) -> Result<(), Error> {
        let start = self.at;
        let Some(end) = rest.find('>') else {
            return Err(self.error(ErrorKind::InvalidNamedCapture, rest, start));
        };
        let name = &rest[rest.find('<').map_or(0, |at| at + 1)..end];
        let is_valid =
            !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
        if !is_valid {
            return Err(self.error(ErrorKind::InvalidNamedCapture, &rest[..=end], start));
        }
        self.at += end + 1;
        let number = self.capture_number(Some(name.into()));
        self.open(Some(number), self.flags);
        Ok(())
    }

    /// Parses `{n}`, `{n,}` or `{n,m}`; any other brace is itself.
    fn braces(&mut self) -> Result<bool, Error> {
        let start = self.at;
        let Some((counts, len)) = split_counts(self.rest()) else {
            self.at += 1;
            self.literal('{')?;
            return Ok(false);
        };
        self.at += len;
        match counts {
            Some((min, max)) if max.is_none_or(|max| min <= max) => {
                self.repeat(start, min, max, true)?;
                Ok(true)
            }
            _ => Err(self.since(ErrorKind::InvalidRepeatSize, start)),
        }
    }

    /// Repeats the last item; the operator starts at `start` and ends here, but for a `?`.
    fn repeat(
        &mut self,
        start: usize,
        min: u32,
        max: Option<u32>,
        counted: bool,
    ) -> Result<(), Error> {
        let mut greedy = !self.flags.ungreedy;
        if self.peek() == Some('?') {
            self.at += 1;
            greedy = !greedy;
        }
        if let Some(previous) = self.last_repeat {
            return Err(self.since(ErrorKind::InvalidRepeatOp, previous));
        }
        let Some(item) = self.group().items.pop() else {
            return Err(self.since(ErrorKind::MissingRepeatArgument, start));
        };
        let item = item.repeat(min, max, greedy, counted);
        self.check_limits(&item)?;
        let is_many = 2 <= min || max.is_some_and(|max| 2 <= max);
        if counted && is_many && u64::from(MAX_REPEAT) < item.copies {
            return Err(self.since(ErrorKind::InvalidRepeatSize, start));
        }
        self.group().items.push(item);
        Ok(())
    }

    fn rest(&self) -> &'p str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// An error that quotes the pattern from `start` to here.
    #[cold]
    fn since(&self, kind: ErrorKind, start: usize) -> Error {
        self.error(kind, &self.pattern[start..self.at], start)
    }

    #[cold]
    fn error(&self, kind: ErrorKind, expression: &str, offset: usize) -> Error {
        Error::new(kind, expression, Some(offset))
    }

    #[cold]
    fn whole(&self, kind: ErrorKind) -> Error {
        Error::new(kind, self.pattern, None)
    }

    #[cold]
    fn whole_at(&self, kind: ErrorKind, offset: usize) -> Error {
        Error::new(kind, self.pattern, Some(offset))
    }
}

/// Splits `{n}`, `{n,}` or `{n,m}` off the front: the counts, `None` if out of range, and the length.
#[expect(clippy::type_complexity, reason = "counts, and where they end, for one caller")]
fn split_counts(text: &str) -> Option<(Option<(u32, Option<u32>)>, usize)> {
    let (min, rest) = split_count(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (min.map(Some), rest),
        Some(rest) if rest.starts_with('}') => (Some(None), rest),
        Some(rest) => {
            let (max, rest) = split_count(rest)?;
            (max.map(Some), rest)
        }
    };
    let rest = rest.strip_prefix('}')?;
    Some((min.zip(max), text.len() - rest.len()))
}

/// Splits a decimal number without superfluous zeros off the front; `None` inside if it is too high.
fn split_count(text: &str) -> Option<(Option<u32>, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(len);
    if digits.is_empty() || (1 < len && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok().filter(|count| *count <= MAX_REPEAT), rest))
}

/// The class, with the other case of its members where the flags ask for it.
fn under_flags(class: ClassUnicode, flags: Flags) -> ClassUnicode {
    if flags.fold { unicode::folded(class) } else { class }
}
