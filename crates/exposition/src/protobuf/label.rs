//! A metric's labels, resolved once for all of its samples, which differ in the name's suffix and in
//! one label at most.
#![deny(clippy::indexing_slicing)]

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use skopos_core::MetricType;
use skopos_core::labels::METRIC_NAME;

use super::message;
use super::wire::Wire;
use crate::{Error, ErrorKind};

const TYPE: &str = "__type__";
const UNIT: &str = "__unit__";
/// Stands between names and values in what identifies a series: no byte of UTF-8.
const SEPARATOR: u8 = 0xff;

/// What metadata labels a series gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Added<'a> {
    pub(super) metric_type: MetricType,
    pub(super) unit: &'a str,
}

/// The labels of the current sample.
#[derive(Debug, Default)]
pub(crate) struct LabelBuffer<'a> {
    /// In name order; that of the metric's name has no value here.
    sorted: Vec<(&'a str, &'a str)>,
    /// Where the metric's name is.
    name_at: usize,
    /// The sample's name: the family's with a suffix.
    name: String,
    family_len: usize,
    /// The name and value of `le` or `quantile`, and where it belongs; without it, beyond the end.
    extra_name: &'static str,
    extra: String,
    extra_at: usize,
    /// Whether each name is there once, without and with the extra label.
    is_sorted_distinct: bool,
    is_distinct: bool,
    /// What identifies the series, and where in it the extra label's value begins.
    series: Vec<u8>,
    extra_series_at: Option<usize>,
}

impl<'a> LabelBuffer<'a> {
    /// Begins the samples of a metric.
    pub(super) fn begin(
        &mut self,
        family: &str,
        labels: &[Wire<'a>],
        added: Option<Added<'a>>,
    ) -> Result<(), Error> {
        self.name.clear();
        self.name.push_str(family);
        self.family_len = family.len();
        self.sorted.clear();
        self.sorted.push((METRIC_NAME, ""));
        if let Some(added) = added {
            if added.metric_type != MetricType::Unknown {
                self.sorted.push((TYPE, added.metric_type.as_str()));
            }
            if !added.unit.is_empty() {
                self.sorted.push((UNIT, added.unit));
            }
        }
        let replaced = self.sorted.len();
        for &wire in labels {
            let (name, value) = checked(message::label(wire)?, wire)?;
            let is_replaced = added.is_some()
                && self.sorted.iter().take(replaced).any(|(replaced, _)| *replaced == name);
            if !is_replaced {
                self.sorted.push((name, value));
            }
        }
        self.sort();
        self.extra_series_at = None;
        Ok(())
    }

    fn sort(&mut self) {
        let is_ascending = |labels: &[(&str, &str)]| {
            labels.is_sorted_by(|(a, _), (b, _)| a.as_bytes() < b.as_bytes())
        };
        self.is_sorted_distinct = is_ascending(&self.sorted);
        if !self.is_sorted_distinct {
            self.sorted.sort_by_key(|(name, _)| *name);
            self.is_sorted_distinct = is_ascending(&self.sorted);
        }
        // Of several it is the first, since the sort is stable.
        let at = self.sorted.iter().position(|(name, _)| *name == METRIC_NAME);
        self.name_at = at.unwrap_or_default();
    }

    /// Turns to the sample with a suffix and no extra label.
    pub(super) fn set_suffix(&mut self, suffix: &str) {
        self.name.truncate(self.family_len);
        self.name.push_str(suffix);
        self.extra_at = usize::MAX;
        self.is_distinct = self.is_sorted_distinct;
        self.series.clear();
        self.extra_series_at = None;
        self.write_series(0);
    }

    /// Turns to the sample with a suffix and an extra label.
    pub(super) fn set_extra(&mut self, suffix: &str, extra_name: &'static str, extra: &str) {
        self.extra.clear();
        self.extra.push_str(extra);
        if let Some(at) = self.extra_series_at {
            // The sample before was another bucket of the same metric.
            self.series.truncate(at);
            self.series.extend_from_slice(extra.as_bytes());
            self.write_series(self.extra_at + 1);
            return;
        }
        self.name.truncate(self.family_len);
        self.name.push_str(suffix);
        self.extra_name = extra_name;
        self.extra_at = self.sorted.partition_point(|(name, _)| *name <= extra_name);
        let before = self.extra_at.checked_sub(1).and_then(|at| self.sorted.get(at));
        self.is_distinct =
            self.is_sorted_distinct && before.is_none_or(|(name, _)| *name != extra_name);
        self.series.clear();
        self.write_series(0);
    }

    fn write_series(&mut self, from: usize) {
        for index in from..self.len() {
            if index == self.extra_at {
                self.series.push(SEPARATOR);
                self.series.extend_from_slice(self.extra_name.as_bytes());
                self.series.push(SEPARATOR);
                self.extra_series_at = Some(self.series.len());
                self.series.extend_from_slice(self.extra.as_bytes());
                continue;
            }
            let sorted_at = index - usize::from(self.extra_at < index);
            let Some(&(name, value)) = self.sorted.get(sorted_at) else { continue };
            if sorted_at == self.name_at {
                self.series.extend_from_slice(self.name.as_bytes());
            } else if name == METRIC_NAME {
                self.series.extend_from_slice(value.as_bytes());
            } else {
                self.series.push(SEPARATOR);
                self.series.extend_from_slice(name.as_bytes());
                self.series.push(SEPARATOR);
                self.series.extend_from_slice(value.as_bytes());
            }
        }
    }

    pub(super) fn series(&self) -> &[u8] {
        &self.series
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len() + usize::from(self.extra_at != usize::MAX)
    }

    /// A label by its place in name order.
    #[inline]
    pub(crate) fn pair(&self, index: usize) -> Option<(&str, &str)> {
        if index == self.extra_at {
            return Some((self.extra_name, &self.extra));
        }
        let index = index - usize::from(self.extra_at < index);
        let &(name, value) = self.sorted.get(index)?;
        Some((name, if index == self.name_at { self.name.as_str() } else { value }))
    }

    /// A label other than the metric's name, by its place among those.
    pub(super) fn other_pair(&self, index: usize) -> Option<(&str, &str)> {
        let name_at = self.name_at + usize::from(self.extra_at <= self.name_at);
        self.pair(index + usize::from(name_at <= index))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.len()).filter_map(|index| self.pair(index))
    }

    pub(crate) fn is_distinct(&self) -> bool {
        self.is_distinct
    }
}

#[inline]
fn checked<'a>(
    (name, value): (&'a [u8], &'a [u8]),
    wire: Wire<'a>,
) -> Result<(&'a str, &'a str), Error> {
    match (str::from_utf8(name), str::from_utf8(value)) {
        (Ok(name), Ok(value)) if !name.is_empty() => Ok((name, value)),
        (Ok(name), Err(_)) if !name.is_empty() => Err(invalid("value", value, wire)),
        _ => Err(invalid("name", name, wire)),
    }
}

#[cold]
fn invalid(what: &str, bytes: &[u8], wire: Wire<'_>) -> Error {
    let message = format!("invalid label {what}: {}", String::from_utf8_lossy(bytes));
    Error::in_bytes(ErrorKind::Encoding, message, wire.offset())
}
