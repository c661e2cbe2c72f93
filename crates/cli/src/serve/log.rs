//! The log in Prometheus' two formats: `logfmt` and JSON, a line an event, to standard error.

use std::fmt::{self, Write as _};

use clap::ValueEnum;
use serde_json::{Map, Value as Json};
use skopos_core::Clock as _;
use skopos_core::text::Quoted;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::time::{SystemClock, show};

/// The least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Logfmt,
    Json,
}

impl Format {
    /// The name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Logfmt => "logfmt",
        }
    }
}

/// Starts logging. Libraries beneath ours say only what is wrong.
pub(super) fn start(level: Level, format: Format) {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    let targets =
        Targets::new().with_default(level.min(LevelFilter::WARN)).with_target("skopos", level);
    let lines = tracing_subscriber::fmt::layer().event_format(format).with_writer(std::io::stderr);
    // Logging starts once in the life of the program; a second start would change nothing.
    let _ = tracing_subscriber::registry().with(targets).with(lines).try_init();
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let meta = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let head = [
            ("time", show(SystemClock.now())),
            ("level", meta.level().to_string()),
            ("source", meta.target().to_owned()),
            ("msg", fields.message),
        ];
        let all = head.into_iter().chain(fields.others);
        let line = match self {
            Self::Json => json(all),
            Self::Logfmt => logfmt(all),
        };
        writeln!(writer, "{line}")
    }
}

fn json(fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let object: Map<String, Json> =
        fields.map(|(name, value)| (name.into(), value.into())).collect();
    Json::Object(object).to_string()
}

fn logfmt(fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let mut line = String::new();
    for (name, value) in fields {
        if !line.is_empty() {
            line.push(' ');
        }
        let is_plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '=';
        // Writing into a `String` cannot fail.
        let _ = if !value.is_empty() && value.chars().all(is_plain) {
            write!(line, "{name}={value}")
        } else {
            write!(line, "{name}={}", Quoted(&value))
        };
    }
    line
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.push(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_where_a_reader_would_lose_their_end() {
        let fields = [("a", "plain"), ("b", "two words"), ("c", ""), ("d", "x=\"1\"\n")];
        let line = logfmt(fields.into_iter().map(|(name, value)| (name, value.to_owned())));
        assert_eq!(line, r#"a=plain b="two words" c="" d="x=\"1\"\n""#);
        let line = json([("msg", "it \"works\"".to_owned())].into_iter());
        assert_eq!(line, r#"{"msg":"it \"works\""}"#);
    }
}
