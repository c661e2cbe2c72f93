//! Go's quoted strings and characters (`strconv.Quote` and its kin), for bytes of any kind.

use std::fmt::Write as _;

use crate::unicode::is_printable;

/// `text` in double quotes; with `ascii`, everything else escaped.
pub(crate) fn quote(text: &[u8], ascii: bool) -> String {
    let mut out = String::from("\"");
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push(&mut out, c, '"', ascii);
        }
        for byte in chunk.invalid() {
            // Writing into a `String` cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

/// `c` in single quotes.
pub(super) fn quote_char(c: char, ascii: bool) -> String {
    let mut out = String::from("'");
    push(&mut out, c, '\'', ascii);
    out.push('\'');
    out
}

fn push(out: &mut String, c: char, quote: char, ascii: bool) {
    if c == quote || c == '\\' {
        out.push('\\');
        return out.push(c);
    }
    if is_printable(c) && (c.is_ascii() || !ascii) {
        return out.push(c);
    }
    let short = match c {
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        _ => {
            // Writing into a `String` cannot fail.
            let _ = match u32::from(c) {
                code @ 0..=0x7f => write!(out, "\\x{code:02x}"),
                code @ 0x80..=0xffff => write!(out, "\\u{code:04x}"),
                code => write!(out, "\\U{code:08x}"),
            };
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// Whether `text` can stand in back quotes as it is.
pub(super) fn fits_backquotes(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    text.chars().all(|c| c == '\t' || !matches!(c, '\0'..' ' | '`' | '\x7f' | '\u{feff}'))
}
