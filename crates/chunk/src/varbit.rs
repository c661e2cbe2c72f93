//! The codes of variable width that the encodings beyond XOR share: integers behind a unary prefix,
//! XORs of floats within a window, and what a histogram's layout is made of.
//!
//! Reading never fails by itself: behind the end there are zeros, and the caller compares the
//! position with the end once a sample, as everywhere in this crate.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]

use crate::bits::{BitReader, BitWriter};

#[cfg(test)]
mod tests;

/// The widths behind prefixes of 0 to 8 ones.
const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];
/// The prefixes of this many ones and fewer are short: their codes have up to 32 bits.
const SHORT_ONES: u32 = 6;

/// Of the short code that begins with these seven bits, its length and the width behind the prefix;
/// nothing for the long ones.
const SHORT: [(u8, u8); 128] = short_codes();

/// The number of ones before a number of so many bits.
const ONES: [u8; 65] = ones_by_bits();

#[expect(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler"
)]
const fn short_codes() -> [(u8, u8); 128] {
    let mut codes = [(0, 0); 128];
    let mut bits = 0;
    while bits < codes.len() {
        let ones = (!(bits as u8) << 1).leading_zeros();
        if ones <= SHORT_ONES {
            let width = WIDTHS[ones as usize];
            codes[bits] = ((ones + 1 + width) as u8, width as u8);
        }
        bits += 1;
    }
    codes
}

#[expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "evaluated by the compiler"
)]
const fn ones_by_bits() -> [u8; 65] {
    let mut ones = [0; 65];
    let mut bits = 1;
    while bits < ones.len() {
        ones[bits] = ones[bits - 1];
        if (WIDTHS[ones[bits] as usize] as usize) < bits {
            ones[bits] += 1;
        }
        bits += 1;
    }
    ones
}

/// Collects short codes in a word, so that the writer is called once for several.
pub(crate) struct Batch<'a> {
    out: &'a mut BitWriter,
    bits: u64,
    n: u32,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(out: &'a mut BitWriter) -> Self {
        Self { out, bits: 0, n: 0 }
    }

    /// Appends the low `n` bits, 1 to 64, of `bits`; the others must be zero.
    #[inline]
    pub(crate) fn put(&mut self, bits: u64, n: u32) {
        if 64 < self.n.wrapping_add(n) {
            self.flush();
        }
        // A shift by 64 does nothing, and there is nothing to shift then.
        self.bits = self.bits.wrapping_shl(n) | bits;
        self.n = self.n.wrapping_add(n);
    }

    #[inline]
    pub(crate) fn put_int(&mut self, v: i64) {
        if v == 0 {
            return self.put(0, 1);
        }
        // The ranges lean to the positive side: n bits take v up to 2^(n-1).
        let negated = v.wrapping_neg();
        let magnitude = (negated ^ (negated >> 63)).cast_unsigned();
        let bits = 65_u32.wrapping_sub(magnitude.leading_zeros());
        self.put_code(v.cast_unsigned(), bits);
    }

    #[inline]
    pub(crate) fn put_uint(&mut self, v: u64) {
        if v == 0 {
            return self.put(0, 1);
        }
        self.put_code(v, 64_u32.wrapping_sub(v.leading_zeros()));
    }

    /// Hands over what was collected. Must be called at the end.
    #[inline]
    pub(crate) fn flush(&mut self) {
        if 0 < self.n {
            self.out.put(self.bits, self.n);
            (self.bits, self.n) = (0, 0);
        }
    }

    /// Appends a number that needs so many bits, at least 1.
    #[inline]
    fn put_code(&mut self, v: u64, bits: u32) {
        let ones = ONES.get(bits as usize).copied().unwrap_or(8);
        let width = WIDTHS.get(usize::from(ones)).copied().unwrap_or(64);
        let ones = u32::from(ones);
        if ones == 8 {
            self.put(0xff, 8);
            return self.put(v, 64);
        }
        // The ones, and the zero behind them.
        let prefix = 2_u64.wrapping_shl(ones).wrapping_sub(2);
        let low = v & 1_u64.wrapping_shl(width).wrapping_sub(1);
        self.put(prefix.wrapping_shl(width) | low, ones.wrapping_add(1).wrapping_add(width));
    }
}

/// Appends a signed integer.
#[inline]
pub(crate) fn put_int(out: &mut BitWriter, v: i64) {
    let mut batch = Batch::new(out);
    batch.put_int(v);
    batch.flush();
}

/// Appends an unsigned integer.
#[inline]
pub(crate) fn put_uint(out: &mut BitWriter, v: u64) {
    let mut batch = Batch::new(out);
    batch.put_uint(v);
    batch.flush();
}

/// Reads a signed integer.
#[inline]
pub(crate) fn take_int(bits: &mut BitReader<'_>) -> i64 {
    let word = bits.peek();
    let Some((v, used)) = short_int(word) else { return take_long(bits, true).cast_signed() };
    bits.skip(used);
    v
}

/// Reads an unsigned integer.
pub(crate) fn take_uint(bits: &mut BitReader<'_>) -> u64 {
    let word = bits.peek();
    let Some((used, width)) = short_code(word) else { return take_long(bits, false) };
    bits.skip(used);
    short_bits(word, used, width)
}

/// A reader of many codes in a row, which holds the bits that come next.
///
/// Where a code ends decides where the next one begins, so that every step between them counts. Here
/// these are on the word alone: memory is read ahead.
pub(crate) struct Feed<'a> {
    bits: BitReader<'a>,
    /// The offset of the byte behind the bits that the word is known to hold.
    at: usize,
    /// The next bits at the top. More of them may be there than are counted.
    word: u64,
    /// How many bits of the word are counted.
    held: u32,
}

/// How many floats that did not change let one expect that few did.
const RESTING: u32 = 6;
/// How many bits a feed holds at least after it was filled.
const FEED_BITS: u32 = 56;

impl<'a> Feed<'a> {
    pub(crate) fn new(bits: &BitReader<'a>) -> Self {
        let mut feed = Self { bits: *bits, at: bits.byte_offset(), word: 0, held: 0 };
        feed.fill();
        feed.pass(u32::from(bits.position().to_le_bytes()[0] & 7));
        feed
    }

    /// Moves the reader to where the feed is.
    #[inline]
    pub(crate) fn end(self, bits: &mut BitReader<'a>) {
        bits.set_position(self.at.wrapping_mul(8).wrapping_sub(self.held as usize));
    }

    /// Reads a signed integer.
    #[inline]
    pub(crate) fn int(&mut self) -> i64 {
        self.fill();
        let Some((v, used)) = short_int(self.word) else { return self.long_int() };
        self.pass(used);
        v
    }

    /// Reads the XOR of a float with the one before it.
    ///
    /// Whether a float changed is not asked but computed with: the fields of a histogram take turns,
    /// so that nothing foretells it.
    #[inline]
    pub(crate) fn xor(&mut self, window: &mut Window) -> u64 {
        self.fill();
        if self.word >> 62 == 0b11 {
            *window = Window::at_top(self.word << 2);
            self.pass(2 + LEADING_BITS + WIDTH_BITS);
            return self.within(*window);
        }
        let changed = (self.word >> 63) as u32;
        let width = u32::from(window.width).wrapping_mul(changed);
        let control = changed.wrapping_add(1);
        if FEED_BITS.wrapping_sub(2) < width {
            self.pass(2);
            return self.within(*window);
        }
        let behind = self.word.wrapping_shl(control);
        let bits = (behind >> 1).wrapping_shr(63_u32.wrapping_sub(width));
        self.pass(control.wrapping_add(width));
        bits.checked_shl(u32::from(window.trailing)).unwrap_or(0)
    }

    /// Whether the next floats, a few at least, are the same as before.
    #[inline]
    pub(crate) fn rests(&mut self) -> bool {
        self.fill();
        self.word >> (64 - RESTING) == 0
    }

    /// Passes floats that are the same as before, but not more than `most`; returns how many.
    #[inline]
    pub(crate) fn pass_unchanged(&mut self, most: usize) -> usize {
        self.fill();
        let run = self.word.leading_zeros().min(FEED_BITS);
        let run = run.min(u32::try_from(most).unwrap_or(FEED_BITS));
        self.pass(run);
        run as usize
    }

    /// Reads an XOR within a window.
    #[inline]
    fn within(&mut self, window: Window) -> u64 {
        let width = u32::from(window.width);
        if self.held < width {
            self.fill();
        }
        let bits = if width <= self.held {
            let bits = self.word.wrapping_shr(64_u32.wrapping_sub(width));
            self.pass(width);
            bits
        } else {
            self.wide(width)
        };
        bits.checked_shl(u32::from(window.trailing)).unwrap_or(0)
    }

    #[inline]
    fn fill(&mut self) {
        let next = self.bits.word_at(self.at);
        self.word |= next.wrapping_shr(self.held);
        self.at = self.at.wrapping_add((63_u32.wrapping_sub(self.held) >> 3) as usize);
        self.held |= FEED_BITS;
    }

    /// Goes on by `n` bits, up to 63 and up to what is held.
    #[inline]
    fn pass(&mut self, n: u32) {
        self.word = self.word.wrapping_shl(n);
        self.held = self.held.wrapping_sub(n);
    }

    #[cold]
    fn long_int(&mut self) -> i64 {
        let v = self.outside(|bits| take_long(bits, true));
        v.cast_signed()
    }

    #[cold]
    fn wide(&mut self, width: u32) -> u64 {
        self.outside(|bits| bits.take(width))
    }

    /// Reads with the reader below.
    fn outside(&mut self, read: impl FnOnce(&mut BitReader<'a>) -> u64) -> u64 {
        let mut bits = self.bits;
        bits.set_position(self.at.wrapping_mul(8).wrapping_sub(self.held as usize));
        let v = read(&mut bits);
        *self = Self::new(&bits);
        v
    }
}

/// The signed integer at the top of `word` and the bits of its code, if that is a short one.
#[inline]
pub(crate) fn short_int(word: u64) -> Option<(i64, u32)> {
    let (used, width) = short_code(word)?;
    let bits = short_bits(word, used, width);
    // Up to 2^(n-1) as it is, above it less 2^n: two's complement of one less, and one more. At a
    // width of 0 the shifts do nothing, and zero stays zero.
    let up = 64_u32.wrapping_sub(width);
    let less = bits.wrapping_sub(1).wrapping_shl(up).cast_signed();
    Some((less.wrapping_shr(up).wrapping_add(1), used))
}

/// The length of a short code and its width behind the prefix.
#[inline]
fn short_code(word: u64) -> Option<(u32, u32)> {
    match SHORT.get((word >> 57) as usize) {
        Some((used, width)) if *used != 0 => Some((u32::from(*used), u32::from(*width))),
        _ => None,
    }
}

/// The bits behind a short code's prefix; zero where there are none.
#[inline]
fn short_bits(word: u64, used: u32, width: u32) -> u64 {
    let bits = word.wrapping_shr(64_u32.wrapping_sub(used));
    bits & 1_u64.wrapping_shl(width).wrapping_sub(1)
}

#[cold]
fn take_long(bits: &mut BitReader<'_>, signed: bool) -> u64 {
    bits.skip(7);
    if bits.take(1) == 1 {
        return bits.take(64);
    }
    let v = bits.take(56);
    if signed && 1 << 55 < v { v.wrapping_sub(1 << 56) } else { v }
}

/// Which bits of an XOR are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many bits, 1 to 64; 0 for no window yet.
    width: u8,
    /// How many zeros follow them. 64 or more in corrupt chunks only, where nothing remains.
    trailing: u8,
}

/// The bits of a window's count of leading zeros, and of its width.
const LEADING_BITS: u32 = 5;
const WIDTH_BITS: u32 = 6;
/// The most leading zeros that are told.
const MAX_LEADING: u32 = 31;

impl Window {
    /// What a fresh encoder starts with: no XOR fits.
    pub(crate) const NONE: Self = Self { width: 0, trailing: 0 };
    /// What a decoder starts with: every XOR fits.
    pub(crate) const WHOLE: Self = Self { width: 64, trailing: 0 };

    /// Whether no writer writes such a window, since it is wider than a float.
    pub(crate) fn is_too_wide(self) -> bool {
        64 <= self.trailing
    }

    /// Whether an XOR that is not 0 can be written in the window.
    #[inline]
    pub(crate) fn takes(self, xor: u64) -> bool {
        let (width, trailing) = (u32::from(self.width), u32::from(self.trailing));
        let leading = 64_u32.wrapping_sub(trailing).wrapping_sub(width);
        0 < width
            && trailing <= xor.trailing_zeros()
            && leading <= xor.leading_zeros().min(MAX_LEADING)
    }

    /// Appends `control`, of `n` bits (up to 50), and an XOR that is not 0, in this window or a new
    /// one. The control is told which by a zero or a one behind it.
    #[inline]
    pub(crate) fn put(&mut self, out: &mut BitWriter, control: u64, n: u32, xor: u64) {
        if self.takes(xor) {
            out.put(control << 1, n.wrapping_add(1));
            self.put_within(out, xor);
        } else {
            self.put_new(out, control << 1 | 1, n.wrapping_add(1), xor);
        }
    }

    /// Appends an XOR that the window takes.
    #[inline]
    pub(crate) fn put_within(self, out: &mut BitWriter, xor: u64) {
        out.put(xor.wrapping_shr(u32::from(self.trailing)), u32::from(self.width));
    }

    /// Appends `control`, of `n` bits (up to 50), and an XOR that is not 0 in a window of its own.
    #[inline]
    pub(crate) fn put_new(&mut self, out: &mut BitWriter, control: u64, n: u32, xor: u64) {
        let leading = xor.leading_zeros().min(MAX_LEADING);
        let trailing = xor.trailing_zeros();
        let width = 64_u32.wrapping_sub(leading).wrapping_sub(trailing);
        *self = Self::new(width, trailing);
        // A width of 64 is written as 0.
        let shape = u64::from(leading) << WIDTH_BITS | u64::from(width & 63);
        let control = control << (LEADING_BITS + WIDTH_BITS) | shape;
        out.put(control, n.wrapping_add(LEADING_BITS + WIDTH_BITS));
        out.put(xor.wrapping_shr(trailing), width);
    }

    /// Reads an XOR within the window in force.
    #[inline]
    pub(crate) fn take(self, bits: &mut BitReader<'_>) -> u64 {
        let width = u32::from(self.width);
        bits.take(width).checked_shl(u32::from(self.trailing)).unwrap_or(0)
    }

    /// Reads a new window and an XOR within it.
    #[inline]
    pub(crate) fn take_new(&mut self, bits: &mut BitReader<'_>) -> u64 {
        *self = Self::at_top(bits.peek());
        bits.skip(LEADING_BITS + WIDTH_BITS);
        self.take(bits)
    }

    /// The window that is told at the top of `word`.
    #[inline]
    fn at_top(word: u64) -> Self {
        let leading = (word >> (64 - LEADING_BITS)) as u32;
        let width = match ((word << LEADING_BITS) >> (64 - WIDTH_BITS)) as u32 {
            0 => 64,
            width => width,
        };
        // Wraps where both say more than 64, which shifts all bits out.
        Self::new(width, 64_u32.wrapping_sub(leading).wrapping_sub(width))
    }

    /// How many bits are written, and how many zeros follow them.
    #[inline]
    pub(crate) fn parts(self) -> (u32, u32) {
        (u32::from(self.width), u32::from(self.trailing))
    }

    /// A window of so many bits with so many zeros behind.
    #[inline]
    pub(crate) fn new(width: u32, trailing: u32) -> Self {
        Self { width: (width & 0xff) as u8, trailing: (trailing & 0xff) as u8 }
    }
}

/// Appends the XOR of a float with the one before it: `0`, `10` or `11` and so on.
#[inline]
pub(crate) fn put_xor(out: &mut BitWriter, window: &mut Window, xor: u64) {
    if xor == 0 {
        return out.put(0, 1);
    }
    window.put(out, 1, 1, xor);
}

/// Appends an integer in groups of seven bits, the lowest first, as whole bytes at any bit.
pub(crate) fn put_uvarint(out: &mut BitWriter, mut v: u64) {
    while 0x80 <= v {
        out.put((v & 0x7f) | 0x80, 8);
        v >>= 7;
    }
    out.put(v, 8);
}

/// The same for a signed integer, in zig-zag order.
pub(crate) fn put_varint(out: &mut BitWriter, v: i64) {
    put_uvarint(out, ((v << 1) ^ (v >> 63)).cast_unsigned());
}

/// Reads an integer in groups of seven bits; `None` if it needs more than 64 bits.
pub(crate) fn take_uvarint(bits: &mut BitReader<'_>) -> Option<u64> {
    let mut v: u64 = 0;
    for shift in (0_u32..64).step_by(7) {
        let byte = bits.take(8);
        if shift == 63 && 1 < byte {
            return None;
        }
        v |= (byte & 0x7f).wrapping_shl(shift);
        if byte < 0x80 {
            break;
        }
    }
    Some(v)
}

/// The same for a signed integer, in zig-zag order.
pub(crate) fn take_varint(bits: &mut BitReader<'_>) -> Option<i64> {
    let zigzag = take_uvarint(bits)?;
    Some((zigzag >> 1).cast_signed() ^ (zigzag & 1).cast_signed().wrapping_neg())
}

/// The exponents of the thresholds that take a single byte, as IEEE 754 biases them; the least has
/// the byte 1.
const THRESHOLD_EXPONENTS: core::ops::RangeInclusive<u64> = 780..=1033;

/// Appends a zero threshold: one byte for 0 and for 2^-243 to 2^10, or nine.
pub(crate) fn put_zero_threshold(out: &mut BitWriter, threshold: f64) {
    if threshold == 0.0 {
        return out.put(0, 8);
    }
    let bits = threshold.to_bits();
    let exponent = bits >> 52;
    if bits << 12 == 0 && THRESHOLD_EXPONENTS.contains(&exponent) {
        return out.put(exponent.wrapping_sub(*THRESHOLD_EXPONENTS.start()).wrapping_add(1), 8);
    }
    out.put(0xff, 8);
    out.put(bits, 64);
}

/// Reads a zero threshold.
pub(crate) fn take_zero_threshold(bits: &mut BitReader<'_>) -> f64 {
    f64::from_bits(match bits.take(8) {
        0 => 0,
        0xff => bits.take(64),
        byte => byte.wrapping_add(*THRESHOLD_EXPONENTS.start()).wrapping_sub(1) << 52,
    })
}

/// The greatest bound, in thousandths, that is written as an integer.
const MAX_THOUSANDTHS: f64 = 33_554_430.0;

/// Appends a custom bound: its thousandths and one, where that is exact, or a zero bit and itself.
pub(crate) fn put_custom_bound(out: &mut BitWriter, bound: f64) {
    match thousandths(bound) {
        Some(n) => put_uint(out, n.wrapping_add(1)),
        None => {
            out.put(0, 1);
            out.put(bound.to_bits(), 64);
        }
    }
}

/// Reads a custom bound.
pub(crate) fn take_custom_bound(bits: &mut BitReader<'_>) -> f64 {
    match take_uint(bits) {
        0 => f64::from_bits(bits.take(64)),
        n => n.wrapping_sub(1) as f64 / 1000.0,
    }
}

/// The number of thousandths of which `bound` is exactly as many, if they are not too many.
fn thousandths(bound: f64) -> Option<u64> {
    let scaled = bound * 1000.0;
    if !(0.0..=MAX_THOUSANDTHS).contains(&scaled) {
        return None;
    }
    // `f64::round` is not in `core`; the range is small enough for halves to be exact.
    #[expect(clippy::cast_possible_truncation, reason = "in the range, as was just asked")]
    let n = (scaled + 0.5) as i64;
    let n = n.cast_unsigned();
    (n as f64 / 1000.0 == bound).then_some(n)
}
