//! Escaping for HTML's text and attributes.

use std::borrow::Cow;

use super::context::{Context, Delim, Element, State};
use super::transition::{find_any, special_end, transition};

/// `text` with characters replaced; what is not UTF-8 is asked about as U+FFFD, byte by byte.
pub(super) fn replace(
    text: &[u8],
    replacement: impl Fn(char) -> Option<Cow<'static, str>>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 16);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match replacement(c) {
                Some(replaced) => out.extend_from_slice(replaced.as_bytes()),
                None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            match replacement(char::REPLACEMENT_CHARACTER) {
                Some(replaced) => out.extend_from_slice(replaced.as_bytes()),
                None => out.push(*byte),
            }
        }
    }
    out
}

/// In text and in quoted values.
pub(super) fn escaped(c: char) -> Option<Cow<'static, str>> {
    match c {
        '&' => Some("&amp;".into()),
        _ => normalized(c),
    }
}

/// The same for what is HTML already, so that references stay what they are.
pub(super) fn normalized(c: char) -> Option<Cow<'static, str>> {
    Some(
        match c {
            '\0' => "\u{fffd}",
            '"' => "&#34;",
            '\'' => "&#39;",
            '+' => "&#43;",
            '<' => "&lt;",
            '>' => "&gt;",
            _ => return None,
        }
        .into(),
    )
}

/// In values without quotes.
pub(super) fn unquoted(c: char) -> Option<Cow<'static, str>> {
    match c {
        '&' => Some("&amp;".into()),
        _ => unquoted_normalized(c),
    }
}

/// The same for what is HTML already.
pub(super) fn unquoted_normalized(c: char) -> Option<Cow<'static, str>> {
    match c {
        '\0' => Some("&#xfffd;".into()),
        '\t'..='\r' | ' ' | '=' | '`' => Some(format!("&#{};", u32::from(c)).into()),
        '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' => {
            Some(format!("&#x{:x};", u32::from(c)).into())
        }
        _ => normalized(c),
    }
}

/// The text of a piece of HTML, without its tags and comments.
pub(super) fn strip_tags(html: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let (mut context, mut from, mut all_text) = (Context::default(), 0, true);
    while from != html.len() {
        let rest = &html[from..];
        if context.delim != Delim::None {
            let Some(end) = find_any(rest, 0, context.delim.ends()) else { break };
            from += end + usize::from(context.delim != Delim::SpaceOrTagEnd);
            context = Context { element: context.element, ..Context::of(State::Tag) };
            continue;
        }
        let state = context.state;
        // What is inside of scripts and styles is left alone up to their ends.
        let is_special = context.element != Element::None && !state.is_in_tag();
        let (after, taken) =
            if is_special { special_end(context, rest) } else { transition(context, rest) };
        if matches!(state, State::Text | State::Rcdata) {
            let taken = &rest[..taken];
            let kept = if after.state == state {
                taken.len()
            } else {
                taken.iter().rposition(|byte| *byte == b'<').unwrap_or(taken.len())
            };
            out.extend_from_slice(&taken[..kept]);
        } else {
            all_text = false;
        }
        context = after;
        from += taken;
    }
    if all_text {
        return Cow::Borrowed(html);
    }
    if matches!(context.state, State::Text | State::Rcdata) {
        out.extend_from_slice(&html[from..]);
    }
    Cow::Owned(out)
}
