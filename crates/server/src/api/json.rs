//! Writing JSON straight into a buffer, in the forms of Prometheus' HTTP API.
//!
//! There is no document model: a result of a million samples is written once, to where it is sent
//! from. Two ways of writing strings exist because the API has two: label sets are written plainly,
//! everything else with `<`, `>` and `&` escaped for HTML. Reading JSON is not done here.

use std::fmt::Write as _;

use skopos_core::text::{FloatStyle, write_float};
use skopos_core::{FloatHistogram, LabelSet, Timestamp};

#[cfg(test)]
mod tests;

/// A buffer that JSON is appended to.
///
/// Keys and commas are the caller's business, but for the helpers that write whole values.
#[derive(Debug, Default)]
pub(crate) struct Json {
    text: String,
}

impl Json {
    /// An empty buffer.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) -> &mut Self {
        self.text.push_str(json);
        self
    }

    /// Appends a string, escaped for HTML too.
    pub(crate) fn string(&mut self, text: &str) -> &mut Self {
        write_string(&mut self.text, text, true);
        self
    }

    /// Appends what `value` displays, for integers and booleans.
    pub(crate) fn display(&mut self, value: impl std::fmt::Display) -> &mut Self {
        // Writing into a `String` cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// Appends a float as a JSON number, as Go's `encoding/json` does; what is not finite is 0.
    pub(crate) fn number(&mut self, v: f64) -> &mut Self {
        if !v.is_finite() {
            return self.raw("0");
        }
        let start = self.text.len();
        write_fast_float(&mut self.text, v);
        // Go shortens the exponent's leading zero here, and only here.
        if let Some(at) = self.text[start..].find("e-0") {
            self.text.remove(start + at + 2);
        }
        self
    }

    /// Appends a sample's value: a float in quotes.
    pub(crate) fn value(&mut self, v: f64) -> &mut Self {
        self.text.push('"');
        write_fast_float(&mut self.text, v);
        self.text.push('"');
        self
    }

    /// Appends a time in seconds, with three decimals where it is not whole.
    pub(crate) fn timestamp(&mut self, t: Timestamp) -> &mut Self {
        let millis = t.as_millis();
        if millis < 0 {
            self.text.push('-');
        }
        let magnitude = millis.unsigned_abs();
        self.display(magnitude / 1000);
        match magnitude % 1000 {
            0 => self,
            fraction => self.display(format_args!(".{fraction:03}")),
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
        self.text.push('{');
        let text = &mut self.text;
        let mut first = true;
        labels.visit(&mut |name, value| {
            if !first {
                text.push(',');
            }
            first = false;
            write_string(text, name, false);
            text.push(':');
            write_string(text, value, false);
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

    /// What was written.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What was written, as bytes to send.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

/// Appends a float in the API's layout, by way of the fastest writer where the layouts agree.
fn write_fast_float(out: &mut String, v: f64) {
    let magnitude = v.abs();
    // Counters and gauges are mostly whole; below 2^53 their digits are those of the integer.
    if magnitude < 9_007_199_254_740_992.0 && v == v.trunc() && (v != 0.0 || v.is_sign_positive()) {
        let _ = write!(out, "{}", v as i64);
        return;
    }
    if !(1e-4..1e15).contains(&magnitude) {
        return write_float(out, v, FloatStyle::Api);
    }
    let mut buffer = zmij::Buffer::new();
    let digits = buffer.format_finite(v);
    out.push_str(digits.strip_suffix(".0").unwrap_or(digits));
}

fn write_string(out: &mut String, text: &str, html: bool) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let width = match byte {
            b'"' | b'\\' | 0..=0x1f => 1,
            b'<' | b'>' | b'&' if html => 1,
            // U+2028 and U+2029, which JavaScript once took for ends of lines.
            0xe2 if html && matches!(&text.as_bytes()[at..], [0xe2, 0x80, 0xa8 | 0xa9, ..]) => 3,
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        write_escape(out, &text[at..at + width]);
        plain = at + width;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cold]
fn write_escape(out: &mut String, escaped: &str) {
    match escaped {
        "\"" => out.push_str("\\\""),
        "\\" => out.push_str("\\\\"),
        "\n" => out.push_str("\\n"),
        "\r" => out.push_str("\\r"),
        "\t" => out.push_str("\\t"),
        _ => {
            let code = escaped.chars().next().map_or(0, u32::from);
            let _ = write!(out, "\\u{code:04x}");
        }
    }
}
