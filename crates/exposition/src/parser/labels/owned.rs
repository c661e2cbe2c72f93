//! The owned form of a sample's labels.

use core::cmp::Ordering;
use core::mem;

use skopos_core::labels::{LabelsPacker, METRIC_NAME};
use skopos_core::{Labels, MetricType};

use super::order::page_name;
use super::{Plain, Scratch, Source, TextLabels, bound_name, written_bound};
use crate::parser::layout::begins_with;
use crate::parser::{Parser, Span};

/// `__name__`, with more than is needed behind it.
const PADDED_METRIC_NAME: &[u8] = b"__name__                        ";

/// Of fewer labels it costs less to pack all than to find out which differ from those of another line.
const MANY: usize = 4;

/// The line whose labels were packed last.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::parser) struct PackedLine {
    /// Where it begins, and how far it is to the last label's value.
    start: usize,
    len: usize,
    metric_type: MetricType,
}

impl TextLabels<'_> {
    /// The owned form.
    #[inline]
    pub(crate) fn pack(&self, packer: &mut LabelsPacker) -> Labels {
        if !self.distinct {
            // Of a name that is there twice the last value counts.
            let mut pairs = self.iter().peekable();
            while let Some((name, value)) = pairs.next() {
                if pairs.peek().is_none_or(|(next, _)| *next != name) {
                    packer.push(name, value);
                }
            }
            return packer.finish();
        }
        match self.source {
            // Lines are text as a whole, and the page up to some line.
            Source::Line { name, labels: Plain::Marks(base, marks), bound }
                if self.page.is_text(name) =>
            {
                let (page, own) = (self.page.text.as_bytes(), self.own.as_bytes());
                let piece = |span: Span| (page.get(span.start..).unwrap_or_default(), span.len());
                packer.push_prefixes(self.order.iter().map(|&number| {
                    let Some(index) = (number as usize).checked_sub(1) else {
                        return [(PADDED_METRIC_NAME, METRIC_NAME.len()), piece(name)];
                    };
                    let (name, value) = Plain::Marks(base, marks).spans(index);
                    let value = if number == bound { (own, own.len()) } else { piece(value) };
                    [piece(name), value]
                }));
            }
            _ => self.iter().for_each(|(name, value)| _ = packer.push(name, value)),
        }
        packer.finish()
    }
}

impl Parser<'_> {
    /// The owned form of the current line's labels.
    #[inline]
    pub(in crate::parser) fn owned_labels(&mut self) -> Labels {
        let before = mem::take(&mut self.packed_line);
        if self.is_plain() && !self.line.is_known {
            if MANY <= Plain::new(&self.line, &self.index).len()
                && let Some(labels) = self.repeated_labels(before)
            {
                return labels;
            }
            if let Some(labels) = self.usual_labels() {
                return labels;
            }
        }
        self.packed_labels()
    }

    #[inline(never)]
    fn packed_labels(&mut self) -> Labels {
        let mut packer = self.packer.take().unwrap_or_default();
        let labels = self.series_labels();
        let distinct = labels.distinct;
        let packed = labels.pack(&mut packer);
        if !distinct {
            // This set the packer does not know.
            self.packed_line = PackedLine::default();
        }
        self.packer = Some(packer);
        packed
    }

    /// The owned form of labels as they stand on the page, if their names are those of a line before.
    #[inline]
    fn usual_labels(&mut self) -> Option<Labels> {
        let page = self.page;
        let packer = self.packer.as_deref_mut()?;
        let (base, marks) = match Plain::new(&self.line, &self.index) {
            Plain::Marks(base, marks) => (base, marks),
            Plain::Raw([]) => (self.start, [].as_slice()),
            Plain::Raw(_) => return None,
        };
        let Scratch { own, bounds, orders, .. } = &mut self.scratch;
        let order = orders.get(marks.len() / 2)?;
        if order.beginnings.len() != marks.len() / 2 {
            return None;
        }
        let bound = order.bound(self.metric_type);
        let written = written_bound(bound, self.metric_type, (own, bounds), |index| {
            let (name, value) = Plain::Marks(base, marks).spans(index);
            (name.len(), page.text(value))
        });
        if written != 0 {
            return None;
        }
        let window = page.bytes.get(base..)?;
        let name = self.line.name;
        let name = name.start.checked_sub(base)?..name.end.checked_sub(base)?;
        let mut different = 0;
        let labels = order.beginnings.iter();
        let labels = labels.map(|beginning| beginning.places(window, marks, &mut different));
        packer.push_series(window, name, labels);
        if different != 0 {
            packer.clear();
            return None;
        }
        Some(packer.finish())
    }

    /// The owned form of an exemplar's labels, if they are one or two that stand on the line as usual.
    #[inline]
    pub(in crate::parser) fn usual_exemplar_labels(&self) -> Option<Labels> {
        let (first, end) = self.line.exemplar_marks;
        let labels = Plain::Marks(0, self.index.marks(first, end));
        let base = self.index.base();
        let spans = [labels.spans(0), labels.spans(labels.len().checked_sub(1)?)];
        let name = |(name, _): (Span, Span)| {
            page_name(self.page, Span::new(base + name.start, base + name.end))
        };
        let (before, behind) = (name(spans[0]), name(spans[1]));
        let order = before.prefix.cmp(&behind.prefix);
        let numbers = match order.then_with(|| before.bytes.cmp(behind.bytes)) {
            Ordering::Equal if labels.len() != 1 => return None,
            _ if 2 < labels.len() => return None,
            Ordering::Less => [0, 1].as_slice(),
            Ordering::Greater => &[1, 0],
            Ordering::Equal => &[0],
        };
        let mut packer = self.exemplar_packer.try_borrow_mut().ok()?;
        let packer = packer.get_or_insert_default();
        let window = self.page.bytes.get(base..)?;
        packer.push_series(
            window,
            0..0,
            numbers.iter().filter_map(|&at: &usize| {
                let (name, value) = spans.get(at)?;
                Some([name.start..name.end, value.start..value.end])
            }),
        );
        Some(packer.finish())
    }

    /// The owned form of labels that differ in the last value alone from those that were packed last.
    #[inline(never)]
    fn repeated_labels(&mut self, before: PackedLine) -> Option<Labels> {
        let labels = Plain::new(&self.line, &self.index);
        let (name, value) = labels.spans(labels.len().checked_sub(1)?);
        let start = self.line.name.start;
        let now = PackedLine {
            start,
            len: value.start.checked_sub(start)?,
            metric_type: self.metric_type,
        };
        self.packed_line = now;
        let page = self.page;
        let bytes = |line: PackedLine| page.bytes.get(line.start..line.start + line.len);
        let is_same = before.len == now.len
            && before.metric_type == now.metric_type
            && begins_with(bytes(now)?, bytes(before)?);
        if !is_same {
            return None;
        }
        let (name, value) = (page.text(name), page.text(value));
        let Scratch { own, bounds, .. } = &mut self.scratch;
        own.clear();
        let is_written = Some(name) == bound_name(self.metric_type) && bounds.write(value, own);
        self.packer.as_deref_mut()?.finish_again(name, if is_written { own } else { value })
    }
}
