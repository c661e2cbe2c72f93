//! The linter of `check metrics`: advice on names, types, units and help texts.
//!
//! Its sentences and their order are those of `promtool`; each problem has a position besides.

use alloc::borrow::{Cow, ToOwned as _};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use skopos_core::MetricType;
use skopos_core::labels::{BUCKET_BOUND, QUANTILE};

use crate::family::family_candidates;
use crate::{Entry, Error, ErrorKind, Parser, ParserOptions, TextFormat};

mod rules;

/// Something that the linter advises against.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Problem {
    /// The metric family.
    pub metric: String,
    /// What is wrong with it.
    pub text: Cow<'static, str>,
    /// The line of the sample that shows it, or of the family's first mention; from 1.
    pub line: usize,
}

/// `metric text`, as `promtool` prints it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.metric, self.text)
    }
}

/// Lints a page of Prometheus text. Problems are sorted by metric and text.
///
/// Families without samples are passed over. O(n log n) in the page's size.
///
/// ```
/// use skopos_exposition::lint;
///
/// let problems = lint(b"# TYPE hits counter\nhits 3\n")?;
/// let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
/// assert_eq!(shown, [r#"hits counter metrics should have "_total" suffix"#, "hits no help text"]);
/// assert_eq!(problems[0].line, 1);
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// Where the page cannot be read; and where a family's metadata stands twice or after its samples,
/// or a sample has a label twice, which a scrape's parser takes but this check does not.
pub fn lint(page: &[u8]) -> Result<Vec<Problem>, Error> {
    let mut reader = Reader::new(page);
    reader.read()?;
    let mut problems = Vec::new();
    for family in reader.families.iter().filter(|family| !family.metrics.is_empty()) {
        rules::lint_family(family, &mut problems);
    }
    problems.sort_by(|a, b| a.metric.cmp(&b.metric).then_with(|| a.text.cmp(&b.text)));
    Ok(problems)
}

/// What the rules look at.
#[derive(Debug, Default)]
struct LintFamily<'a> {
    name: String,
    line: usize,
    metric_type: Option<MetricType>,
    help: Option<()>,
    metrics: Vec<Metric<'a>>,
    /// The label sets seen, for families whose lines make up metrics.
    merged: BTreeSet<Vec<(&'a str, &'a str)>>,
}

impl LintFamily<'_> {
    fn metric_type(&self) -> MetricType {
        self.metric_type.unwrap_or_default()
    }
}

/// A sample, or the lines of one histogram or summary.
#[derive(Debug)]
struct Metric<'a> {
    line: usize,
    /// As written, without a histogram's `le` and a summary's `quantile`.
    labels: Vec<(&'a str, &'a str)>,
}

struct Reader<'a> {
    page: &'a [u8],
    families: Vec<LintFamily<'a>>,
    by_name: BTreeMap<String, usize>,
    /// How far lines are counted.
    counted_to: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn new(page: &'a [u8]) -> Self {
        Self { page, families: Vec::new(), by_name: BTreeMap::new(), counted_to: 0, line: 1 }
    }

    fn read(&mut self) -> Result<(), Error> {
        let mut parser = Parser::new(TextFormat::Prometheus, self.page, ParserOptions::default());
        while let Some(entry) = parser.next()? {
            match entry {
                Entry::Type { name, metric_type } => {
                    self.metric_type(name, metric_type, parser.entry_offset())?;
                }
                Entry::Help { name, help } if !help.trim_matches([' ', '\t']).is_empty() => {
                    self.help(name, parser.entry_offset())?;
                }
                Entry::Help { name, .. } => {
                    self.named(name, parser.entry_offset());
                }
                Entry::Series(sample) => {
                    let Some(sample) = sample.as_text() else { continue };
                    let name = sample.raw_name();
                    let labels: Vec<_> = sample.raw_labels().collect();
                    self.sample(name, labels, sample.offset())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn named(&mut self, name: &str, start: usize) -> usize {
        if let Some(&index) = self.by_name.get(name) {
            return index;
        }
        let line = self.line_of(start);
        self.families.push(LintFamily { name: name.to_owned(), line, ..LintFamily::default() });
        self.by_name.insert(name.to_owned(), self.families.len() - 1);
        self.families.len() - 1
    }

    /// The line of an offset that is not before the last one asked for. Linear in all.
    fn line_of(&mut self, start: usize) -> usize {
        let between = self.page.get(self.counted_to..start).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', between).count();
        self.counted_to = start.max(self.counted_to);
        self.line
    }

    fn metric_type(&mut self, name: &str, to: MetricType, start: usize) -> Result<(), Error> {
        let index = self.named(name, start);
        if self.families[index].metric_type.replace(to).is_some() {
            return Err(self.refuse(
                start,
                format!(
                    "second TYPE line for metric name {name:?}, or TYPE reported after samples"
                ),
            ));
        }
        Ok(())
    }

    fn help(&mut self, name: &str, start: usize) -> Result<(), Error> {
        let index = self.named(name, start);
        if self.families[index].help.replace(()).is_some() {
            return Err(self.refuse(start, format!("second HELP line for metric name {name:?}")));
        }
        Ok(())
    }

    fn sample(
        &mut self,
        name: &str,
        mut labels: Vec<(&'a str, &'a str)>,
        start: usize,
    ) -> Result<(), Error> {
        let mut names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.refuse(start, format!("duplicate label names for metric {name:?}")));
        }
        let declared = self.by_name.get(name).copied().or_else(|| {
            family_candidates(name).find_map(|(family, fits)| {
                let &index = self.by_name.get(family)?;
                let metric_type = self.families[index].metric_type();
                (fits(metric_type) && metric_type != MetricType::Counter).then_some(index)
            })
        });
        let index = declared.unwrap_or_else(|| self.named(name, start));
        let line = self.line_of(start);
        let family = &mut self.families[index];
        let left_out = match *family.metric_type.get_or_insert_default() {
            MetricType::Histogram => BUCKET_BOUND,
            MetricType::Summary => QUANTILE,
            _ => {
                family.metrics.push(Metric { line, labels });
                return Ok(());
            }
        };
        labels.retain(|(name, _)| *name != left_out);
        let mut sorted = labels.clone();
        sorted.sort_unstable();
        if family.merged.insert(sorted) {
            family.metrics.push(Metric { line, labels });
        }
        Ok(())
    }

    #[cold]
    fn refuse(&self, start: usize, message: String) -> Error {
        Error::at(ErrorKind::Syntax, message, self.page, start)
    }
}
