//! The fast path: the lines that exporters write, in one pass and without an allocation.
//!
//! A line in another shape, or with anything wrong in it, is left to the careful parser: these
//! functions then give nothing and the line is read again from its first byte.
#![deny(clippy::indexing_slicing)]

use alloc::vec::Vec;

use super::lex::State;
use super::scan::IndexedLine;
use super::value::{fast_seconds, fast_value, indexed_seconds, indexed_value, repeat, zeros};
use super::{Layout, Line, Parser, RawExemplar, RawLabel, Span, Step, work};
use crate::TextFormat;
use crate::number::{self, NumberError};

/// May stand in a metric's name, in a label's name; may begin one.
pub(super) const METRIC: u8 = 1;
pub(super) const LABEL: u8 = 2;
pub(super) const METRIC_START: u8 = 4;
pub(super) const LABEL_START: u8 = 8;

const CLASSES: [u8; 256] = classes();

#[expect(clippy::indexing_slicing, reason = "at compile time, below the table's length")]
const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => METRIC | LABEL | METRIC_START | LABEL_START,
            b':' => METRIC | METRIC_START,
            b'0'..=b'9' => METRIC | LABEL,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// Whether the byte at `at` is of a class; bytes beyond the end are of none.
#[inline]
pub(super) fn is(bytes: &[u8], at: usize, class: u8) -> bool {
    bytes
        .get(at)
        .is_some_and(|&byte| CLASSES.get(usize::from(byte)).is_some_and(|c| c & class != 0))
}

#[inline]
pub(super) fn pass(bytes: &[u8], mut at: usize, class: u8) -> usize {
    let start = at;
    while is(bytes, at, class) {
        at += 1;
    }
    work::add(at - start);
    at
}

#[inline]
pub(super) fn pass_blanks(bytes: &[u8], mut at: usize) -> usize {
    let start = at;
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    work::add(at - start);
    at
}

impl Parser<'_> {
    /// Reads a line that is a name, perhaps labels, and a number that was read in advance, as nearly all
    /// lines are; nothing where it is not such a one.
    #[inline]
    pub(super) fn usual_line(&mut self) -> Option<Step> {
        let (bytes, start) = (self.page.bytes, self.pos);
        let is_plain = self.state == State::Init && self.format == TextFormat::Prometheus;
        if !is_plain || self.done || self.layout.is_some() {
            return None;
        }
        let line = self.index.next_line_at(start)?;
        if !line.is_usual || line.is_timed || line.value.is_nan() {
            return None;
        }
        let place = |mark: u16| line.base + usize::from(mark);
        let (name_end, series_end, label_marks, end) = match *line.marks {
            // Braces that are on a usual line are one pair behind its name.
            [name, .., close, space, end] if bytes.get(place(close)) == Some(&b'}') => {
                if close + 1 != space {
                    return None;
                }
                let labels = (line.first, line.first + line.marks.len() - 3);
                (place(name), place(space), labels, place(end))
            }
            [space, end] => (place(space), place(space), (0, 0), place(end)),
            _ => return None,
        };
        let is_series = is(bytes, start, METRIC_START) && bytes.get(series_end) == Some(&b' ');
        if self.page.text.len() <= end || !is_series {
            return None;
        }
        let (count, value) = (line.marks.len(), line.value);
        self.index.pass(count, true, end + 1);
        self.line.name = Span::new(start, name_end);
        self.line.series = Span::new(start, series_end);
        self.line.value = value;
        self.line.timestamp.clear();
        self.line.label_marks = label_marks;
        self.line.labels.clear();
        self.start = start;
        self.pos = end + 1;
        Some(Step::Series)
    }

    /// Reads a line in one pass; nothing where that cannot be done.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call less for each line that is not usual")]
    pub(super) fn fast_step(&mut self) -> Option<Step> {
        let at = self.pos;
        if is(self.page.bytes, at, METRIC_START) {
            return self.fast_series();
        }
        match (self.page.bytes.get(at)?, self.format) {
            (b'#', TextFormat::OpenMetrics) => self.fast_metadata(),
            (b'#', TextFormat::Prometheus) => self.fast_metadata().or_else(|| self.fast_comment()),
            (b'\n', TextFormat::Prometheus) => self.pass_line_feeds(),
            (b'\n', TextFormat::OpenMetrics) => {
                self.broken("expected a valid start token", Span::new(at, at), State::Init)
            }
            (b'{', _) => self.bytewise_series(),
            _ => None,
        }
    }

    /// Passes empty lines, and reads a usual line behind them.
    #[inline(never)]
    fn pass_line_feeds(&mut self) -> Option<Step> {
        self.skip_line_feeds();
        if is(self.page.bytes, self.pos, METRIC_START) { self.fast_series() } else { None }
    }

    /// Passes empty lines.
    pub(super) fn skip_line_feeds(&mut self) {
        let rest = self.page.bytes.get(self.pos..).unwrap_or_default();
        let feeds = rest.iter().position(|&byte| byte != b'\n').unwrap_or(rest.len());
        work::add(feeds);
        self.pos += feeds;
        self.start = self.pos;
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call less for each line that is not usual")]
    fn fast_series(&mut self) -> Option<Step> {
        let indexed = if self.is_alone() { None } else { self.indexed_series() };
        if indexed.is_some() || self.done { indexed } else { self.bytewise_series() }
    }

    /// Reads the line by the marks that a structural pass found.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call less for each line that is not usual")]
    fn indexed_series(&mut self) -> Option<Step> {
        let bytes = self.page.bytes;
        let start = self.pos;
        let line = self.index.line_at(bytes, start)?;
        let place = |mark: Option<&u16>| mark.map(|&mark| line.base + usize::from(mark));
        let (&newline, marks) = line.marks.split_last()?;
        let end = line.base + usize::from(newline);
        if !self.page.is_line_text(Span::new(start, end + 1), &mut self.more_text) {
            return None;
        }
        let name = Span::new(start, place(marks.first())?);
        let (mut series, mut label_marks, mut marks) = (name, (0, 0), marks);
        if bytes.get(name.end) == Some(&b'{') {
            let close = close_of(bytes, line.base, marks, self.format)?;
            series.end = place(marks.get(close))? + 1;
            label_marks = (line.first, line.first + close);
            marks = marks.get(close + 1..)?;
        }
        let (&space, rest) = marks.split_first()?;
        // The mark may be a brace as well.
        if line.base + usize::from(space) != series.end || bytes.get(series.end) != Some(&b' ') {
            return None;
        }
        let value_end = place(rest.first()).unwrap_or(end);
        let is_missed = rest.len() != usize::from(line.is_timed);
        let value = if line.value.is_nan() || is_missed {
            let value = Span::new(series.end + 1, value_end);
            match unread_value(bytes, value) {
                Ok(read) => read,
                Err(error) => {
                    self.broken_value(value, error);
                    return None;
                }
            }
        } else {
            line.value
        };
        self.line.timestamp.clear();
        self.line.exemplar = None;
        self.line.exemplar_marks = (0, 0);
        if let Some((_, rest)) = rest.split_first() {
            let first = line.first + line.marks.len() - 1 - rest.len();
            let rest = IndexedLine { marks: rest, first, ..line };
            let read = match self.format {
                TextFormat::Prometheus => indexed_millis,
                TextFormat::OpenMetrics => indexed_rest,
            };
            read(bytes, value_end + 1, end, rest, &mut self.line)?;
        }
        self.line.value = value;
        self.line.name = name;
        self.line.series = series;
        self.line.label_marks = label_marks;
        self.line.labels.clear();
        self.line.exemplar_labels.clear();
        if is_missed {
            self.index.miss_value();
        }
        self.pos = end + 1;
        Some(Step::Series)
    }

    /// Reads the line byte by byte.
    fn bytewise_series(&mut self) -> Option<Step> {
        let bytes = self.page.bytes;
        let start = self.pos;
        self.line.label_marks = (0, 0);
        self.line.exemplar_marks = (0, 0);
        let mut at = pass(bytes, start, METRIC);
        let mut name = if at == start { None } else { Some(Span::new(start, at)) };
        self.line.labels.clear();
        let prometheus = self.format == TextFormat::Prometheus;
        let open = if prometheus { pass_blanks(bytes, at) } else { at };
        if bytes.get(open) == Some(&b'{') {
            let rules = Rules::of(self.format);
            at = match fast_labels(bytes, open + 1, rules, &mut name, &mut self.line.labels) {
                Ok(end) => end,
                Err(stop) => return self.broken_labels(stop),
            };
        }
        self.line.name = name?;
        self.line.series = Span::new(start, at);
        self.line.exemplar = None;
        let end = self.fast_end(at)?;
        // A line that holds or follows something that is not UTF-8 has its strings checked singly.
        if !self.page.is_line_text(Span::new(start, end.min(bytes.len())), &mut self.more_text) {
            return None;
        }
        self.pos = end;
        Some(Step::Series)
    }

    /// What stands behind the series; gives where the next line begins.
    #[inline]
    pub(super) fn fast_end(&mut self, at: usize) -> Option<usize> {
        match self.format {
            TextFormat::Prometheus => self.fast_prometheus_end(at),
            TextFormat::OpenMetrics => self.fast_openmetrics_end(at),
        }
    }

    /// Blanks, a value, perhaps a timestamp in milliseconds, and the line's end.
    #[inline]
    fn fast_prometheus_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        let (value, mut at) = fast_value(bytes, pass_blanks(bytes, at))?;
        self.line.value = value;
        self.line.timestamp.clear();
        match bytes.get(at) {
            None => return Some(at),
            Some(b'\n') => return Some(at + 1),
            Some(b' ' | b'\t') => {}
            _ => return None,
        }
        let digits = pass_blanks(bytes, at);
        at = digits;
        let mut millis: i64 = 0;
        while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
            millis = millis.wrapping_mul(10).wrapping_add(i64::from(byte - b'0'));
            at += 1;
        }
        match at - digits {
            0 => {}
            1..=18 => self.line.timestamp = Some(millis).into(),
            _ => return None,
        }
        at = pass_blanks(bytes, at);
        match bytes.get(at) {
            None => Some(at),
            Some(b'\n') => Some(at + 1),
            _ => None,
        }
    }

    /// A space, a value, perhaps a timestamp in seconds and an exemplar, and the line feed.
    #[inline]
    fn fast_openmetrics_end(&mut self, at: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        if bytes.get(at) != Some(&b' ') {
            return None;
        }
        let (value, mut at) = fast_value(bytes, at + 1)?;
        self.line.value = value;
        self.line.timestamp.clear();
        if let (Some(b' '), Some(b'0'..=b'9' | b'-')) = (bytes.get(at), bytes.get(at + 1)) {
            let (millis, end) = fast_seconds(bytes, at + 1)?;
            self.line.timestamp = Some(millis).into();
            at = end;
        }
        if bytes.get(at) == Some(&b'\n') {
            return Some(at + 1);
        }
        bytes.get(at..)?.starts_with(b" # {").then(|| self.fast_exemplar(at + 4)).flatten()
    }

    #[inline]
    fn fast_exemplar(&mut self, start: usize) -> Option<usize> {
        let bytes = self.page.bytes;
        self.line.exemplar_labels.clear();
        let labels = &mut self.line.exemplar_labels;
        let at = fast_labels(bytes, start, Rules::Exemplar, &mut None, labels).ok()?;
        // Unlike a series' labels, these must not hold NUL.
        if memchr::memchr(0, bytes.get(start..at)?).is_some() || bytes.get(at) != Some(&b' ') {
            return None;
        }
        let (value, mut at) = fast_value(bytes, at + 1)?;
        let mut timestamp = None;
        if bytes.get(at) == Some(&b' ') {
            let (millis, end) = fast_seconds(bytes, at + 1)?;
            timestamp = Some(millis);
            at = end;
        }
        self.line.exemplar = Some(RawExemplar { value, timestamp });
        (bytes.get(at) == Some(&b'\n')).then_some(at + 1)
    }

    /// Whether the lines around this one are likely to be known: one line is not worth a look at a
    /// window.
    #[inline]
    pub(super) fn is_alone(&self) -> bool {
        self.layout.as_deref().is_some_and(Layout::is_warm)
    }
}

/// Reads a value that was not read in advance.
#[inline(never)]
fn unread_value(bytes: &[u8], value: Span) -> Result<f64, NumberError> {
    match number::read_token(bytes, value.start, value.end) {
        Some(read) => Ok(read),
        None => number::parse_value(bytes.get(value.start..value.end).unwrap_or_default()),
    }
}

/// Which of a line's marks is the brace that closes the one at the first.
#[inline]
fn close_of(bytes: &[u8], base: usize, marks: &[u16], format: TextFormat) -> Option<usize> {
    let byte = |mark: &u16| bytes.get(base + usize::from(*mark)).copied();
    // Usually a space and the value follow. There are no other braces on a usual line of this format.
    if format == TextFormat::Prometheus
        && let Some(close) = marks.len().checked_sub(2)
        && byte(marks.get(close)?) == Some(b'}')
    {
        return Some(close);
    }
    // Pairs of quotes, up to a mark that is none.
    let mut close = 1;
    while byte(marks.get(close)?) == Some(b'"') {
        close += 2;
    }
    (byte(marks.get(close)?) == Some(b'}')).then_some(close)
}

/// Reads a timestamp in milliseconds, up to the line's end.
#[inline]
fn indexed_millis(
    bytes: &[u8],
    start: usize,
    end: usize,
    rest: IndexedLine<'_>,
    line: &mut Line,
) -> Option<()> {
    let digits = bytes.get(start..end)?;
    let usual = rest.marks.is_empty()
        && (1..=18).contains(&digits.len())
        && digits.iter().all(u8::is_ascii_digit);
    line.timestamp =
        Some(if usual { number::parse_millis(digits).ok()? } else { return None }).into();
    Some(())
}

/// Reads a timestamp in seconds, an exemplar, or both; `rest` has the marks from `start` on.
#[inline]
fn indexed_rest(
    bytes: &[u8],
    start: usize,
    end: usize,
    mut rest: IndexedLine<'_>,
    line: &mut Line,
) -> Option<()> {
    let mut at = start;
    if bytes.get(at) != Some(&b'#') {
        let to = rest.marks.first().map_or(end, |&mark| rest.base + usize::from(mark));
        line.timestamp = Some(indexed_seconds(bytes, at, to)?).into();
        if to == end {
            return Some(());
        }
        rest.marks = rest.marks.get(1..)?;
        rest.first += 1;
        at = to + 1;
    }
    let place = |mark: usize| rest.marks.get(mark).map(|&mark| rest.base + usize::from(mark));
    // A space, the opening brace, and more.
    if bytes.get(at..at + 3) != Some(b"# {") || place(1)? != at + 2 {
        return None;
    }
    let close = close_of(bytes, rest.base, rest.marks.get(1..)?, TextFormat::OpenMetrics)? + 1;
    let closed = place(close)? + 1;
    if place(close + 1)? != closed {
        return None;
    }
    let value_end = place(close + 2).unwrap_or(end);
    let value = indexed_value(bytes, closed + 1, value_end)?;
    let mut timestamp = None;
    if value_end != end {
        timestamp = Some(indexed_seconds(bytes, value_end + 1, end)?);
    }
    line.exemplar = Some(RawExemplar { value, timestamp });
    line.exemplar_marks = (rest.first + 1, rest.first + close);
    Some(())
}

/// What may stand between braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Blanks between all, and line feeds in strings.
    Prometheus,
    OpenMetrics,
    /// No names in quotes.
    Exemplar,
}

impl Rules {
    /// Those for the labels of a series.
    pub(super) fn of(format: TextFormat) -> Self {
        match format {
            TextFormat::Prometheus => Self::Prometheus,
            TextFormat::OpenMetrics => Self::OpenMetrics,
        }
    }
}

/// Reads labels up to the closing brace; gives where it ends, or where something else stands than it
/// or a label. A name in quotes without a value is the metric's.
#[inline]
pub(super) fn fast_labels(
    bytes: &[u8],
    mut at: usize,
    rules: Rules,
    metric_name: &mut Option<Span>,
    labels: &mut Vec<RawLabel>,
) -> Result<usize, usize> {
    let prometheus = rules == Rules::Prometheus;
    let blanks = |at| if prometheus { pass_blanks(bytes, at) } else { at };
    loop {
        at = blanks(at);
        let (name, mut escaped, name_end);
        if is(bytes, at, LABEL_START) {
            name = Span::new(at, pass(bytes, at + 1, LABEL));
            (escaped, name_end) = (false, name.end);
        } else {
            match bytes.get(at) {
                Some(b'}') => return Ok(at + 1),
                Some(b'"') if rules != Rules::Exemplar => {}
                _ => return Err(at),
            }
            (name, escaped) = quoted_name(bytes, at).ok_or(at)?;
            name_end = name.end + 1;
        }
        let mut next = blanks(name_end);
        if bytes.get(next) == Some(&b'=') {
            next = blanks(next + 1);
            if bytes.get(next) != Some(&b'"') {
                return Err(name.end);
            }
            let string = string_end(bytes, next + 1, prometheus);
            let (end, is_escaped) = string.ok_or(name.end)?;
            escaped |= is_escaped;
            labels.push(RawLabel { name, value: Span::new(next + 1, end), escaped });
            next = blanks(end + 1);
        } else if name_end == name.end
            || !matches!(bytes.get(next), Some(b'}' | b','))
            || metric_name.replace(name).is_some()
        {
            return Err(name.end);
        }
        match bytes.get(next) {
            Some(b'}') => return Ok(next + 1),
            Some(b',') => at = next + 1,
            _ => return Err(next),
        }
    }
}

/// The name in the quotes that begin at `at`, and whether there is a backslash in it.
#[inline(never)]
pub(super) fn quoted_name(bytes: &[u8], at: usize) -> Option<(Span, bool)> {
    let (end, escaped) = string_end(bytes, at + 1, true)?;
    // Unlike a value, it must not hold NUL.
    let is_whole = memchr::memchr(0, bytes.get(at..end)?).is_none();
    is_whole.then_some((Span::new(at + 1, end), escaped))
}

/// Finds the quote that ends a string, and whether there is a backslash before it.
#[inline]
fn string_end(bytes: &[u8], mut at: usize, line_feeds: bool) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = next_special(bytes, at, line_feeds)?;
        match bytes.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' => {
                escaped = true;
                // What follows is no end of the string; NUL and line feeds are a careful matter.
                if matches!(bytes.get(at + 1), None | Some(0 | b'\n')) {
                    return None;
                }
                at += 2;
                // Where one is, others are.
                while let Some([b'\\', freed]) = bytes.get(at..).and_then(<[u8]>::first_chunk)
                    && !matches!(freed, 0 | b'\n')
                {
                    at += 2;
                    work::add(2);
                }
            }
            _ => return None,
        }
    }
}

/// The first quote or backslash at or after `at`, or line feed unless those are passed; eight bytes at
/// a time.
#[inline]
pub(super) fn next_special(bytes: &[u8], mut at: usize, pass_line_feeds: bool) -> Option<usize> {
    let last = if pass_line_feeds { b'\\' } else { b'\n' };
    while let Some((chunk, _)) = bytes.get(at..)?.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found =
            zeros(word ^ repeat(b'"')) | zeros(word ^ repeat(b'\\')) | zeros(word ^ repeat(last));
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
        work::add(8);
    }
    let rest = bytes.get(at..)?;
    rest.iter()
        .position(|&byte| matches!(byte, b'"' | b'\\') || byte == last)
        .map(|found| at + found)
}
