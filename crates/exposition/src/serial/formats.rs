//! The shapes of formats and schemes: their names, as content types and configurations have them.

use alloc::string::String;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::{EscapingScheme, OutputFormat, PageFormat, PageOutput, ScrapeProtocol, TextFormat};

/// Gives a type the shape of its text.
macro_rules! textual {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

textual!(EscapingScheme);
textual!(ScrapeProtocol);

const FORMATS: [(&str, PageFormat); 3] = [
    ("protobuf", PageFormat::Protobuf),
    ("prometheus", PageFormat::Text(TextFormat::Prometheus)),
    ("openmetrics", PageFormat::Text(TextFormat::OpenMetrics)),
];

/// `"protobuf"`, `"prometheus"` or `"openmetrics"`.
impl Serialize for PageFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let named = FORMATS.iter().find(|(_, format)| format == self);
        serializer.serialize_str(named.map_or("prometheus", |(name, _)| name))
    }
}

impl<'de> Deserialize<'de> for PageFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::read_name(deserializer, "format", &FORMATS)
    }
}

/// `"prometheus"` or `"openmetrics"`.
impl Serialize for TextFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PageFormat::Text(*self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TextFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let format = PageFormat::deserialize(deserializer)?;
        format.text().ok_or_else(|| de::Error::custom("protobuf is not a text format"))
    }
}

/// A format, the version of a text format (the newest where none is read) and a scheme.
#[derive(serde::Serialize, serde::Deserialize)]
struct OutputShape {
    format: PageFormat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    escaping: EscapingScheme,
}

impl OutputShape {
    fn text(self) -> Result<OutputFormat, String> {
        let format = self.format.text().ok_or("protobuf is not a text format")?;
        let newest = OutputFormat::new(format, self.escaping);
        match self.version {
            None => Ok(newest),
            Some(version) => newest.with_version(&version).ok_or_else(|| {
                alloc::format!("version {version:?} of {} is not written", format.media_type())
            }),
        }
    }
}

/// `{"format": …, "version": …, "escaping": …}`
impl Serialize for OutputFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let format = PageFormat::Text(self.format);
        let version = Some(self.version().into());
        OutputShape { format, version, escaping: self.escaping }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OutputFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OutputShape::deserialize(deserializer)?.text().map_err(de::Error::custom)
    }
}

/// As [`OutputFormat`]; without a version for protobuf.
impl Serialize for PageOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Text(output) => output.serialize(serializer),
            Self::Protobuf(escaping) => {
                let format = PageFormat::Protobuf;
                OutputShape { format, version: None, escaping }.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for PageOutput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = OutputShape::deserialize(deserializer)?;
        match (shape.format, &shape.version) {
            (PageFormat::Protobuf, None) => Ok(Self::Protobuf(shape.escaping)),
            (PageFormat::Protobuf, Some(_)) => Err(de::Error::custom("protobuf has no version")),
            _ => shape.text().map(Self::Text).map_err(de::Error::custom),
        }
    }
}
