//! Doubles for those who ask queries and expand templates.

use std::collections::BTreeMap;

use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{
    Error, ErrorKind, Expander, Expansion, Labels, QueryEngine, QueryOutput, QueryRequest,
    QueryValue, SampleValue, VectorSample,
};

/// An engine that answers each known text with the same vector at every time.
///
/// ```
/// use skopos_core::{QueryEngine, QueryRequest, QueryValue, Timestamp};
/// use skopos_testkit::TableEngine;
///
/// let engine = TableEngine::new().with("up", [(&[("job", "a")][..], 1.0)]);
/// let output = engine.query(&QueryRequest::instant("up", Timestamp::from_millis(5))).unwrap();
/// let QueryValue::Vector(vector) = output.value else { panic!("not a vector") };
/// assert_eq!(vector.len(), 1);
/// assert!(engine.query(&QueryRequest::instant("down", Timestamp::from_millis(5))).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct TableEngine {
    answers: BTreeMap<String, Vec<(Labels, f64)>>,
}

impl TableEngine {
    /// An engine that knows no query.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same engine with one more query.
    #[must_use]
    pub fn with<'a>(
        mut self,
        text: &str,
        vector: impl IntoIterator<Item = (&'a [(&'a str, &'a str)], f64)>,
    ) -> Self {
        let vector = vector
            .into_iter()
            .map(|(labels, v)| (Labels::from_pairs(labels.iter().copied()), v))
            .collect();
        self.answers.insert(text.to_owned(), vector);
        self
    }

    fn answer(&self, text: &str) -> Result<&[(Labels, f64)], Error> {
        self.answers.get(text).map(Vec::as_slice).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, format!("the table has no answer to {text}"))
        })
    }
}

impl QueryEngine for TableEngine {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let vector = self.answer(request.text())?.iter().map(|(labels, v)| VectorSample {
            labels: labels.clone(),
            t: request.start(),
            value: SampleValue::Float(*v),
        });
        Ok(QueryOutput::new(QueryValue::Vector(vector.collect())))
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        self.answer(text).map(drop)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        self.check(text)?;
        Ok(text.to_owned())
    }
}

/// An expander that replaces `{{ $value }}` and `{{ $labels.NAME }}` and refuses all else in braces.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReplacingExpander;

impl ReplacingExpander {
    /// The expander.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Replaces each action by what `action` makes of its inside.
    fn replace(text: &str, action: impl Fn(&str) -> Option<String>) -> Result<String, Error> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, after) = after
                .split_once("}}")
                .ok_or_else(|| Error::new(ErrorKind::Invalid, "unclosed action"))?;
            let value = action(inside.trim()).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, format!("unknown action {}", inside.trim()))
            })?;
            out.push_str(before);
            out.push_str(&value);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

impl Expander for ReplacingExpander {
    fn check(&self, _name: &str, text: &str) -> Result<(), Error> {
        let known = |inside: &str| inside == "$value" || inside.starts_with("$labels.");
        Self::replace(text, |inside| known(inside).then(String::new)).map(drop)
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        Self::replace(text, |inside| {
            if inside == "$value" {
                return Some(match expansion.value {
                    SampleValue::Float(v) => format_float(*v, FloatStyle::General),
                    SampleValue::Histogram(histogram) => histogram.to_string(),
                });
            }
            let name = inside.strip_prefix("$labels.")?;
            Some(expansion.labels.get(name).unwrap_or_default().to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn the_table_keeps_the_laws_of_an_engine() {
        let engine = TableEngine::new().with("up", [(&[("job", "a")][..], 1.0)]);
        conformance::query_engine(&engine, "up", "nonsense(");
    }

    #[test]
    fn replacing_keeps_the_laws_of_an_expander() {
        conformance::expander(&ReplacingExpander, "{{ $value }} of {{ $labels.job }}", "{{ if }}");
    }
}
