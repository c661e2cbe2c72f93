//! The search for `_created` lines, which tell when a metric began, after its other lines.
//!
//! Prometheus looks ahead from every sample. We remember where the last look ended: whatever lies
//! before that place has the same answer to look at, so a page is looked through once.

use alloc::vec::Vec;
use core::mem;

use skopos_core::{MetricType, Timestamp};

use super::{Line, Parser, Step, work};
use crate::TextFormat;
use crate::number::millis_from_seconds;

const SUFFIX: &str = "_created";

/// What is known of the lines after the current one.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The line that a look came upon last.
    line: Line,
    /// Up to this byte a look finds the same; 0 where nothing is known.
    known_to: usize,
    /// The start timestamp found at that byte, unless the look ended at something else.
    found: Option<i64>,
    /// The series that it is for, while `found` is; kept for the lines after it.
    key: Vec<u8>,
    /// The last start timestamp that fitted, and its series.
    pub(super) last: Option<i64>,
    pub(super) last_key: Vec<u8>,
    /// The series that is asked for.
    asked: Vec<u8>,
}

impl Parser<'_> {
    /// Whether the current line tells a start timestamp and is no series.
    pub(super) fn is_created_line(&self) -> bool {
        self.format == TextFormat::OpenMetrics
            && has_start(self.metric_type)
            && self.page.get(self.line.name).ends_with(SUFFIX.as_bytes())
    }

    pub(super) fn start_timestamp(&mut self) -> Option<Timestamp> {
        if self.format != TextFormat::OpenMetrics || !has_start(self.metric_type) {
            self.ahead.last = None;
            return None;
        }
        let name = self.page.get(self.line.name);
        let family = name.get(..self.family_name_len)?;
        if self.ahead.last.is_none_or(|last| last <= 0) {
            if self.ahead.known_to <= self.pos {
                self.look_ahead();
            }
            if self.ahead.found.is_none() {
                // Whatever the series, there is nothing.
                self.ahead.last = None;
                return None;
            }
        }
        let mut asked = mem::take(&mut self.ahead.asked);
        self.write_key(&self.line, family, &mut asked);
        let found = self.find(&asked);
        self.ahead.asked = asked;
        found.filter(|&millis| millis != 0).map(Timestamp::from_millis)
    }

    fn find(&mut self, asked: &[u8]) -> Option<i64> {
        if let Some(last) = self.ahead.last.filter(|&last| 0 < last)
            && self.ahead.last_key == asked
        {
            return Some(last);
        }
        if self.ahead.known_to <= self.pos {
            self.look_ahead();
        }
        self.ahead.last = self.ahead.found.filter(|_| self.ahead.key == asked);
        if self.ahead.last.is_some() {
            self.ahead.last_key.clear();
            self.ahead.last_key.extend_from_slice(asked);
        }
        self.ahead.last
    }

    /// Goes on to the next `_created` line, metadata or error, notes it, and comes back.
    fn look_ahead(&mut self) {
        let here = (self.pos, self.start, self.state, self.done);
        let family = (self.metric_type, self.unit, self.family_name_len);
        let cursor = self.index.cursor();
        let layout = self.layout.take();
        self.check_text();
        self.line.detach(self.page.bytes, &self.index);
        mem::swap(&mut self.line, &mut self.ahead.line);
        self.ahead.found = None;
        while let Ok(Step::Series) = self.any_step() {
            let Some(family) = self.page.get(self.line.name).strip_suffix(SUFFIX.as_bytes()) else {
                continue;
            };
            let mut key = mem::take(&mut self.ahead.key);
            self.write_key(&self.line, family, &mut key);
            self.ahead.key = key;
            self.ahead.found = Some(millis_from_seconds(self.line.value));
            break;
        }
        self.ahead.known_to = self.pos;
        self.index.go_back(cursor);
        self.layout = layout;
        mem::swap(&mut self.line, &mut self.ahead.line);
        (self.pos, self.start, self.state, self.done) = here;
        (self.metric_type, self.unit, self.family_name_len) = family;
    }

    /// What makes two lines belong to one metric: labels but for the bucket or quantile, and family.
    fn write_key(&self, line: &Line, family: &[u8], key: &mut Vec<u8>) {
        let left_out: &[u8] = match self.metric_type {
            MetricType::Histogram => b"le",
            MetricType::Summary => b"quantile",
            _ => b"",
        };
        key.clear();
        for label in line.labels(self.page.bytes, &self.index) {
            let name = self.page.get(label.name);
            if name != left_out || left_out.is_empty() {
                key.extend_from_slice(name);
                key.push(b'=');
                key.extend_from_slice(self.page.get(label.value));
                // A quote ends a value on the page, so no value holds one unescaped.
                key.push(b'"');
            }
        }
        key.extend_from_slice(family);
        work::add(key.len());
    }
}

fn has_start(metric_type: MetricType) -> bool {
    matches!(metric_type, MetricType::Counter | MetricType::Summary | MetricType::Histogram)
}
