//! Escaping for style sheets.

use std::fmt::Write as _;

use super::escaper::FAILSAFE;
use super::style::decode;

/// In a string.
pub(super) fn string(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0 | b'\t' | b'\n' | b'\x0c' | b'\r' | b'"' | b'&' | b'\'' | b'(' | b')' | b'+'
            | b'/' | b':' | b';' | b'<' | b'>' | b'{' | b'}' => {
                let mut escape = String::new();
                // Writing into a `String` cannot fail.
                let _ = write!(escape, "\\{byte:x}");
                out.extend_from_slice(escape.as_bytes());
                // A space ends the number where the next character could belong to it.
                let goes_on = |next: &u8| {
                    next.is_ascii_hexdigit()
                        || matches!(next, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
                };
                if text.get(at + 1).is_none_or(goes_on) {
                    out.push(b' ');
                }
            }
            byte => out.push(*byte),
        }
    }
    out
}

/// As a value: what cannot break out of it.
pub(super) fn value(text: &[u8]) -> Vec<u8> {
    let decoded = decode(text);
    let is_bad = |byte: &u8| b"\0\"'()/;@[\\]`{}<>".contains(byte);
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_');
    // Hyphens between the letters do not hide the words, but neither do they stand in them.
    let mut word = Vec::new();
    for (at, byte) in decoded.iter().enumerate() {
        let follows_hyphen = at.checked_sub(1).is_some_and(|before| decoded[before] == b'-');
        if is_bad(byte) || *byte == b'-' && follows_hyphen {
            return FAILSAFE.into();
        }
        if is_word(&byte) {
            word.push(byte.to_ascii_lowercase());
        }
    }
    let has = |wanted: &[u8]| word.windows(wanted.len()).any(|window| window == wanted);
    if has(b"expression") || has(b"mozbinding") {
        return FAILSAFE.into();
    }
    decoded
}
