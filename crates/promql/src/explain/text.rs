//! An explanation for people: a tree with its figures in columns.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use skopos_core::{Selection, Timestamp};

use super::{Explanation, Measured, Operator};
use crate::duration::format_duration;
use crate::functions::date::rfc3339;

/// Longer names of operators are cut: the query is shown whole above.
const MAX_NAME: usize = 60;

/// The query, its times and cost, the tree of operators, and what is asked of the source.
impl Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = self.query.lines().map(str::trim_end);
        writeln!(f, "query  {}", lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(f, "       {line}"))?;
        self.write_times(f)?;
        self.write_cost(f)?;
        writeln!(f)?;
        let mut rows = Vec::new();
        self.rows(&self.root, "", "", self.root.steps, &mut rows);
        write_table(f, &rows)?;
        self.write_selections(f)
    }
}

impl Explanation {
    fn write_times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (time(self.start), time(self.end));
        if self.step == 0 {
            return writeln!(f, "times  {start}");
        }
        let (step, steps) = (format_duration(self.step), self.root.steps);
        match steps {
            0 => writeln!(f, "times  none"),
            _ => writeln!(f, "times  {start} to {end} every {step}, {steps} steps"),
        }
    }

    fn write_cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(statistics) = &self.statistics else { return Ok(()) };
        let (samples, series) = (statistics.total_samples, statistics.series);
        let (peak, bytes) = (statistics.peak_samples, bytes(statistics.peak_bytes));
        writeln!(
            f,
            "cost   {samples} samples read of {series} series, at most {peak} samples in {bytes} held"
        )
    }

    /// Appends an operator and what it reads; `lead` stands before its name, `below` before its inputs'.
    fn rows(&self, operator: &Operator, lead: &str, below: &str, steps: usize, out: &mut Vec<Row>) {
        let mut name: String = operator.name.split_whitespace().collect::<Vec<_>>().join(" ");
        if MAX_NAME < name.chars().count() {
            name = name.chars().take(MAX_NAME - 1).chain(['…']).collect();
        }
        let mut notes: Vec<String> = operator.marks.iter().map(|mark| (*mark).into()).collect();
        if operator.steps != steps && !operator.marks.contains(&"once") {
            let step = format_duration(operator.step);
            notes.push(format!("{} steps of {step}", operator.steps));
        }
        notes.extend(operator.selection.map(|at| format!("#{}", at + 1)));
        out.push(Row {
            name: format!("{lead}{name}"),
            measured: operator.measured,
            notes: notes.join(", "),
        });
        for (i, input) in operator.inputs.iter().enumerate() {
            let (branch, stem) = if i + 1 < operator.inputs.len() {
                ("├─ ", "│  ")
            } else {
                ("└─ ", "   ")
            };
            let (lead, below) = (format!("{below}{branch}"), format!("{below}{stem}"));
            self.rows(input, &lead, &below, operator.steps, out);
        }
    }

    fn write_selections(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, selection) in self.selections.iter().enumerate() {
            if i == 0 {
                writeln!(f)?;
            }
            let matchers: Vec<String> =
                selection.matchers().iter().map(ToString::to_string).collect();
            let range = selection.range();
            let (start, end) = (time(range.start), time(range.end));
            let line = format!("#{}  {{{}}}  {start} to {end}", i + 1, matchers.join(", "));
            match hints(selection) {
                hints if hints.is_empty() => writeln!(f, "{line}")?,
                hints => writeln!(f, "{line}  {hints}")?,
            }
        }
        Ok(())
    }
}

/// A line of the tree.
struct Row {
    name: String,
    measured: Option<Measured>,
    notes: String,
}

fn write_table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let mut table: Vec<(&str, Vec<String>, &str)> = Vec::new();
    if let Some(measured) = rows.first().and_then(|row| row.measured) {
        let mut titles = vec!["series".into(), "samples".into(), "bytes".into()];
        titles.extend(measured.time.map(|_| "time".into()));
        table.push(("", titles, ""));
    }
    table.extend(rows.iter().map(|row| {
        let figures = row.measured.map_or_else(Vec::new, figures);
        (row.name.as_str(), figures, row.notes.as_str())
    }));
    let width = |text: &str| text.chars().count();
    let names = table.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let columns = table.first().map_or(0, |(_, figures, _)| figures.len());
    let widths: Vec<usize> = (0..columns)
        .map(|i| table.iter().map(|(_, figures, _)| width(&figures[i])).max().unwrap_or(0))
        .collect();
    for (name, figures, notes) in table {
        let mut line = format!("{name:names$}");
        for (figure, width) in figures.iter().zip(&widths) {
            // Writing into a `String` cannot fail.
            let _ = write!(line, "  {figure:>width$}");
        }
        let _ = write!(line, "  {notes}");
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn figures(measured: Measured) -> Vec<String> {
    let Measured { series, samples, bytes: size, time } = measured;
    let mut figures = vec![series.to_string(), samples.to_string(), bytes(size)];
    figures.extend(time.map(duration));
    figures
}

/// What a source is told of how its series will be used.
fn hints(selection: &Selection) -> String {
    let hints = selection.hints();
    let mut parts = Vec::new();
    if hints.step != 0 {
        parts.push(format!("step {}", format_duration(hints.step)));
    }
    if hints.range != 0 {
        parts.push(format!("range {}", format_duration(hints.range)));
    }
    if !hints.function.is_empty() {
        parts.push(hints.function.clone());
    }
    if !hints.grouping.is_empty() {
        let word = if hints.by { "by" } else { "without" };
        parts.push(format!("{word} ({})", hints.grouping.join(", ")));
    }
    parts.join(", ")
}

/// A time, with a fraction where it has one.
fn time(t: Timestamp) -> String {
    let mut text = rfc3339(t.as_millis());
    let fraction = t.as_millis().rem_euclid(1000);
    if fraction != 0 {
        text.truncate(text.len() - 1);
        // Writing into a `String` cannot fail.
        let _ = write!(text, ".{fraction:03}Z");
    }
    text
}

fn bytes(n: u64) -> String {
    scaled(n as f64, 1000.0, &["B", "kB", "MB", "GB", "TB"])
}

fn duration(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    if nanos < 1e3 {
        return format!("{nanos} ns");
    }
    scaled(nanos / 1e3, 1000.0, &["µs", "ms", "s"])
}

/// A quantity in the largest unit of which there is a whole one, with at most one decimal.
fn scaled(mut v: f64, factor: f64, units: &[&str]) -> String {
    let mut units = units.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    for next in units {
        // What would be rounded up to a whole of the next unit belongs to it.
        if v < factor - 0.05 {
            break;
        }
        v /= factor;
        unit = next;
    }
    if v.fract() == 0.0 { format!("{v} {unit}") } else { format!("{v:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration};
    use std::time::Duration;

    #[test]
    fn quantities_have_the_unit_that_reads_best() {
        for (n, expected) in
            [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.2 kB"), (999_960, "1.0 MB")]
        {
            assert_eq!(bytes(n), expected);
        }
        for (nanos, expected) in
            [(7, "7 ns"), (1500, "1.5 µs"), (2_000_000, "2 ms"), (61_000_000_000, "61 s")]
        {
            assert_eq!(duration(Duration::from_nanos(nanos)), expected);
        }
    }
}
