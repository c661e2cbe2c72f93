//! Texts that are being written: going on after errors changes neither the tree nor the first error, and
//! something can be said about every place.

use skopos_promql::{ParseOptions, complete, hover, parse, parse_recovering};

/// More places than this are not looked at in one text.
const PLACES: usize = 48;

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for options in [ParseOptions::all(), ParseOptions::default()] {
        let parsed = parse(text, &options);
        let recovered = parse_recovering(text, &options);
        assert_eq!(recovered.errors.first(), parsed.as_ref().err(), "{text:?}");
        for error in &recovered.errors {
            assert!(error.span().end as usize <= text.len(), "{error:?}");
            assert!(error.render(text).starts_with(&error.to_string()), "{error:?}");
        }
        if let Ok(expr) = parsed {
            assert_eq!(recovered.expr.as_ref(), Some(&expr), "{text:?}");
        }
    }
    // Places inside of characters and behind the end are asked for too.
    let step = 1 + text.len() / PLACES;
    for place in (0..text.len() + 3).step_by(step) {
        let found = complete(text, place, &ParseOptions::all());
        assert!(found.replace.end as usize <= text.len(), "{text:?} {place}");
        let _ = hover(text, place, &ParseOptions::all());
    }
}
