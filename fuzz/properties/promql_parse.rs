//! Query texts: what parses is printed, and the printed form parses to the same tree.

use skopos_promql::{ParseOptions, parse, parse_selector};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = parse_selector(text);
    let _ = parse(text, &ParseOptions::default());
    let Ok(expr) = parse(text, &ParseOptions::all()) else { return };
    let printed = expr.to_string();
    // Upstream prints a few trees in a way that does not parse; ours prints the same. What does
    // parse again must print the same again.
    if let Ok(again) = parse(&printed, &ParseOptions::all()) {
        let twice = again.to_string();
        if let Ok(third) = parse(&twice, &ParseOptions::all()) {
            assert_eq!(third.to_string(), twice, "{text:?}");
        }
    }
}
