//! Who speaks which format: a scraper's Accept header, its choice of a parser, and a target's
//! choice of what to write.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;
use core::str::FromStr;

use crate::media::MediaType;
use crate::quote::QuotedBytes;
use crate::{Error, ErrorKind, EscapingScheme, TextFormat};

const PROTOBUF: &str = "application/vnd.google.protobuf";

/// A format as scrape configurations name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ScrapeProtocol {
    /// `PrometheusProto`. Not provided: never asked for, and refused where a target sends it.
    PrometheusProto,
    /// `PrometheusText0.0.4`
    PrometheusText004,
    /// `PrometheusText1.0.0`
    PrometheusText100,
    /// `OpenMetricsText0.0.1`
    OpenMetricsText001,
    /// `OpenMetricsText1.0.0`
    OpenMetricsText100,
}

impl ScrapeProtocol {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::PrometheusProto,
        Self::PrometheusText004,
        Self::PrometheusText100,
        Self::OpenMetricsText001,
        Self::OpenMetricsText100,
    ];

    /// What a scraper asks for unless it is told otherwise, the best first.
    pub const DEFAULT: [Self; 4] = [
        Self::OpenMetricsText100,
        Self::OpenMetricsText001,
        Self::PrometheusText100,
        Self::PrometheusText004,
    ];

    /// The name in scrape configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusProto => "PrometheusProto",
            Self::PrometheusText004 => "PrometheusText0.0.4",
            Self::PrometheusText100 => "PrometheusText1.0.0",
            Self::OpenMetricsText001 => "OpenMetricsText0.0.1",
            Self::OpenMetricsText100 => "OpenMetricsText1.0.0",
        }
    }

    /// The media type with its parameters, as in an Accept header.
    #[must_use]
    pub const fn header_value(self) -> &'static str {
        match self {
            Self::PrometheusProto => {
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
            }
            Self::PrometheusText004 => "text/plain;version=0.0.4",
            Self::PrometheusText100 => "text/plain;version=1.0.0",
            Self::OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
            Self::OpenMetricsText100 => "application/openmetrics-text;version=1.0.0",
        }
    }

    /// The media type alone: what [`choose_format`] takes as the fallback.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self.text_format() {
            Some(format) => format.media_type(),
            None => PROTOBUF,
        }
    }

    /// The text format, unless it is protobuf.
    #[must_use]
    pub const fn text_format(self) -> Option<TextFormat> {
        match self {
            Self::PrometheusProto => None,
            Self::PrometheusText004 | Self::PrometheusText100 => Some(TextFormat::Prometheus),
            Self::OpenMetricsText001 | Self::OpenMetricsText100 => Some(TextFormat::OpenMetrics),
        }
    }
}

impl fmt::Display for ScrapeProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ScrapeProtocol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|protocol| protocol.as_str() == text).ok_or_else(|| {
            let mut names: Vec<&str> = Self::ALL.iter().map(|protocol| protocol.as_str()).collect();
            names.sort_unstable();
            let names = names.join(" ");
            let message = format!("unknown scrape protocol {text}, supported: [{names}]");
            Error::new(ErrorKind::Syntax, message)
        })
    }
}

/// The Accept header that asks for `protocols`, the first one most. Protobuf is passed over, since
/// it could not be read.
///
/// ```
/// use skopos_exposition::{EscapingScheme, ScrapeProtocol, accept_header};
///
/// assert_eq!(
///     accept_header(&ScrapeProtocol::DEFAULT, EscapingScheme::AllowUtf8),
///     "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
///      application/openmetrics-text;version=0.0.1;q=0.5,\
///      text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
///      text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
/// );
/// ```
#[must_use]
pub fn accept_header(protocols: &[ScrapeProtocol], escaping: EscapingScheme) -> String {
    let mut header = String::new();
    let mut weight = ScrapeProtocol::ALL.len() + 1;
    for protocol in protocols.iter().filter(|protocol| protocol.text_format().is_some()) {
        header.push_str(protocol.header_value());
        if matches!(
            protocol,
            ScrapeProtocol::PrometheusText100 | ScrapeProtocol::OpenMetricsText100
        ) {
            header.push_str(";escaping=");
            header.push_str(escaping.as_str());
        }
        // Writing into a `String` cannot fail.
        let _ = write!(header, ";q=0.{weight},");
        weight = weight.saturating_sub(1);
    }
    let _ = write!(header, "*/*;q=0.{weight}");
    header
}

/// How to read a target's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChosenFormat {
    /// The format to read it in.
    pub format: TextFormat,
    /// What to tell the operator, if the target did not say what it sends and the fallback is used.
    pub warning: Option<String>,
}

/// Chooses the parser for an answer with the header `content_type` (empty where there is none) and
/// the media type to fall back on.
///
/// ```
/// use skopos_exposition::{ErrorKind, TextFormat, choose_format};
///
/// let chosen = choose_format("text/plain; version=0.0.4", None)?;
/// assert_eq!((chosen.format, chosen.warning), (TextFormat::Prometheus, None));
///
/// let chosen = choose_format("", Some("text/plain"))?;
/// assert_eq!(chosen.format, TextFormat::Prometheus);
/// assert!(chosen.warning.unwrap().contains("using fallback_scrape_protocol"));
///
/// let error = choose_format("application/vnd.google.protobuf", None).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// Where neither names a format, with the text that Prometheus shows as the target's last error;
/// `Unsupported` where it is protobuf.
pub fn choose_format(content_type: &str, fallback: Option<&str>) -> Result<ChosenFormat, Error> {
    let warning = match MediaType::parse(content_type) {
        _ if content_type.is_empty() => blank(fallback),
        Ok(media) if is_known(&media.essence) => {
            return Ok(ChosenFormat { format: text_format(&media.essence)?, warning: None });
        }
        Ok(_) => unsupported(content_type, fallback),
        Err(error) => unreadable(content_type, fallback, error),
    };
    match fallback {
        Some(fallback) if is_known(fallback) => {
            Ok(ChosenFormat { format: text_format(fallback)?, warning: Some(warning) })
        }
        _ => Err(Error::new(ErrorKind::Syntax, warning)),
    }
}

fn is_known(media_type: &str) -> bool {
    media_type == PROTOBUF || text_format(media_type).is_ok()
}

fn text_format(media_type: &str) -> Result<TextFormat, Error> {
    match media_type {
        "text/plain" => Ok(TextFormat::Prometheus),
        "application/openmetrics-text" => Ok(TextFormat::OpenMetrics),
        _ => {
            let message = format!("the protobuf exposition format ({media_type}) is not supported");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

#[cold]
fn blank(fallback: Option<&str>) -> String {
    match fallback {
        None => "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target".into(),
        Some(fallback) => format!("non-compliant scrape target sending blank Content-Type, using fallback_scrape_protocol \"{fallback}\""),
    }
}

#[cold]
fn unsupported(content_type: &str, fallback: Option<&str>) -> String {
    let shown = QuotedBytes(content_type.as_bytes());
    match fallback {
        None => format!(
            "received unsupported Content-Type {shown} and no fallback_scrape_protocol specified for target"
        ),
        Some(fallback) => format!(
            "received unsupported Content-Type {shown}, using fallback_scrape_protocol \"{fallback}\""
        ),
    }
}

#[cold]
fn unreadable(content_type: &str, fallback: Option<&str>, error: &str) -> String {
    let shown = QuotedBytes(content_type.as_bytes());
    match fallback {
        None => format!(
            "cannot parse Content-Type {shown} and no fallback_scrape_protocol for target\n{error}"
        ),
        Some(fallback) => format!(
            "could not parse received Content-Type {shown}, using fallback_scrape_protocol \"{fallback}\"\n{error}"
        ),
    }
}

/// What a target writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputFormat {
    /// The format.
    pub format: TextFormat,
    /// How names that old readers do not know are written.
    pub escaping: EscapingScheme,
    version: &'static str,
}

impl OutputFormat {
    /// A format with a scheme.
    #[must_use]
    pub const fn new(format: TextFormat, escaping: EscapingScheme) -> Self {
        Self { format, escaping, version: format.version() }
    }

    /// The content type to send.
    #[must_use]
    pub fn content_type(self) -> String {
        self.format.content_type_of(self.version, self.escaping)
    }
}

/// Chooses what to write for a request with the header `accept`: Prometheus text unless OpenMetrics
/// is wanted more.
///
/// ```
/// use skopos_exposition::{EscapingScheme, TextFormat, choose_output};
///
/// let output = choose_output("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8,*/*;q=0.1");
/// assert_eq!(output.format, TextFormat::OpenMetrics);
/// assert_eq!(output.escaping, EscapingScheme::AllowUtf8);
/// assert_eq!(choose_output("text/html, */*;q=0.8").format, TextFormat::Prometheus);
/// ```
#[must_use]
pub fn choose_output(accept: &str) -> OutputFormat {
    let mut clauses: Vec<(f64, MediaType)> =
        accept.split(',').filter_map(|clause| parse_clause(clause.trim())).collect();
    clauses.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut escaping = EscapingScheme::default();
    for (_, clause) in &clauses {
        if let Some(Ok(scheme)) = clause.parameter("escaping").map(str::parse) {
            escaping = scheme;
        }
        let offers = [
            (TextFormat::Prometheus, "text", "plain", "0.0.4"),
            (TextFormat::OpenMetrics, "application", "openmetrics-text", "1.0.0"),
            (TextFormat::OpenMetrics, "application", "openmetrics-text", "0.0.1"),
        ];
        for (format, kind, subtype, version) in offers {
            if matches(clause, kind, subtype, version) {
                return OutputFormat { format, escaping, version };
            }
        }
    }
    OutputFormat::new(TextFormat::Prometheus, escaping)
}

fn parse_clause(clause: &str) -> Option<(f64, MediaType)> {
    let media = MediaType::parse(clause).ok()?;
    let weight = match media.parameter("q") {
        Some(text) => text.parse().ok().filter(|q: &f64| q.is_finite()).unwrap_or(0.0),
        None => 1.0,
    };
    Some((weight, media))
}

fn matches(clause: &MediaType, kind: &str, subtype: &str, version: &str) -> bool {
    let (wanted_kind, wanted_subtype) =
        clause.essence.split_once('/').unwrap_or((&clause.essence, "*"));
    if wanted_kind == "*" && wanted_subtype == "*" {
        return true;
    }
    let fits = |wanted: &str, offered: &str| wanted == "*" || wanted == offered;
    let default_version = match clause.essence.as_str() {
        "text/plain" => "0.0.4",
        "application/openmetrics-text" => "0.0.1",
        _ => "",
    };
    fits(wanted_kind, kind)
        && fits(wanted_subtype, subtype)
        && clause.parameter("version").unwrap_or(default_version) == version
}
