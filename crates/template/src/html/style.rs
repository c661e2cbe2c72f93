//! How text moves a context inside of a style sheet, and what CSS escapes stand for.

use super::context::{Context, State, UrlPart};
use super::transition::{Moved, all, fail, find_any, in_url, skip_space};
use crate::print::quote::quote;

pub(super) fn in_style(mut context: Context, text: &[u8]) -> Moved {
    let mut from = 0;
    while let Some(at) = find_any(text, from, b"(\"'/") {
        from = at + 1;
        match (text[at], text.get(from)) {
            (b'(', _) if ends_with_url(&text[..at]) => {
                let start = skip_space(text, from);
                let (state, taken) = match text.get(start) {
                    Some(b'"') => (State::CssDoubleQuotedUrl, start + 1),
                    Some(b'\'') => (State::CssSingleQuotedUrl, start + 1),
                    _ => (State::CssUrl, start),
                };
                context.state = state;
                return (context, taken);
            }
            (b'/', Some(b'/')) => {
                context.state = State::CssLineComment;
                return (context, from + 1);
            }
            (b'/', Some(b'*')) => {
                context.state = State::CssBlockComment;
                return (context, from + 1);
            }
            (b'"', _) => {
                context.state = State::CssDoubleQuoted;
                return (context, from);
            }
            (b'\'', _) => {
                context.state = State::CssSingleQuoted;
                return (context, from);
            }
            _ => {}
        }
    }
    all(context, text)
}

/// Whether the word `url` is last in `text`, but for space.
fn ends_with_url(text: &[u8]) -> bool {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r');
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(0, |at| at + 1);
    let Some((before, word)) = text[..end].split_last_chunk::<3>() else { return false };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..);
    word.eq_ignore_ascii_case(b"url") && !before.last().is_some_and(is_name)
}

/// In a string or a URL: a string may be a URL, too.
pub(super) fn in_string(mut context: Context, text: &[u8]) -> Moved {
    let special: &[u8] = match context.state {
        State::CssDoubleQuoted | State::CssDoubleQuotedUrl => b"\\\"",
        State::CssSingleQuoted | State::CssSingleQuotedUrl => b"\\'",
        _ => b"\\\t\n\x0c\r )",
    };
    // What is before `judged` has had its say about the part of the URL.
    let (mut from, mut judged) = (0, 0);
    while let Some(at) = find_any(text, from, special) {
        if text[at] != b'\\' {
            context.state = State::Css;
            return (context, at + 1);
        }
        if at + 1 == text.len() {
            let shown = quote(text, false);
            return fail(format!("unfinished escape sequence in CSS string: {shown}"), text);
        }
        // The escape counts twice: cut off after its first byte now, and whole with the next one.
        if context.url_part != UrlPart::QueryOrFragment {
            context = in_url(context, &decode(&text[judged..at + 2])).0;
        }
        judged = at;
        from = at + 2;
    }
    let decoded = decode(text.get(from..).unwrap_or_default());
    let (context, taken) = in_url(context, &decoded);
    (context, from.min(text.len()) + taken)
}

/// What a text with CSS escapes stands for.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find_any(rest, 0, b"\\") {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits != 0 {
            let (code, length) = code_point(&rest[..digits]);
            let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            rest = skip_one_space(&rest[length..]);
        } else {
            let length = first_length(rest);
            out.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The number that hexadecimal digits write, without the last one if they are too many.
fn code_point(digits: &[u8]) -> (u32, usize) {
    let value = |digits: &[u8]| {
        digits.iter().fold(0, |sum, digit| sum * 16 + char::from(*digit).to_digit(16).unwrap_or(0))
    };
    match value(digits) {
        code if code > u32::from(char::MAX) => (code / 16, digits.len() - 1),
        code => (code, digits.len()),
    }
}

fn skip_one_space(text: &[u8]) -> &[u8] {
    match text {
        [b'\r', b'\n', rest @ ..] | [b'\t' | b'\n' | b'\x0c' | b'\r' | b' ', rest @ ..] => rest,
        _ => text,
    }
}

/// How long the first character is; 1 for what is none.
fn first_length(text: &[u8]) -> usize {
    let start = &text[..text.len().min(4)];
    match start.utf8_chunks().next() {
        Some(chunk) => chunk.valid().chars().next().map_or(1, char::len_utf8),
        None => 0,
    }
}
