//! The byte that names a chunk's encoding, in block segments, head chunk files and remote reads.

use core::fmt;

use crate::error::{Error, Problem};

/// How a chunk's samples are encoded.
///
/// All encodings that Prometheus has are named, and one of our own, so that errors and listings can name them;
/// [`codec()`](crate::codec()) says which can be read and written.
///
/// ```
/// use skopos_chunk::Encoding;
///
/// assert_eq!(Encoding::from_byte(1)?, Encoding::Xor);
/// assert_eq!(Encoding::Histogram.as_byte(), 2);
/// assert_eq!(Encoding::from_byte(9).unwrap_err().to_string(), "chunk encoding 9 is unknown");
/// # Ok::<(), skopos_chunk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Float samples.
    Xor,
    /// Native histograms that count in integers.
    Histogram,
    /// Native histograms that count in floats.
    FloatHistogram,
    /// Float samples with start timestamps.
    Xor2,
    /// Native histograms that count in integers, with start timestamps.
    HistogramSt,
    /// Native histograms that count in floats, with start timestamps.
    FloatHistogramSt,
    /// Float samples of sealed data: skopos' own encoding, which Prometheus does not know.
    Archive,
}

/// What samples an encoding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SampleKind {
    /// Floats.
    Float,
    /// Native histograms that count in integers.
    Histogram,
    /// Native histograms that count in floats.
    FloatHistogram,
}

impl SampleKind {
    /// Whether samples are floats, and not histograms of either kind.
    #[must_use]
    pub const fn is_float(self) -> bool {
        matches!(self, Self::Float)
    }
}

/// The byte of [`Encoding::Archive`]: far from those that Prometheus may give out next, and without
/// the top bit.
const ARCHIVE: u8 = 0x41;

impl Encoding {
    /// The encoding that `byte` names. A head chunk file's mark for out-of-order chunks, the top
    /// bit, is to be masked off before.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a byte that names none.
    pub fn from_byte(byte: u8) -> Result<Self, Error> {
        match byte {
            1 => Ok(Self::Xor),
            2 => Ok(Self::Histogram),
            3 => Ok(Self::FloatHistogram),
            4 => Ok(Self::Xor2),
            5 => Ok(Self::HistogramSt),
            6 => Ok(Self::FloatHistogramSt),
            ARCHIVE => Ok(Self::Archive),
            _ => Err(Error::new(Problem::UnknownEncoding(byte), 0)),
        }
    }

    /// The byte that names the encoding.
    #[must_use]
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Xor => 1,
            Self::Histogram => 2,
            Self::FloatHistogram => 3,
            Self::Xor2 => 4,
            Self::HistogramSt => 5,
            Self::FloatHistogramSt => 6,
            Self::Archive => ARCHIVE,
        }
    }

    /// Whether Prometheus reads the encoding, so that files for it may have such chunks.
    ///
    /// ```
    /// use skopos_chunk::Encoding;
    ///
    /// assert!(Encoding::Xor.is_prometheus());
    /// assert!(!Encoding::Archive.is_prometheus());
    /// ```
    #[must_use]
    pub const fn is_prometheus(self) -> bool {
        !matches!(self, Self::Archive)
    }

    /// What samples the encoding holds.
    ///
    /// ```
    /// use skopos_chunk::{Encoding, SampleKind};
    ///
    /// assert_eq!(Encoding::Xor.kind(), SampleKind::Float);
    /// assert_eq!(Encoding::FloatHistogram.kind(), SampleKind::FloatHistogram);
    /// ```
    #[must_use]
    pub const fn kind(self) -> SampleKind {
        match self {
            Self::Xor | Self::Xor2 | Self::Archive => SampleKind::Float,
            Self::Histogram | Self::HistogramSt => SampleKind::Histogram,
            Self::FloatHistogram | Self::FloatHistogramSt => SampleKind::FloatHistogram,
        }
    }

    /// Whether start timestamps are kept.
    ///
    /// ```
    /// use skopos_chunk::Encoding;
    ///
    /// assert!(Encoding::Xor2.has_start_times());
    /// assert!(!Encoding::Xor.has_start_times());
    /// ```
    #[must_use]
    pub const fn has_start_times(self) -> bool {
        matches!(self, Self::Archive | Self::Xor2 | Self::HistogramSt | Self::FloatHistogramSt)
    }

    /// The encoding's name, as Prometheus' tools print it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xor => "XOR",
            Self::Histogram => "histogram",
            Self::FloatHistogram => "floathistogram",
            Self::Xor2 => "XOR2",
            Self::HistogramSt => "histogramST",
            Self::FloatHistogramSt => "floathistogramST",
            Self::Archive => "archive",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
