//! A metric's labels, resolved once for all of its samples, which differ in the name's suffix and in
//! one label at most.
#![deny(clippy::indexing_slicing)]

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::{mem, slice, str};

use skopos_core::labels::{LabelsPacker, METRIC_NAME};
use skopos_core::{Labels, MetricType};

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
    /// The part of it that the labels behind the metric's name make, in all samples of the metric.
    tail: Vec<u8>,
    /// Where in that part the extra label belongs.
    extra_tail_at: usize,
    packer: Option<Box<LabelsPacker>>,
    /// Whether the labels that were packed last are the metric's with the extra label.
    is_packed: bool,
}

impl<'a> LabelBuffer<'a> {
    /// Begins the samples of a metric.
    pub(super) fn begin(
        &mut self,
        family: &str,
        metric: &message::Metric<'a>,
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
        if !self.push_usual(metric.short_labels) {
            self.sorted.truncate(replaced);
            let mut labels = metric.short_labels;
            while let Some(key) = labels.key("Metric")? {
                let wire = labels.message(key, "Label")?;
                self.sorted.push(checked(message::label(wire)?, wire)?);
            }
        }
        for &wire in &metric.labels {
            self.sorted.push(checked(message::label(wire)?, wire)?);
        }
        if added.is_some() {
            self.drop_replaced(replaced);
        }
        self.sort();
        self.extra_series_at = None;
        self.is_packed = false;
        self.write_tail();
        Ok(())
    }

    /// The owned form.
    pub(super) fn owned(&mut self) -> Labels {
        let is_packed = mem::take(&mut self.is_packed);
        if !self.is_distinct {
            // Of a name that is there twice the last value counts.
            return Labels::from_pairs(self.iter());
        }
        let mut packer = self.packer.take().unwrap_or_default();
        self.is_packed = self.extra_at != usize::MAX;
        let again = if is_packed && self.is_packed {
            packer.finish_again(self.extra_name, &self.extra)
        } else {
            None
        };
        let labels = again.unwrap_or_else(|| {
            self.iter().for_each(|(name, value)| _ = packer.push(name, value));
            packer.finish()
        });
        self.packer = Some(packer);
        labels
    }

    /// Appends labels that are written as everybody does; says whether all of them are.
    #[inline]
    fn push_usual(&mut self, labels: Wire<'a>) -> bool {
        // All of it is text but for keys and lengths, which are ASCII.
        let Ok(mut text) = simdutf8::basic::from_utf8(labels.rest()) else { return false };
        while !text.is_empty() {
            let Some((name, value, rest)) = message::split_label(text) else { return false };
            if name.is_empty() {
                return false;
            }
            self.sorted.push((name, value));
            text = rest;
        }
        true
    }

    /// Leaves out the labels that have the name of one of the first ones.
    #[cold]
    fn drop_replaced(&mut self, first: usize) {
        let (replaced, _) = self.sorted.split_at(first);
        let replaced: Vec<&str> = replaced.iter().map(|(name, _)| *name).collect();
        let mut index = 0;
        self.sorted.retain(|(name, _)| {
            index += 1;
            index <= first || !replaced.contains(name)
        });
    }

    /// Writes what follows the metric's name in all series of the metric.
    fn write_tail(&mut self) {
        self.tail.clear();
        if self.name_at != 0 {
            return;
        }
        for (name, value) in self.sorted.iter().skip(1) {
            if *name == METRIC_NAME {
                self.tail.extend_from_slice(value.as_bytes());
                continue;
            }
            push_label(name, value, &mut self.tail);
        }
    }

    fn sort(&mut self) {
        let is_ascending =
            |labels: &[(&str, &str)]| labels.is_sorted_by(|(a, _), (b, _)| is_before(a, b));
        self.is_sorted_distinct = is_ascending(&self.sorted);
        if !self.is_sorted_distinct {
            self.sorted.sort_by_key(|(name, _)| *name);
            self.is_sorted_distinct = is_ascending(&self.sorted);
        }
        if self.sorted.first().is_some_and(|(name, _)| *name == METRIC_NAME) {
            self.name_at = 0;
            return;
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
        if self.name_at == 0 {
            self.series.extend_from_slice(self.name.as_bytes());
            self.series.extend_from_slice(&self.tail);
        } else {
            self.write_series(0);
        }
    }

    /// Turns to the sample with a suffix and an extra label.
    pub(super) fn set_extra(&mut self, suffix: &str, extra_name: &'static str, extra: &str) {
        self.extra.clear();
        self.extra.push_str(extra);
        if let Some(at) = self.extra_series_at {
            // The sample before was another bucket of the same metric.
            self.series.truncate(at);
            self.series.extend_from_slice(extra.as_bytes());
            if self.name_at == 0 {
                let rest = self.tail.get(self.extra_tail_at..).unwrap_or_default();
                self.series.extend_from_slice(rest);
            } else {
                self.write_series(self.extra_at + 1);
            }
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
        if self.name_at == 0 {
            self.write_series_with_extra();
        } else {
            self.write_series(0);
        }
    }

    /// The series with the extra label, where the metric's name comes first.
    fn write_series_with_extra(&mut self) {
        let before = self.sorted.get(1..self.extra_at).unwrap_or_default();
        let lengths = before.iter().map(|(name, value)| match *name {
            METRIC_NAME => value.len(),
            name => name.len() + value.len() + 2,
        });
        self.extra_tail_at = lengths.sum();
        let (before, rest) =
            self.tail.split_at_checked(self.extra_tail_at).unwrap_or((&self.tail, &[]));
        self.series.extend_from_slice(self.name.as_bytes());
        self.series.extend_from_slice(before);
        push_label(self.extra_name, "", &mut self.series);
        self.extra_series_at = Some(self.series.len());
        self.series.extend_from_slice(self.extra.as_bytes());
        self.series.extend_from_slice(rest);
    }

    fn write_series(&mut self, from: usize) {
        for index in from..self.len() {
            if index == self.extra_at {
                push_label(self.extra_name, "", &mut self.series);
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
                push_label(name, value, &mut self.series);
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
    pub(crate) fn other_pair(&self, index: usize) -> Option<(&str, &str)> {
        let name_at = self.name_at + usize::from(self.extra_at <= self.name_at);
        self.pair(index + usize::from(name_at <= index))
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        Pairs {
            rest: self.sorted.iter(),
            index: 0,
            name_at: self.name_at + usize::from(self.extra_at <= self.name_at),
            extra_at: self.extra_at,
            buffer: self,
        }
    }

    pub(crate) fn is_distinct(&self) -> bool {
        self.is_distinct
    }
}

/// The labels of a buffer, in name order.
struct Pairs<'b, 'a> {
    rest: slice::Iter<'b, (&'a str, &'a str)>,
    index: usize,
    name_at: usize,
    extra_at: usize,
    buffer: &'b LabelBuffer<'a>,
}

impl<'b> Iterator for Pairs<'b, '_> {
    type Item = (&'b str, &'b str);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        self.index += 1;
        if index == self.extra_at {
            return Some((self.buffer.extra_name, &self.buffer.extra));
        }
        let &(name, value) = self.rest.next()?;
        Some((name, if index == self.name_at { &self.buffer.name } else { value }))
    }
}

/// Whether a name comes before another one; most differ in their first byte.
#[inline]
fn is_before(a: &str, b: &str) -> bool {
    match (a.as_bytes(), b.as_bytes()) {
        ([a, ..], [b, ..]) if a != b => a < b,
        (a, b) => a < b,
    }
}

#[inline]
fn push_label(name: &str, value: &str, out: &mut Vec<u8>) {
    out.reserve(name.len() + value.len() + 2);
    out.push(SEPARATOR);
    out.extend_from_slice(name.as_bytes());
    out.push(SEPARATOR);
    out.extend_from_slice(value.as_bytes());
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
