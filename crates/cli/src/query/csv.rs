//! Answers as comma-separated values: a row a sample, a column a label.

use std::collections::BTreeSet;

use super::answer::{Answer, Point, Series, Value};
use crate::time;

/// The answer with a line of column names.
pub(super) fn write(answer: &Answer) -> String {
    let mut out = String::new();
    match &answer.value {
        Value::Matrix(series) | Value::Vector(series) => write_series(series, &mut out),
        Value::Scalar(Point { t, value }) => {
            row(&mut out, ["timestamp", "value"]);
            row(&mut out, [time::show(*t).as_str(), &value.text()]);
        }
        Value::Text(t, text) => {
            row(&mut out, ["timestamp", "value"]);
            row(&mut out, [time::show(*t).as_str(), text]);
        }
    }
    out
}

fn write_series(series: &[Series], out: &mut String) {
    let names: BTreeSet<&str> =
        series.iter().flat_map(|s| s.labels.iter().map(|(name, _)| name)).collect();
    row(out, names.iter().copied().chain(["timestamp", "value"]));
    for one in series {
        for point in &one.points {
            let labels = names.iter().map(|name| one.labels.get(name).unwrap_or_default());
            let (t, value) = (time::show(point.t), point.value.text());
            row(out, labels.chain([t.as_str(), &value]));
        }
    }
}

/// Appends a row, with quotes where RFC 4180 asks for them.
fn row<'a>(out: &mut String, fields: impl IntoIterator<Item = &'a str>) {
    for (i, field) in fields.into_iter().enumerate() {
        if 0 < i {
            out.push(',');
        }
        if field.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut out = String::new();
        row(&mut out, ["plain", "a,b", "say \"x\"", "two\nlines"]);
        assert_eq!(out, "plain,\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\n");
    }
}
