//! The pull parser: entry by entry over a page that it borrows.
//!
//! Three parts: the fast path takes the lines that exporters write, the careful parser takes every
//! other line and knows the error texts, and the created-timestamp search looks ahead. A sample costs
//! no allocation; the few buffers are the parser's own and are reused.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use core::cell::{Cell, RefCell};
use core::mem;

use skopos_core::MetricType;
use skopos_core::labels::LabelsPacker;

use self::convert::Collation;
use self::created::Ahead;
use self::failure::{Failed, Failure};
use self::labels::{PackedLine, Scratch};
use self::lex::State;
use self::scan::{Index, Scanner};
use crate::error::Counted;
use crate::{Entry, Error, HistogramEntry, SeriesEntry, TextFormat};

mod broken;
mod careful;
mod convert;
mod created;
mod ending;
mod failure;
mod fast;
mod follow;
mod known;
mod labels;
mod layout;
mod lex;
mod line;
mod metadata;
mod recover;
#[cfg(feature = "std")]
mod resume;
mod scan;
mod tail;
#[cfg(test)]
mod tests;
mod value;
mod work;
mod wrong;

pub(crate) use self::convert::Converted;
pub(crate) use self::labels::TextLabels;
pub use self::layout::Layout;
use self::line::{Line, RawExemplar, RawLabel};
pub(crate) use self::line::{TextPairs, TextSample};
pub use self::recover::RecoveringParser;
#[cfg(feature = "std")]
pub(crate) use self::resume::Memory;

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
    native_histograms: NativeHistograms,
}

/// What becomes of classic histograms: in text, of the lines `_bucket`, `_sum` and `_count` under a
/// TYPE line that says so.
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

/// What becomes of histograms with native buckets; protobuf only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NativeHistograms {
    /// They are native ([`Entry::Histogram`]), even if they have classic buckets too.
    #[default]
    Alone,
    /// Their native buckets are left aside: all histograms are classic.
    Ignored,
    /// They are native, and then, if they have classic buckets, their classic series follow.
    WithClassic,
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

    /// Chooses what becomes of histograms with native buckets.
    #[must_use]
    pub fn with_native_histograms(mut self, native_histograms: NativeHistograms) -> Self {
        self.native_histograms = native_histograms;
        self
    }

    /// Whether each line is an entry.
    #[inline]
    fn is_plain(self) -> bool {
        self.created_lines == CreatedLines::Series
            && self.classic_histograms == ClassicHistograms::Series
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

    /// What becomes of histograms with native buckets.
    #[must_use]
    pub fn native_histograms(self) -> NativeHistograms {
        self.native_histograms
    }
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
    /// Whether nobody looked yet how much of the page is UTF-8: known lines are.
    is_unchecked: bool,
    /// What is known to be UTF-8 behind something that is not.
    more_text: Span,
    index: Index,
    /// What is remembered of the last page, if anything is to be.
    layout: Option<&'a mut Layout>,
    format: TextFormat,
    options: ParserOptions,
    /// The byte that comes next.
    pos: usize,
    /// Where the current entry begins.
    start: usize,
    state: State,
    done: bool,
    /// What is wrong with the last entry that was.
    failure: Failure,
    /// How far the lines were counted, for the places of errors.
    counted: Cell<Counted>,
    /// Lines that are left out are passed over up to this byte.
    stop_at: usize,
    /// What the last metadata lines said; it holds until others do.
    metric_type: MetricType,
    unit: Span,
    family_name_len: usize,
    line: Line,
    meta: Meta,
    ahead: Ahead,
    collation: Collation,
    scratch: Scratch,
    packer: Option<Box<LabelsPacker>>,
    /// Another one, so that it may forget its sets while samples are told apart by those of the first.
    exemplar_packer: RefCell<Option<Box<LabelsPacker>>>,
    packed_line: PackedLine,
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

    /// Whether a line, or the beginning of one, is UTF-8. In `more` is what is known to be so behind
    /// something that is not.
    #[inline]
    fn is_line_text(&self, line: Span, more: &mut Span) -> bool {
        line.end <= self.text.len() || self.is_more_text(line, more)
    }

    #[cold]
    #[inline(never)]
    fn is_more_text(&self, line: Span, more: &mut Span) -> bool {
        // Beyond the line, the lines behind it are looked at as well.
        const LOOK: usize = 4096;
        if line.start < more.start || more.end < line.end {
            let rest = self.bytes.get(line.start..).unwrap_or_default();
            let looked = rest.get(..LOOK.max(line.len())).unwrap_or(rest);
            let len = match simdutf8::compat::from_utf8(looked) {
                Ok(_) => looked.len(),
                Err(error) => error.valid_up_to(),
            };
            work::add(len);
            *more = Span::new(line.start, line.start + len);
        }
        line.end <= more.end
    }

    /// Whether a span is surely UTF-8.
    fn is_text(&self, span: Span) -> bool {
        self.text.get(span.start..span.end).is_some()
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

/// What a step over the page found. A sample is in [`Parser::line`], the rest in [`Parser::meta`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    End,
    Type,
    Help,
    Unit,
    Comment,
    Series,
    Histogram,
}

/// A metadata line, or a comment.
#[derive(Debug, Default)]
struct Meta {
    name: Span,
    text: Span,
    /// Whether there is surely no backslash in it.
    is_plain: bool,
}

impl<'a> Parser<'a> {
    /// A parser at the beginning of `page`. Checks once whether the page is UTF-8.
    #[must_use]
    pub fn new(format: TextFormat, page: &'a [u8], options: ParserOptions) -> Self {
        Self::of(Page::new(page), format, options)
    }

    fn of(page: Page<'a>, format: TextFormat, options: ParserOptions) -> Self {
        Self {
            page,
            is_unchecked: false,
            more_text: Span::default(),
            index: Index::new(Scanner::new(), format, page.bytes.len()),
            layout: None,
            format,
            options,
            pos: 0,
            start: 0,
            state: State::Init,
            done: false,
            failure: Failure::default(),
            counted: Cell::default(),
            stop_at: usize::MAX,
            metric_type: MetricType::Unknown,
            unit: Span::default(),
            family_name_len: 0,
            line: Line::default(),
            meta: Meta::default(),
            ahead: Ahead::default(),
            collation: Collation::default(),
            scratch: Scratch::default(),
            packer: None,
            exemplar_packer: RefCell::default(),
            packed_line: PackedLine::default(),
        }
    }

    /// A parser that knows the layout of the page before, and remembers that of this one.
    ///
    /// It gives what the parser without a layout gives, and for a page that resembles the last one
    /// does so in less time. Samples tell which ones of the last page they are:
    /// [`SeriesEntry::known_slot`].
    #[must_use]
    pub fn with_layout(
        format: TextFormat,
        page: &'a [u8],
        options: ParserOptions,
        layout: &'a mut Layout,
    ) -> Self {
        /// A shorter page is looked through at once: that costs less than to look at each of the few
        /// texts in it that are asked for.
        const LONG: usize = 1 << 18;
        let is_known = layout.begin(format) && LONG < page.len();
        let mut parser = Self::of(Page { bytes: page, text: "" }, format, options);
        parser.is_unchecked = is_known;
        if !is_known {
            parser.page = Page::new(page);
        }
        parser.layout = Some(layout);
        parser
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
        match self.step() {
            Ok(step) => Ok(self.entry(step)),
            Err(Failed) => Err(self.error()),
        }
    }

    /// The entry that a step found.
    ///
    /// All of it is made here and nothing by a call that fills a whole entry, so that an entry's parts
    /// stay in registers wherever this is inlined.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "an entry goes to its user in registers")]
    fn entry(&mut self, step: Step) -> Option<Entry<'_, 'a>> {
        Some(match step {
            Step::Series => Entry::Series(SeriesEntry::text(TextSample { parser: self })),
            Step::End => return None,
            Step::Type => Entry::Type { name: self.meta_name(), metric_type: self.metric_type },
            Step::Help => Entry::Help { name: self.meta_name(), help: self.help() },
            Step::Unit => Entry::Unit { name: self.meta_name(), unit: self.meta_text() },
            Step::Comment => Entry::Comment(self.page.get(self.meta.text)),
            Step::Histogram => Entry::Histogram(HistogramEntry::converted(self.histogram()?)),
        })
    }

    /// The name in the last metadata line.
    #[inline(never)]
    fn meta_name(&self) -> &'a str {
        self.page.text(self.meta.name)
    }

    /// The text of the last metadata line.
    #[inline(never)]
    fn meta_text(&self) -> &'a str {
        self.page.text(self.meta.text)
    }

    /// The text of the last HELP line, unescaped.
    #[inline]
    fn help(&self) -> Cow<'a, str> {
        let text = self.meta_text();
        if self.meta.is_plain {
            return Cow::Borrowed(text);
        }
        match crate::escape::unescape_help(text, self.format) {
            Some(plain) => Cow::Owned(plain),
            None => Cow::Borrowed(text),
        }
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
    fn step(&mut self) -> Result<Step, Failed> {
        if self.options.is_plain()
            && let Some(step) = self.expected_step()
        {
            return Ok(step);
        }
        match self.options.classic_histograms {
            ClassicHistograms::Series => self.plain_step(),
            _ => self.converted_step(),
        }
    }

    /// Whether lines that are left out brought the parser to where it is to stop.
    fn is_paused(&self) -> bool {
        self.stop_at <= self.pos
    }

    /// The next entry that is not left out.
    #[inline]
    fn plain_step(&mut self) -> Result<Step, Failed> {
        loop {
            let step = self.any_step()?;
            let left_out = self.options.created_lines == CreatedLines::StartTimestamps
                && matches!(step, Step::Series)
                && self.is_created_line();
            if !left_out {
                return Ok(step);
            }
            if self.is_paused() {
                return Ok(Step::End);
            }
        }
    }

    /// The next entry, whatever it is.
    #[inline]
    fn any_step(&mut self) -> Result<Step, Failed> {
        match self.usual_line() {
            Some(step) => Ok(step),
            None => self.other_step(),
        }
    }

    /// The same if it is not a line that was read in advance.
    #[inline(never)]
    fn other_step(&mut self) -> Result<Step, Failed> {
        if self.page.bytes.get(self.pos) == Some(&b'#')
            && let Some(step) = self.usual_metadata()
        {
            return Ok(step);
        }
        if self.done {
            return Ok(Step::End);
        }
        self.start = self.pos;
        if self.layout.is_some() {
            return self.warm_step();
        }
        self.cold_step()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "one call less for each line that is not usual")]
    fn cold_step(&mut self) -> Result<Step, Failed> {
        if self.state == State::Init
            && let Some(step) = self.fast_step()
        {
            return Ok(step);
        }
        if self.done {
            return Err(Failed);
        }
        let step = self.careful_step();
        self.done = matches!(step, Ok(Step::End) | Err(_));
        step
    }

    /// Looks how much of the page is UTF-8, if nobody did.
    #[inline]
    fn check_text(&mut self) {
        if mem::take(&mut self.is_unchecked) {
            self.page = Page::new(self.page.bytes);
        }
    }
}
