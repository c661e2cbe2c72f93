//! An explanation for programs. Times are in seconds, as everywhere in Prometheus' API.

use serde::{Serialize, Serializer};
use skopos_core::{QueryStatistics, Selection};

use super::{Explanation, Operator};

/// An object with `query`, `start`, `end`, `step`, `plan`, `selections` and, of an analyzed query,
/// `statistics`; operators are nested in `plan`.
///
/// ```
/// use skopos_core::{QueryRequest, Timestamp};
/// use skopos_promql::{Engine, EngineOptions, Table};
///
/// let engine = Engine::new(Table::new(), EngineOptions::default());
/// let request = QueryRequest::instant("-up", Timestamp::from_millis(0));
/// let json = serde_json::to_value(engine.explain(&request)?)?;
/// assert_eq!(json["plan"]["inputs"][0]["text"], "up");
/// assert_eq!(json["selections"][0]["matchers"][0], "__name__=\"up\"");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            query: &'a str,
            start: f64,
            end: f64,
            step: f64,
            plan: &'a Operator,
            selections: Vec<SelectionView<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            statistics: Option<StatisticsView>,
        }
        View {
            query: &self.query,
            start: self.start.as_seconds(),
            end: self.end.as_seconds(),
            step: seconds(self.step),
            plan: &self.root,
            selections: self.selections.iter().map(SelectionView::new).collect(),
            statistics: self.statistics.as_ref().map(StatisticsView::new),
        }
        .serialize(serializer)
    }
}

/// An object with `name`, `text`, `span`, `marks`, `steps` and `step`, of selectors `selection` (a place in
/// the list), of an analyzed query `series`, `samples`, `bytes` and `seconds`, and its `inputs`.
impl Serialize for Operator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            name: &'a str,
            text: &'a str,
            span: [u32; 2],
            marks: &'a [&'static str],
            steps: usize,
            step: f64,
            #[serde(skip_serializing_if = "Option::is_none")]
            selection: Option<usize>,
            #[serde(flatten)]
            measured: Option<MeasuredView>,
            inputs: &'a [Operator],
        }
        View {
            name: &self.name,
            text: &self.text,
            span: [self.span.start, self.span.end],
            marks: &self.marks,
            steps: self.steps,
            step: seconds(self.step),
            selection: self.selection,
            measured: self.measured.map(|measured| MeasuredView {
                series: measured.series,
                samples: measured.samples,
                bytes: measured.bytes,
                seconds: measured.time.map(|time| time.as_secs_f64()),
            }),
            inputs: &self.inputs,
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
struct MeasuredView {
    series: u64,
    samples: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[derive(Serialize)]
struct SelectionView<'a> {
    matchers: Vec<String>,
    start: f64,
    end: f64,
    step: f64,
    range: f64,
    function: &'a str,
    grouping: &'a [String],
    by: bool,
}

impl<'a> SelectionView<'a> {
    fn new(selection: &'a Selection) -> Self {
        let hints = selection.hints();
        Self {
            matchers: selection.matchers().iter().map(ToString::to_string).collect(),
            start: selection.range().start.as_seconds(),
            end: selection.range().end.as_seconds(),
            step: seconds(hints.step),
            range: seconds(hints.range),
            function: &hints.function,
            grouping: &hints.grouping,
            by: hints.by,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatisticsView {
    total_queryable_samples: u64,
    peak_samples: u64,
    peak_bytes: u64,
    series: u64,
}

impl StatisticsView {
    fn new(statistics: &QueryStatistics) -> Self {
        Self {
            total_queryable_samples: statistics.total_samples,
            peak_samples: statistics.peak_samples,
            peak_bytes: statistics.peak_bytes,
            series: statistics.series,
        }
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
