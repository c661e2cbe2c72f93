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
    /// The histogram cannot be appended to the chunk as it is.
    NotAppendable,
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
    /// A part of a column has a value that the format does not allow.
    BadPart(&'static str),
    /// A histogram has so many buckets, but spans for another number.
    BucketsToWrite {
        found: usize,
    },
    EndInColumn,
    EndInHeader,
    EndInSample {
        number: usize,
        promised: usize,
    },
    /// A chunk is told to end before it begins.
    EmptyRange,
    /// The sample cannot be counted in integers.
    FractionToWrite {
        number: usize,
    },
    Full {
        most: u16,
    },
    /// A histogram has to begin another chunk, which was not wanted.
    NewChunkNeeded {
        float: bool,
        gauge: bool,
        reset: bool,
    },
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
    /// The chunk has to be written again for a histogram, which was not wanted: so many runs of
    /// buckets are missing in the chunk, or in the histogram (backwards).
    RecodingNeeded {
        float: bool,
        gauge: bool,
        backwards: bool,
        positive: usize,
        negative: usize,
    },
    /// A histogram has a schema that no reader knows.
    SchemaToWrite(i32),
    SpanTooLong,
    /// A histogram has spans that cannot be written.
    SpansToWrite,
    TooManySpans,
    UnknownArchive(u8),
    UnknownEncoding(u8),
    UnknownFlags(u8),
    UnknownSchema(i64),
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
            Problem::EndInColumn | Problem::EndInHeader | Problem::EndInSample { .. } => {
                ErrorKind::Truncated
            }
            Problem::Full { .. } => ErrorKind::Full,
            Problem::BucketsToWrite { .. }
            | Problem::FractionToWrite { .. }
            | Problem::NoSuchSamples { .. }
            | Problem::SchemaToWrite(_)
            | Problem::SpansToWrite => ErrorKind::Invalid,
            Problem::NewChunkNeeded { .. } | Problem::RecodingNeeded { .. } => {
                ErrorKind::NotAppendable
            }
            Problem::BadPart(_)
            | Problem::EmptyRange
            | Problem::NotAscending { .. }
            | Problem::OutsideRange { .. }
            | Problem::SpanTooLong
            | Problem::TooManySpans
            | Problem::VarintTooLong { .. }
            | Problem::WindowTooWide => ErrorKind::Corrupt,
            Problem::UnknownArchive(_)
            | Problem::UnknownEncoding(_)
            | Problem::UnknownFlags(_)
            | Problem::UnknownSchema(_)
            | Problem::UnsupportedEncoding(_) => ErrorKind::Unsupported,
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
            Problem::BadPart(part) => write!(f, "chunk has an invalid {part} at byte {offset}"),
            Problem::EndInColumn => write!(f, "chunk ends at byte {offset}, inside a column"),
            Problem::EndInHeader => write!(f, "chunk ends at byte {offset}, inside its header"),
            Problem::EndInSample { number, promised } => write!(
                f,
                "chunk ends inside sample {number} of {promised}, which begins in byte {offset}"
            ),
            Problem::EmptyRange => f.write_str("chunk's range ends before it begins"),
            Problem::BucketsToWrite { found } => {
                write!(f, "histogram has {found} buckets on a side, but spans for another number")
            }
            Problem::FractionToWrite { number } => {
                write!(f, "histogram {number} does not count in whole numbers")
            }
            Problem::Full { most } => {
                write!(f, "chunk is full: its header counts up to {most} samples")
            }
            Problem::NewChunkNeeded { float, gauge, reset } => {
                let what = if reset { "counter reset" } else { "schema change" };
                write!(f, "{}histogram {what}", histogram_prefix(float, gauge))
            }
            Problem::NoSuchSamples { end, len } => {
                write!(f, "samples up to number {end} are to be written, but there are {len}")
            }
            Problem::NotAscending { number } => {
                write!(f, "sample {number} of chunk is not later than the one before it")
            }
            Problem::OutsideRange { t } => {
                write!(f, "chunk has a sample at {t} ms, outside of its range")
            }
            Problem::RecodingNeeded { float, gauge, backwards, positive, negative } => write!(
                f,
                "{}histogram layout change with {positive} positive and {negative} negative {} \
                 inserts",
                histogram_prefix(float, gauge),
                if backwards { "backwards" } else { "forwards" },
            ),
            Problem::SchemaToWrite(schema) => {
                write!(f, "histogram schema {schema} is neither -53 nor within -9 to 52")
            }
            Problem::SpanTooLong => {
                write!(f, "chunk's layout, at byte {offset}, has a span of more than 32 bits")
            }
            Problem::SpansToWrite => f.write_str(
                "histogram has many spans without buckets, or spans of more than 32 bits",
            ),
            Problem::TooManySpans => {
                write!(f, "chunk's layout, at byte {offset}, has too many spans without buckets")
            }
            Problem::UnknownArchive(byte) => {
                write!(f, "chunk begins with {byte:#04x}, which is no version of archive chunks")
            }
            Problem::UnknownFlags(byte) => write!(f, "archive chunk has unknown flags {byte:#04x}"),
            Problem::UnknownEncoding(byte) => write!(f, "chunk encoding {byte} is unknown"),
            Problem::UnknownSchema(schema) => write!(
                f,
                "histogram has an unknown schema, which must be between -9 and 52 for exponential \
                 buckets, or -53 for custom buckets, got schema {schema}"
            ),
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

fn histogram_prefix(float: bool, gauge: bool) -> &'static str {
    match (float, gauge) {
        (false, false) => "",
        (false, true) => "gauge ",
        (true, false) => "float ",
        (true, true) => "float gauge ",
    }
}

impl core::error::Error for Error {}

impl From<Error> for skopos_core::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Corrupt | ErrorKind::Truncated => skopos_core::ErrorKind::Corrupt,
            ErrorKind::Invalid | ErrorKind::NotAppendable => skopos_core::ErrorKind::Invalid,
            ErrorKind::Full => skopos_core::ErrorKind::Limit,
            ErrorKind::Unsupported => skopos_core::ErrorKind::Unsupported,
        };
        Self::caused(kind, error)
    }
}
