//! Series over time, drawn with braille characters.
//!
//! A character holds two by four dots. Where series cross, the later one gives the color.

use comfy_table::Table;
use skopos_core::Timestamp;

use super::answer::{Answer, Series, Value, number};
use crate::time;

/// Rows of characters.
const HEIGHT: usize = 14;
/// The most columns of characters, and how many there are where the terminal does not say.
const MAX_WIDTH: usize = 160;
const DEFAULT_WIDTH: usize = 80;
/// How many series the legend names.
const LEGEND: usize = 12;
/// ANSI colors, taken in turn.
const COLORS: [u8; 6] = [36, 33, 32, 35, 34, 31];

/// The plot of a range with its legend, or nothing if there is nothing to draw.
pub(super) fn draw(answer: &Answer) -> Option<String> {
    let width = Table::new().width().map_or(DEFAULT_WIDTH, usize::from).min(MAX_WIDTH);
    match &answer.value {
        Value::Matrix(series) => draw_series(series, width),
        _ => None,
    }
}

/// The corners of what is drawn.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start: Timestamp,
    end: Timestamp,
    low: f64,
    high: f64,
}

impl Frame {
    fn of(series: &[Series]) -> Option<Self> {
        let mut points = series.iter().flat_map(finite);
        let (t, v) = points.next()?;
        let first = Self { start: t, end: t, low: v, high: v };
        Some(points.fold(first, |frame, (t, v)| Self {
            start: frame.start.min(t),
            end: frame.end.max(t),
            low: frame.low.min(v),
            high: frame.high.max(v),
        }))
    }

    /// The dot of a point, counted from the upper left corner.
    fn dot(&self, t: Timestamp, v: f64, columns: usize, rows: usize) -> (usize, usize) {
        let span = (self.end.as_seconds() - self.start.as_seconds()).max(0.001);
        let across = (t.as_seconds() - self.start.as_seconds()) / span;
        // Halves, since the distance of two finite floats may be none.
        let height = self.high / 2.0 - self.low / 2.0;
        let down = if 0.0 < height { (self.high / 2.0 - v / 2.0) / height } else { 0.5 };
        let place =
            |part: f64, count: usize| ((part * (count - 1) as f64).round() as usize).min(count - 1);
        (place(across, columns), place(down, rows))
    }
}

fn finite(series: &Series) -> impl Iterator<Item = (Timestamp, f64)> {
    series
        .points
        .iter()
        .filter_map(|p| Some((p.t, p.value.float()?)))
        .filter(|(_, v)| v.is_finite())
}

fn draw_series(series: &[Series], width: usize) -> Option<String> {
    let frame = Frame::of(series)?;
    let (high, low) = (rounded(frame.high), rounded(frame.low));
    let margin = high.len().max(low.len());
    let columns = width.saturating_sub(margin + 2).max(10);
    let mut canvas = Canvas::new(columns);
    for (i, one) in series.iter().enumerate() {
        let mut previous = None;
        for (t, v) in finite(one) {
            let dot = frame.dot(t, v, columns * 2, HEIGHT * 4);
            canvas.line(previous.unwrap_or(dot), dot, COLORS[i % COLORS.len()]);
            previous = Some(dot);
        }
    }
    let mut out = String::new();
    for row in 0..HEIGHT {
        let label = match row {
            0 => high.as_str(),
            _ if row == HEIGHT - 1 => low.as_str(),
            _ => "",
        };
        out.push_str(&format!("{label:>margin$} ┤"));
        canvas.write_row(row, &mut out);
        out.push('\n');
    }
    let (start, end) = (time::show_short(frame.start), time::show_short(frame.end));
    let gap = columns.saturating_sub(start.len() + end.len());
    out.push_str(&format!("{:>margin$}  {start}{:gap$}{end}\n", "", ""));
    write_legend(series, &mut out);
    Some(out)
}

fn write_legend(series: &[Series], out: &mut String) {
    for (i, one) in series.iter().take(LEGEND).enumerate() {
        let color = COLORS[i % COLORS.len()];
        out.push_str(&format!("\x1b[{color}m━━\x1b[0m {}\n", one.labels));
    }
    if LEGEND < series.len() {
        out.push_str(&format!("   and {} more\n", series.len() - LEGEND));
    }
}

/// Dots with the color of their character.
struct Canvas {
    columns: usize,
    cells: Vec<(u8, u8)>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self { columns, cells: vec![(0, 0); columns * HEIGHT] }
    }

    /// Draws a line from dot to dot.
    fn line(&mut self, from: (usize, usize), to: (usize, usize), color: u8) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, step: usize| {
            let part = step as f64 / steps as f64;
            (a as f64 + (b as f64 - a as f64) * part).round() as usize
        };
        for step in 0..=steps {
            self.dot(between(from.0, to.0, step), between(from.1, to.1, step), color);
        }
    }

    fn dot(&mut self, x: usize, y: usize, color: u8) {
        // The numbering of braille dots: three rows column by column, then the fourth row.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let (bits, old) = &mut self.cells[y / 4 * self.columns + x / 2];
        *bits |= BITS[x % 2][y % 4];
        *old = color;
    }

    fn write_row(&self, row: usize, out: &mut String) {
        let cells = &self.cells[row * self.columns..(row + 1) * self.columns];
        let mut current = 0;
        for &(bits, color) in cells {
            if color != current {
                out.push_str(&format!("\x1b[{color}m"));
                current = color;
            }
            let dots = char::from_u32(0x2800 + u32::from(bits)).filter(|_| bits != 0);
            out.push(dots.unwrap_or(' '));
        }
        out.push_str("\x1b[0m");
    }
}

/// A number in four digits, for an axis.
fn rounded(v: f64) -> String {
    number(format!("{v:.3e}").parse().unwrap_or(v))
}

#[cfg(test)]
mod tests {
    use skopos_core::Labels;

    use super::super::answer::{Cell, Point};
    use super::*;

    fn series(points: &[(i64, f64)]) -> Series {
        let point =
            |&(t, v): &(i64, f64)| Point { t: Timestamp::from_millis(t), value: Cell::Float(v) };
        Series {
            labels: Labels::from_pairs([("a", "b")]),
            points: points.iter().map(point).collect(),
        }
    }

    #[test]
    fn a_rising_line_goes_from_corner_to_corner() {
        let plot = draw_series(&[series(&[(0, 0.0), (60_000, 10.0)])], 40).expect("a plot");
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), HEIGHT + 2);
        assert!(lines[0].starts_with("10 ┤ ") && lines[0].ends_with("\x1b[0m"), "{plot}");
        assert!(lines[HEIGHT - 1].starts_with(" 0 ┤\x1b[36m"), "{plot}");
        assert!(lines[HEIGHT + 1].ends_with(r#"{a="b"}"#), "{plot}");
    }

    #[test]
    fn axes_are_short() {
        assert_eq!(rounded(11.999_195), "12");
        assert_eq!(rounded(0.012_345_6), "0.01235");
        assert_eq!(rounded(123_456.0), "123500");
    }

    #[test]
    fn odd_values_do_no_harm() {
        for points in [
            vec![(0, f64::MAX), (1, f64::MIN), (2, f64::NAN), (3, f64::INFINITY)],
            vec![(i64::MIN, 1.0), (i64::MAX, 1.0)],
            vec![(5, -0.0)],
        ] {
            assert!(draw_series(&[series(&points)], 0).is_some());
        }
        assert!(draw_series(&[series(&[(0, f64::NAN)])], 80).is_none());
        assert!(draw_series(&[], 80).is_none());
    }
}
