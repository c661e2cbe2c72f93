//! A pattern, a line feed, a text: the label matcher agrees with the general engine.

use skopos_regex::{LabelRegex, Regex};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (pattern, text) = text.split_once('\n').unwrap_or((text, ""));
    // Dots of label matchers match line feeds, so the general engine is asked for the same.
    let general = Regex::anchored(&format!("(?s:{pattern})"));
    match LabelRegex::new(pattern) {
        Err(_) => {}
        Ok(label) => {
            let matched = label.is_match(text);
            if let Ok(general) = general {
                assert_eq!(matched, general.is_match(text), "{pattern:?} on {text:?}");
            }
            if matched {
                assert!(text.starts_with(label.prefix()), "{pattern:?} on {text:?}");
                assert!(text.ends_with(label.suffix()), "{pattern:?} on {text:?}");
                let begin = label.prefixes().filter(|prefix| text.starts_with(prefix)).count();
                assert_eq!(begin, label.prefixes().len().min(1), "{pattern:?} on {text:?}");
            }
        }
    }
}
