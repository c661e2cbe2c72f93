//! The smaller languages: series with their values, metrics, selectors, durations.

use skopos_promql::{
    format_duration, parse_duration, parse_metric, parse_selector, parse_series_description,
    parse_signed_duration,
};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(description) = parse_series_description(text) {
        assert!(description.values.len() <= skopos_promql::series_desc::MAX_VALUES, "{text:?}");
    }
    let _ = parse_metric(text);
    if let Ok(matchers) = parse_selector(text) {
        // Conditions that were read can be written and read again, in any order.
        let conditions: Vec<String> = matchers.iter().map(ToString::to_string).collect();
        let again = format!("{{{}}}", conditions.join(","));
        if !again.contains(char::REPLACEMENT_CHARACTER) {
            assert_eq!(parse_selector(&again).as_ref(), Ok(&matchers), "{text:?}");
        }
    }
    let _ = parse_signed_duration(text);
    if let Ok(millis) = parse_duration(text) {
        assert_eq!(parse_duration(&format_duration(millis)), Ok(millis), "{text:?}");
    }
}
