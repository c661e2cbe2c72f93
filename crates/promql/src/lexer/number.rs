//! Numbers: where one ends in the text, and what it is worth.
//!
//! The rules are Go's with a scanner of PromQL's own before them, which accepts and refuses in ways
//! that users see in error messages (the part of the text that was read).

#[cfg(test)]
mod tests;

use crate::token::Kind;

/// How many bytes were read when it was clear that this is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScanError(pub(crate) usize);

/// Whether it is a decimal digit.
pub(crate) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

fn is_alphanumeric(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// The length of the number or duration literal that `text` begins with, and which of them it is.
pub(crate) fn scan_number_or_duration(text: &[u8]) -> Result<(usize, Kind), ScanError> {
    if let Some(len) = scan_plain(text) {
        return Ok((len, Kind::Number));
    }
    let mut scan = Scan { text, at: 0 };
    if scan.number(Flavor::Expression) {
        return Ok((scan.at, Kind::Number));
    }
    if scan.rest_of_duration() {
        return Ok((scan.at, Kind::Duration));
    }
    Err(ScanError(scan.at))
}

/// The length of the number that `text` begins with, in a series description.
#[cfg(feature = "engine")]
pub(crate) fn scan_series_number(text: &[u8]) -> Result<usize, ScanError> {
    let mut scan = Scan { text, at: 0 };
    if scan.number(Flavor::Series) { Ok(scan.at) } else { Err(ScanError(scan.at)) }
}

/// The length of a number of decimal digits only: nearly all of them.
fn scan_plain(text: &[u8]) -> Option<usize> {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = text.get(len).is_none_or(|&b| b != b'.' && !is_alphanumeric(b));
    (0 < len && ends).then_some(len)
}

#[derive(Clone, Copy, PartialEq)]
enum Flavor {
    Expression,
    /// No hexadecimal numbers, and `x` may follow: it repeats.
    Series,
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn accept(&mut self, valid: impl Fn(u8) -> bool) -> bool {
        let accepted = self.peek().is_some_and(valid);
        self.at += usize::from(accepted);
        accepted
    }

    /// Reads a number; if it is none, the place is where that became clear.
    fn number(&mut self, flavor: Flavor) -> bool {
        let start = self.at;
        let mut hex = false;
        if flavor == Flavor::Expression
            && self.accept(|b| b == b'0')
            && self.accept(|b| matches!(b, b'x' | b'X'))
        {
            self.accept(|b| b == b'_');
            hex = true;
        }
        if !self.digits_and_marks(hex) || self.at == start {
            return false;
        }
        match self.peek() {
            Some(b'x') if flavor == Flavor::Series => true,
            next => !next.is_some_and(is_alphanumeric),
        }
    }

    /// Reads digits, dots, exponents and underscores, as far as their order allows.
    fn digits_and_marks(&mut self, hex: bool) -> bool {
        let is_digit = |b: u8| if hex { b.is_ascii_hexdigit() } else { b.is_ascii_digit() };
        let is_exponent = |b: u8| matches!(b, b'e' | b'E');
        let stops = |b: u8| matches!(b, b'.' | b'_' | b'e' | b'E');
        self.accept(|b| b == b'.');
        self.accept(is_digit);
        let (mut got_dot, mut got_exponent) = (false, false);
        while let Some(next) = self.peek() {
            match next {
                b'.' => {
                    self.at += 1;
                    if got_dot || self.accept(|b| matches!(b, b'_' | b'.')) || hex {
                        return false;
                    }
                    got_dot = true;
                }
                _ if is_exponent(next) => {
                    self.at += 1;
                    if got_exponent {
                        return false;
                    }
                    got_exponent = true;
                    self.accept(|b| matches!(b, b'+' | b'-'));
                    if self.accept(stops) || self.peek().is_none() {
                        return false;
                    }
                }
                b'_' => {
                    self.at += 1;
                    if self.accept(stops) || self.peek().is_none() {
                        return false;
                    }
                }
                _ if is_digit(next) => while self.accept(is_digit) {},
                _ => break,
            }
        }
        true
    }

    /// Reads what follows the first number of a duration.
    fn rest_of_duration(&mut self) -> bool {
        if !self.accept(|b| b"smhdwy".contains(&b)) {
            return false;
        }
        self.accept(|b| b == b's');
        while self.accept(is_digit) {
            while self.accept(is_digit) {}
            if !self.accept(|b| b"smhdw".contains(&b)) {
                return false;
            }
            self.accept(|b| b == b's');
        }
        !self.accept(is_alphanumeric)
    }
}

/// The value of a number literal.
///
/// # Errors
///
/// Go's sentence about it.
pub(crate) fn parse_number(text: &str) -> Result<f64, String> {
    if let Some(v) = parse_digits(text.as_bytes()) {
        return Ok(f64::from(v));
    }
    if let Some(v) = parse_integer(text) {
        return Ok(v);
    }
    let error = |what: &str| {
        let text = crate::text::Quoted(text);
        format!("error parsing number: strconv.ParseFloat: parsing {text}: {what}")
    };
    if text.eq_ignore_ascii_case("nan") {
        return Ok(GO_NAN);
    }
    if text.eq_ignore_ascii_case("inf") {
        return Ok(f64::INFINITY);
    }
    let digits = text.replace('_', "");
    match digits.parse::<f64>() {
        Ok(v) if v.is_infinite() => Err(error("value out of range")),
        Ok(v) => Ok(v),
        Err(_) => Err(error("invalid syntax")),
    }
}

/// Go's not-a-number, whose bits differ from those of `f64::NAN`.
const GO_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// The value of up to nine digits without a leading zero.
pub(crate) fn parse_digits(text: &[u8]) -> Option<u32> {
    if !(1..=9).contains(&text.len()) || (text[0] == b'0' && text.len() != 1) {
        return None;
    }
    text.iter()
        .try_fold(0_u32, |value, &b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))
}

/// The value of an integer in Go's notation that fits 64 bits: `0x` is hexadecimal, `0` octal.
///
/// The scanner lets underscores pass only between digits and after `0x`, which is Go's rule.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what Go takes")]
fn parse_integer(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if 1 < lower.len() && lower.starts_with('0') => (&lower[1..], 8),
        None => (lower.as_str(), 10),
    };
    // A sign inside (`0x1e+5`) is refused by Go; the standard library takes one in front only.
    if digits.starts_with(['+', '-']) || digits.ends_with('_') {
        return None;
    }
    let value = i64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(value as f64)
}
