//! `load`: described series become samples in the store.

use std::sync::Arc;

use skopos_core::{Labels, SampleValue, Timestamp};

use super::nhcb;
use crate::series_desc::{SeriesValue, parse_metric, parse_series_description};
use crate::table::LiveTable;

/// The most positions of a line with start timestamps.
const MAX_POSITIONS: usize = 1_000_000;

/// One `load` block.
pub(super) struct Load {
    step: i64,
    with_nhcb: bool,
    /// Each series once; a later line replaces an earlier one.
    series: Vec<Loaded>,
    /// A line with start timestamps that waits for its series.
    pending: Option<(Labels, Vec<Option<i64>>)>,
}

/// One series of a block.
pub(super) struct Loaded {
    pub(super) labels: Labels,
    values: Vec<SeriesValue>,
    /// The start timestamps, each relative to its sample.
    starts: Vec<Option<i64>>,
}

impl Loaded {
    /// The floats with their times.
    pub(super) fn floats(&self, step: i64) -> impl Iterator<Item = (i64, f64)> + '_ {
        (0..).zip(&self.values).filter_map(move |(i, value)| match value {
            SeriesValue::Float(v) => Some((step.saturating_mul(i), *v)),
            SeriesValue::Histogram { .. } | SeriesValue::Omitted => None,
        })
    }
}

impl Load {
    pub(super) fn new(step: i64, with_nhcb: bool) -> Self {
        Self { step, with_nhcb, series: Vec::new(), pending: None }
    }

    /// Takes a line of the block.
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        if let Some(metric) = word.strip_suffix("@st") {
            if self.pending.is_some() {
                return Err("@st line has no following sample line".to_owned());
            }
            let labels = parse_metric(metric).map_err(|e| e.to_string())?;
            self.pending = Some((labels, parse_starts(rest)?));
            return Ok(());
        }
        let series = parse_series_description(line).map_err(|e| e.to_string())?;
        let starts = match self.pending.take() {
            None => Vec::new(),
            Some((labels, starts)) => {
                if labels != series.labels {
                    return Err(
                        "@st metric does not match the following sample line metric".to_owned()
                    );
                }
                if starts.len() != series.values.len() {
                    let (starts, values) = (starts.len(), series.values.len());
                    return Err(format!(
                        "@st line has {starts} values but sample line has {values}"
                    ));
                }
                starts
            }
        };
        self.series.retain(|s| s.labels != series.labels);
        self.series.push(Loaded { labels: series.labels, values: series.values, starts });
        Ok(())
    }

    /// The end of the block.
    pub(super) fn finish(&self) -> Result<(), String> {
        match self.pending {
            Some(_) => Err("@st line has no following sample line".to_owned()),
            None => Ok(()),
        }
    }

    /// Appends everything to a table.
    pub(super) fn fill(&self, table: &LiveTable) -> Result<(), String> {
        let push = |labels: &Labels, t, start, value: &SampleValue| {
            let start = Some(start).filter(|start| *start != 0).map(Timestamp::from_millis);
            let pushed = table.push(labels, Timestamp::from_millis(t), start, value);
            pushed.map_err(|e| format!("{labels}: {e}"))
        };
        for series in &self.series {
            for (i, value) in series.values.iter().enumerate() {
                let t = self.step.saturating_mul(i as i64);
                let start = series.starts.get(i).copied().flatten();
                let start = start.map_or(0, |offset| t.saturating_add(offset));
                let value = match value {
                    SeriesValue::Omitted => continue,
                    SeriesValue::Float(v) => SampleValue::Float(*v),
                    SeriesValue::Histogram { histogram, .. } => {
                        SampleValue::Histogram(Arc::clone(histogram))
                    }
                };
                push(&series.labels, t, start, &value)?;
            }
        }
        if self.with_nhcb {
            for (labels, t, histogram) in nhcb::convert(&self.series, self.step)? {
                push(&labels, t, 0, &SampleValue::Histogram(Arc::new(histogram)))?;
            }
        }
        Ok(())
    }
}

/// The items of a line with start timestamps.
fn parse_starts(text: &str) -> Result<Vec<Option<i64>>, String> {
    let mut starts = Vec::new();
    for item in text.split_whitespace() {
        let invalid = || format!("invalid @st sequence: {item}");
        let (item_body, times) = match item.rsplit_once('x') {
            Some((body, times)) => (body, Some(times.parse::<usize>().map_err(|_| invalid())?)),
            None => (item, None),
        };
        if MAX_POSITIONS < starts.len().saturating_add(times.unwrap_or(1)) {
            return Err(invalid());
        }
        if item_body == "_" {
            starts.extend(std::iter::repeat_n(None, times.unwrap_or(1)));
            continue;
        }
        let (first, rest) = offset(item_body).ok_or_else(invalid)?;
        let growth = match rest {
            "" => 0,
            rest => {
                let (growth, rest) = offset(rest).ok_or_else(invalid)?;
                if !rest.is_empty() {
                    return Err(invalid());
                }
                growth
            }
        };
        let mut at = first;
        for _ in 0..=times.unwrap_or(0) {
            starts.push(Some(at));
            at += growth;
        }
    }
    Ok(starts)
}

/// A signed duration of one unit in milliseconds, and what follows it.
fn offset(text: &str) -> Option<(i64, &str)> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = body.get(..digits)?.parse().ok()?;
    let rest = body.get(digits..)?;
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
        ("w", 604_800_000),
        ("y", 31_536_000_000),
    ];
    let unit = units.iter().find_map(|(unit, millis)| Some((*millis, rest.strip_prefix(unit)?)));
    let (millis, rest) = match unit {
        Some(unit) => unit,
        None if number == 0 => (0, rest),
        None => return None,
    };
    let value = number.checked_mul(millis)?;
    Some((if negative { -value } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use super::parse_starts;

    #[test]
    fn items_repeat_and_grow() {
        let starts = parse_starts("_x2 -30s -1m-1mx2 0 -0ms 1msx1").unwrap();
        let seconds = |s: i64| Some(s * 1000);
        let expected = [None, None, seconds(-30), seconds(-60), seconds(-120), seconds(-180)];
        assert_eq!(starts[..6], expected);
        assert_eq!(starts[6..], [Some(0), Some(0), Some(1), Some(1)]);
        assert!(parse_starts("5").is_err());
    }
}
