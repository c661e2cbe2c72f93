//! Template texts: they run within their limits or are refused.

use skopos_template::{Limits, Map, NoFunctions, Template, Value};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limits = Limits::default().with_output_bytes(1 << 16).with_steps(10_000);
    let limits = limits.with_work_bytes(1 << 20);
    let Ok(template) = Template::parse("t", text, &NoFunctions, &limits) else { return };
    let data = Value::Map(Map::of_texts([("a", "b"), ("c", "1")]));
    if let Ok(output) = template.execute(&data, &NoFunctions) {
        assert!(output.len() <= 1 << 16);
    }
}
