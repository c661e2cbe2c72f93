//! How error messages show characters and texts.

use std::fmt::{self, Display as _};

pub(crate) use skopos_core::text::Quoted;

/// A character in single quotes with Go's escapes; none is shown as U+FFFD.
pub(crate) struct QuotedChar(pub(crate) Option<char>);

impl fmt::Display for QuotedChar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.unwrap_or(char::REPLACEMENT_CHARACTER) {
            '\'' => f.write_str("'\\''"),
            '"' => f.write_str("'\"'"),
            c => {
                let quoted = Quoted(c.encode_utf8(&mut [0; 4])).to_string();
                write!(f, "'{}'", quoted.trim_matches('"'))
            }
        }
    }
}

/// A character by its code point and, if printable, itself (Go's `%#U`).
pub(crate) struct CodePoint(pub(crate) char);

impl fmt::Display for CodePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.0;
        write!(f, "U+{:04X}", u32::from(c))?;
        let printable = matches!(c, '"' | '\\') || !QuotedChar(Some(c)).to_string().contains('\\');
        if printable || c == '\'' { write!(f, " '{c}'") } else { Ok(()) }
    }
}

/// Writes `text` in quotes, cut after `max` characters.
pub(crate) fn quoted_prefix(f: &mut fmt::Formatter<'_>, text: &str, max: usize) -> fmt::Result {
    if text.len() <= max {
        return Quoted(text).fmt(f);
    }
    let end = text.char_indices().nth(max).map_or(text.len(), |(at, _)| at);
    write!(f, "{}...", Quoted(&text[..end]))
}
