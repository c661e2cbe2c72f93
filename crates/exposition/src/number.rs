//! Numbers: Go's float grammar, a fast path for what exporters write, and label floats.
//!
//! Values are decimal floats without underscores and hexadecimal digits; the floats in `le` and
//! `quantile` may have both. The result is always the nearest float: the fast path only takes
//! numbers that one exact multiplication or division gives.

use alloc::string::String;
use alloc::vec::Vec;
use core::str;

use skopos_core::text::{FloatStyle, write_float};

#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) mod avx512;

/// The one NaN that a parsed value can be.
pub(crate) const NORMAL_NAN: u64 = 0x7ff8_0000_0000_0001;

/// Powers of ten that are exact in a double.
pub(crate) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Up to here all integers are doubles.
pub(crate) const EXACT: u64 = 1 << 53;

/// Why a number could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// It has a character that only newer float literals have.
    Unsupported,
    /// It is not a number.
    Syntax,
    /// It does not fit.
    Range,
}

/// Reads a token: digits, perhaps a point, perhaps an exponent of two digits.
///
/// Gives nothing where the token is not so simple, or needs more than one operation to be exact, or is
/// too close to the beginning of `bytes`; the caller then takes [`parse_value`].
#[inline]
pub(crate) fn read_token(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    let (_, last) = bytes.get(..end)?.split_last_chunk::<8>()?;
    let len = end.wrapping_sub(start);
    if (1..=8).contains(&len) {
        let digits = (u64::from_le_bytes(*last) ^ repeat(b'0')) & u64::MAX << (64 - 8 * len);
        if non_digits(digits) == 0 {
            return Some(eight_digits(digits) as i64 as f64);
        }
    }
    read_long_token(bytes, start, end)
}

/// Reads one to seven digits at `at`; gives where they end.
#[inline]
pub(crate) fn read_digits(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?) ^ repeat(b'0');
    let bits = non_digits(word).trailing_zeros() & !7;
    if !(8..64).contains(&bits) {
        return None;
    }
    Some((eight_digits(word << (64 - bits)) as i64 as f64, at + bits as usize / 8))
}

/// Reads one to fifteen digits at `at`; gives where they end.
#[inline]
pub(crate) fn read_integer(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let (number, digits) = leading_two(bytes, at)?;
    (1..16).contains(&digits).then_some((number as i64, at + digits))
}

/// Reads the digits at `at`, sixteen at most; gives how many there are.
#[inline(always)]
#[expect(clippy::inline_always, reason = "both numbers go to their user in registers")]
fn leading_two(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let (first, digits) = leading_digits(bytes, at)?;
    if digits < 8 {
        return Some((first, digits));
    }
    let (second, more) = leading_digits(bytes, at + 8)?;
    Some((first * power_of_ten(more) + second, 8 + more))
}

/// Reads a token that is more than a few digits.
fn read_long_token(bytes: &[u8], start: usize, end: usize) -> Option<f64> {
    let (rest, last) = bytes.get(..end)?.split_last_chunk::<4>()?;
    let negative = bytes.get(start) == Some(&b'-');
    let start = start + usize::from(negative);
    let (mut end, mut exponent) = (end, 0);
    if let [b'e' | b'E', sign @ (b'+' | b'-'), tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = last {
        let written = i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
        exponent = if *sign == b'-' { -written } else { written };
        end = rest.len();
    }
    let (mantissa, fraction) = read_mantissa(bytes, start, end)?;
    let value = scale_decimal(mantissa, exponent - fraction)?;
    Some(if negative { -value } else { value })
}

/// Reads digits with at most one point, which is neither the first nor the last; at most 16 digits, or
/// 19 with a point. Gives the digits as a number, and how many are behind the point.
#[inline]
fn read_mantissa(bytes: &[u8], start: usize, end: usize) -> Option<(u64, i32)> {
    let len = end.checked_sub(start).filter(|len| (1..=20).contains(len))?;
    let (first, digits) = leading_digits(bytes, start)?;
    let (mut whole, mut before) = (first, digits);
    if digits == 8 && 8 < len {
        let (second, more) = leading_digits(bytes, start + 8)?;
        whole = first * power_of_ten(more) + second;
        before = 8 + more;
    }
    if before == len {
        return Some((whole, 0));
    }
    let behind = len.checked_sub(before + 1)?;
    if before == 0 || 19 < before + behind || bytes.get(start + before) != Some(&b'.') {
        return None;
    }
    let fraction = trailing_digits(bytes, end, behind)?;
    Some((whole * power_of_ten(behind) + fraction, behind as i32))
}

/// Reads the digits at `at`, eight at most; gives how many there are.
#[inline]
fn leading_digits(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let rest = bytes.get(at..)?;
    let word = rest.first_chunk().map_or_else(|| last_word(rest), |word| u64::from_le_bytes(*word));
    let word = word ^ repeat(b'0');
    let count = non_digits(word).trailing_zeros() / 8;
    let digits = word.checked_shl(64 - 8 * count).unwrap_or(0);
    Some((eight_digits(digits), count as usize))
}

/// The last bytes of a page, where there are fewer than eight; others are zero.
#[cold]
fn last_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// A power of ten; those that do not fit are 0.
#[inline]
fn power_of_ten(exponent: usize) -> u64 {
    const POWERS: [u64; 20] = {
        let mut powers = [1; 20];
        let mut at = 1;
        while at < 20 {
            powers[at] = 10 * powers[at - 1];
            at += 1;
        }
        powers
    };
    POWERS.get(exponent).copied().unwrap_or(0)
}

/// Reads the last `len` bytes before `end`, all of which must be digits: 1 to 18.
#[inline]
fn trailing_digits(bytes: &[u8], end: usize, len: usize) -> Option<u64> {
    let last_eight = |end: usize, len: usize| {
        let (_, last) = bytes.get(..end)?.split_last_chunk::<8>()?;
        let digits = (u64::from_le_bytes(*last) ^ repeat(b'0')) & u64::MAX << (64 - 8 * len);
        (non_digits(digits) == 0).then(|| eight_digits(digits))
    };
    match len {
        1..=8 => last_eight(end, len),
        9..=16 => Some(last_eight(end - 8, len - 8)? * 100_000_000 + last_eight(end, 8)?),
        17..=18 => {
            let first = last_eight(end - 16, len - 16)? * 10_000_000_000_000_000;
            Some(first + last_eight(end - 8, 8)? * 100_000_000 + last_eight(end, 8)?)
        }
        _ => None,
    }
}

/// The high bit of each byte that is above 9.
#[inline]
const fn non_digits(word: u64) -> u64 {
    (((word & repeat(0x7f)) + repeat(0x76)) | word) & repeat(0x80)
}

/// The number of eight digits, of which the first is in the lowest byte.
#[inline]
const fn eight_digits(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    low.wrapping_add(high) >> 32
}

const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// A power of ten that is a double.
pub(crate) fn exact_power_of_ten(exponent: usize) -> Option<f64> {
    POWERS.get(exponent).copied()
}

/// The float of an integer that is one.
#[inline]
fn exact(mantissa: u64) -> Option<f64> {
    // Signed integers are converted in one step.
    (mantissa <= EXACT).then_some(mantissa as i64 as f64)
}

/// `mantissa · 10^exponent`, exactly rounded, where one operation gives it.
#[inline]
fn scale_decimal(mantissa: u64, exponent: i32) -> Option<f64> {
    let power = *POWERS.get(exponent.unsigned_abs() as usize)?;
    match exact(mantissa) {
        Some(magnitude) if exponent < 0 => Some(magnitude / power),
        Some(magnitude) => Some(magnitude * power),
        None => scale_long(mantissa, exponent),
    }
}

/// The same for a mantissa that no float has.
#[inline(never)]
fn scale_long(mantissa: u64, exponent: i32) -> Option<f64> {
    let power = u128::from(10u64.checked_pow(exponent.unsigned_abs())?);
    if 0 <= exponent {
        return Some((u128::from(mantissa) * power) as f64);
    }
    // The quotient has at least 64 bits, so one for what is left of it decides as the rest would.
    let shift = 64 + mantissa.leading_zeros();
    let dividend = u128::from(mantissa) << shift;
    let quotient = (dividend / power) | u128::from(!dividend.is_multiple_of(power));
    // Scaling by a power of two is exact.
    Some(quotient as f64 / (1u128 << 64) as f64 / (1u64 << mantissa.leading_zeros()) as f64)
}

/// How many digits the greatest float has.
const LONGEST: usize = 309;

/// Reads a sample's value, or a timestamp in seconds.
pub(crate) fn parse_value(token: &[u8]) -> Result<f64, NumberError> {
    // What is no number costs less than one, and so does an integer that is beyond all floats.
    let (mut is_number, mut is_integer) = (true, true);
    for byte in token {
        match byte {
            b'0'..=b'9' => {}
            b'p' | b'P' | b'_' => return Err(NumberError::Unsupported),
            b'+' | b'-' | b'.' | b'a'..=b'z' | b'A'..=b'Z' => is_integer = false,
            _ => is_number = false,
        }
    }
    if !is_number {
        return Err(NumberError::Syntax);
    }
    if LONGEST < token.len() && is_integer && token[0] != b'0' {
        return Err(NumberError::Range);
    }
    parse_decimal(token)
}

/// Reads a decimal float as Go does: an overflow is an error, and so is a signed NaN.
fn parse_decimal(token: &[u8]) -> Result<f64, NumberError> {
    let text = str::from_utf8(token).map_err(|_| NumberError::Syntax)?;
    let value: f64 = text.parse().map_err(|_| NumberError::Syntax)?;
    if value.is_nan() {
        let plain = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
        return if plain { Ok(f64::from_bits(NORMAL_NAN)) } else { Err(NumberError::Syntax) };
    }
    if value.is_infinite() && !text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'i')) {
        return Err(NumberError::Range);
    }
    Ok(value)
}

/// Reads a timestamp in milliseconds: digits alone.
pub(crate) fn parse_millis(digits: &[u8]) -> Result<i64, NumberError> {
    let mut millis: i64 = 0;
    for digit in digits {
        let digit = i64::from(digit.wrapping_sub(b'0'));
        millis = millis
            .checked_mul(10)
            .and_then(|shifted| shifted.checked_add(digit))
            .ok_or(NumberError::Range)?;
    }
    Ok(millis)
}

/// Milliseconds from seconds, as a conversion in Go gives them on the usual machines: truncated, and
/// the least integer for what does not fit.
pub(crate) fn millis_from_seconds(seconds: f64) -> i64 {
    let millis = seconds * 1000.0;
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&millis) {
        millis as i64
    } else {
        i64::MIN
    }
}

/// Appends the canonical form of the float in a `le` or `quantile` label, if it is one.
///
/// Gives whether anything was appended: not for a value that is canonical already, nor for one that
/// is no float.
pub(crate) fn canonical_label_float(text: &str, out: &mut String) -> bool {
    if is_canonical(text.as_bytes()) {
        return false;
    }
    if is_plain_integer(text.as_bytes()) {
        out.push_str(text);
        out.push_str(".0");
        return true;
    }
    let Ok(value) = parse_label_float(text.as_bytes()) else { return false };
    write_label_float(value, out);
    true
}

/// Whether a label float of at most eight bytes, of which the first is in the lowest byte, wants a point
/// and a zero to have its canonical form; nothing where it may want more than that.
#[inline]
pub(crate) fn wants_point(text: u64, len: usize) -> Option<bool> {
    const INFINITY: u64 = u32::from_le_bytes(*b"+Inf") as u64;
    const POINT: u64 = (b'.' ^ b'0') as u64;
    let last = len.checked_sub(1).filter(|last| *last < 8)?;
    let digits = text ^ (repeat(b'0') & u64::MAX >> (56 - 8 * last));
    let others = non_digits(digits);
    let byte = |at: usize| digits >> (8 * at) & 0xff;
    if others == 0 {
        return (last < 6 && (last == 0 || byte(0) != 0)).then_some(true);
    }
    let whole = others.trailing_zeros() as usize / 8;
    let fraction = last.checked_sub(whole)?;
    let is_float = others.is_power_of_two()
        && byte(whole) == POINT
        && (whole == 1 || 1 < whole && byte(0) != 0)
        && (fraction == 1 || 1 < fraction && byte(last) != 0)
        && (byte(0) != 0 || fraction < 5);
    (is_float || text == INFINITY && len == 4).then_some(false)
}

/// Appends a float as OpenMetrics writes it: with a point or an exponent in every finite one.
pub(crate) fn write_label_float(value: f64, out: &mut String) {
    let start = out.len();
    write_float(out, value, FloatStyle::General);
    if value.is_finite() && !out[start..].contains(['.', 'e']) {
        out.push_str(".0");
    }
}

/// Whether a label float is an integer that wants nothing but a point and a zero; may say no for one.
fn is_plain_integer(text: &[u8]) -> bool {
    (1..=6).contains(&text.len())
        && text.iter().all(u8::is_ascii_digit)
        && (text == b"0" || text[0] != b'0')
}

/// Whether a label float is surely written canonically; may say no for one that is.
fn is_canonical(text: &[u8]) -> bool {
    if text == b"+Inf" {
        return true;
    }
    let Some(point) = memchr::memchr(b'.', text) else { return false };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    digits(whole)
        && digits(fraction)
        && whole.len() <= 6
        && (whole == b"0" || whole[0] != b'0')
        && (fraction == b"0" || fraction.last() != Some(&b'0'))
        && whole.len() + fraction.len() <= 15
        && (whole != b"0" || fraction == b"0" || !fraction.starts_with(b"0000"))
}

/// Reads a float in the full grammar of Go's literals: hexadecimal and underscores too.
pub(crate) fn parse_label_float(token: &[u8]) -> Result<f64, NumberError> {
    let unsigned = token.strip_prefix(b"-").or(token.strip_prefix(b"+")).unwrap_or(token);
    let hexadecimal = matches!(unsigned, [b'0', b'x' | b'X', ..]);
    if !token.contains(&b'_') {
        return if hexadecimal { parse_hexadecimal(token, unsigned) } else { parse_decimal(token) };
    }
    if !underscores_separate_digits(unsigned, hexadecimal) {
        return Err(NumberError::Syntax);
    }
    let plain: Vec<u8> = token.iter().copied().filter(|&b| b != b'_').collect();
    parse_label_float(&plain)
}

/// Whether each underscore stands after a digit, or the prefix `0x`, and before a digit.
fn underscores_separate_digits(unsigned: &[u8], hexadecimal: bool) -> bool {
    let digits = if hexadecimal { &unsigned[2..] } else { unsigned };
    // The prefix counts as a digit.
    let (mut after_digit, mut after_underscore) = (hexadecimal, false);
    for &byte in digits {
        let digit = byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
        let underscore = byte == b'_';
        if underscore && !after_digit || after_underscore && !digit {
            return false;
        }
        (after_digit, after_underscore) = (digit, underscore);
    }
    !after_underscore
}

/// Reads `0x1.8p3`: hexadecimal digits, at least one, and a binary exponent that must be there.
fn parse_hexadecimal(token: &[u8], unsigned: &[u8]) -> Result<f64, NumberError> {
    let digits = &unsigned[2..];
    let p = digits.iter().position(|b| b.eq_ignore_ascii_case(&b'p')).ok_or(NumberError::Syntax)?;
    let exponent = str::from_utf8(&digits[p + 1..]).map_err(|_| NumberError::Syntax)?;
    let unsigned_exponent = exponent.trim_start_matches(['+', '-']);
    if unsigned_exponent.is_empty() || !unsigned_exponent.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NumberError::Syntax);
    }
    if 1 < exponent.len() - unsigned_exponent.len() {
        return Err(NumberError::Syntax);
    }
    let mut binary: i64 = unsigned_exponent.parse().unwrap_or(100_000).min(100_000);
    if exponent.starts_with('-') {
        binary = -binary;
    }
    let (mut mantissa, mut sticky, mut seen, mut point) = (0u64, false, false, false);
    for &byte in &digits[..p] {
        if byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16).ok_or(NumberError::Syntax)?;
        seen = true;
        if mantissa < 1 << 58 {
            mantissa = mantissa << 4 | u64::from(digit);
            binary -= if point { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            binary += if point { 0 } else { 4 };
        }
    }
    if !seen {
        return Err(NumberError::Syntax);
    }
    let value = scale(mantissa | u64::from(sticky), binary)?;
    Ok(if token[0] == b'-' { -value } else { value })
}

/// `mantissa · 2^exponent`, rounded once, to the nearest and ties to even.
fn scale(mantissa: u64, exponent: i64) -> Result<f64, NumberError> {
    if mantissa == 0 {
        return Ok(0.0);
    }
    let top = 63 - i64::from(mantissa.leading_zeros()) + exponent;
    if 1023 < top {
        return Err(NumberError::Range);
    }
    // The weight of the last bit that the result keeps.
    let last = (top - 52).max(-1074);
    let shift = last - exponent;
    let (kept, rest_is) = match shift {
        ..=0 => (mantissa << -shift, core::cmp::Ordering::Less),
        1..=63 => {
            let rest = mantissa & ((1 << shift) - 1);
            (mantissa >> shift, rest.cmp(&(1 << (shift - 1))))
        }
        64 => (0, mantissa.cmp(&(1 << 63))),
        _ => (0, core::cmp::Ordering::Less),
    };
    let up = rest_is.is_gt() || rest_is.is_eq() && kept & 1 == 1;
    let kept = kept + u64::from(up);
    // A subnormal's bits are its multiple of the least float; a carry runs into the exponent.
    let biased = if last == -1074 && kept < 1 << 52 { 0 } else { (last + 1075) as u64 };
    let bits = (biased << 52).wrapping_add(if biased == 0 { kept } else { kept - (1 << 52) });
    let value = f64::from_bits(bits);
    if value.is_infinite() { Err(NumberError::Range) } else { Ok(value) }
}

#[cfg(test)]
mod tests;
