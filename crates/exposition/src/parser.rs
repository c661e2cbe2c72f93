//! The pull parser: entry by entry over a page that it borrows.
//!
//! Three parts: the fast path takes the lines that exporters write, the careful parser takes every
//! other line and knows the error texts, and the created-timestamp search looks ahead. A sample costs
//! no allocation; the few buffers are the parser's own and are reused.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use skopos_core::{Exemplar, MetricType, Timestamp};

use self::convert::Collation;
use self::created::Ahead;
use self::labels::Scratch;
use self::lex::State;
use crate::{Error, TextFormat};

mod careful;
mod convert;
mod created;
mod fast;
mod labels;
mod lex;
#[cfg(test)]
mod tests;

pub use self::convert::HistogramEntry;
pub use self::labels::SeriesLabels;

/// What a [`Parser`] does beyond reading lines.
///
/// ```
/// use skopos_exposition::ParserOptions;
///
/// let options = ParserOptions::default().with_type_and_unit_labels(true);
/// assert!(options.type_and_unit_labels());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParserOptions {
    type_and_unit_labels: bool,
    created_lines: CreatedLines,
    classic_histograms: ClassicHistograms,
}

/// What becomes of the lines of classic histograms: `_bucket`, `_sum` and `_count` under a TYPE line
/// that says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClassicHistograms {
    /// They are series like others.
    #[default]
    Series,
    /// They become native histograms with custom buckets ([`Entry::Histogram`]), and are gone.
    Native,
    /// They become native histograms, and are series as well.
    Both,
}

/// What becomes of OpenMetrics' `_created` lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreatedLines {
    /// They are series like others.
    #[default]
    Series,
    /// Those of counters, histograms and summaries are no series; [`SeriesEntry::start_timestamp`]
    /// gives their values.
    StartTimestamps,
}

impl ParserOptions {
    /// Adds the labels `__type__` and `__unit__`, from the metadata before a sample, to its series.
    #[must_use]
    pub fn with_type_and_unit_labels(mut self, yes: bool) -> Self {
        self.type_and_unit_labels = yes;
        self
    }

    /// Chooses what becomes of `_created` lines.
    #[must_use]
    pub fn with_created_lines(mut self, created_lines: CreatedLines) -> Self {
        self.created_lines = created_lines;
        self
    }

    /// Chooses what becomes of the lines of classic histograms.
    #[must_use]
    pub fn with_classic_histograms(mut self, classic_histograms: ClassicHistograms) -> Self {
        self.classic_histograms = classic_histograms;
        self
    }

    /// Whether `__type__` and `__unit__` are added.
    #[must_use]
    pub fn type_and_unit_labels(self) -> bool {
        self.type_and_unit_labels
    }

    /// What becomes of `_created` lines.
    #[must_use]
    pub fn created_lines(self) -> CreatedLines {
        self.created_lines
    }

    /// What becomes of the lines of classic histograms.
    #[must_use]
    pub fn classic_histograms(self) -> ClassicHistograms {
        self.classic_histograms
    }
}

/// One entry of a page.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry<'p, 'a> {
    /// The type of a metric family.
    Type {
        /// The family's name, as written: escapes in a quoted name stay.
        name: &'a str,
        /// The declared type.
        metric_type: MetricType,
    },
    /// The help text of a metric family.
    Help {
        /// The family's name, as written.
        name: &'a str,
        /// The text, unescaped.
        help: Cow<'a, str>,
    },
    /// The unit of a metric family; OpenMetrics only.
    Unit {
        /// The family's name, as written.
        name: &'a str,
        /// The unit; may be empty.
        unit: &'a str,
    },
    /// A comment from its `#` on, without the line feed; Prometheus text only.
    Comment(&'a [u8]),
    /// A sample.
    Series(SeriesEntry<'p, 'a>),
    /// A native histogram made of a classic one's lines, if the options ask for it. It stands after
    /// them, before the line that ended it.
    Histogram(Box<HistogramEntry>),
}

/// A pull parser over a page of Prometheus text or OpenMetrics.
///
/// It accepts what Prometheus accepts, and says what Prometheus says where it does not, with one
/// exception: names are strings here, so a quoted name that is not UTF-8 is an error. (Prometheus
/// refuses such a sample one step later.)
///
/// Time is linear in the page's size, whatever it holds; memory is what the longest line's labels
/// need. After an error or the end there are no more entries.
///
/// ```
/// use skopos_core::LabelSet as _;
/// use skopos_exposition::{Entry, Parser, ParserOptions, TextFormat};
///
/// let page = b"# TYPE hits counter\nhits{path=\"/a\"} 3 1000\n";
/// let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
/// let mut seen = Vec::new();
/// while let Some(entry) = parser.next()? {
///     if let Entry::Series(mut sample) = entry {
///         assert_eq!(sample.series(), br#"hits{path="/a"}"#);
///         assert_eq!(sample.timestamp().map(|t| t.as_millis()), Some(1000));
///         let value = sample.value();
///         seen.push((sample.labels().to_labels().to_string(), value));
///     }
/// }
/// assert_eq!(seen, [(r#"{__name__="hits", path="/a"}"#.to_owned(), 3.0)]);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
#[derive(Debug)]
pub struct Parser<'a> {
    page: Page<'a>,
    format: TextFormat,
    options: ParserOptions,
    /// The byte that comes next.
    pos: usize,
    /// Where the current entry begins.
    start: usize,
    state: State,
    done: bool,
    /// What the last metadata lines said; it holds until others do.
    metric_type: MetricType,
    unit: Span,
    family_name_len: usize,
    line: Line,
    ahead: Ahead,
    collation: Collation,
    scratch: Scratch,
}

/// The page, and that prefix of it that is UTF-8.
#[derive(Clone, Copy, Debug)]
struct Page<'a> {
    bytes: &'a [u8],
    text: &'a str,
}

impl<'a> Page<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let text = simdutf8::basic::from_utf8(bytes)
            .unwrap_or_else(|_| bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid()));
        Self { bytes, text }
    }

    /// The bytes of a span; what lies beyond the page is cut off.
    #[inline]
    fn get(&self, span: Span) -> &'a [u8] {
        let end = span.end.min(self.bytes.len());
        self.bytes.get(span.start.min(end)..end).unwrap_or_default()
    }

    /// The text of a span that was found to be UTF-8.
    #[inline]
    fn text(&self, span: Span) -> &'a str {
        match self.text.get(span.start..span.end) {
            Some(text) => text,
            None => self.text_behind(span),
        }
    }

    /// The text of a span that lies behind something that is not UTF-8.
    #[cold]
    fn text_behind(&self, span: Span) -> &'a str {
        core::str::from_utf8(self.get(span)).unwrap_or_default()
    }
}

/// A piece of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    fn len(self) -> usize {
        self.end - self.start
    }
}

/// A label as it stands on the page.
#[derive(Clone, Copy, Debug)]
struct RawLabel {
    name: Span,
    value: Span,
    /// Whether a backslash is in the name or the value.
    escaped: bool,
}

#[derive(Clone, Copy, Debug)]
struct RawExemplar {
    value: f64,
    timestamp: Option<i64>,
}

/// The current sample's line.
#[derive(Debug, Default)]
struct Line {
    series: Span,
    name: Span,
    labels: Vec<RawLabel>,
    value: f64,
    timestamp: Option<i64>,
    exemplar: Option<RawExemplar>,
    exemplar_labels: Vec<RawLabel>,
}

/// What a step over the page found; a sample is in [`Parser::line`].
#[derive(Debug)]
enum Step {
    End,
    Type { name: Span, metric_type: MetricType },
    Help { name: Span, text: Span },
    Unit { name: Span, unit: Span },
    Comment(Span),
    Series,
    Histogram,
}

impl<'a> Parser<'a> {
    /// A parser at the beginning of `page`. Checks once whether the page is UTF-8.
    #[must_use]
    pub fn new(format: TextFormat, page: &'a [u8], options: ParserOptions) -> Self {
        Self {
            page: Page::new(page),
            format,
            options,
            pos: 0,
            start: 0,
            state: State::Init,
            done: false,
            metric_type: MetricType::Unknown,
            unit: Span::default(),
            family_name_len: 0,
            line: Line::default(),
            ahead: Ahead::default(),
            collation: Collation::default(),
            scratch: Scratch::default(),
        }
    }

    /// The next entry; nothing at the end of the page.
    ///
    /// # Errors
    ///
    /// Where the page is wrong, with the place. Entries before that were given and may have been
    /// used: whoever stores them needs a way back, as a scrape is taken whole or not at all.
    #[expect(clippy::should_implement_trait, reason = "an entry borrows from the parser")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Entry<'_, 'a>>, Error> {
        let step = self.step()?;
        let page = self.page;
        Ok(Some(match step {
            Step::Series => Entry::Series(SeriesEntry { parser: self }),
            Step::Type { name, metric_type } => Entry::Type { name: page.text(name), metric_type },
            Step::Help { name, text } => {
                let help = crate::escape::unescape_help(page.text(text), self.format);
                Entry::Help { name: page.text(name), help }
            }
            Step::Unit { name, unit } => {
                Entry::Unit { name: page.text(name), unit: page.text(unit) }
            }
            Step::Comment(text) => Entry::Comment(page.get(text)),
            Step::Histogram => return Ok(self.take_histogram().map(Entry::Histogram)),
            Step::End => return Ok(None),
        }))
    }

    /// The byte at which the last entry's line begins.
    #[must_use]
    pub fn entry_offset(&self) -> usize {
        self.start
    }

    /// The byte after the last entry: how much of the page was read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.pos.min(self.page.bytes.len())
    }

    /// The format that is read.
    #[must_use]
    pub fn format(&self) -> TextFormat {
        self.format
    }

    #[inline]
    fn step(&mut self) -> Result<Step, Error> {
        match self.options.classic_histograms {
            ClassicHistograms::Series => self.plain_step(),
            _ => self.converted_step(),
        }
    }

    /// The next entry that is not left out.
    #[inline]
    fn plain_step(&mut self) -> Result<Step, Error> {
        loop {
            let step = self.any_step()?;
            let left_out = self.options.created_lines == CreatedLines::StartTimestamps
                && matches!(step, Step::Series)
                && self.is_created_line();
            if !left_out {
                return Ok(step);
            }
        }
    }

    /// The next entry, whatever it is.
    #[inline]
    fn any_step(&mut self) -> Result<Step, Error> {
        if self.done {
            return Ok(Step::End);
        }
        self.start = self.pos;
        if self.state == State::Init
            && let Some(step) = self.fast_step()
        {
            return Ok(step);
        }
        let step = self.careful_step();
        self.done = matches!(step, Ok(Step::End) | Err(_));
        step
    }
}

/// A sample: its series, its value, and what else stands on its line.
#[derive(Debug)]
pub struct SeriesEntry<'p, 'a> {
    parser: &'p mut Parser<'a>,
}

impl<'a> SeriesEntry<'_, 'a> {
    /// The byte of the page at which the sample's line begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.parser.start
    }

    /// The series as written, from the first byte of the line to the closing brace.
    ///
    /// Equal bytes mean equal labels as long as the type declared before is the same, so a scraper
    /// may know a series by them and skip its labels.
    #[must_use]
    pub fn series(&self) -> &'a [u8] {
        self.parser.page.get(self.parser.line.series)
    }

    /// The metric's name as written, without quotes around it; escapes stay.
    #[must_use]
    pub fn raw_name(&self) -> &'a str {
        self.parser.page.text(self.parser.line.name)
    }

    /// Names and values of the labels as they stand on the page: in that order, with their escapes.
    pub fn raw_labels(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + '_ {
        let page = self.parser.page;
        let pair = move |label: &RawLabel| (page.text(label.name), page.text(label.value));
        self.parser.line.labels.iter().map(pair)
    }

    /// The value; every NaN is the normal one.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.parser.line.value
    }

    /// When the value was observed, where the page says so.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.parser.line.timestamp.map(Timestamp::from_millis)
    }

    /// The declared type that is in force: that of the last TYPE line, whatever its name.
    #[must_use]
    pub fn metric_type(&self) -> MetricType {
        self.parser.metric_type
    }

    /// The labels with the name, sorted and unescaped; floats in `le` of histograms and `quantile`
    /// of summaries have their canonical form.
    ///
    /// O(n log n) in the number of labels, linear where they are sorted already.
    #[must_use]
    pub fn labels(&mut self) -> SeriesLabels<'_> {
        self.parser.series_labels()
    }

    /// Names and values of the exemplar's labels as they stand on the page; none without exemplar.
    pub fn raw_exemplar_labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        let page = self.parser.page;
        let line = &self.parser.line;
        let labels = line.exemplar.iter().flat_map(|_| &line.exemplar_labels);
        labels.map(move |label| (page.text(label.name), page.text(label.value)))
    }

    /// The exemplar, if there is one; OpenMetrics only. Allocates its labels.
    ///
    /// As in Prometheus, escapes in its labels are not resolved.
    #[must_use]
    pub fn exemplar(&self) -> Option<Exemplar> {
        let raw = self.parser.line.exemplar?;
        let labels = self.raw_exemplar_labels().collect();
        let timestamp = raw.timestamp.map(Timestamp::from_millis);
        Some(Exemplar { labels, value: raw.value, timestamp })
    }

    /// When the counter, histogram or summary began, from the `_created` line of its metric that
    /// follows; OpenMetrics only.
    ///
    /// All calls for a page together take time linear in it.
    #[must_use]
    pub fn start_timestamp(&mut self) -> Option<Timestamp> {
        self.parser.start_timestamp()
    }
}
