//! Stand-ins for the engine and the templates, which this crate must not know.

use std::num::NonZeroU64;
use std::sync::Mutex;

use skopos_core::{
    Appender, Columns, Error, ErrorKind, Expander, Expansion, HistogramSample, Ingest, LabelSet,
    Labels, QueryEngine, QueryOutput, QueryRequest, QueryValue, Sample, SampleCursor, SampleValue,
    Selection, Series, SeriesRef, SeriesSet, SeriesSource, Timestamp, VectorSample, is_stale_nan,
};

/// Knows what is wrong with some texts, and finds nothing wrong with others.
pub(crate) struct Known(pub(crate) &'static [(&'static str, &'static str)]);

impl Known {
    fn look_up(&self, text: &str) -> Result<(), Error> {
        match self.0.iter().find(|(wrong, _)| *wrong == text) {
            Some((_, message)) => Err(Error::new(ErrorKind::Invalid, *message)),
            None => Ok(()),
        }
    }
}

impl QueryEngine for Known {
    fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nothing to ask here"))
    }

    fn check(&self, text: &str) -> Result<(), Error> {
        self.look_up(text)
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        self.look_up(text).map(|()| text.to_owned())
    }
}

impl Expander for Known {
    fn check(&self, name: &str, text: &str) -> Result<(), Error> {
        self.look_up(text).map_err(|error| error.context(format!("template: {name}:1")))
    }

    fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> {
        self.look_up(text).map(|()| text.to_owned())
    }
}

/// The wrong expressions of the vectors.
pub(crate) const EXPRESSIONS: Known = Known(&[
    ("sum(", "1:5: parse error: unclosed left parenthesis"),
    (
        "rate(foo)",
        "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector",
    ),
    ("sum(foo)\nby (a\n", "3:1: parse error: unclosed left parenthesis"),
    ("mad_over_time(foo[5m])", "1:1: parse error: function \"mad_over_time\" is not enabled"),
]);

/// The wrong templates of the vectors.
pub(crate) const TEMPLATES: Known = Known(&[
    ("{{ .Labels.x ", "unclosed action"),
    ("{{ $value | nofunc }}", "function \"nofunc\" not defined"),
    ("{{ if }}", "missing value for if"),
    ("{{ $label.x }}", "undefined variable \"$label\""),
]);

/// An answer to a query at a time.
type Answer = dyn Fn(&str, Timestamp) -> Result<QueryValue, Error> + Send + Sync;

/// Answers by a script, and tells of each question.
pub(crate) struct Scripted {
    pub(crate) answer: Box<Answer>,
    pub(crate) asked: Mutex<Vec<(String, i64)>>,
}

impl Scripted {
    pub(crate) fn new(
        answer: impl Fn(&str, Timestamp) -> Result<QueryValue, Error> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), asked: Mutex::default() }
    }
}

impl QueryEngine for Scripted {
    fn query(&self, request: &QueryRequest<'_>) -> Result<QueryOutput, Error> {
        let at = request.start();
        self.asked.lock().unwrap().push((request.text().to_owned(), at.as_millis()));
        (self.answer)(request.text(), at).map(QueryOutput::new)
    }

    fn check(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn canonical(&self, text: &str) -> Result<String, Error> {
        Ok(text.trim().to_owned())
    }
}

/// A vector of floats.
pub(crate) fn vector(samples: &[(&[(&str, &str)], f64)]) -> QueryValue {
    let sample = |(labels, v): &(&[(&str, &str)], f64)| VectorSample {
        labels: Labels::from_pairs(labels.iter().copied()),
        t: Timestamp::default(),
        value: SampleValue::Float(*v),
    };
    QueryValue::Vector(samples.iter().map(sample).collect())
}

/// Replaces `$value` and `$LABEL`, and fails where it sees `!`.
pub(crate) struct Dollars;

impl Expander for Dollars {
    fn check(&self, _: &str, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn expand(&self, text: &str, expansion: &Expansion<'_>) -> Result<String, Error> {
        if text.contains('!') {
            return Err(Error::new(ErrorKind::Execution, format!("{}: bang", expansion.name)));
        }
        let value = match expansion.value {
            SampleValue::Float(v) => v.to_string(),
            SampleValue::Histogram(_) => "histogram".to_owned(),
        };
        let mut text = text.replace("$value", &value);
        for (name, value) in expansion.labels {
            text = text.replace(&format!("${name}"), value);
        }
        Ok(text)
    }
}

/// A sample as it was written: series, milliseconds, value; `stale` for a marker.
pub(crate) type Written = (String, i64, String);

/// Keeps what is committed, batch by batch.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) commits: Mutex<Vec<Vec<Written>>>,
    /// The metric whose samples are refused, and how.
    pub(crate) refused: Mutex<Option<(&'static str, ErrorKind)>>,
}

impl Store {
    /// What was committed since the last call.
    pub(crate) fn take(&self) -> Vec<Vec<Written>> {
        std::mem::take(&mut *self.commits.lock().unwrap())
    }
}

impl Ingest for Store {
    fn appender(&self) -> Box<dyn Appender + '_> {
        Box::new(Batch { store: self, samples: Vec::new() })
    }
}

struct Batch<'a> {
    store: &'a Store,
    samples: Vec<Written>,
}

impl Appender for Batch<'_> {
    fn append(
        &mut self,
        _: Option<SeriesRef>,
        labels: &dyn LabelSet,
        sample: Sample,
    ) -> Result<SeriesRef, Error> {
        let refused = *self.store.refused.lock().unwrap();
        if let Some((_, kind)) = refused.filter(|(name, _)| labels.value("__name__") == Some(name))
        {
            return Err(Error::new(kind, "refused"));
        }
        let value = if is_stale_nan(sample.v) { "stale".into() } else { sample.v.to_string() };
        self.samples.push((labels.to_labels().to_string(), sample.t.as_millis(), value));
        Ok(SeriesRef(NonZeroU64::MIN))
    }

    fn append_histogram(
        &mut self,
        _: Option<SeriesRef>,
        labels: &dyn LabelSet,
        t: Timestamp,
        _: &HistogramSample,
    ) -> Result<SeriesRef, Error> {
        self.samples.push((labels.to_labels().to_string(), t.as_millis(), "histogram".into()));
        Ok(SeriesRef(NonZeroU64::MIN))
    }

    fn commit(self: Box<Self>) -> Result<(), Error> {
        self.store.commits.lock().unwrap().push(self.samples);
        Ok(())
    }

    fn rollback(self: Box<Self>) {}
}

/// Series with one sample each.
pub(crate) struct Past(pub(crate) Vec<(Labels, Sample)>);

struct PastSeries(Labels, Sample);

struct PastSet<'a>(std::slice::Iter<'a, (Labels, Sample)>, Vec<(String, String)>);

struct OneSample(Option<Sample>);

impl SampleCursor for OneSample {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, Error> {
        if let Some(sample) = self.0.take() {
            columns.push(sample.t.as_millis(), sample.v);
        }
        Ok(false)
    }
}

impl Series for PastSeries {
    fn labels(&self) -> &dyn LabelSet {
        &self.0
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(OneSample(Some(self.1)))
    }
}

impl<'a> SeriesSet<'a> for PastSet<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        let matches = |labels: &Labels| self.1.iter().all(|(n, v)| labels.get(n) == Some(v));
        let found = self.0.by_ref().find(|(labels, _)| matches(labels));
        Ok(found.map(|(labels, sample)| -> Box<dyn Series + 'a> {
            Box::new(PastSeries(labels.clone(), *sample))
        }))
    }
}

impl SeriesSource for Past {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let pairs = selection.matchers().iter().map(|m| (m.name().into(), m.value().into()));
        Ok(Box::new(PastSet(self.0.iter(), pairs.collect())))
    }
}
