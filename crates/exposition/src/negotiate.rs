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
use crate::{Error, ErrorKind, EscapingScheme, PageFormat, TextFormat};

/// The message that is meant by the protobuf format.
const MESSAGE: &str = "io.prometheus.client.MetricFamily";

/// A format as scrape configurations name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ScrapeProtocol {
    /// `PrometheusProto`
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
        self.format().media_type()
    }

    /// The format that is spoken.
    #[must_use]
    pub const fn format(self) -> PageFormat {
        match self {
            Self::PrometheusProto => PageFormat::Protobuf,
            Self::PrometheusText004 | Self::PrometheusText100 => {
                PageFormat::Text(TextFormat::Prometheus)
            }
            Self::OpenMetricsText001 | Self::OpenMetricsText100 => {
                PageFormat::Text(TextFormat::OpenMetrics)
            }
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

/// The Accept header that asks for `protocols`, the first one most.
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
    for protocol in protocols {
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChosenFormat {
    /// The format to read it in.
    pub format: PageFormat,
    /// What to tell the operator, if the target did not say what it sends and the fallback is used.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub warning: Option<String>,
}

/// Chooses the parser for an answer with the header `content_type` (empty where there is none) and
/// the media type to fall back on.
///
/// ```
/// use skopos_exposition::{PageFormat, TextFormat, choose_format};
///
/// let prometheus = PageFormat::Text(TextFormat::Prometheus);
/// let chosen = choose_format("text/plain; version=0.0.4", None)?;
/// assert_eq!((chosen.format, chosen.warning), (prometheus, None));
///
/// let chosen = choose_format("", Some("text/plain"))?;
/// assert_eq!(chosen.format, prometheus);
/// assert!(chosen.warning.unwrap().contains("using fallback_scrape_protocol"));
///
/// let chosen = choose_format("application/vnd.google.protobuf", None)?;
/// assert_eq!(chosen.format, PageFormat::Protobuf);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// Where neither names a format, with the text that Prometheus shows as the target's last error.
pub fn choose_format(content_type: &str, fallback: Option<&str>) -> Result<ChosenFormat, Error> {
    let warning = match MediaType::parse(content_type) {
        _ if content_type.is_empty() => blank(fallback),
        Ok(media) => match page_format(&media.essence) {
            Some(format) => return Ok(ChosenFormat { format, warning: None }),
            None => unsupported(content_type, fallback),
        },
        Err(error) => unreadable(content_type, fallback, error),
    };
    match fallback.and_then(page_format) {
        Some(format) => Ok(ChosenFormat { format, warning: Some(warning) }),
        None => Err(Error::new(ErrorKind::Syntax, warning)),
    }
}

fn page_format(media_type: &str) -> Option<PageFormat> {
    let text = [TextFormat::Prometheus, TextFormat::OpenMetrics].map(PageFormat::Text);
    text.into_iter().chain([PageFormat::Protobuf]).find(|format| format.media_type() == media_type)
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

    #[cfg(feature = "serde")]
    pub(crate) fn version(self) -> &'static str {
        self.version
    }

    /// The same output in another version of the format, if that is one that is written.
    #[cfg(feature = "serde")]
    pub(crate) fn with_version(self, version: &str) -> Option<Self> {
        let format = PageFormat::Text(self.format);
        let mut offers = TEXT_OFFERS.iter().filter(|offer| offer.format == format);
        let version = offers.find(|offer| offer.version == version)?.version;
        Some(Self { version, ..self })
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
    let (offer, escaping) = choose(accept, &TEXT_OFFERS);
    let offer = offer.unwrap_or(TEXT_OFFERS[0]);
    let format = offer.format.text().unwrap_or(TextFormat::Prometheus);
    OutputFormat { format, escaping, version: offer.version }
}

/// What a target writes that knows protobuf too.
///
/// ```
/// use skopos_exposition::{PageOutput, ScrapeProtocol, accept_header, choose_page_output};
/// # use skopos_exposition::EscapingScheme;
///
/// let wanted = [ScrapeProtocol::PrometheusProto, ScrapeProtocol::OpenMetricsText100];
/// let output = choose_page_output(&accept_header(&wanted, EscapingScheme::AllowUtf8));
/// assert!(matches!(output, PageOutput::Protobuf(_)));
/// assert_eq!(
///     output.content_type(),
///     "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
///      encoding=delimited; escaping=underscores",
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageOutput {
    /// Delimited protobuf messages, with names written so.
    Protobuf(EscapingScheme),
    /// A text format.
    Text(OutputFormat),
}

impl PageOutput {
    /// The content type to send.
    #[must_use]
    pub fn content_type(self) -> String {
        match self {
            Self::Protobuf(escaping) => {
                let media = PageFormat::Protobuf.media_type();
                format!("{media}; proto={MESSAGE}; encoding=delimited; escaping={escaping}")
            }
            Self::Text(output) => output.content_type(),
        }
    }
}

/// Chooses what to write for a request with the header `accept`: Prometheus text unless protobuf or
/// OpenMetrics is wanted more. See [`PageOutput`] for an example.
#[must_use]
pub fn choose_page_output(accept: &str) -> PageOutput {
    let [prometheus, openmetrics @ ..] = TEXT_OFFERS;
    let [first, second, third] = openmetrics;
    let (offer, escaping) = choose(accept, &[prometheus, PROTOBUF_OFFER, first, second, third]);
    let offer = offer.unwrap_or(prometheus);
    match offer.format {
        PageFormat::Protobuf => PageOutput::Protobuf(escaping),
        PageFormat::Text(format) => {
            PageOutput::Text(OutputFormat { format, escaping, version: offer.version })
        }
    }
}

/// A format that can be written.
#[derive(Clone, Copy, Debug)]
struct Offer {
    format: PageFormat,
    version: &'static str,
}

const TEXT_OFFERS: [Offer; 4] = [
    Offer { format: PageFormat::Text(TextFormat::Prometheus), version: "0.0.4" },
    Offer { format: PageFormat::Text(TextFormat::OpenMetrics), version: "1.0.0" },
    Offer { format: PageFormat::Text(TextFormat::OpenMetrics), version: "0.0.1" },
    Offer { format: PageFormat::Text(TextFormat::Prometheus), version: "1.0.0" },
];
const PROTOBUF_OFFER: Offer = Offer { format: PageFormat::Protobuf, version: "" };

/// The offer that is wanted most, if one is wanted, and how names are to be written.
fn choose(accept: &str, offers: &[Offer]) -> (Option<Offer>, EscapingScheme) {
    let mut clauses: Vec<(f64, MediaType)> =
        accept.split(',').filter_map(|clause| parse_clause(clause.trim())).collect();
    clauses.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut escaping = EscapingScheme::default();
    for (_, clause) in &clauses {
        if let Some(Ok(scheme)) = clause.parameter("escaping").map(str::parse) {
            escaping = scheme;
        }
        if let Some(offer) = offers.iter().find(|offer| offer.is_wanted(clause)) {
            return (Some(*offer), escaping);
        }
    }
    (None, escaping)
}

fn parse_clause(clause: &str) -> Option<(f64, MediaType)> {
    let media = MediaType::parse(clause).ok()?;
    let weight = match media.parameter("q") {
        Some(text) => text.parse().ok().filter(|q: &f64| q.is_finite()).unwrap_or(0.0),
        None => 1.0,
    };
    Some((weight, media))
}

impl Offer {
    fn is_wanted(&self, clause: &MediaType) -> bool {
        let (kind, subtype) = clause.essence.split_once('/').unwrap_or((&clause.essence, "*"));
        if kind == "*" && subtype == "*" {
            return true;
        }
        let (own_kind, own_subtype) = self.format.media_type().split_once('/').unwrap_or_default();
        let fits = |wanted: &str, offered: &str| wanted == "*" || wanted == offered;
        if !fits(kind, own_kind) || !fits(subtype, own_subtype) {
            return false;
        }
        if self.format == PageFormat::Protobuf {
            return clause.parameter("proto") == Some(MESSAGE)
                && clause.parameter("encoding") == Some("delimited");
        }
        let default_version = match clause.essence.as_str() {
            "text/plain" => "0.0.4",
            "application/openmetrics-text" => "0.0.1",
            _ => "",
        };
        clause.parameter("version").unwrap_or(default_version) == self.version
    }
}
