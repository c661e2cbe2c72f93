//! Native histograms back in double braces.

use std::fmt::Write as _;

use skopos_core::text::{FloatStyle, write_float};
use skopos_core::{FloatHistogram, ResetHint, Span};

/// The most buckets, absent ones between them included, that are written one by one.
const MAX_BUCKETS: i64 = 65_536;

/// A histogram in the notation that [`parse_series_description`](super::parse_series_description)
/// reads, as test tools show it. Absent buckets between others are written as 0.
///
/// ```
/// use skopos_core::{FloatHistogram, Span};
/// use skopos_promql::series_desc::describe_histogram;
///
/// let histogram = FloatHistogram {
///     count: 4.0,
///     sum: 5.5,
///     positive_spans: vec![Span { offset: 1, length: 1 }, Span { offset: 1, length: 1 }],
///     positive_buckets: vec![1.0, 3.0],
///     ..FloatHistogram::default()
/// };
/// assert_eq!(describe_histogram(&histogram), "{{count:4 sum:5.5 offset:1 buckets:[1 0 3]}}");
/// ```
///
/// A histogram whose buckets lie further apart than the notation can hold (65,536 of them) is written
/// as [`FloatHistogram`]'s own text.
#[must_use]
pub fn describe_histogram(histogram: &FloatHistogram) -> String {
    let sides = [
        dense(&histogram.positive_spans, &histogram.positive_buckets),
        dense(&histogram.negative_spans, &histogram.negative_buckets),
    ];
    let [Some(positive), Some(negative)] = sides else { return histogram.to_string() };
    let mut text = Text { out: "{{".to_owned() };
    if histogram.schema != 0 {
        text.key("schema");
        let _ = write!(text.out, "{}", histogram.schema);
    }
    text.float("count", histogram.count);
    text.float("sum", histogram.sum);
    text.float("z_bucket", histogram.zero_count);
    text.float("z_bucket_w", histogram.zero_threshold);
    if histogram.uses_custom_buckets() {
        text.list("custom_values", &histogram.custom_values);
    }
    let hint = match histogram.reset_hint {
        ResetHint::Unknown => None,
        ResetHint::Reset => Some("reset"),
        ResetHint::NotReset => Some("not_reset"),
        ResetHint::Gauge => Some("gauge"),
    };
    if let Some(hint) = hint {
        text.key("counter_reset_hint");
        text.out.push_str(hint);
    }
    text.side("buckets", "offset", positive);
    text.side("n_buckets", "n_offset", negative);
    text.out.push_str("}}");
    text.out
}

struct Text {
    out: String,
}

impl Text {
    fn key(&mut self, key: &str) {
        if !self.out.ends_with('{') {
            self.out.push(' ');
        }
        self.out.push_str(key);
        self.out.push(':');
    }

    fn float(&mut self, key: &str, v: f64) {
        if v != 0.0 {
            self.key(key);
            write_float(&mut self.out, v, FloatStyle::General);
        }
    }

    fn list(&mut self, key: &str, values: &[f64]) {
        self.key(key);
        self.out.push('[');
        for (i, v) in values.iter().enumerate() {
            if i != 0 {
                self.out.push(' ');
            }
            write_float(&mut self.out, *v, FloatStyle::General);
        }
        self.out.push(']');
    }

    fn side(&mut self, buckets_key: &str, offset_key: &str, (offset, buckets): (i64, Vec<f64>)) {
        if offset != 0 {
            self.key(offset_key);
            let _ = write!(self.out, "{offset}");
        }
        if !buckets.is_empty() {
            self.list(buckets_key, &buckets);
        }
    }
}

/// The index of the first bucket that counts something, and all from there to the last one; nothing
/// if they are too many.
fn dense(spans: &[Span], buckets: &[f64]) -> Option<(i64, Vec<f64>)> {
    let mut counts = buckets.iter();
    let mut index = 0_i64;
    let mut first = 0;
    let mut dense: Vec<f64> = Vec::new();
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize).copied() {
            if count != 0.0 {
                if dense.is_empty() {
                    first = index;
                }
                let len = index - first;
                if !(0..MAX_BUCKETS).contains(&len) {
                    return None;
                }
                dense.resize(len as usize, 0.0);
                dense.push(count);
            }
            index += 1;
        }
    }
    Some((first, dense))
}
