//! The crate's error: what is wrong with which byte of a chunk.

use core::fmt;

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes contradict the format.
    Corrupt,
    /// The chunk has as many samples as its header can count.
    Full,
    /// The samples to be written are not such as the encoding holds.
    Invalid,
    /// The bytes end before the samples that the header promises.
    Truncated,
    /// The encoding is one that this version does not read or write.
    Unsupported,
}

/// Why a chunk cannot be read or written.
///
/// ```
/// use skopos_chunk::{ErrorKind, XorDecoder};
///
/// let error = XorDecoder::new(&[0x00]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Truncated);
/// assert_eq!((error.offset(), error.sound_samples()), (1, 0));
/// assert_eq!(error.to_string(), "chunk ends at byte 1, inside its header");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    problem: Problem,
    offset: usize,
    sound: usize,
    chunk: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    EndInHeader,
    EndInSample {
        number: usize,
        promised: usize,
    },
    Full,
    /// Samples to be written were asked for up to `end`, but there are only `len`.
    NoSuchSamples {
        end: usize,
        len: usize,
    },
    /// `number` counts from 1, here and below.
    NotAscending {
        number: usize,
    },
    /// A chunk has a sample at `t`, which is not in the range that was told of it.
    OutsideRange {
        t: i64,
    },
    UnknownEncoding(u8),
    UnsupportedEncoding(&'static str),
    VarintTooLong {
        number: usize,
    },
    WindowTooWide,
}

impl Error {
    #[cold]
    pub(crate) fn new(problem: Problem, offset: usize) -> Self {
        Self { problem, offset, sound: 0, chunk: None }
    }

    /// The same, with so many samples that were sound before the trouble.
    #[cold]
    pub(crate) fn after(self, sound: usize) -> Self {
        Self { sound, ..self }
    }

    /// The same, with the place of the chunk among several.
    #[cold]
    pub(crate) fn in_chunk(self, number: usize) -> Self {
        Self { chunk: Some(number), ..self }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.problem {
            Problem::EndInHeader | Problem::EndInSample { .. } => ErrorKind::Truncated,
            Problem::Full => ErrorKind::Full,
            Problem::NoSuchSamples { .. } => ErrorKind::Invalid,
            Problem::NotAscending { .. }
            | Problem::OutsideRange { .. }
            | Problem::VarintTooLong { .. }
            | Problem::WindowTooWide => ErrorKind::Corrupt,
            Problem::UnknownEncoding(_) | Problem::UnsupportedEncoding(_) => ErrorKind::Unsupported,
        }
    }

    /// The offset in the chunk of the byte at which the trouble begins; 0 where no byte is to blame.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// How many samples, from the chunk's first one on, could be read before the trouble; 0 where
    /// the error is not about reading samples.
    #[must_use]
    pub fn sound_samples(&self) -> usize {
        self.sound
    }

    /// Which of several chunks cannot be read, counted from 0, where several were given.
    #[must_use]
    pub fn chunk(&self) -> Option<usize> {
        self.chunk
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        if let Some(chunk) = self.chunk {
            write!(f, "chunk {chunk} of those given: ")?;
        }
        match self.problem {
            Problem::EndInHeader => write!(f, "chunk ends at byte {offset}, inside its header"),
            Problem::EndInSample { number, promised } => write!(
                f,
                "chunk ends inside sample {number} of {promised}, which begins in byte {offset}"
            ),
            Problem::Full => f.write_str("chunk is full: its header counts up to 65535 samples"),
            Problem::NoSuchSamples { end, len } => {
                write!(f, "samples up to number {end} are to be written, but there are {len}")
            }
            Problem::NotAscending { number } => {
                write!(f, "sample {number} of chunk is not later than the one before it")
            }
            Problem::OutsideRange { t } => {
                write!(f, "chunk has a sample at {t} ms, outside of its range")
            }
            Problem::UnknownEncoding(byte) => write!(f, "chunk encoding {byte} is unknown"),
            Problem::UnsupportedEncoding(name) => {
                write!(f, "chunk encoding {name} is not supported by this version of skopos")
            }
            Problem::VarintTooLong { number } => write!(
                f,
                "integer at byte {offset}, in sample {number} of chunk, needs more than 64 bits"
            ),
            Problem::WindowTooWide => {
                f.write_str("chunk's last window of significant bits is wider than 64 bits")
            }
        }
    }
}

impl core::error::Error for Error {}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Truncated => skopos_core::ErrorKind::Corrupt,
            ErrorKind::Invalid => skopos_core::ErrorKind::Invalid,
            ErrorKind::Full => skopos_core::ErrorKind::Limit,
            ErrorKind::Unsupported => skopos_core::ErrorKind::Unsupported,
        };
        Self::caused(kind, error)
    }
}
