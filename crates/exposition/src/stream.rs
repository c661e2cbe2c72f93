//! Pages of any size, read from a source piece by piece, in memory that is bounded.
//!
//! A piece is given to the parser that reads whole pages; what that parser must know of the pieces
//! before is told to it, metadata as lines in front of the piece. So entries and errors are those of the
//! whole page, wherever the pieces end.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use std::io::{self, Read};

use self::text::TextPieces;
use crate::{Entry, Error, ErrorKind, PageFormat, ParserOptions};

#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(test)]
mod tests;
mod text;

/// How many bytes an entry may have unless another limit is set.
const DEFAULT_LIMIT: usize = 16 << 20;
/// How many bytes are asked for at once, and how large pieces are if entries are not larger.
const PIECE: usize = 64 << 10;

/// A reader of pages that need not fit into memory.
///
/// Entries and errors are those of a parser of the whole page, with their places in it. An entry (a line
/// of text, or a message with a metric family) that is longer than the limit is an error; memory is
/// within a small multiple of the limit, and a small multiple of 64 KiB where entries are short.
///
/// In one thing the limit shows: the start timestamps of a family of OpenMetrics metrics that is larger
/// than it are found only if they are near enough.
///
/// ```
/// use std::ops::ControlFlow;
/// use skopos_exposition::{Entry, PageFormat, PageReader, ParserOptions, TextFormat};
///
/// let source: &[u8] = b"# TYPE up gauge\nup{job=\"a\"} 1\nup{job=\"b\"} 0\n";
/// let format = PageFormat::Text(TextFormat::Prometheus);
/// let mut sum = 0.0;
/// let end = PageReader::new(format, source, ParserOptions::default()).for_each(|entry| {
///     if let Entry::Series(sample) = entry {
///         sum += sample.value();
///     }
///     ControlFlow::<()>::Continue(())
/// })?;
/// assert_eq!((end, sum), (ControlFlow::Continue(()), 1.0));
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Debug)]
pub struct PageReader<R> {
    window: Window<R>,
    format: PageFormat,
    options: ParserOptions,
}

impl<R: Read> PageReader<R> {
    /// A reader of the page that `source` holds.
    #[must_use]
    pub fn new(format: PageFormat, source: R, options: ParserOptions) -> Self {
        Self { window: Window::new(source), format, options }
    }

    /// The same reader with a limit of its own for the bytes of an entry: 16 MiB by default.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.window.limit = bytes.max(1);
        self
    }

    /// Calls `visit` with each entry until it breaks off, or to the page's end.
    ///
    /// # Errors
    ///
    /// Those of the format's parser; `Io` where the source cannot be read, `Limit` for an entry that is
    /// too long, `Unsupported` for protobuf without the feature. Entries before that were given.
    pub fn for_each<B>(
        self,
        visit: impl FnMut(Entry<'_, '_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, Error> {
        let Self { window, format, options } = self;
        match format {
            PageFormat::Text(format) => TextPieces::new(window, format, options).for_each(visit),
            #[cfg(feature = "protobuf")]
            PageFormat::Protobuf => protobuf::for_each(window, options, visit),
            #[cfg(not(feature = "protobuf"))]
            PageFormat::Protobuf => {
                let message = "the protobuf exposition format is not part of this build";
                Err(Error::new(ErrorKind::Unsupported, message.into()))
            }
        }
    }
}

/// The part of a page that is in memory.
#[derive(Debug)]
struct Window<R> {
    source: R,
    /// What is read into.
    chunk: Vec<u8>,
    bytes: Vec<u8>,
    /// The byte of the page at which it begins.
    base: usize,
    /// How many bytes it should have.
    wanted: usize,
    limit: usize,
    /// Whether the page ends with it.
    is_last: bool,
}

impl<R: Read> Window<R> {
    fn new(source: R) -> Self {
        Self {
            source,
            chunk: vec![0; PIECE],
            bytes: Vec::new(),
            base: 0,
            wanted: PIECE,
            limit: DEFAULT_LIMIT,
            is_last: false,
        }
    }

    /// Reads as much as is wanted, and at least one byte, or to the end: beyond the limit too, where only
    /// the end would complete an entry.
    fn fill(&mut self) -> Result<(), Error> {
        let wanted = self.wanted.min(self.limit).max(self.bytes.len() + 1);
        while !self.is_last && self.bytes.len() < wanted {
            let len = self.bytes.len();
            let room = (wanted - len).min(self.chunk.len());
            match self.source.read(self.chunk.get_mut(..room).unwrap_or_default()) {
                Ok(0) => self.is_last = true,
                Ok(read) => {
                    let read = self.chunk.get(..read).unwrap_or_default();
                    self.bytes.extend_from_slice(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(error, self.base + len)),
            }
        }
        Ok(())
    }

    /// Forgets the first `len` bytes. Where there are none to forget, a larger window is wanted.
    fn pass(&mut self, len: usize) {
        self.bytes.drain(..len.min(self.bytes.len()));
        self.base += len;
        self.wanted = if len == 0 { self.wanted.saturating_mul(2) } else { PIECE };
    }

    fn is_full(&self) -> bool {
        self.limit < self.bytes.len()
    }

    #[cold]
    fn too_long(&self) -> Error {
        let message = format!("entry is longer than the limit of {} bytes", self.limit);
        Error::new(ErrorKind::Limit, message).moved(self.base, 0)
    }
}
