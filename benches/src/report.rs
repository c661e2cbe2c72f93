//! One JSON object a line for each figure, as the Go benchmark prints them.

use serde_json::{Map, Value, json};

use crate::measure::{Measured, median};

/// Prints a figure with further fields.
pub fn emit(bench: &str, value: f64, unit: &str, extra: Value) {
    let mut line = match extra {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    line.insert("bench".into(), json!(bench));
    line.insert("value".into(), number(value));
    line.insert("unit".into(), json!(unit));
    println!("{}", Value::Object(line));
}

/// Six significant digits; null for what JSON has no number for.
#[must_use]
pub fn number(value: f64) -> Value {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { json!(0) } else { Value::Null };
    }
    let scale = 10f64.powf(5.0 - value.abs().log10().floor());
    json!((value * scale).round() / scale)
}

fn with(mut extra: Value, fields: Value) -> Value {
    if let (Value::Object(extra), Value::Object(fields)) = (&mut extra, fields) {
        for (name, value) in fields {
            extra.entry(name).or_insert(value);
        }
    }
    extra
}

/// Prints a time for an operation; `unit` is `divisor` nanoseconds.
pub fn emit_time(measured: &Measured, bench: &str, unit: &str, divisor: f64, extra: Value) {
    let (wall, cpu) = (measured.wall(), measured.cpu());
    let mut fields = json!({
        "min": number(wall[0] / divisor),
        "max": number(wall[wall.len() - 1] / divisor),
        "runs": wall.len(),
    });
    if let Some(least) = cpu.first() {
        fields["cpu"] = number(median(&cpu) / divisor);
        fields["cpu_min"] = number(least / divisor);
    }
    emit(bench, median(&wall) / divisor, unit, with(extra, fields));
}

/// Prints a rate: `scale` operations in a nanosecond are one of `unit`.
pub fn emit_rate(measured: &Measured, bench: &str, unit: &str, scale: f64, extra: Value) {
    let (wall, cpu) = (measured.wall(), measured.cpu());
    let mut fields = json!({
        "min": number(scale / wall[wall.len() - 1]),
        "max": number(scale / wall[0]),
        "runs": wall.len(),
    });
    if let Some(least) = cpu.first() {
        fields["cpu"] = number(scale / median(&cpu));
        fields["cpu_max"] = number(scale / least);
    }
    emit(bench, scale / median(&wall), unit, with(extra, fields));
}

/// Prints what an operation allocates.
pub fn emit_allocations(measured: &Measured, bench: &str, per: &str) {
    let (count, bytes) = (measured.tally.count as f64, measured.tally.bytes as f64);
    emit(bench, count / measured.operations, &format!("allocs/{per}"), Value::Null);
    emit(bench, bytes / measured.operations, &format!("alloc-B/{per}"), Value::Null);
}
