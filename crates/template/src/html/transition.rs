//! How text moves a context: tags, attributes, comments and URLs. Scripts and styles have their own
//! files.
//!
//! A transition takes bytes from the front of a text and gives the context after them, with how many
//! it took.

use super::attribute::{Kind, kind_of};
use super::context::{Attr, Context, Delim, Element, State, UrlPart};
use super::{script, style};
use crate::print::quote::quote;
use crate::unicode::to_lower;

/// What one transition tells.
pub(super) type Moved = (Context, usize);

/// Takes what of `text` belongs together in the state of `context`.
pub(super) fn transition(context: Context, text: &[u8]) -> Moved {
    match context.state {
        State::Text => in_text(context, text),
        State::Tag => in_tag(context, text),
        State::AttrName => in_attr_name(context, text),
        State::AfterName => after_name(context, text),
        State::BeforeValue => before_value(context, text),
        State::Comment => in_comment(context, text),
        State::Rcdata => special_end(context, text),
        State::Url | State::Srcset => in_url(context, text),
        State::MetaContent => in_meta_content(context, text),
        State::MetaContentUrl => in_meta_content_url(context, text),
        State::Js => script::in_script(context, text),
        State::JsDoubleQuoted | State::JsSingleQuoted | State::JsRegexp => {
            script::in_literal(context, text)
        }
        State::JsTemplate => script::in_template(context, text),
        State::JsBlockComment | State::CssBlockComment => in_block_comment(context, text),
        State::JsLineComment
        | State::JsHtmlOpenComment
        | State::JsHtmlCloseComment
        | State::CssLineComment => in_line_comment(context, text),
        State::Css => style::in_style(context, text),
        State::CssDoubleQuoted
        | State::CssSingleQuoted
        | State::CssDoubleQuotedUrl
        | State::CssSingleQuotedUrl
        | State::CssUrl => style::in_string(context, text),
        State::Attr | State::Error | State::Dead => all(context, text),
    }
}

/// Takes everything and stays.
pub(super) fn all(context: Context, text: &[u8]) -> Moved {
    (context, text.len())
}

/// Takes everything and fails.
#[cold]
pub(super) fn fail(description: String, text: &[u8]) -> Moved {
    (Context::failed(description), text.len())
}

pub(super) fn find(text: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let found = text.get(from..)?.windows(wanted.len()).position(|window| window == wanted);
    found.map(|at| from + at)
}

pub(super) fn find_any(text: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let found = text.get(from..)?.iter().position(|byte| wanted.contains(byte));
    found.map(|at| from + at)
}

/// A short quoted piece of a text, as messages show it.
pub(super) fn short_quote(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    quote(text.chars().take(32).collect::<String>().as_bytes(), false)
}

fn in_text(context: Context, text: &[u8]) -> Moved {
    let mut from = 0;
    while let Some(at) = find(text, from, b"<") {
        if at + 1 == text.len() {
            break;
        }
        if text[at..].starts_with(b"<!--") {
            return (Context::of(State::Comment), at + 4);
        }
        let mut name = at + 1;
        let ends = text[name] == b'/';
        if ends {
            name += 1;
            if name == text.len() {
                break;
            }
        }
        let (end, element) = tag_name(text, name);
        if end != name {
            let element = if ends { Element::None } else { element };
            return (Context { element, ..Context::of(State::Tag) }, end);
        }
        from = end;
    }
    all(context, text)
}

/// Where the name of a tag that begins at `from` ends, and what it names.
fn tag_name(text: &[u8], from: usize) -> (usize, Element) {
    let is_word = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    if !text.get(from).is_some_and(u8::is_ascii_alphabetic) {
        return (from, Element::None);
    }
    let mut end = from + 1;
    loop {
        if is_word(end) {
            end += 1;
        } else if matches!(text.get(end), Some(b':' | b'-')) && is_word(end + 1) {
            end += 2;
        } else {
            break;
        }
    }
    let element = match text[from..end].to_ascii_lowercase().as_slice() {
        b"script" => Element::Script,
        b"style" => Element::Style,
        b"textarea" => Element::Textarea,
        b"title" => Element::Title,
        b"meta" => Element::Meta,
        _ => Element::None,
    };
    (end, element)
}

fn in_tag(context: Context, text: &[u8]) -> Moved {
    let start = skip_space(text, 0);
    let Some(first) = text.get(start) else { return all(context, text) };
    if *first == b'>' {
        let element = match context.element {
            Element::Meta => Element::None,
            element => element,
        };
        return (Context { element, ..Context::of(element.content()) }, start + 1);
    }
    let end = match attr_name(text, start) {
        Ok(end) => end,
        Err(description) => return fail(description, text),
    };
    if start == end {
        let found = quote(&text[start..], false);
        let expected = "expected space, attr name, or end of tag";
        return fail(format!("{expected}, but got {found}"), text);
    }
    let name = to_lower(&String::from_utf8_lossy(&text[start..end]));
    let attr = match (context.element, name.as_str()) {
        (Element::Script, "type") => Attr::ScriptType,
        (Element::Meta, "content") => Attr::MetaContent,
        _ => match kind_of(&name) {
            Kind::Url => Attr::Url,
            Kind::Css => Attr::Style,
            Kind::Js => Attr::Script,
            Kind::Srcset => Attr::Srcset,
            Kind::Plain | Kind::Html | Kind::Unsafe => Attr::None,
        },
    };
    let state = if end == text.len() { State::AttrName } else { State::AfterName };
    (Context { attr, element: context.element, ..Context::of(state) }, end)
}

fn in_attr_name(mut context: Context, text: &[u8]) -> Moved {
    match attr_name(text, 0) {
        Ok(end) => {
            if end != text.len() {
                context.state = State::AfterName;
            }
            (context, end)
        }
        Err(description) => fail(description, text),
    }
}

/// Where the attribute's name that begins at `from` ends.
fn attr_name(text: &[u8], from: usize) -> Result<usize, String> {
    let ends = |byte: &u8| b" \t\n\x0c\r=>'\"<".contains(byte);
    match text[from..].iter().position(ends).map(|at| from + at) {
        Some(at) if b"'\"<".contains(&text[at]) => {
            let bad = quote(&text[at..=at], false);
            Err(format!("{bad} in attribute name: {}", short_quote(text)))
        }
        Some(at) => Ok(at),
        None => Ok(text.len()),
    }
}

fn after_name(mut context: Context, text: &[u8]) -> Moved {
    let at = skip_space(text, 0);
    match text.get(at) {
        None => all(context, text),
        Some(b'=') => {
            context.state = State::BeforeValue;
            (context, at + 1)
        }
        Some(_) => {
            context.state = State::Tag;
            (context, at)
        }
    }
}

fn before_value(mut context: Context, text: &[u8]) -> Moved {
    let at = skip_space(text, 0);
    let (delim, taken) = match text.get(at) {
        None => return all(context, text),
        Some(b'\'') => (Delim::SingleQuote, at + 1),
        Some(b'"') => (Delim::DoubleQuote, at + 1),
        Some(_) => (Delim::SpaceOrTagEnd, at),
    };
    context.state = context.attr.start();
    context.delim = delim;
    (context, taken)
}

fn in_comment(context: Context, text: &[u8]) -> Moved {
    match find(text, 0, b"-->") {
        Some(at) => (Context::default(), at + 3),
        None => all(context, text),
    }
}

/// Looks for the tag that ends the content of a special element; takes what is before it.
pub(super) fn special_end(context: Context, text: &[u8]) -> Moved {
    match special_end_at(&context, text) {
        Some(at) => (Context::default(), at),
        None => all(context, text),
    }
}

/// Where the tag begins that ends the content of a special element.
pub(super) fn special_end_at(context: &Context, text: &[u8]) -> Option<usize> {
    // In literals and comments of a script the tag is text, and escaped.
    let in_script = context.element == Element::Script;
    let is_text = context.state.is_script_literal() || context.state.is_comment();
    if context.element == Element::None || in_script && is_text {
        return None;
    }
    let tag = context.element.end_tag();
    let mut from = 0;
    while let Some(at) = find(text, from, b"</") {
        from = at + 2;
        let name = text.get(from..from + tag.len());
        if name.is_some_and(|name| name.eq_ignore_ascii_case(tag)) {
            from += tag.len();
            if text.get(from).is_some_and(|next| b"> \t\n\x0c/".contains(next)) {
                return Some(at);
            }
        }
    }
    None
}

pub(super) fn in_url(mut context: Context, text: &[u8]) -> Moved {
    if find_any(text, 0, b"#?").is_some() {
        context.url_part = UrlPart::QueryOrFragment;
    } else if context.url_part == UrlPart::None && skip_space(text, 0) != text.len() {
        context.url_part = UrlPart::PreQuery;
    }
    all(context, text)
}

fn in_meta_content(mut context: Context, text: &[u8]) -> Moved {
    for (at, window) in text.windows(3).enumerate() {
        // At least one byte must follow.
        if at + 3 < text.len() && window.eq_ignore_ascii_case(b"url") {
            let next = skip_space(text, at + 3);
            if text.get(next) == Some(&b'=') {
                context.state = State::MetaContentUrl;
                return (context, next + 1);
            }
        }
    }
    all(context, text)
}

fn in_meta_content_url(mut context: Context, text: &[u8]) -> Moved {
    match find(text, 0, b";") {
        Some(at) => {
            context.state = State::MetaContent;
            (context, at + 1)
        }
        None => all(context, text),
    }
}

fn in_block_comment(mut context: Context, text: &[u8]) -> Moved {
    match find(text, 0, b"*/") {
        Some(at) => {
            let in_script = context.state == State::JsBlockComment;
            context.state = if in_script { State::Js } else { State::Css };
            (context, at + 2)
        }
        None => all(context, text),
    }
}

/// What ends the line is not part of the comment.
fn in_line_comment(mut context: Context, text: &[u8]) -> Moved {
    let (end, after) = match context.state {
        State::CssLineComment => (find_any(text, 0, b"\n\x0c\r"), State::Css),
        _ => (script::line_end(text), State::Js),
    };
    match end {
        Some(at) => {
            context.state = after;
            (context, at)
        }
        None => all(context, text),
    }
}

/// Where white space that begins at `from` ends.
pub(super) fn skip_space(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r');
    rest.iter().position(|byte| !is_space(byte)).map_or(text.len(), |at| from + at)
}
