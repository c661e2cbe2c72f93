//! Answers as tables for people.

use std::collections::BTreeSet;

use comfy_table::{
    Attribute, Cell as TableCell, CellAlignment, ContentArrangement, Table, presets,
};
use skopos_core::labels::METRIC_NAME;

use super::answer::{Answer, Point, Series, Value, number};
use crate::time;

/// The answer as a table, with a line that counts.
pub(super) fn write(answer: &Answer) -> String {
    match &answer.value {
        Value::Matrix(series) => write_matrix(series),
        Value::Scalar(Point { t, value }) => format!("{} at {}\n", value.text(), time::show(*t)),
        Value::Text(_, text) => format!("{text}\n"),
        Value::Vector(series) => write_vector(series),
    }
}

fn write_vector(series: &[Series]) -> String {
    let names = label_names(series);
    let mut table = table(&names, &["value"]);
    for one in series {
        let value = one.points.first().map(|point| point.value.text()).unwrap_or_default();
        table.add_row(labels(one, &names).chain([right(value)]));
    }
    finish(&table, series)
}

fn write_matrix(series: &[Series]) -> String {
    let names = label_names(series);
    let mut table = table(&names, &["samples", "min", "mean", "max", "last"]);
    for one in series {
        table.add_row(labels(one, &names).chain(summary(one).map(right)));
    }
    finish(&table, series)
}

/// How many points there are, what floats they have, and the last of all.
fn summary(series: &Series) -> [String; 5] {
    let floats: Vec<f64> = series.points.iter().filter_map(|point| point.value.float()).collect();
    let of_floats = |v: f64| if floats.is_empty() { "-".into() } else { number(v) };
    let last = series.points.last().map(|point| point.value.text()).unwrap_or_default();
    [
        series.points.len().to_string(),
        of_floats(floats.iter().copied().fold(f64::NAN, f64::min)),
        of_floats(floats.iter().sum::<f64>() / floats.len() as f64),
        of_floats(floats.iter().copied().fold(f64::NAN, f64::max)),
        last,
    ]
}

/// All label names, the metric's first.
fn label_names(series: &[Series]) -> Vec<String> {
    let names: BTreeSet<&str> =
        series.iter().flat_map(|one| one.labels.iter().map(|(name, _)| name)).collect();
    let (metric, others): (Vec<&str>, Vec<&str>) =
        names.into_iter().partition(|name| *name == METRIC_NAME);
    metric.into_iter().chain(others).map(String::from).collect()
}

fn labels(series: &Series, names: &[String]) -> impl Iterator<Item = TableCell> {
    names.iter().map(|name| TableCell::new(series.labels.get(name).unwrap_or_default()))
}

fn right(text: String) -> TableCell {
    TableCell::new(text).set_alignment(CellAlignment::Right)
}

fn table(names: &[String], values: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let shown = |name: &String| if name == METRIC_NAME { "metric".into() } else { name.clone() };
    let header = names.iter().map(shown).chain(values.iter().map(|v| String::from(*v)));
    table.set_header(header.map(|name| TableCell::new(name).add_attribute(Attribute::Bold)));
    table
}

fn finish(table: &Table, series: &[Series]) -> String {
    match series.len() {
        0 => "no series\n".into(),
        1 => format!("{table}\n1 series\n"),
        count => format!("{table}\n{count} series\n"),
    }
}

#[cfg(test)]
mod tests {
    use skopos_core::{Labels, Timestamp};

    use super::super::answer::Cell;
    use super::*;

    fn series(labels: &[(&str, &str)], values: &[f64]) -> Series {
        let point = |v: &f64| Point { t: Timestamp::default(), value: Cell::Float(*v) };
        Series {
            labels: Labels::from_pairs(labels.iter().copied()),
            points: values.iter().map(point).collect(),
        }
    }

    #[test]
    fn labels_are_columns_and_the_metric_is_the_first() {
        let up = series(&[("__name__", "up"), ("a", "1")], &[1.0]);
        let down = series(&[("Z", "2")], &[0.5]);
        let text = write_vector(&[up, down]);
        let words = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<_>>();
        let lines: Vec<Vec<String>> = text.lines().map(words).collect();
        assert!(
            lines.contains(&vec!["metric".into(), "Z".into(), "a".into(), "value".into()]),
            "{text}"
        );
        assert!(lines.contains(&vec!["up".into(), "1".into(), "1".into()]), "{text}");
        assert!(text.ends_with("\n2 series\n"), "{text}");
        assert_eq!(write_vector(&[]), "no series\n");
    }

    #[test]
    fn ranges_are_summed_up() {
        assert_eq!(summary(&series(&[], &[3.0, 1.0, 2.0])), ["3", "1", "2", "3", "2"]);
        assert_eq!(summary(&series(&[], &[])), ["0", "-", "-", "-", ""]);
    }
}
