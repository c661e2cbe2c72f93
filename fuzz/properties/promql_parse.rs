//! Query texts: what parses is printed, and the printed form parses to the same tree; going on after
//! errors changes neither the tree nor the first error.

use skopos_promql::{ParseOptions, complete, hover, parse, parse_recovering, parse_selector};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = parse_selector(text);
    let _ = parse(text, &ParseOptions::default());
    let parsed = parse(text, &ParseOptions::all());
    let recovered = parse_recovering(text, &ParseOptions::all());
    assert_eq!(recovered.errors.first(), parsed.as_ref().err(), "{text:?}");
    let middle = text.len() / 2;
    let _ = complete(text, middle, &ParseOptions::all());
    let _ = hover(text, middle, &ParseOptions::all());
    let Ok(expr) = parsed else { return };
    assert_eq!(recovered.expr.map(|e| e.to_string()).as_ref(), Some(&expr.to_string()));
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
