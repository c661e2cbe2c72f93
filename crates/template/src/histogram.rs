//! Native histograms as templates see them: their fields and their text form.
//!
//! Their methods that compute (`Add`, `Mul`, …) are refused: they belong to a query.

use std::rc::Rc;
use std::sync::Arc;

use skopos_core::{FloatHistogram, ResetHint, Span};

use crate::value::{IntType, List, Struct, Value};

/// `histogram.FloatHistogram`
#[derive(Debug)]
pub(crate) struct Histogram(Arc<FloatHistogram>);

impl Histogram {
    pub(crate) fn new(histogram: Arc<FloatHistogram>) -> Self {
        Self(histogram)
    }
}

impl Struct for Histogram {
    fn type_name(&self) -> &str {
        "histogram.FloatHistogram"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let histogram = &self.0;
        let hint = match histogram.reset_hint {
            ResetHint::Unknown => 0,
            ResetHint::Reset => 1,
            ResetHint::NotReset => 2,
            ResetHint::Gauge => 3,
        };
        vec![
            ("CounterResetHint", Value::Int(hint, IntType::ResetHint)),
            ("Schema", Value::Int(i64::from(histogram.schema), IntType::Int32)),
            ("ZeroThreshold", Value::Float(histogram.zero_threshold)),
            ("ZeroCount", Value::Float(histogram.zero_count)),
            ("Count", Value::Float(histogram.count)),
            ("Sum", Value::Float(histogram.sum)),
            ("PositiveSpans", spans(&histogram.positive_spans)),
            ("NegativeSpans", spans(&histogram.negative_spans)),
            ("PositiveBuckets", floats(&histogram.positive_buckets)),
            ("NegativeBuckets", floats(&histogram.negative_buckets)),
            ("CustomValues", floats(&histogram.custom_values)),
        ]
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

fn floats(values: &[f64]) -> Value {
    list("[]float64", values.iter().copied().map(Value::Float).collect())
}

fn spans(spans: &[Span]) -> Value {
    let span = |span: &Span| Value::Struct(Rc::new(TemplateSpan(*span)));
    list("[]histogram.Span", spans.iter().map(span).collect())
}

fn list(type_name: &'static str, items: Vec<Value>) -> Value {
    List::new(type_name, items).map_or(Value::Nil, Value::List)
}

/// `histogram.Span`
#[derive(Debug)]
struct TemplateSpan(Span);

impl Struct for TemplateSpan {
    fn type_name(&self) -> &str {
        "histogram.Span"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Offset", Value::Int(i64::from(self.0.offset), IntType::Int32)),
            ("Length", Value::Int(i64::from(self.0.length), IntType::Uint32)),
        ]
    }
}
