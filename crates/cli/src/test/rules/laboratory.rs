//! The world that unit tests of rules are played in: our engine over a table in memory.

use std::sync::Arc;

use skopos_core::{Error, Expander, FloatHistogram, Ingest, Labels, QueryEngine, SampleValue};
use skopos_promql::series_desc::{SeriesValue, describe_histogram};
use skopos_promql::{
    Engine, EngineOptions, LiveTable, ParseOptions, parse_metric, parse_series_description,
};
use skopos_rules::unit_test::{Bench, Laboratory};
use skopos_template::AlertExpander;

use super::invalid;

/// The most samples that one query may hold, as in `promtool`.
const MAX_SAMPLES: usize = 10_000;

/// What all tests share.
pub(super) struct Workshop {
    options: EngineOptions,
    /// Only its parser is asked.
    checker: Engine<LiveTable>,
    expander: AlertExpander,
}

impl Workshop {
    pub(super) fn new(experimental_functions: bool) -> Self {
        let parse = ParseOptions::default().with_experimental_functions(experimental_functions);
        let options = EngineOptions::default().with_parse(parse).with_max_samples(MAX_SAMPLES);
        let checker = Engine::new(LiveTable::new(), options.clone());
        Self { options, checker, expander: AlertExpander::new() }
    }

    pub(super) fn checker(&self) -> &dyn QueryEngine {
        &self.checker
    }

    pub(super) fn templates(&self) -> &dyn Expander {
        &self.expander
    }
}

/// An engine over a table of its own.
struct Table(Engine<LiveTable>);

impl Bench for Table {
    fn engine(&self) -> &dyn QueryEngine {
        &self.0
    }

    fn sink(&self) -> &dyn Ingest {
        self.0.source()
    }
}

impl Laboratory for Workshop {
    fn open(&self, interval: i64) -> Box<dyn Bench + '_> {
        let options = self.options.clone().with_subquery_step(interval);
        Box::new(Table(Engine::new(LiveTable::new(), options)))
    }

    fn expander(&self) -> &dyn Expander {
        &self.expander
    }

    fn parse_series(
        &self,
        text: &str,
        line: usize,
    ) -> Result<(Labels, Vec<Option<SampleValue>>), Error> {
        let series = parse_series_description(text).map_err(|error| {
            let column = error.column().unwrap_or(1);
            invalid(format!("{line}:{column}: parse error: {}", error.message()))
        })?;
        let value = |value| match value {
            SeriesValue::Omitted => None,
            SeriesValue::Float(v) => Some(SampleValue::Float(v)),
            SeriesValue::Histogram { histogram, .. } => Some(SampleValue::Histogram(histogram)),
        };
        Ok((series.labels, series.values.into_iter().map(value).collect()))
    }

    fn parse_metric(&self, text: &str) -> Result<Labels, Error> {
        parse_metric(text).map_err(|error| invalid(error.to_string()))
    }

    fn parse_histogram(&self, text: &str) -> Result<Arc<FloatHistogram>, Error> {
        let series = parse_series_description(&format!("{{}} {text}"));
        let mut values = series.map_err(|error| invalid(error.to_string()))?.values;
        match (values.len(), values.pop()) {
            (1, Some(SeriesValue::Histogram { histogram, .. })) => Ok(histogram),
            (1, _) => Err(invalid(format!("expected histogram, got {text}"))),
            (n, _) => Err(invalid(format!("expected 1 value, got {n}"))),
        }
    }

    fn describe_histogram(&self, histogram: &FloatHistogram) -> String {
        describe_histogram(histogram)
    }
}
