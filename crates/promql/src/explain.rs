//! What a query does, operator by operator: for people who ask why it is slow, and for programs.
//!
//! Made by [`Engine::explain`](crate::Engine::explain) and [`Engine::analyze`](crate::Engine::analyze).
//! `Display` draws the tree; with the feature `serde` it is serialized for programs.

mod build;
#[cfg(feature = "serde")]
mod json;
mod text;

use std::time::Duration;

use skopos_core::{QueryStatistics, Selection, Timestamp};

use crate::span::Span;

/// The plan of a query, and if it was analyzed, what its operators gave.
///
/// ```
/// use skopos_core::{Labels, QueryRequest, Sample, Timestamp};
/// use skopos_promql::{Engine, EngineOptions, Table};
///
/// let series = (0..30).map(|i| {
///     let job = format!("job-{}", i % 3);
///     let labels = [("__name__", "hits"), ("instance", &i.to_string()), ("job", &job)];
///     (Labels::from_pairs(labels), (0..100).map(|t| Sample::new(t * 15_000, t as f64)).collect())
/// });
/// let engine = Engine::new(Table::from_iter(series), EngineOptions::default());
///
/// let at = Timestamp::from_millis;
/// let query = "sum by (job) (rate(hits[1m])) / 2 ^ 3";
/// let request = QueryRequest::range(query, at(300_000), at(900_000), 15_000);
/// let (_, explanation) = engine.analyze(&request)?;
///
/// let drawn = explanation.to_string();
/// let (head, tree) = drawn.split_once("\n\n").expect("a line without text before the tree");
/// assert!(head.contains("4920 samples read of 30 series"));
/// assert_eq!(
///     tree.trim_start(),
///     "\
///                    series  samples    bytes
/// /                       3      123    999 B
/// ├─ sum by (job)         3      123    999 B  fused
/// │  └─ rate             30     1230  10.0 kB
/// │     └─ hits[1m]      30     1320  21.1 kB  #1
/// └─ 8                    1       41    328 B  constant
///
/// #1  {__name__=\"hits\"}  1970-01-01T00:04:00.001Z to 1970-01-01T00:15:00Z  step 15s, range 1m, rate
/// "
/// );
/// # Ok::<(), skopos_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    query: String,
    start: Timestamp,
    end: Timestamp,
    /// In milliseconds; 0 for an instant query.
    step: i64,
    root: Operator,
    selections: Vec<Selection>,
    statistics: Option<QueryStatistics>,
}

impl Explanation {
    /// The query's text.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The first time of evaluation.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// The last time of evaluation.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Milliseconds between evaluations; 0 for an instant query.
    #[must_use]
    pub fn step(&self) -> i64 {
        self.step
    }

    /// The operator that gives the result.
    #[must_use]
    pub fn root(&self) -> &Operator {
        &self.root
    }

    /// What is asked of the source; operators refer to these by number.
    #[must_use]
    pub fn selections(&self) -> &[Selection] {
        &self.selections
    }

    /// What the query cost, if it was analyzed.
    #[must_use]
    pub fn statistics(&self) -> Option<&QueryStatistics> {
        self.statistics.as_ref()
    }
}

/// One operator of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    name: String,
    text: String,
    span: Span,
    steps: usize,
    step: i64,
    marks: Vec<&'static str>,
    selection: Option<usize>,
    measured: Option<Measured>,
    inputs: Vec<Self>,
}

impl Operator {
    /// What it does: a function, an aggregation with its grouping, an operator with its matching, a
    /// number, or the text of a selector.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The part of the query that it computes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where that part stands.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// At how many times it is evaluated.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Milliseconds between these times.
    #[must_use]
    pub fn step(&self) -> i64 {
        self.step
    }

    /// What is worth knowing about it.
    ///
    /// * `constant`: computed when the query was planned.
    /// * `once`: it does not depend on the step, and so is evaluated at the first one alone.
    /// * `fused`: an aggregation that takes in each series as it comes, and holds none of them whole.
    /// * `holds input`: it needs all of its series at the same time.
    /// * `shared`: other selectors read the same selection.
    #[must_use]
    pub fn marks(&self) -> &[&'static str] {
        &self.marks
    }

    /// Of a selector, the number of what it reads among [`Explanation::selections`]; of `info`, that of
    /// a selection with all series that can be needed.
    #[must_use]
    pub fn selection(&self) -> Option<usize> {
        self.selection
    }

    /// What it gave, if the query was analyzed.
    #[must_use]
    pub fn measured(&self) -> Option<&Measured> {
        self.measured.as_ref()
    }

    /// The operators that it reads.
    #[must_use]
    pub fn inputs(&self) -> &[Self] {
        &self.inputs
    }
}

/// What an operator gave while its query ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measured {
    /// How many series.
    pub series: u64,
    /// How many samples: values at steps, or what range selectors read.
    pub samples: u64,
    /// How many bytes of memory these took, though not all at the same time.
    pub bytes: u64,
    /// How long it took, the operators that it reads left out; with a clock only.
    pub time: Option<Duration>,
}
