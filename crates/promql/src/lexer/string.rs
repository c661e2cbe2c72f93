//! Strings: where one ends, and what it says.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::text::CodePoint;

/// The length of the string that `text` begins with, quotes included.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn scan(text: &str) -> Result<usize, Cow<'static, str>> {
    let Some(&quote) = text.as_bytes().first() else { return Err("no string".into()) };
    if quote == b'`' { scan_raw(text) } else { scan_quoted(text, quote) }
}

fn scan_raw(text: &str) -> Result<usize, Cow<'static, str>> {
    let Some(len) = text[1..].find('`') else {
        // Upstream reads character by character, so what comes first is reported.
        let bad = text.contains(char::REPLACEMENT_CHARACTER);
        return Err(if bad { INVALID } else { "unterminated raw string" }.into());
    };
    if text[1..=len].contains(char::REPLACEMENT_CHARACTER) {
        return Err(INVALID.into());
    }
    Ok(len + 2)
}

const INVALID: &str = "invalid UTF-8 rune";

fn scan_quoted(text: &str, quote: u8) -> Result<usize, Cow<'static, str>> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at) {
            None | Some(b'\n') => return Err("unterminated quoted string".into()),
            Some(b'\\') => at = escape(text, at + 1, quote)?.1,
            Some(&b) if b == quote => return Ok(at + 1),
            // The first byte of the replacement character, which stands for invalid text.
            Some(0xef) if text[at..].starts_with(char::REPLACEMENT_CHARACTER) => {
                return Err(INVALID.into());
            }
            Some(_) => at += 1,
        }
    }
}

/// What an escape stands for.
enum Escaped {
    Byte(u8),
    Char(char),
}

/// The meaning of the escape after the backslash before `at`, and where it ends.
fn escape(text: &str, at: usize, quote: u8) -> Result<(Escaped, usize), Cow<'static, str>> {
    let Some(c) = text[at..].chars().next() else { return Err(UNTERMINATED.into()) };
    let simple = match c {
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '\\' => '\\',
        _ if c == char::from(quote) => c,
        '0'..='7' => return code_escape(text, at, 3, 8),
        'x' => return code_escape(text, at + 1, 2, 16),
        'u' => return code_escape(text, at + 1, 4, 16),
        'U' => return code_escape(text, at + 1, 8, 16),
        _ => return Err(format!("unknown escape sequence {}", CodePoint(c)).into()),
    };
    Ok((Escaped::Char(simple), at + c.len_utf8()))
}

const UNTERMINATED: &str = "escape sequence not terminated";

/// The meaning of `n` digits at `start`: a byte if there are two or three, else a character.
fn code_escape(
    text: &str,
    start: usize,
    n: usize,
    radix: u32,
) -> Result<(Escaped, usize), Cow<'static, str>> {
    let mut code = 0u32;
    for at in start..start + n {
        let Some(c) = text[at..].chars().next() else { return Err(UNTERMINATED.into()) };
        let Some(digit) = c.to_digit(radix) else {
            return Err(format!("illegal character {} in escape sequence", CodePoint(c)).into());
        };
        code = code.wrapping_mul(radix).wrapping_add(digit);
    }
    let escaped = if n <= 3 {
        u8::try_from(code).ok().map(Escaped::Byte)
    } else {
        char::from_u32(code).map(Escaped::Char)
    };
    match escaped {
        Some(escaped) => Ok((escaped, start + n)),
        None => Err("escape sequence is an invalid Unicode code point".into()),
    }
}

/// What a scanned string says, or the bytes where its escapes do not make UTF-8.
pub(crate) fn unquote(text: &str) -> Result<Cow<'_, str>, Vec<u8>> {
    let inner = &text[1..text.len() - 1];
    let quote = text.as_bytes()[0];
    if quote == b'`' || !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut at = 0;
    while let Some(len) = inner[at..].find('\\') {
        out.extend_from_slice(&inner.as_bytes()[at..at + len]);
        let Ok((escaped, end)) = escape(inner, at + len + 1, quote) else { break };
        match escaped {
            Escaped::Byte(byte) => out.push(byte),
            Escaped::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        at = end;
    }
    out.extend_from_slice(&inner.as_bytes()[at..]);
    String::from_utf8(out).map(Cow::Owned).map_err(std::string::FromUtf8Error::into_bytes)
}
