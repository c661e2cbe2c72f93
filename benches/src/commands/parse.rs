//! `parse`: the exposition parser over a page, with and without labels.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use skopos_core::LabelSet as _;
use skopos_exposition::{Entry, Layout, Parser, ParserOptions, SeriesEntry, TextFormat};

use super::base_name;
use crate::measure::{Plan, measure};
use crate::report::{emit_allocations, emit_rate, emit_time};

/// What is made of each sample's labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Labels {
    /// An owned label set, and the exemplar: what a scrape of unknown series needs.
    Owned,
    /// A view that is looked through.
    View,
    /// The names and values as they stand on the page.
    Raw,
    /// Nothing but the bytes of the series: what a scrape of known series needs.
    Skipped,
}

/// What a page held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// Samples.
    pub samples: usize,
    /// Exemplars.
    pub exemplars: usize,
    /// Entries of all kinds.
    pub entries: usize,
    /// Labels, or bytes of series where labels are skipped.
    pub labels: usize,
}

/// Reads a page to its end.
///
/// ```
/// use skopos_bench::commands::parse::{Labels, parse_page};
/// use skopos_exposition::TextFormat;
///
/// let count = parse_page(TextFormat::Prometheus, b"up 1\n", Labels::Owned)?;
/// assert_eq!((count.samples, count.labels), (1, 1));
/// # Ok::<(), skopos_exposition::Error>(())
/// ```
///
/// # Errors
///
/// The parser's.
pub fn parse_page(
    format: TextFormat,
    page: &[u8],
    labels: Labels,
) -> Result<Count, skopos_exposition::Error> {
    read_all(Parser::new(format, page, ParserOptions::default()), labels)
}

/// Reads a page whose layout may be known to its end; labels are skipped.
///
/// # Errors
///
/// The parser's.
pub fn parse_again(
    format: TextFormat,
    page: &[u8],
    layout: &mut Layout,
) -> Result<Count, skopos_exposition::Error> {
    let options = ParserOptions::default();
    read_all(Parser::with_layout(format, page, options, layout), Labels::Skipped)
}

/// A loop for each choice, as a program that wants one thing has it.
fn read_all(parser: Parser<'_>, labels: Labels) -> Result<Count, skopos_exposition::Error> {
    match labels {
        Labels::Owned => walk(parser, |count, sample| {
            let owned = black_box(sample.owned_labels());
            count.labels += owned.len();
            count.exemplars += usize::from(black_box(sample.exemplar()).is_some());
        }),
        Labels::View => walk(parser, |count, sample| {
            sample.labels().visit(&mut |name, value| {
                black_box((name, value));
                count.labels += 1;
            });
        }),
        Labels::Raw => walk(parser, |count, sample| {
            black_box(sample.raw_name());
            count.labels += 1 + sample.raw_labels().map(black_box).count();
        }),
        Labels::Skipped => walk(parser, |count, sample| {
            black_box(sample.known_slot());
            count.labels += black_box(sample.series()).len();
        }),
    }
}

fn walk(
    mut parser: Parser<'_>,
    mut visit: impl FnMut(&mut Count, &mut SeriesEntry<'_, '_>),
) -> Result<Count, skopos_exposition::Error> {
    let mut count = Count::default();
    while let Some(entry) = parser.next()? {
        count.entries += 1;
        let Entry::Series(mut sample) = entry else { continue };
        count.samples += 1;
        visit(&mut count, &mut sample);
        black_box((sample.value(), sample.timestamp()));
    }
    Ok(count)
}

/// Measures each file.
///
/// # Errors
///
/// Where a file cannot be read or parsed.
pub fn run(plan: Plan, format: TextFormat, files: &[&Path]) -> anyhow::Result<()> {
    let format_name = match format {
        TextFormat::OpenMetrics => "openmetrics",
        _ => "promtext",
    };
    let variants = [
        ("labels", Labels::Owned),
        ("labels-view", Labels::View),
        ("labels-raw", Labels::Raw),
        ("nolabels", Labels::Skipped),
    ];
    for file in files {
        let page = fs::read(file).with_context(|| file.display().to_string())?;
        for (variant, labels) in variants {
            let count =
                parse_page(format, &page, labels).with_context(|| file.display().to_string())?;
            let name = format!("parse/{format_name}/{variant}/{}", base_name(file));
            measure_page(plan, &name, page.len(), count, &mut |_| {
                parse_page(format, &page, labels)
            });
        }
        // Two pages in turn, as a scrape never finds the last page's bytes in the caches.
        let again = with_new_values(format, &page);
        let turn = |round: usize| if round.is_multiple_of(2) { &again } else { &page };
        let count = parse_page(format, &page, Labels::Raw)?;
        let name = format!("parse/{format_name}/scrape/{}", base_name(file));
        measure_page(plan, &name, page.len(), count, &mut |round| {
            parse_page(format, turn(round), Labels::Raw)
        });
        let mut layout = Layout::new();
        parse_again(format, &page, &mut layout).with_context(|| file.display().to_string())?;
        let name = format!("parse/{format_name}/rescrape/{}", base_name(file));
        measure_page(plan, &name, page.len(), count, &mut |round| {
            parse_again(format, turn(round), &mut layout)
        });
    }
    Ok(())
}

/// Measures rounds over a page of which `count` is known; a round is told its number.
fn measure_page(
    plan: Plan,
    name: &str,
    bytes: usize,
    count: Count,
    read: &mut dyn FnMut(usize) -> Result<Count, skopos_exposition::Error>,
) {
    let mut round = 0;
    let measured = measure(plan, count.samples, || {
        let again = read(round);
        round += 1;
        assert_eq!(again.map(|count| count.samples), Ok(count.samples));
    });
    let fields = json!({
        "samples": count.samples, "exemplars": count.exemplars, "bytes": bytes,
    });
    emit_time(&measured, name, "ns/sample", 1.0, fields);
    let scale = bytes as f64 / count.samples as f64 * 1e3;
    emit_rate(&measured, name, "MB/s", scale, Value::Null);
    emit_allocations(&measured, name, "sample");
}

/// The page of the next scrape: the last digit of each value is another one, exponents aside. Every
/// tenth fraction is a digit shorter, as digits are left out where they are zero.
fn with_new_values(format: TextFormat, page: &[u8]) -> Vec<u8> {
    const EACH: usize = 10;
    let mut again = Vec::with_capacity(page.len());
    let mut parser = Parser::new(format, page, ParserOptions::default());
    let (mut copied, mut fractions) = (0, 0);
    while let Ok(Some(entry)) = parser.next() {
        let Entry::Series(sample) = entry else { continue };
        let start = sample.offset() + sample.series().len() + 1;
        let value = page[start..].split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let mantissa = value.split(|byte| matches!(byte, b'e' | b'E')).next().unwrap_or_default();
        let Some((&digit, before)) = mantissa.split_last() else { continue };
        if !digit.is_ascii_digit() {
            continue;
        }
        let last = start + before.len();
        again.extend_from_slice(&page[copied..last]);
        copied = last + 1;
        let is_fraction = before.contains(&b'.') && !before.ends_with(b".");
        fractions += usize::from(is_fraction);
        if !is_fraction || !fractions.is_multiple_of(EACH) {
            again.push(if digit == b'9' { b'8' } else { digit + 1 });
        }
    }
    again.extend_from_slice(&page[copied..]);
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_has_other_values_of_the_same_series() {
        let page =
            format!("# TYPE a gauge\n{}b{{c=\"1\"}} 9 17\nd NaN\n", "a 1.25e+06\n".repeat(10));
        let again = with_new_values(TextFormat::Prometheus, page.as_bytes());
        let right = format!(
            "# TYPE a gauge\n{}a 1.2e+06\nb{{c=\"1\"}} 8 17\nd NaN\n",
            "a 1.26e+06\n".repeat(9)
        );
        assert_eq!(String::from_utf8_lossy(&again), right);
    }
}
