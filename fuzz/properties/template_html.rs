//! Pages of HTML: they run within their limits or are refused, and what is written twice is the same.

use skopos_template::{HtmlTemplate, Limits, Map, NoFunctions, Value};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limits = Limits::default().with_output_bytes(1 << 16).with_steps(10_000);
    let limits = limits.with_work_bytes(1 << 20);
    let Ok(template) = HtmlTemplate::parse("t", text, &NoFunctions, &limits) else { return };
    let data = Value::Map(Map::of_texts([("a", "<b x='1'>&amp;"), ("c", "javascript:1")]));
    let output = template.execute(&data, &NoFunctions);
    if let Ok(output) = &output {
        assert!(output.len() <= 1 << 16);
    }
    assert_eq!(output, template.execute(&data, &NoFunctions));
}
