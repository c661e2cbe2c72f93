//! How lines end: the form of what stands behind a series, which of a line that is known usually stays
//! the same from page to page.
//!
//! A form says of each byte what it may be: one certain byte, a digit, or anything within a string. So a
//! line's end costs a comparison with its form, and where the next line begins is known before any of
//! its bytes is looked at. Forms are few, as lines share them; a line that ends in another form than
//! last time finds it among those of that length, or teaches it.
#![deny(clippy::indexing_slicing)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use super::RawExemplar;
use super::fast::{Rules, fast_labels};
use super::tail::Tail;
use super::value::{indexed_value, value_end};
use crate::TextFormat;
use crate::number::{self, millis_from_seconds};

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) use self::x86::{read_avx512, read_behind_avx512};

/// Bytes of a number that are compared with its form; it is shorter by one at least.
const CHUNK: usize = 32;

/// The longest end of which the form is remembered.
const LONGEST: usize = 512;

/// The most forms, and the most of one length.
const MOST: usize = 1024;
const MOST_ALIKE: usize = 16;

/// How many forms are tried for each line that was found, on the average, and the most at once.
const TRIES: usize = 4;
const MOST_TRIES: usize = 1024;

/// Digits of which the number is surely a double.
const EXACT_DIGITS: usize = 15;

/// The form of a number and of the space or line feed behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    /// What each byte is at least, and by how much it may be more.
    least: [u8; CHUNK],
    more: [u8; CHUNK],
    /// Where the last sixteen digits are, in order, and which of those there are.
    places: [u8; 16],
    kept: u16,
    /// By what the digits are multiplied, divided, and which bits are changed then: the sign, or all of
    /// a number without digits.
    by: f64,
    over: f64,
    bits: u64,
    /// Bytes, without the last one.
    len: u8,
    /// Whether it takes more than one operation.
    is_long: bool,
}

/// A number that was read, but for what takes long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    /// The digits, by what they are multiplied and divided, and which bits are changed then.
    pub(super) digits: i64,
    pub(super) by: f64,
    pub(super) over: f64,
    pub(super) bits: u64,
}

impl Default for Scaled {
    fn default() -> Self {
        Self { digits: 0, by: 1.0, over: 1.0, bits: 0 }
    }
}

impl Scaled {
    /// Reads any number that is all of a piece of the page; says whether it is one.
    fn read_whole(&mut self, page: &[u8], start: usize, end: usize) -> bool {
        let Some(value) = indexed_value(page, start, end) else { return false };
        *self = Self { bits: value.to_bits(), ..Self::default() };
        true
    }

    #[inline]
    pub(super) fn value(self) -> f64 {
        // One of the two is 1, so the result is rounded once.
        let magnitude = self.digits as f64 * self.by / self.over;
        f64::from_bits(magnitude.to_bits() ^ self.bits)
    }
}

/// Where a line's end is read to. Its parts are written one by one, as they are read.
#[derive(Debug)]
pub(super) struct End<'e> {
    pub(super) value: &'e mut Scaled,
    pub(super) behind: &'e mut Behind,
    pub(super) has_behind: &'e mut bool,
}

/// The form of a line's end.
#[derive(Debug)]
pub(super) struct Ending {
    value: Number,
    behind: Option<Box<BehindForm>>,
    /// Bytes, with the line feed.
    len: usize,
    /// The next one of that length.
    next: Option<u16>,
}

/// The form of what stands behind a value, from the space before it on.
#[derive(Debug)]
pub(super) struct BehindForm {
    timestamp: Option<Number>,
    /// Whether it is in milliseconds, and not in seconds.
    is_millis: bool,
    exemplar: Option<ExemplarForm>,
}

#[derive(Debug)]
struct ExemplarForm {
    labels: Tail,
    value: Number,
    timestamp: Option<Number>,
}

/// What stands behind a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behind {
    pub(super) timestamp: Option<i64>,
    pub(super) exemplar: Option<RawExemplar>,
    /// How many labels the exemplar has, and where they begin.
    pub(super) labels: (usize, usize),
}

/// The forms of a page's lines.
#[derive(Debug, Default)]
pub(super) struct Endings {
    list: Vec<Ending>,
    /// The first form of each length.
    by_len: Vec<Option<u16>>,
    /// How many forms may still be tried, so that a page whose lines end in another form each time
    /// costs little more than one that is not known.
    tries: usize,
}

impl Endings {
    /// A form that was learned.
    #[inline]
    pub(super) fn get(&self, ending: u16) -> Option<&Ending> {
        self.list.get(usize::from(ending))
    }

    /// Allows for more forms to be tried, as so many lines were found.
    pub(super) fn grant(&mut self, lines: usize) {
        // Lines that are not known are bound to come now and then.
        self.tries = (self.tries + TRIES * (lines + 1)).min(MOST_TRIES);
    }

    /// The form of what stands at `at`, if it is a usual one.
    #[inline(never)]
    pub(super) fn find(&mut self, format: TextFormat, page: &[u8], at: usize) -> Option<u16> {
        let rest = page.get(at..)?;
        let rest = rest.get(..LONGEST).unwrap_or(rest);
        let len = memchr::memchr(b'\n', rest)? + 1;
        if self.by_len.len() <= len {
            self.by_len.resize(len + 1, None);
        }
        let (mut before, mut alike) = (None, 0);
        let mut candidate = *self.by_len.get(len)?;
        while let Some(number) = candidate {
            self.tries = self.tries.checked_sub(1)?;
            let ending = self.list.get(usize::from(number))?;
            if ending.fits(page, at) {
                self.move_to_front(len, before, number);
                return Some(number);
            }
            alike += 1;
            (before, candidate) = (candidate, ending.next);
        }
        if MOST <= self.list.len() || MOST_ALIKE <= alike {
            return None;
        }
        self.learn(format, page, at, len)
    }

    /// Makes a form the first of its length; `before` is the one before it.
    fn move_to_front(&mut self, len: usize, before: Option<u16>, number: u16) {
        let Some(before) = before else { return };
        let Some(first) = self.by_len.get_mut(len) else { return };
        let Some(moved) = self.list.get_mut(usize::from(number)) else { return };
        let behind = mem::replace(&mut moved.next, first.replace(number));
        if let Some(before) = self.list.get_mut(usize::from(before)) {
            before.next = behind;
        }
    }

    /// Takes over the form of an end of so many bytes.
    fn learn(&mut self, format: TextFormat, page: &[u8], at: usize, len: usize) -> Option<u16> {
        let first = self.by_len.get_mut(len)?;
        let learned = Ending { next: *first, ..Ending::learn(format, page, at)? };
        if learned.len != len || !learned.fits(page, at) {
            return None;
        }
        let number = self.list.len() as u16;
        *first = Some(number);
        self.list.push(learned);
        Some(number)
    }
}

impl Ending {
    /// Takes over the form of what stands at `at`.
    fn learn(format: TextFormat, page: &[u8], at: usize) -> Option<Self> {
        let value = Number::learn(page, at)?;
        let mut end = at + value.len();
        let mut behind = None;
        if page.get(end) == Some(&b' ') {
            let (form, behind_end) = match format {
                TextFormat::Prometheus => BehindForm::learn_millis(page, end)?,
                TextFormat::OpenMetrics => BehindForm::learn(page, end)?,
            };
            (behind, end) = (Some(Box::new(form)), behind_end);
        }
        let len = end + 1 - at;
        (page.get(end) == Some(&b'\n')).then_some(Self { value, behind, len, next: None })
    }

    /// Reads what stands at `at`, if it has this form, by functions that read a number and what stands
    /// behind it, and say whether they have their forms; gives where the next line begins.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
    pub(super) fn read(
        &self,
        page: &[u8],
        at: usize,
        end: &mut End<'_>,
        number: &impl Fn(&Number, &[u8], usize, &mut Scaled) -> bool,
        behind: &impl Fn(&BehindForm, &[u8], usize, &mut Behind) -> bool,
    ) -> Option<usize> {
        let is_read = number(&self.value, page, at, end.value)
            && match &self.behind {
                None => true,
                Some(form) => {
                    *end.has_behind = true;
                    behind(form, page, at + self.value.len(), end.behind)
                }
            };
        is_read.then_some(at + self.len)
    }

    /// Whether what stands at `at` has this form.
    fn fits(&self, page: &[u8], at: usize) -> bool {
        let behind = at + self.value.len();
        self.value.fits(page, at)
            && self.behind.as_ref().is_none_or(|form| form.fits(page, behind).is_some())
    }
}

impl BehindForm {
    /// Takes over a timestamp in milliseconds, with where it ends.
    fn learn_millis(page: &[u8], at: usize) -> Option<(Self, usize)> {
        let (_, end) = number::read_integer(page, at + 1)?;
        let timestamp = Number::learn(page, at + 1).filter(|form| at + 1 + form.len() == end)?;
        Some((Self { timestamp: Some(timestamp), is_millis: true, exemplar: None }, end))
    }

    /// Takes over a timestamp in seconds, an exemplar, or both, with where that ends.
    fn learn(page: &[u8], mut at: usize) -> Option<(Self, usize)> {
        let mut form = Self { timestamp: None, is_millis: false, exemplar: None };
        if page.get(at + 1) != Some(&b'#') {
            let timestamp = Number::learn(page, at + 1).filter(Number::is_finite)?;
            at += 1 + timestamp.len();
            form.timestamp = Some(timestamp);
            if page.get(at) != Some(&b' ') {
                return Some((form, at));
            }
        }
        let (exemplar, end) = ExemplarForm::learn(page, at)?;
        form.exemplar = Some(exemplar);
        Some((form, end))
    }

    fn fits(&self, page: &[u8], mut at: usize) -> Option<()> {
        let fits = |form: &Number, at: usize| form.fits(page, at).then_some(at + form.len());
        if let Some(form) = &self.timestamp {
            at = fits(form, at + 1)?;
        }
        if let Some(form) = &self.exemplar {
            let (len, _) = form.labels.find(page.get(at..)?)?;
            at = fits(&form.value, at + len)?;
            if let Some(form) = &form.timestamp {
                fits(form, at + 1)?;
            }
        }
        Some(())
    }

    /// Reads what stands at `at`; says whether it has this form.
    pub(super) fn read(&self, page: &[u8], at: usize, out: &mut Behind) -> bool {
        self.read_by(page, at, out, &Number::read).is_some()
    }

    /// The same by another function that reads numbers.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "its SIMD is that of the function it is inlined into")]
    fn read_by(
        &self,
        page: &[u8],
        mut at: usize,
        out: &mut Behind,
        number: &impl Fn(&Number, &[u8], usize, &mut Scaled) -> bool,
    ) -> Option<()> {
        (out.timestamp, out.exemplar, out.labels) = (None, None, (0, 0));
        if let Some(form) = &self.timestamp {
            let read = value_of(form, page, at + 1, number)?;
            let millis = if self.is_millis { read as i64 } else { millis_from_seconds(read) };
            out.timestamp = Some(millis);
            at += 1 + form.len();
        }
        if let Some(form) = &self.exemplar {
            let (len, labels) = form.labels.find(page.get(at..)?)?;
            out.labels = (labels, at + 4);
            at += len;
            let value = value_of(&form.value, page, at, number)?;
            let mut timestamp = None;
            if let Some(behind) = &form.timestamp {
                let seconds = value_of(behind, page, at + form.value.len() + 1, number)?;
                timestamp = Some(millis_from_seconds(seconds));
            }
            out.exemplar = Some(RawExemplar { value, timestamp });
        }
        Some(())
    }
}

/// The number at `at`, if it has a form.
#[inline]
fn value_of(
    form: &Number,
    page: &[u8],
    at: usize,
    number: &impl Fn(&Number, &[u8], usize, &mut Scaled) -> bool,
) -> Option<f64> {
    let mut scaled = Scaled::default();
    number(form, page, at, &mut scaled).then(|| scaled.value())
}

impl ExemplarForm {
    /// Takes over an exemplar, from the space before it on, with where it ends.
    fn learn(page: &[u8], at: usize) -> Option<(Self, usize)> {
        if !page.get(at..)?.starts_with(b" # {") {
            return None;
        }
        let mut labels = Vec::new();
        let at = fast_labels(page, at + 4, Rules::Exemplar, &mut None, &mut labels).ok()? + 1;
        let labels = Tail::learn(page, &labels)?;
        let value = Number::learn(page, at)?;
        let mut end = at + value.len();
        let mut timestamp = None;
        if page.get(end) == Some(&b' ') {
            let number = Number::learn(page, end + 1).filter(Number::is_finite)?;
            end += 1 + number.len();
            timestamp = Some(number);
        }
        Some((Self { labels, value, timestamp }, end))
    }
}

impl Number {
    /// Takes over the form of the number at `at`, which ends before a space or line feed.
    fn learn(page: &[u8], at: usize) -> Option<Self> {
        let end = value_end(page, at)?;
        let value = indexed_value(page, at, end)?;
        let token = page.get(at..end).filter(|token| token.len() < CHUNK)?;
        let (len, digits) = (token.len(), Digits::of(token));
        let mut form = Self {
            least: [0; CHUNK],
            more: [u8::MAX; CHUNK],
            places: [0; 16],
            kept: 0,
            by: 1.0,
            over: 1.0,
            bits: value.to_bits(),
            len: len as u8,
            is_long: false,
        };
        let bytes = form.least.iter_mut().zip(&mut form.more);
        for (((least, more), &byte), place) in bytes.zip(page.get(at..=end)?).zip(0..) {
            let is_digit = digits.is_some_and(|digits| digits.places >> place & 1 != 0);
            (*least, *more) = if is_digit { (b'0', 9) } else { (byte, 0) };
        }
        if let Some(digits) = digits {
            form.set_digits(digits);
        }
        Some(form)
    }

    fn set_digits(&mut self, digits: Digits) {
        let Digits { places, exponent, negative } = digits;
        let count = places.count_ones() as usize;
        let power = number::exact_power_of_ten(exponent.unsigned_abs() as usize);
        self.bits = u64::from(negative) << 63;
        let (Some(power), true) = (power, count <= EXACT_DIGITS) else {
            self.is_long = true;
            return;
        };
        *(if exponent < 0 { &mut self.over } else { &mut self.by }) = power;
        let last = self.places.iter_mut().rev();
        let digits = (0..CHUNK as u8).rev().filter(|place| places >> place & 1 != 0);
        for (place, digit) in last.zip(digits) {
            *place = digit;
        }
        self.kept = !0 << (16 - count);
    }

    /// Bytes without the last one.
    #[inline]
    fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// Whether all numbers of this form are finite.
    fn is_finite(&self) -> bool {
        self.kept != 0 || !self.is_long && f64::from_bits(self.bits).is_finite()
    }

    /// The form's digits, the last in the last place and zeros before the first: one instruction, which
    /// Miri does not know.
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    fn pick(&self, values: &[u8; CHUNK]) -> [u8; 16] {
        let mut digits = [0; 16];
        for (bit, (digit, place)) in digits.iter_mut().zip(self.places).enumerate() {
            if self.kept >> bit & 1 != 0 {
                *digit = values.get(usize::from(place)).copied().unwrap_or_default();
            }
        }
        digits
    }

    /// Whether what stands at `at` has this form.
    #[inline]
    fn fits(&self, page: &[u8], at: usize) -> bool {
        let Some(chunk) = page.get(at..).and_then(<[u8]>::first_chunk::<CHUNK>) else {
            return false;
        };
        let limits = self.least.iter().zip(&self.more);
        let fits = |(byte, (least, more)): (&u8, (&u8, &u8))| byte.wrapping_sub(*least) <= *more;
        chunk.iter().zip(limits).fold(true, |all, each| all & fits(each))
    }

    /// Reads the number at `at`; says whether it has this form.
    #[inline]
    pub(super) fn read(&self, page: &[u8], at: usize, out: &mut Scaled) -> bool {
        self.fits(page, at) && out.read_whole(page, at, at + self.len())
    }
}

/// Where a decimal number has its digits.
#[derive(Clone, Copy, Debug)]
struct Digits {
    /// One bit a byte; not those of the exponent.
    places: u32,
    /// By which power of ten they are multiplied.
    exponent: i32,
    negative: bool,
}

impl Digits {
    /// Digits with perhaps a point between them, a minus before, and an exponent of two digits behind;
    /// anything else is a number by itself.
    fn of(token: &[u8]) -> Option<Self> {
        let negative = token.starts_with(b"-");
        let start = usize::from(negative);
        let (mut body, mut exponent) = (token.get(start..)?, 0);
        if let Some((rest, [b'e' | b'E', sign @ (b'+' | b'-'), tens, ones])) =
            body.split_last_chunk()
            && tens.is_ascii_digit()
            && ones.is_ascii_digit()
        {
            let written = i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
            (body, exponent) = (rest, if *sign == b'-' { -written } else { written });
        }
        let mut places = 0;
        for (byte, place) in body.iter().zip(start..) {
            places |= u32::from(byte.is_ascii_digit()) << place;
        }
        let point = body.iter().position(|&byte| byte == b'.');
        let digits = places.count_ones() as usize;
        if let Some(point) = point {
            let behind = body.len() - point - 1;
            if point == 0 || behind == 0 {
                return None;
            }
            exponent -= behind as i32;
        }
        let is_decimal = digits != 0 && digits + usize::from(point.is_some()) == body.len();
        is_decimal.then_some(Self { places, exponent, negative })
    }
}

#[cfg(test)]
mod tests;
