//! How names, strings and numbers are written, wherever Prometheus shows them to people.
//!
//! Only what several crates must write in the same way: quoting, name rules, float formatting.
//! Formats have their own crates.

use alloc::format;
use alloc::string::String;
use core::fmt::{self, Write as _};

/// A string in double quotes with Go's escapes (`strconv.Quote`).
///
/// ```
/// use skopos_core::text::Quoted;
///
/// assert_eq!(Quoted("a \"b\"\n\u{7f}").to_string(), r#""a \"b\"\n\x7f""#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        let mut plain = 0;
        for (at, c) in self.0.char_indices() {
            if is_plain(c) {
                continue;
            }
            f.write_str(&self.0[plain..at])?;
            write_escape(f, c)?;
            plain = at + c.len_utf8();
        }
        f.write_str(&self.0[plain..])?;
        f.write_char('"')
    }
}

/// Whether `c` stands in quotes as it is.
fn is_plain(c: char) -> bool {
    match c {
        '"' | '\\' => false,
        ' '..='~' => true,
        _ => !c.is_ascii() && is_printable(c),
    }
}

/// Whether Go's `unicode.IsPrint` holds for a character outside ASCII.
///
/// The standard library's table of printable characters is reached through `escape_debug`; inside a
/// string, after another character, it leaves combining marks alone, as Go does.
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    let Ok(pair) = core::str::from_utf8(&buffer[..len]) else { return false };
    pair.escape_debug().nth(1) == Some(c)
}

fn write_escape(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\x07' => f.write_str("\\a"),
        '\x08' => f.write_str("\\b"),
        '\x0c' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\x0b' => f.write_str("\\v"),
        _ => match u32::from(c) {
            code @ 0..=0x7f => write!(f, "\\x{code:02x}"),
            code @ 0x80..=0xffff => write!(f, "\\u{code:04x}"),
            code => write!(f, "\\U{code:08x}"),
        },
    }
}

/// Whether `name` fits `[a-zA-Z_][a-zA-Z0-9_]*` and so needs no quotes as a label name.
///
/// ```
/// use skopos_core::text::is_legacy_label_name;
///
/// assert!(is_legacy_label_name("le"));
/// assert!(!is_legacy_label_name("service.name"));
/// ```
#[must_use]
pub fn is_legacy_label_name(name: &str) -> bool {
    is_name(name, |b| b == b'_' || b.is_ascii_alphabetic())
}

/// Whether `name` fits `[a-zA-Z_:][a-zA-Z0-9_:]*` and so needs no quotes as a metric name.
///
/// ```
/// use skopos_core::text::is_legacy_metric_name;
///
/// assert!(is_legacy_metric_name("job:requests:rate5m"));
/// assert!(!is_legacy_metric_name("5xx"));
/// ```
#[must_use]
pub fn is_legacy_metric_name(name: &str) -> bool {
    is_name(name, |b| b == b'_' || b == b':' || b.is_ascii_alphabetic())
}

fn is_name(name: &str, is_start: impl Fn(u8) -> bool) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|&b| is_start(b))
        && bytes.iter().all(|&b| is_start(b) || b.is_ascii_digit())
}

/// A float as Go's `strconv.FormatFloat(v, …, -1, 64)` writes it, in one of its layouts.
///
/// The digits are the fewest that read back to the same float; of two equally near texts, the one
/// that ends in an even digit.
///
/// ```
/// use skopos_core::text::{FloatStyle, format_float};
///
/// assert_eq!(format_float(921_172_430_017_227.25, FloatStyle::Api), "921172430017227.2");
/// assert_eq!(format_float(1e20, FloatStyle::Api), "100000000000000000000");
/// assert_eq!(format_float(0.000_001, FloatStyle::Api), "0.000001");
/// assert_eq!(format_float(1e20, FloatStyle::General), "1e+20");
/// assert_eq!(format_float(100_000.0, FloatStyle::General), "100000");
/// assert_eq!(format_float(0.000_001, FloatStyle::General), "1e-06");
/// assert_eq!(format_float(1.0, FloatStyle::Exponent), "1e+00");
/// assert_eq!(format_float(f64::INFINITY, FloatStyle::Api), "+Inf");
/// ```
#[must_use]
pub fn format_float(v: f64, style: FloatStyle) -> String {
    let mut out = String::new();
    write_float(&mut out, v, style);
    out
}

/// Where a float is written with an exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FloatStyle {
    /// Below 1e-6 and from 1e21 on: values of the HTTP API.
    Api,
    /// Always: values in the list of alerts (Go's `'e'`).
    Exponent,
    /// Below 1e-4 and from 1e6 on: values in templates (Go's `'g'` and `%v`).
    General,
    /// Never: numbers in printed PromQL (Go's `'f'`).
    Plain,
}

/// Appends what [`format_float`] returns.
pub fn write_float(out: &mut String, v: f64, style: FloatStyle) {
    if v.is_nan() {
        return out.push_str("NaN");
    }
    if v.is_infinite() {
        return out.push_str(if v < 0.0 { "-Inf" } else { "+Inf" });
    }
    let magnitude = v.abs();
    let exponent = match style {
        FloatStyle::Api => magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude),
        FloatStyle::General => magnitude != 0.0 && !(1e-4..1e6).contains(&magnitude),
        FloatStyle::Exponent => true,
        FloatStyle::Plain => false,
    };
    let start = out.len();
    // Writing into a `String` cannot fail.
    let _ = if exponent { write_exponent(out, v) } else { write!(out, "{v}") };
    if let Some(digit) = even_last_digit(v) {
        let end = out[start..].find('e').map_or(out.len(), |at| start + at);
        out.replace_range(end - 1..end, digit);
    }
}

/// The last digit that Go writes where it is not the standard library's.
///
/// Where two shortest texts are equally near, Go takes the one that ends in an even digit and the
/// standard library the greater one. That needs an exact expansion of one digit more than the
/// shortest text, 18 at most, so that nearly every float is told by its bits.
fn even_last_digit(v: f64) -> Option<&'static str> {
    let biased = (v.to_bits() >> 52 & 0x7ff) as i32;
    let mantissa = v.to_bits() << 12 >> 12 | 1 << 52;
    let decimals = 1075 - biased - mantissa.trailing_zeros() as i32;
    let log10 = ((biased - 1023) * 30_103).div_euclid(100_000);
    if biased == 0 || decimals < 2 || 17 < decimals + log10 {
        return None;
    }
    let decimals = decimals as usize;
    let magnitude = v.abs();
    let shortest = format!("{magnitude}");
    let exact = format!("{magnitude:.decimals$}");
    let lower = exact.strip_suffix('5')?;
    let digit = ["0", "2", "4", "6", "8"].into_iter().find(|digit| lower.ends_with(digit))?;
    let tie = shortest.len() == lower.len() && shortest != lower;
    (tie && lower.parse() == Ok(magnitude)).then_some(digit)
}

/// Appends digits, `e`, a sign and an exponent of two digits or more, as Go does.
fn write_exponent(out: &mut String, v: f64) -> fmt::Result {
    let start = out.len();
    write!(out, "{v:e}")?;
    let Some(e) = out[start..].find('e').map(|at| start + at) else { return Ok(()) };
    let exponent = out.split_off(e + 1);
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent.as_str()),
    };
    write!(out, "{sign}{digits:0>2}")
}
