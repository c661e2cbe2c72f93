//! Text pages in pieces that end with whole lines.
//!
//! A line's entry is known when the next line is there: error texts quote a byte more than they need.
//! Some entries have several lines, by line feeds in quotes; such an entry at a piece's end looks wrong, and
//! is told from a wrong one by what it looks like with something else behind it.

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use std::io::Read;

use super::Window;
use crate::parser::Memory;
use crate::{Entry, Error, Parser, ParserOptions, TextFormat};

/// What would end a quoted string and the line that it stands on; also behind a NUL, since error texts
/// quote a token with those that follow it, and behind a byte with which a text is none.
const PROBES: [&[u8]; 3] = [b"\"} 1\n", b"\0\"} 1\n", b"\xff\"} 1\n"];

/// A text page, piece by piece.
#[derive(Debug)]
pub(super) struct TextPieces<R> {
    window: Window<R>,
    format: TextFormat,
    options: ParserOptions,
    /// How many lines there are before the window.
    lines: usize,
    metadata: Metadata,
    memory: Memory,
    /// The metadata lines before the piece, and the piece.
    page: Vec<u8>,
}

/// The last metadata lines, which the parser of the next piece must know.
#[derive(Debug, Default)]
struct Metadata {
    metric_type: Vec<u8>,
    unit: Vec<u8>,
    help: Vec<u8>,
    /// Which of them came last.
    last: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Type,
    Unit,
    Help,
}

/// How far a piece was read.
enum Progress<B> {
    /// Up to this byte of the window, and there is more.
    To(usize),
    /// To the end of the page.
    End,
    Break(B),
}

impl<R: Read> TextPieces<R> {
    pub(super) fn new(window: Window<R>, format: TextFormat, options: ParserOptions) -> Self {
        Self {
            window,
            format,
            options,
            lines: 0,
            metadata: Metadata::default(),
            memory: Memory::default(),
            page: Vec::new(),
        }
    }

    pub(super) fn for_each<B>(
        mut self,
        mut visit: impl FnMut(Entry<'_, '_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, Error> {
        loop {
            self.window.fill()?;
            let passed = match self.piece_end() {
                None => 0,
                Some(piece) => match self.read(piece, &mut visit)? {
                    Progress::End => return Ok(ControlFlow::Continue(())),
                    Progress::Break(value) => return Ok(ControlFlow::Break(value)),
                    Progress::To(passed) => passed,
                },
            };
            if passed == 0 && self.window.is_full() && !self.window.is_last {
                return Err(self.window.too_long());
            }
            let passed_bytes = self.window.bytes.get(..passed).unwrap_or_default();
            self.lines += memchr::memchr_iter(b'\n', passed_bytes).count();
            self.window.pass(passed);
        }
    }

    /// Where the piece ends that can be read now, and up to where entries in it may begin.
    fn piece_end(&self) -> Option<(usize, usize)> {
        let bytes = &self.window.bytes;
        if self.window.is_last {
            return Some((bytes.len(), usize::MAX));
        }
        let mut end = memchr::memrchr(b'\n', bytes)? + 1;
        if self.format == TextFormat::Prometheus {
            // Blank lines at the end would look like the end of the page.
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
            let Some(last) = bytes.iter().take(end).rposition(|byte| !is_blank(byte)) else {
                return Some((end, 0));
            };
            end = last + memchr::memchr(b'\n', bytes.get(last..)?)? + 1;
        }
        let start = memchr::memrchr(b'\n', bytes.get(..end - 1)?).map_or(0, |at| at + 1);
        if start == 0 {
            let is_all = self.window.is_full() && end < bytes.len();
            return is_all.then_some((bytes.len(), end));
        }
        if self.format == TextFormat::Prometheus {
            return Some((end, start));
        }
        // Start timestamps are looked for up to the next metadata line.
        let family = memchr::memmem::rfind(bytes.get(..start + 2)?, b"\n# ").map(|at| at + 1);
        match family {
            Some(family) => Some((end, family)),
            None if self.window.is_full() => Some((end, start)),
            None => None,
        }
    }

    /// Reads the entries of a piece.
    fn read<B>(
        &mut self,
        (end, stop): (usize, usize),
        visit: &mut impl FnMut(Entry<'_, '_>) -> ControlFlow<B>,
    ) -> Result<Progress<B>, Error> {
        if stop == 0 {
            return Ok(Progress::To(end));
        }
        self.page.clear();
        // NUL behind a text would be a part of it; at the beginning of a line it is the page's end.
        if self.window.bytes.first() != Some(&0) {
            self.metadata.write(&mut self.page);
        }
        let before = self.page.len();
        let lines_before = memchr::memchr_iter(b'\n', &self.page).count();
        self.page.extend_from_slice(self.window.bytes.get(..end).unwrap_or_default());
        let base = self.window.base.wrapping_sub(before);
        let stop = stop.saturating_add(before);

        if !self.window.is_last && self.is_cut(before) {
            return Err(self.window.too_long());
        }
        let mut parser = Parser::new(self.format, &self.page, self.options);
        while parser.position() < before && parser.next()?.is_some() {}
        parser.restore(core::mem::take(&mut self.memory), base);
        parser.stop_at(stop);
        while parser.position() < stop || parser.has_pending() {
            let read = match parser.next() {
                Ok(Some(entry)) => {
                    let kind = kind_of(&entry);
                    if let ControlFlow::Break(value) = visit(entry.moved(base)) {
                        return Ok(Progress::Break(value));
                    }
                    Ok(kind)
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            let kind = match read {
                Ok(None) if parser.is_done() => return Ok(Progress::End),
                Ok(kind) => kind,
                Err(error) => {
                    let start = parser.entry_offset();
                    self.memory = parser.suspend(base);
                    if self.window.is_last || self.is_certain(&error, start) {
                        let lines = self.lines.wrapping_sub(lines_before);
                        return Err(error.moved(base, lines));
                    }
                    return Ok(Progress::To(start - before));
                }
            };
            if let Some(kind) = kind {
                let line = parser.entry_offset()..parser.position();
                self.metadata.set(kind, self.page.get(line).unwrap_or_default());
            }
        }
        let passed = parser.position() - before;
        self.memory = parser.suspend(base);
        Ok(Progress::To(passed))
    }

    /// Whether the piece from `start` ends within a line, and its entry with it: that may go on behind it.
    fn is_cut(&self, start: usize) -> bool {
        let piece = self.page.get(start..).unwrap_or_default();
        let mut parser = Parser::new(self.format, piece, ParserOptions::default());
        piece.last() != Some(&b'\n')
            && matches!(parser.next(), Ok(Some(_)))
            && parser.position() == piece.len()
    }

    /// Whether an error of the entry at `start` is one whatever follows the piece.
    #[cold]
    fn is_certain(&mut self, error: &Error, start: usize) -> bool {
        if start.checked_sub(1).and_then(|at| self.page.get(at)).is_some_and(|byte| *byte != b'\n')
        {
            // The rest of a line, and there is a line behind it.
            return true;
        }
        let entry = self.page.get(start..).unwrap_or_default();
        PROBES.iter().all(|probe| {
            let entry = [entry, probe].concat();
            let mut parser = Parser::new(self.format, &entry, ParserOptions::default());
            match parser.next() {
                Ok(_) => false,
                Err(other) => {
                    other.offset() == error.offset() - start
                        && other.to_string() == error.to_string()
                }
            }
        })
    }
}

fn kind_of(entry: &Entry<'_, '_>) -> Option<Kind> {
    match entry {
        Entry::Type { .. } => Some(Kind::Type),
        Entry::Unit { .. } => Some(Kind::Unit),
        Entry::Help { .. } => Some(Kind::Help),
        _ => None,
    }
}

impl Metadata {
    fn set(&mut self, kind: Kind, line: &[u8]) {
        let kept = match kind {
            Kind::Type => &mut self.metric_type,
            Kind::Unit => &mut self.unit,
            Kind::Help => &mut self.help,
        };
        kept.clear();
        kept.extend_from_slice(line);
        self.last = kind;
    }

    /// Writes the lines, the last one last.
    fn write(&self, out: &mut Vec<u8>) {
        let lines =
            [(Kind::Type, &self.metric_type), (Kind::Unit, &self.unit), (Kind::Help, &self.help)];
        for (_, line) in lines.iter().filter(|(kind, _)| *kind != self.last) {
            out.extend_from_slice(line);
        }
        for (_, line) in lines.iter().filter(|(kind, _)| *kind == self.last) {
            out.extend_from_slice(line);
        }
    }
}
