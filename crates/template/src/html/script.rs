//! How text moves a context inside of a script: literals, comments, and whether a slash divides.

use super::context::{Context, Failure, Slash, State};
use super::transition::{Moved, all, fail, find_any, short_quote};
use crate::print::quote::quote;

/// How many template literals may be open in one another; Go knows no limit.
const MAX_LITERALS: usize = 100;

pub(super) fn in_script(mut context: Context, text: &[u8]) -> Moved {
    let Some(at) = find_any(text, 0, b"\"`'/{}<-#") else {
        context.slash = slash_after(text, context.slash);
        return all(context, text);
    };
    context.slash = slash_after(&text[..at], context.slash);
    let rest = &text[at..];
    let mut taken = 1;
    match rest[0] {
        b'"' => (context.state, context.slash) = (State::JsDoubleQuoted, Slash::Regexp),
        b'\'' => (context.state, context.slash) = (State::JsSingleQuoted, Slash::Regexp),
        b'`' => (context.state, context.slash) = (State::JsTemplate, Slash::Regexp),
        b'/' if rest.starts_with(b"//") => (context.state, taken) = (State::JsLineComment, 2),
        b'/' if rest.starts_with(b"/*") => (context.state, taken) = (State::JsBlockComment, 2),
        b'/' => match context.slash {
            Slash::Regexp => context.state = State::JsRegexp,
            Slash::Division => context.slash = Slash::Regexp,
            Slash::Unknown => {
                let found = short_quote(rest);
                return fail(format!("'/' could start a division or regexp: {found}"), text);
            }
        },
        // Comments like those of HTML go to the end of the line.
        b'<' if rest.starts_with(b"<!--") => {
            (context.state, taken) = (State::JsHtmlOpenComment, 4);
        }
        b'-' if rest.starts_with(b"-->") => {
            (context.state, taken) = (State::JsHtmlCloseComment, 3);
        }
        b'#' if rest.starts_with(b"#!") => (context.state, taken) = (State::JsLineComment, 2),
        b'#' => {
            // A private name is never a keyword.
            taken += rest[1..].iter().take_while(|byte| is_name(**byte)).count();
            context.slash = Slash::Division;
        }
        b'{' => open_brace(&mut context),
        b'}' => close_brace(&mut context),
        _ => {}
    }
    (context, at + taken)
}

fn open_brace(context: &mut Context) {
    if let Some(open) = context.braces.as_mut().and_then(|braces| braces.last_mut()) {
        *open += 1;
    }
    context.slash = slash_after(b"{", context.slash);
}

/// Closes a brace, or the part of a template literal that is script.
fn close_brace(context: &mut Context) {
    if let Some(braces) = &mut context.braces
        && let Some(open) = braces.last_mut()
    {
        *open -= 1;
        if *open < 0 {
            braces.pop();
            context.state = State::JsTemplate;
            return;
        }
    }
    context.slash = slash_after(b"}", context.slash);
}

/// In a template literal.
pub(super) fn in_template(mut context: Context, text: &[u8]) -> Moved {
    let mut from = 0;
    while let Some(at) = find_any(text, from, b"`\\$") {
        from = at + 1;
        match text[at] {
            b'\\' if from == text.len() => return unfinished(text),
            b'\\' => from += 1,
            b'$' if text.get(from) == Some(&b'{') => {
                let braces = context.braces.get_or_insert_default();
                if braces.len() == MAX_LITERALS {
                    let description =
                        format!("more than {MAX_LITERALS} JS template literals in one another");
                    let failure = Failure { description, place: None, line: 0, is_limit: true };
                    return (Context::failure(failure), text.len());
                }
                braces.push(0);
                (context.state, context.slash) = (State::Js, Slash::Regexp);
                return (context, from + 1);
            }
            b'$' => {}
            _ => {
                context.state = State::Js;
                return (context, from);
            }
        }
    }
    all(context, text)
}

#[cold]
fn unfinished(text: &[u8]) -> Moved {
    let text_shown = quote(text, false);
    fail(format!("unfinished escape sequence in JS string: {text_shown}"), text)
}

/// In a string or a regular expression.
pub(super) fn in_literal(mut context: Context, text: &[u8]) -> Moved {
    let special: &[u8] = match context.state {
        State::JsSingleQuoted => b"\\'",
        State::JsRegexp => b"\\/[]",
        _ => b"\\\"",
    };
    let (mut from, mut in_charset) = (0, false);
    while let Some(at) = find_any(text, from, special) {
        from = at + 1;
        match text[at] {
            b'\\' if from == text.len() => return unfinished(text),
            b'\\' => from += 1,
            b'[' => in_charset = true,
            b']' => in_charset = false,
            // The end tag in a regular expression is text, and escaped.
            b'/' if is_script_end(text, at) => from += 1,
            _ if in_charset => {}
            _ => {
                (context.state, context.slash) = (State::Js, Slash::Division);
                return (context, from);
            }
        }
    }
    if in_charset {
        return fail(format!("unfinished JS regexp charset: {}", quote(text, false)), text);
    }
    all(context, text)
}

/// Whether the slash at `at` is that of `</script`.
fn is_script_end(text: &[u8], at: usize) -> bool {
    let found = at.checked_sub(1).and_then(|start| text.get(start..at + 7));
    found.is_some_and(|found| found.eq_ignore_ascii_case(b"</script"))
}

/// Where the line ends: at one of JavaScript's four line terminators.
pub(super) fn line_end(text: &[u8]) -> Option<usize> {
    text.iter().enumerate().position(|(at, byte)| match byte {
        b'\n' | b'\r' => true,
        0xe2 => matches!(text.get(at..at + 3), Some(b"\xe2\x80\xa8" | b"\xe2\x80\xa9")),
        _ => false,
    })
}

/// What a slash begins after `text`, which has neither literals nor comments in it.
fn slash_after(text: &[u8], before: Slash) -> Slash {
    let text = trim_space(text);
    let Some(last) = text.last() else { return before };
    let is_regexp = match last {
        b'+' | b'-' => {
            // Pairs of them are operators after an operand.
            text.iter().rev().take_while(|byte| *byte == last).count() % 2 == 1
        }
        b'.' => !matches!(text, [.., b'0'..=b'9', b'.']),
        b',' | b'<' | b'>' | b'=' | b'*' | b'%' | b'&' | b'|' | b'^' | b'?' | b'!' | b'~'
        | b'(' | b'[' | b':' | b';' | b'{' | b'}' => true,
        _ => {
            let length = text.iter().rev().take_while(|byte| is_name(**byte)).count();
            let (rest, word) = text.split_at(text.len() - length);
            is_regexp_keyword(word) && trim_space(rest).last() != Some(&b'.')
        }
    };
    if is_regexp { Slash::Regexp } else { Slash::Division }
}

/// Without JavaScript's white space at the end.
fn trim_space(text: &[u8]) -> &[u8] {
    let is_space = |c: char| match c {
        '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' => true,
        _ => {
            matches!(c, '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
        }
    };
    // Text is UTF-8 and was cut at ASCII; where it was not, there is no space before the cut.
    match std::str::from_utf8(text) {
        Ok(text) => text.trim_end_matches(is_space).as_bytes(),
        Err(_) => text.trim_ascii_end(),
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_')
}

fn is_regexp_keyword(word: &[u8]) -> bool {
    const KEYWORDS: [&[u8]; 15] = [
        b"break",
        b"case",
        b"continue",
        b"delete",
        b"do",
        b"else",
        b"finally",
        b"in",
        b"instanceof",
        b"return",
        b"throw",
        b"try",
        b"typeof",
        b"void",
        b"yield",
    ];
    KEYWORDS.contains(&word)
}

/// Whether a script of this type is JavaScript, or JSON.
pub(super) fn is_script_type(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    let kind = kind.as_str();
    matches!(
        kind,
        "" | "module"
            | "application/ecmascript"
            | "application/javascript"
            | "application/json"
            | "application/ld+json"
            | "application/x-ecmascript"
            | "application/x-javascript"
            | "text/ecmascript"
            | "text/javascript"
            | "text/jscript"
            | "text/livescript"
            | "text/x-ecmascript"
            | "text/x-javascript"
    ) || kind
        .strip_prefix("text/javascript1.")
        .is_some_and(|minor| matches!(minor, "0" | "1" | "2" | "3" | "4" | "5"))
}
