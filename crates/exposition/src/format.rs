//! The formats and their content types.

use crate::EscapingScheme;
use alloc::string::String;

/// A format that a page may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PageFormat {
    /// Delimited protobuf messages; read and written with the feature `protobuf`.
    Protobuf,
    /// A text format.
    Text(TextFormat),
}

impl PageFormat {
    /// The media type, without parameters.
    ///
    /// ```
    /// # use skopos_exposition::PageFormat;
    /// assert_eq!(PageFormat::Protobuf.media_type(), "application/vnd.google.protobuf");
    /// ```
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/vnd.google.protobuf",
            Self::Text(format) => format.media_type(),
        }
    }

    /// The text format, if it is one.
    #[must_use]
    pub const fn text(self) -> Option<TextFormat> {
        match self {
            Self::Protobuf => None,
            Self::Text(format) => Some(format),
        }
    }
}

/// A text format that is read and written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TextFormat {
    /// Prometheus text, 0.0.4 and 1.0.0: the same grammar for readers.
    Prometheus,
    /// OpenMetrics 1.0, and 0.0.1.
    OpenMetrics,
}

impl TextFormat {
    /// The content type of what we write.
    ///
    /// ```
    /// # use skopos_exposition::{EscapingScheme, TextFormat};
    /// assert_eq!(
    ///     TextFormat::Prometheus.content_type(EscapingScheme::AllowUtf8),
    ///     "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
    /// );
    /// ```
    #[must_use]
    pub fn content_type(self, escaping: EscapingScheme) -> String {
        self.content_type_of(self.version(), escaping)
    }

    pub(crate) fn content_type_of(self, version: &str, escaping: EscapingScheme) -> String {
        let media = self.media_type();
        alloc::format!("{media}; version={version}; charset=utf-8; escaping={escaping}")
    }

    /// The newest version that we write.
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Prometheus => "0.0.4",
            Self::OpenMetrics => "1.0.0",
        }
    }

    /// The media type, without parameters.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain",
            Self::OpenMetrics => "application/openmetrics-text",
        }
    }
}
