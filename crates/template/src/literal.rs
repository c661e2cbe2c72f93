//! Go's literals: quoted strings, characters and numbers of every notation.

use skopos_core::text::Quoted;

#[cfg(test)]
mod tests;

/// A number as it is written, with each type of value that it can be.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    /// Whether it fits an unsigned integer; its value as one is never asked for.
    pub(crate) is_unsigned: bool,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Number {
    /// A number or a character, as the lexer found it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix('\'') {
            return Self::parse_char(text, rest);
        }
        if let Some(digits) = text.strip_suffix('i')
            && let Ok(imaginary) = parse_float(digits)
        {
            return Ok(Self::from_complex(text, 0.0, imaginary));
        }
        let mut number = Self::empty(text);
        number.int = parse_int(text);
        number.is_unsigned = parse_unsigned(text).is_some() || number.int == Some(0);
        if let Some(int) = number.int {
            number.float = Some(int as f64);
        } else if let Some(unsigned) = parse_unsigned(text) {
            number.float = Some(unsigned as f64);
        } else if let Ok(float) = parse_float(text) {
            if !text.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", Quoted(text)));
            }
            number.float = Some(float);
            number.int = exact_int(float);
            number.is_unsigned = number.int.is_some_and(|int| 0 <= int);
        } else {
            return Err(format!("illegal number syntax: {}", Quoted(text)));
        }
        Ok(number)
    }

    /// A sum of a real and an imaginary part, such as `1+2i`.
    pub(crate) fn parse_complex(text: &str) -> Result<Self, String> {
        let split = text
            .char_indices()
            .skip(1)
            .find(|&(at, c)| matches!(c, '+' | '-') && !text[..at].ends_with(['e', 'E', 'p', 'P']));
        let parts = split.and_then(|(at, _)| {
            let real = parse_float(&text[..at]).ok()?;
            let imaginary = parse_float(text[at..].strip_suffix('i')?).ok()?;
            Some((real, imaginary))
        });
        let (real, imaginary) = parts.ok_or("syntax error scanning complex number")?;
        Ok(Self::from_complex(text, real, imaginary))
    }

    fn empty(text: &str) -> Self {
        let text = text.to_owned();
        Self { text, int: None, is_unsigned: false, float: None, complex: None }
    }

    fn from_complex(text: &str, real: f64, imaginary: f64) -> Self {
        let mut number = Self::empty(text);
        number.complex = Some((real, imaginary));
        if imaginary == 0.0 {
            number.float = Some(real);
            number.int = exact_int(real);
            number.is_unsigned = number.int.is_some_and(|int| 0 <= int);
        }
        number
    }

    fn parse_char(text: &str, rest: &str) -> Result<Self, String> {
        let (c, tail) = unquote_char(rest, '\'').ok_or("invalid syntax")?;
        if tail != "'" {
            return Err(format!("malformed character constant: {text}"));
        }
        let code = match c {
            Unquoted::Byte(byte) => u32::from(byte),
            Unquoted::Char(c) => u32::from(c),
        };
        let mut number = Self::empty(text);
        number.int = Some(i64::from(code));
        number.is_unsigned = true;
        number.float = Some(f64::from(code));
        Ok(number)
    }

    /// Whether it is written as a float, so that it is one where its type is open.
    pub(crate) fn reads_as_float(&self) -> bool {
        let hex = self.text.starts_with("0x") || self.text.starts_with("0X");
        let is_hex_int = hex && self.text.len() > 2 && !self.text.contains(['p', 'P']);
        !is_hex_int && !self.text.starts_with('\'') && self.text.contains(['.', 'e', 'E', 'p', 'P'])
    }
}

fn exact_int(float: f64) -> Option<i64> {
    let int = go_int(float);
    (int as f64 == float).then_some(int)
}

/// A float as an integer, truncated, as Go does it on most machines: what does not fit is the
/// smallest integer.
pub(crate) fn go_int(float: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

enum Unquoted {
    Byte(u8),
    Char(char),
}

/// The text of a string literal in double or back quotes.
pub(crate) fn unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(body) = literal.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(body.bytes().filter(|b| *b != b'\r').collect());
    }
    let mut rest = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (c, tail) = unquote_char(rest, '"')?;
        match c {
            Unquoted::Byte(byte) => out.push(byte),
            Unquoted::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = tail;
    }
    Some(out)
}

/// The first character of `text`, an escape interpreted, and what follows it.
fn unquote_char(text: &str, quote: char) -> Option<(Unquoted, &str)> {
    let mut chars = text.chars();
    let first = chars.next().filter(|c| *c != quote && *c != '\n')?;
    if first != '\\' {
        return Some((Unquoted::Char(first), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let plain = match escape {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        '\'' | '"' if escape == quote => escape,
        'x' => {
            let (code, rest) = digits(rest, 2, 16)?;
            return Some((Unquoted::Byte(u8::try_from(code).ok()?), rest));
        }
        '0'..='7' => {
            let (code, rest) = digits(&text[1..], 3, 8)?;
            return Some((Unquoted::Byte(u8::try_from(code).ok()?), rest));
        }
        'u' | 'U' => {
            let (code, rest) = digits(rest, if escape == 'u' { 4 } else { 8 }, 16)?;
            return Some((Unquoted::Char(char::from_u32(code)?), rest));
        }
        _ => return None,
    };
    Some((Unquoted::Char(plain), rest))
}

fn digits(text: &str, count: usize, radix: u32) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    if !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    Some((u32::from_str_radix(digits, radix).ok()?, rest))
}

/// An integer with a sign; the radix is told by the prefix.
fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let magnitude = i128::from(parse_unsigned(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

fn parse_unsigned(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    if !underscores_fit(&lower) {
        return None;
    }
    let plain = digits.replace('_', "");
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(&plain, radix).ok()
}

/// Whether underscores only separate digits.
fn underscores_fit(text: &str) -> bool {
    let lower = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let hex = lower.starts_with("0x");
    let prefixed = hex || lower.starts_with("0b") || lower.starts_with("0o");
    let mut last = if prefixed { '0' } else { '^' };
    for c in lower.chars().skip(if prefixed { 2 } else { 0 }) {
        last = match c {
            '0'..='9' => '0',
            'a'..='f' if hex => '0',
            '_' if last != '0' => return false,
            '_' => '_',
            _ if last == '_' => return false,
            _ => '!',
        };
    }
    last != '_'
}

/// Why a float could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatError {
    Range,
    Syntax,
}

/// A float as `strconv.ParseFloat` reads it: decimal or hexadecimal, infinite or not a number.
pub(crate) fn parse_float(text: &str) -> Result<f64, FloatError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    match unsigned.to_ascii_lowercase().as_str() {
        "inf" | "infinity" => return Ok(sign * f64::INFINITY),
        "nan" if unsigned.len() == text.len() => return Ok(f64::NAN),
        lower if lower.starts_with("0x") => {
            return Ok(sign * parse_hex_float(lower).ok_or(FloatError::Syntax)?).and_then(in_range);
        }
        _ => {}
    }
    let shaped = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|b| b.is_ascii_digit() || b"._eE+-".contains(&b));
    if !shaped || unsigned.contains('_') && !underscores_fit(unsigned) {
        return Err(FloatError::Syntax);
    }
    let plain = unsigned.replace('_', "");
    plain.parse::<f64>().map_err(|_| FloatError::Syntax).map(|v| sign * v).and_then(in_range)
}

fn in_range(float: f64) -> Result<f64, FloatError> {
    if float.is_infinite() { Err(FloatError::Range) } else { Ok(float) }
}

/// `0x`, hexadecimal digits with a point, `p` and a decimal exponent of two; in lower case.
fn parse_hex_float(lower: &str) -> Option<f64> {
    if !underscores_fit(lower) {
        return None;
    }
    let (mantissa, exponent) = lower[2..].split_once('p')?;
    let exponent: i64 = exponent.replace('_', "").parse().ok()?;
    let mut value = 0_u64;
    let (mut scale, mut point, mut seen) = (0_i64, false, false);
    for c in mantissa.chars() {
        match (c, c.to_digit(16)) {
            ('.', _) if !point => point = true,
            ('_', _) => {}
            (_, Some(digit)) => {
                seen = true;
                scale -= if point { 4 } else { 0 };
                if value >> 59 == 0 {
                    value = value << 4 | u64::from(digit);
                } else {
                    // What does not fit only decides how to round.
                    value |= u64::from(digit != 0);
                    scale += 4;
                }
            }
            _ => return None,
        }
    }
    let power = scale.saturating_add(exponent).clamp(-4000, 4000);
    seen.then(|| scaled(value as f64, power))
}

/// `value` times two to the power, without passing through what does not fit.
fn scaled(mut value: f64, mut power: i64) -> f64 {
    while power != 0 {
        let step = power.clamp(-1000, 1000);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or_default());
        power -= step;
    }
    value
}
