//! Lines that a [`Layout`] knows, read: taken from a batch where they are what is expected, and singly
//! where they are not; and lines that it is to know the next time.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;
use core::mem;

use super::ending::Behind;
use super::failure::Failed;
use super::fast::{Rules, fast_labels};
use super::layout::{Kind, Known};
use super::lex::State;
use super::value::{indexed_value, value_end};
use super::{Line, Meta, Parser, RawLabel, Span, Step};
use crate::TextFormat;

impl Parser<'_> {
    /// Takes the next line of a batch, if there is one.
    #[inline]
    pub(super) fn expected_step(&mut self) -> Option<Step> {
        let layout = self.layout.as_deref_mut()?;
        let (found, value, behind) = layout.take()?;
        let (known, next) = (&found.known, found.next);
        match behind {
            None => self.line.end_plain(value),
            Some(behind) => self.line.end_known(value, *behind),
        }
        if known.kind() != Kind::Series {
            let known = *known;
            return Some(self.other_known(known, next));
        }
        self.line.place(self.pos, known);
        let known_slot = known.slot();
        (self.start, self.pos) = (self.pos, next);
        self.line.slot = layout.pass(known_slot, true);
        Some(Step::Series)
    }

    /// The next entry, known or not.
    #[inline(never)]
    pub(super) fn warm_step(&mut self) -> Result<Step, Failed> {
        if self.state == State::Init
            && let Some(step) = self.known_step()
        {
            return Ok(step);
        }
        self.line.forget();
        // An end says nothing that would have to be text.
        if !matches!(self.page.bytes.get(self.pos..), None | Some(b"" | b"# EOF" | b"# EOF\n")) {
            self.check_text();
        }
        let step = self.cold_step()?;
        self.remember(step);
        Ok(step)
    }

    /// Reads a line that begins as one of the last page did.
    fn known_step(&mut self) -> Option<Step> {
        if let Some(step) = self.expected_step() {
            return Some(step);
        }
        if self.format == TextFormat::Prometheus && self.page.bytes.get(self.pos) == Some(&b'\n') {
            self.skip_line_feeds();
        }
        let layout = self.layout.as_deref_mut()?;
        layout.follow(self.index.scanner(), self.page.bytes, self.pos);
        self.expected_step().or_else(|| self.single_step())
    }

    /// Reads a line that is not the expected one, or does not end in a usual way.
    fn single_step(&mut self) -> Option<Step> {
        let layout = self.layout.as_deref()?;
        let (passed, known) = layout.find(self.page.bytes.get(self.pos..)?)?;
        let end = self.pos + known.len();
        let next = match known.is_sample() {
            true => self.single_end(end - 1)?,
            // OpenMetrics takes NUL behind a text for a part of it.
            false if self.page.bytes.get(end) == Some(&0) => return None,
            false => end,
        };
        self.layout.as_deref_mut()?.skip(passed);
        Some(self.other_known(known, next))
    }

    /// Takes over any line of which the end was read.
    #[inline(never)]
    fn other_known(&mut self, known: Known, next: usize) -> Step {
        self.start = mem::replace(&mut self.pos, next);
        let start = self.start;
        if let Some(layout) = self.layout.as_deref_mut() {
            self.line.slot = layout.pass(known.slot(), known.is_sample());
        }
        let (mut step, mut is_plain) = (Step::Type, false);
        match known.kind() {
            Kind::Series => {
                self.line.place(start, &known);
                return Step::Series;
            }
            Kind::UnusualSeries => {
                self.line.place(start, &known);
                self.read_labels();
                return Step::Series;
            }
            Kind::Comment => {
                self.meta.text = Span::new(start, next - 1);
                return Step::Comment;
            }
            Kind::Type(metric_type) => self.metric_type = metric_type,
            Kind::Help { is_plain: plain } => (step, is_plain) = (Step::Help, plain),
            Kind::Unit => step = Step::Unit,
        }
        let name = Span::new(start + 7, start + 7 + known.name_len());
        let text = Span::new(name.end + 1, next - 1);
        if step == Step::Unit {
            self.unit = text;
        }
        self.meta = Meta { name, text, is_plain };
        self.family_name_len = name.len();
        step
    }

    /// Reads the labels of a known line in which there is more than labels.
    #[inline(never)]
    fn read_labels(&mut self) {
        let Line { name, labels, label_marks, is_known, .. } = &mut self.line;
        labels.clear();
        (*label_marks, *is_known) = ((0, 0), false);
        // A name in quotes is among the labels.
        let mut quoted = None;
        let (open, rules) = (name.end, Rules::of(self.format));
        // They were read before, so there is nothing wrong with them.
        let _ = fast_labels(self.page.bytes, open + 1, rules, &mut quoted, labels);
        *name = quoted.unwrap_or(*name);
    }

    /// Reads what stands behind a series, whatever it is; gives where the next line begins.
    fn single_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        self.line.end_known(0.0, Behind::default());
        self.line.exemplar_marks = (0, 0);
        let end = value_end(bytes, at + 1)?;
        if bytes.get(end) != Some(&b'\n') {
            let next = self.fast_end(at)?;
            // An exemplar may hold what was not on the page before.
            let is_text =
                self.is_unchecked && simdutf8::basic::from_utf8(bytes.get(at..next)?).is_ok();
            return (is_text || next <= self.page.text.len()).then_some(next);
        }
        self.line.value = indexed_value(bytes, at + 1, end)?;
        Some(end + 1)
    }

    /// Remembers the line that was read, if it is a usual one.
    #[inline(never)]
    pub(super) fn remember(&mut self, step: Step) {
        let Some(layout) = self.layout.as_deref_mut() else { return };
        let start = self.start;
        match step {
            Step::End => layout.end(),
            Step::Series => {
                let known = self.known_series();
                let text = self.page.get(Span::new(start, self.line.series.end + 1));
                let Some(layout) = self.layout.as_deref_mut() else { return };
                (self.line.slot, self.line.known_slot) =
                    (layout.add_series(known, text), None.into());
            }
            Step::Type | Step::Help | Step::Unit => {
                let Meta { name, text, .. } = self.meta;
                let line = self.page.get(Span::new(start, text.end + 1));
                // `# ` and a word of four letters, the name, a space, a text and the line feed.
                if name.start == start + 7
                    && text.start == name.end + 1
                    && matches!(line, [b'#', b' ', _, _, _, _, b' ', .., b'\n'])
                    && self.pos == text.end + 1
                {
                    let kind = match step {
                        Step::Type => Kind::Type(self.metric_type),
                        Step::Unit => Kind::Unit,
                        _ => Kind::Help { is_plain: memchr::memchr(b'\\', line).is_none() },
                    };
                    layout.add(Known::new(kind, name.len(), 0), line);
                }
            }
            Step::Comment => {
                let line = self.page.get(Span::new(start, self.pos));
                if self.meta.text == Span::new(start, self.pos - 1) && line.ends_with(b"\n") {
                    layout.add(Known::new(Kind::Comment, 0, 0), line);
                }
            }
            Step::Histogram => {}
        }
    }

    /// What is to be known of the current sample's line, if it is a usual one.
    fn known_series(&self) -> Option<Known> {
        let (bytes, start) = (self.page.bytes, self.start);
        let Line { series, name, .. } = self.line;
        if series.start != start || bytes.get(series.end) != Some(&b' ') {
            return None;
        }
        let mut labels = self.line.labels(bytes, &self.index);
        let count = labels.len();
        if name.start == start && is_regular(bytes, &mut labels, name, series) {
            return Known::new(Kind::Series, name.len(), count);
        }
        let mut whole = Some(name).filter(|name| name.start == start);
        let open = whole.map_or(start, |name| name.end);
        let rules = Rules::of(self.format);
        let end = fast_labels(bytes, open + 1, rules, &mut whole, &mut Vec::new());
        let is_read =
            bytes.get(open) == Some(&b'{') && end == Ok(series.end) && whole == Some(name);
        if is_read { Known::new(Kind::UnusualSeries, open - start, count) } else { None }
    }
}

/// Whether labels stand on the line without anything that is not needed.
fn is_regular(
    bytes: &[u8],
    labels: &mut dyn Iterator<Item = RawLabel>,
    name: Span,
    series: Span,
) -> bool {
    let mut at = name.end + 1;
    for label in labels {
        let is_next = label.name.start == at && label.value.start == label.name.end + 2;
        // Prometheus takes NUL behind a string for its end.
        if !is_next || label.escaped || bytes.get(label.value.end) != Some(&b'"') {
            return false;
        }
        at = label.value.end + 2;
    }
    // A brace ends the labels; without labels there may be none.
    at == series.end || name.end == series.end || at + 1 == series.end && at == name.end + 1
}
