//! Character references of HTML, undone as Go's `html.UnescapeString` does.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The longest name that needs no semicolon.
const LONGEST_BARE: usize = 6;

/// `text` with characters in place of references.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match rest.as_bytes().get(1) {
            Some(b'#') => numeric(rest, &mut out),
            _ => named(rest, &mut out),
        };
        if taken == 0 {
            out.push('&');
        }
        rest = &rest[taken.max(1)..];
    }
    out.push_str(rest);
    out
}

/// Reads `&#…`; gives how much was read, or 0.
fn numeric(text: &str, out: &mut String) -> usize {
    let is_hex = matches!(text.as_bytes().get(2), Some(b'x' | b'X'));
    let (start, radix) = if is_hex { (3, 16) } else { (2, 10) };
    let digits = text.get(start..).unwrap_or_default();
    let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let mut end = start + length;
    if text.as_bytes().get(end) == Some(&b';') {
        end += 1;
    }
    // Also without a digit, if there is an `x` and a semicolon.
    if text.len() <= 3 || end <= 3 {
        return 0;
    }
    // Numbers wrap around, as they do there.
    let code = digits[..length].chars().fold(0_i32, |sum, c| {
        let digit = c.to_digit(radix).and_then(|digit| i32::try_from(digit).ok()).unwrap_or(0);
        sum.wrapping_mul(radix.cast_signed()).wrapping_add(digit)
    });
    out.push(character(code));
    end
}

/// The character of a number; those that Windows-1252 has in place of control characters as there.
fn character(code: i32) -> char {
    const WINDOWS: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}',
        '\u{2021}', '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}',
        '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}',
        '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}',
        '\u{178}',
    ];
    match usize::try_from(code) {
        Ok(code @ 0x80..=0x9f) => WINDOWS[code - 0x80],
        Ok(0) | Err(_) => char::REPLACEMENT_CHARACTER,
        Ok(_) => char::from_u32(code.cast_unsigned()).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Reads `&name;`, or a name that needs no semicolon; gives how much was read, or 0.
fn named(text: &str, out: &mut String) -> usize {
    let length = text[1..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    let mut end = 1 + length;
    if text.as_bytes().get(end) == Some(&b';') {
        end += 1;
    }
    let names = names();
    if let Some(characters) = names.get(&text[..end]) {
        out.push_str(characters);
        return end;
    }
    let longest = (end - 1).saturating_sub(1).min(LONGEST_BARE);
    for length in (2..=longest).rev() {
        if let Some(characters) = names.get(&text[..=length]) {
            out.push_str(characters);
            return 1 + length;
        }
    }
    0
}

fn names() -> &'static HashMap<&'static str, &'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    NAMES.get_or_init(|| {
        entities::ENTITIES.iter().map(|entity| (entity.entity, entity.characters)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(unescape(text), expected, "{text}");
    }

    #[test]
    fn references_are_undone_as_in_go() {
        check("a &quot;b&quot; &amp;amp; &lt", "a \"b\" &amp; <");
        check("&notit; &notin; &amp &am &; & &", "¬it; ∉ & &am &; & &");
        check("&#34;&#x22;&#X22 &#0;&#128;&#xD800;&#99999999;", "\"\"\" \u{fffd}€\u{fffd}\u{fffd}");
        check("&#; &#x; &#", "&#; \u{fffd} &#");
        check("&NotEqualTilde;", "\u{2242}\u{338}");
    }
}
