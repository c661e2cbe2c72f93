//! Prometheus' alert templates: what they see, and the functions that they may call.

use std::fmt;

use skopos_core::{Expander, Expansion, Labels, QueryRequest, QueryValue, SampleValue};

use crate::error::Error;
use crate::function::CallError;
use crate::histogram::Histogram;
use crate::limits::Limits;
use crate::template::Template;
use crate::value::{List, Map, Struct, Value};

mod cache;
mod functions;
mod host;
mod humanize;
mod page;

pub use self::page::HtmlExpander;

use self::cache::Cache;
use self::functions::AlertFunctions;

/// What stands before every alert template, so that error columns count it.
const PREFIX: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                      {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Checks and expands the templates of alerting rules as Prometheus does.
///
/// ```
/// use skopos_core::{
///     Error, ErrorKind, Expander, Expansion, Labels, QueryEngine, QueryOutput, QueryRequest,
///     SampleValue, Timestamp,
/// };
/// use skopos_template::AlertExpander;
///
/// struct NoData;
///
/// impl QueryEngine for NoData {
///     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
///         Err(Error::new(ErrorKind::Unavailable, "no data"))
///     }
///     fn check(&self, _: &str) -> Result<(), Error> {
///         Ok(())
///     }
///     fn canonical(&self, text: &str) -> Result<String, Error> {
///         Ok(text.to_owned())
///     }
/// }
///
/// let labels = Labels::from_pairs([("instance", "db-1:9100")]);
/// let expansion = Expansion {
///     name: "__alert_Slow",
///     labels: &labels,
///     external_labels: &Labels::empty(),
///     external_url: "http://localhost:9090",
///     value: &SampleValue::Float(0.256),
///     t: Timestamp::from_millis(0),
///     engine: &NoData,
/// };
/// let expander = AlertExpander::new();
/// let text = "{{ $labels.instance | stripPort }} needs {{ $value | humanizeDuration }}";
/// assert_eq!(expander.expand(text, &expansion)?, "db-1 needs 256ms");
/// assert!(expander.check("__alert_Slow", "{{ nope }}").is_err());
/// # Ok::<(), Error>(())
/// ```
///
/// Parsed templates are remembered, ten thousand of them; clones of an expander share them.
#[derive(Clone, Debug, Default)]
pub struct AlertExpander {
    limits: Limits,
    parsed: Cache,
}

impl AlertExpander {
    /// An expander with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, parsed: Cache::default() }
    }

    fn parse(&self, name: &str, text: &str) -> Result<Template, Error> {
        Template::parse(
            name,
            &format!("{PREFIX}{text}"),
            &AlertFunctions::new(None, &self.limits),
            &self.limits,
        )
    }

    fn run(&self, text: &str, asked: &Expansion<'_>) -> Result<String, Error> {
        let name = asked.name;
        let template = self
            .parsed
            .get(name, text, || self.parse(name, text))
            .map_err(|error| error.context(&format!("error parsing template {name}")))?;
        let functions = AlertFunctions::new(Some(asked), &self.limits);
        let out = template
            .execute(&data(asked), &functions)
            .map_err(|error| error.context(&format!("error executing template {name}")))?;
        Ok(match String::from_utf8(out) {
            Ok(text) => text,
            Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
        })
    }
}

impl Expander for AlertExpander {
    fn check(&self, name: &str, text: &str) -> Result<(), skopos_core::Error> {
        // Of a text without actions only its length can be wrong.
        let is_long = self.limits.text_bytes.saturating_sub(PREFIX.len()) < text.len();
        if is_long || text.contains("{{") {
            self.parse(name, text)?;
        }
        Ok(())
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, skopos_core::Error> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        Ok(self.run(text, expansion)?)
    }
}

/// The dot of an alert template.
#[derive(Debug)]
struct Data {
    labels: Map,
    external_labels: Map,
    external_url: String,
    value: Value,
}

fn data(asked: &Expansion<'_>) -> Value {
    Value::Struct(std::rc::Rc::new(Data {
        labels: Map::of_texts(asked.labels),
        external_labels: Map::of_texts(asked.external_labels),
        external_url: asked.external_url.to_owned(),
        value: sample_value(asked.value),
    }))
}

impl Struct for Data {
    fn type_name(&self) -> &str {
        "struct { Labels map[string]string; ExternalLabels map[string]string; \
         ExternalURL string; Value interface {} }"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Labels", Value::Map(self.labels.clone())),
            ("ExternalLabels", Value::Map(self.external_labels.clone())),
            ("ExternalURL", Value::from(self.external_url.as_str())),
            ("Value", self.value.clone()),
        ]
    }
}

/// A sample's value, in a place that takes any type.
fn sample_value(value: &SampleValue) -> Value {
    match value {
        SampleValue::Float(float) => Value::Float(*float).in_any(),
        SampleValue::Histogram(histogram) => {
            Value::pointer(Histogram::new(std::sync::Arc::clone(histogram))).in_any()
        }
    }
}

/// The name of the type that `query` gives.
const QUERY_RESULT: &str = "template.queryResult";

/// An element of what `query` gives.
struct Sample {
    labels: Labels,
    value: SampleValue,
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels.fmt(f)
    }
}

impl Struct for Sample {
    fn type_name(&self) -> &str {
        "template.sample"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let labels = Value::Map(Map::of_texts(&self.labels));
        vec![("Labels", labels), ("Value", sample_value(&self.value))]
    }
}

/// Asks a query and gives its result as a list of samples.
fn query(asked: &Expansion<'_>, text: &str) -> Result<Value, CallError> {
    let request = QueryRequest::instant(text, asked.t);
    let output = asked.engine.query(&request).map_err(|e| CallError::new(e.to_string()))?;
    let samples = match output.value {
        QueryValue::Vector(samples) => samples
            .into_iter()
            .map(|sample| Sample { labels: sample.labels, value: sample.value })
            .collect(),
        QueryValue::Scalar(sample) => {
            vec![Sample { labels: Labels::empty(), value: SampleValue::Float(sample.v) }]
        }
        QueryValue::Matrix(_) | QueryValue::String(..) => {
            return Err(CallError::new("query result is not a vector or scalar"));
        }
    };
    let items = samples.into_iter().map(Value::pointer).collect();
    Ok(Value::List(List::new(QUERY_RESULT, items)?))
}
