//! Writing JSON straight into a buffer, in the forms of Prometheus' HTTP API.
//!
//! There is no document model: a result of a million samples is written once, to where it is sent
//! from. Two ways of writing strings exist because the API has two: label sets are written plainly,
//! everything else with `<`, `>` and `&` escaped for HTML. Reading JSON is not done here.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use skopos_core::text::{FloatStyle, write_float};
use skopos_core::{FloatHistogram, LabelSet, Timestamp};

#[cfg(test)]
mod tests;

/// A buffer that JSON is appended to.
///
/// Keys and commas are the caller's business, but for the helpers that write whole values.
#[derive(Debug, Default)]
pub(crate) struct Json {
    /// Invariant: UTF-8.
    bytes: Vec<u8>,
}

impl Json {
    /// An empty buffer.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.bytes.extend_from_slice(json.as_bytes());
        self
    }

    /// Appends a string, escaped for HTML too.
    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        write_string(&mut self.bytes, text, true);
        self
    }

    /// Appends what `value` displays, for integers and booleans.
    pub(crate) fn display(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing into memory cannot fail.
        let _ = write!(self.bytes, "{value}");
        self
    }

    /// Appends a float as a JSON number, as Go's `encoding/json` does; what is not finite is 0.
    pub(crate) fn number(&mut self, v: f64) -> &mut Self {
        if !v.is_finite() {
            return self.raw("0");
        }
        let start = self.bytes.len();
        write_fast_float(&mut self.bytes, v);
        // Go shortens the exponent's leading zero here, and only here.
        if let Some(at) = self.bytes[start..].windows(3).position(|w| w == b"e-0") {
            self.bytes.remove(start + at + 2);
        }
        self
    }

    /// Appends a sample's value: a float in quotes.
    pub(crate) fn value(&mut self, v: f64) -> &mut Self {
        self.bytes.push(b'"');
        write_fast_float(&mut self.bytes, v);
        self.bytes.push(b'"');
        self
    }

    /// Appends a time in seconds, with three decimals where it is not whole.
    pub(crate) fn timestamp(&mut self, t: Timestamp) -> &mut Self {
        let millis = t.as_millis();
        if millis < 0 {
            self.bytes.push(b'-');
        }
        let magnitude = millis.unsigned_abs();
        write_integer(&mut self.bytes, magnitude / 1000);
        match magnitude % 1000 {
            0 => self,
            fraction => {
                // The leading one becomes the point.
                let point = self.bytes.len();
                write_integer(&mut self.bytes, 1000 + fraction);
                self.bytes[point] = b'.';
                self
            }
        }
    }

    /// Appends a time as RFC 3339, in quotes; Go's zero time where there is none.
    pub(crate) fn instant(&mut self, t: Option<Timestamp>) -> &mut Self {
        let instant = t.and_then(|t| jiff::Timestamp::from_millisecond(t.as_millis()).ok());
        match instant {
            Some(instant) => self.display(format_args!("\"{instant}\"")),
            None => self.raw("\"0001-01-01T00:00:00Z\""),
        }
    }

    /// Appends a label set as an object.
    pub(crate) fn labels<L: LabelSet + ?Sized>(&mut self, labels: &L) -> &mut Self {
        self.bytes.push(b'{');
        let bytes = &mut self.bytes;
        let mut first = true;
        labels.visit(&mut |name, value| {
            if !first {
                bytes.push(b',');
            }
            first = false;
            write_string(bytes, name, false);
            bytes.push(b':');
            write_string(bytes, value, false);
        });
        self.raw("}")
    }

    /// Appends a native histogram with its buckets that hold something.
    pub(crate) fn histogram(&mut self, histogram: &FloatHistogram) -> &mut Self {
        self.raw("{\"count\":").value(histogram.count);
        self.raw(",\"sum\":").value(histogram.sum);
        let filled = histogram.filled();
        for (i, bucket) in filled.iter().enumerate() {
            self.raw(if i == 0 { ",\"buckets\":[[" } else { ",[" });
            self.raw(match (bucket.lower_inclusive, bucket.upper_inclusive) {
                (false, true) => "0,",
                (true, false) => "1,",
                (false, false) => "2,",
                (true, true) => "3,",
            });
            self.value(bucket.lower).raw(",").value(bucket.upper).raw(",").value(bucket.count);
            self.raw("]");
        }
        if !filled.is_empty() {
            self.raw("]");
        }
        self.raw("}")
    }

    /// Appends an array, each element by `write`.
    pub(crate) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.raw("[");
        for (i, item) in items.into_iter().enumerate() {
            if 0 < i {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]")
    }

    /// Appends an array of strings.
    pub(crate) fn strings<S: AsRef<str>>(
        &mut self,
        items: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        self.array(items, |json, item| {
            json.string(item.as_ref());
        })
    }

    /// Appends a value that knows its own shape, with texts and numbers as those of `string` and `number`.
    ///
    /// # Errors
    ///
    /// Those of `value`: writing into memory cannot fail.
    pub(crate) fn serialize(&mut self, value: &impl Serialize) -> serde_json::Result<&mut Self> {
        value.serialize(&mut Serializer::with_formatter(&mut self.bytes, GoFormatter))?;
        Ok(self)
    }

    /// What was written.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// What was written, as bytes to send.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Writes scalars as Go's `encoding/json` does.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, v: f64) -> io::Result<()> {
        let mut json = Json::new();
        json.number(v);
        writer.write_all(&json.bytes)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(fragment.len());
        write_escaped(&mut bytes, fragment, true);
        writer.write_all(&bytes)
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let byte = match escape {
            CharEscape::Quote => b'"',
            CharEscape::ReverseSolidus => b'\\',
            CharEscape::Solidus => b'/',
            CharEscape::Backspace => 0x08,
            CharEscape::FormFeed => 0x0c,
            CharEscape::LineFeed => b'\n',
            CharEscape::CarriageReturn => b'\r',
            CharEscape::Tab => b'\t',
            CharEscape::AsciiControl(byte) => byte,
        };
        let mut bytes = Vec::new();
        write_escape(&mut bytes, char::from(byte).encode_utf8(&mut [0; 4]));
        writer.write_all(&bytes)
    }
}

/// Appends the decimal digits of `n`.
fn write_integer(out: &mut Vec<u8>, mut n: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a float in the API's layout, by way of the fastest writer where the layouts agree.
fn write_fast_float(out: &mut Vec<u8>, v: f64) {
    let magnitude = v.abs();
    // Counters and gauges are mostly whole; below 2^53 their digits are those of the integer.
    if magnitude < 9_007_199_254_740_992.0 && v == v.trunc() {
        if v.is_sign_negative() {
            out.push(b'-');
        }
        return write_integer(out, magnitude as u64);
    }
    if !(1e-4..1e15).contains(&magnitude) {
        let mut text = String::new();
        write_float(&mut text, v, FloatStyle::Api);
        return out.extend_from_slice(text.as_bytes());
    }
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(v);
    out.extend_from_slice(digits.strip_suffix(".0").unwrap_or(digits).as_bytes());
}

fn write_string(out: &mut Vec<u8>, text: &str, html: bool) {
    out.push(b'"');
    write_escaped(out, text, html);
    out.push(b'"');
}

/// Appends a text as it stands between the quotes of a string.
fn write_escaped(out: &mut Vec<u8>, text: &str, html: bool) {
    let bytes = text.as_bytes();
    let mut plain = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let width = match byte {
            b'"' | b'\\' | 0..=0x1f => 1,
            b'<' | b'>' | b'&' if html => 1,
            // U+2028 and U+2029, which JavaScript once took for ends of lines.
            0xe2 if html && matches!(&bytes[at..], [0xe2, 0x80, 0xa8 | 0xa9, ..]) => 3,
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..at]);
        write_escape(out, &text[at..at + width]);
        plain = at + width;
    }
    out.extend_from_slice(&bytes[plain..]);
}

#[cold]
fn write_escape(out: &mut Vec<u8>, escaped: &str) {
    let short: &[u8] = match escaped {
        "\"" => b"\\\"",
        "\\" => b"\\\\",
        "\n" => b"\\n",
        "\r" => b"\\r",
        "\t" => b"\\t",
        _ => {
            let code = escaped.chars().next().map_or(0, u32::from);
            // Writing into memory cannot fail.
            let _ = write!(out, "\\u{code:04x}");
            return;
        }
    };
    out.extend_from_slice(short);
}
