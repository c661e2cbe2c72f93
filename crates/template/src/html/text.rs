//! Text of templates: where it leads, and what of it is written.

use super::context::{Attr, Context, Delim, Element, State};
use super::entity::unescape;
use super::script::{is_script_type, line_end};
use super::transition::{Moved, fail, find, find_any, special_end_at, transition};
use crate::print::quote::quote;

/// The context after a text that begins in `context`, and what is written in its place, if not it.
pub(super) fn escape_text(mut context: Context, text: &[u8]) -> (Context, Option<Vec<u8>>) {
    let mut writer = Writer { text, out: Vec::new(), written: 0 };
    let mut ends = TagEnds::default();
    let mut from = 0;
    while from != text.len() {
        let (state, delim) = (context.state, context.delim);
        let (after, taken) = after_some(context, text, from, &mut ends);
        let to = from + taken;
        if matches!(state, State::Text | State::Rcdata) {
            writer.escape_brackets(from, to, after.state != state);
        } else if state.is_comment() && delim == Delim::None {
            writer.drop_comment(state, to);
        }
        if after.state != state && after.state.is_comment() && after.delim == Delim::None {
            writer.keep(to - comment_start(after.state));
            writer.written = to;
        }
        if state.is_script_literal() {
            writer.escape_script_tags(from, to);
        }
        if to == from && after.state == state {
            // Every state takes something or changes; this is to be sure that it ends.
            return (fail("no way to go on".to_owned(), text).0, None);
        }
        (context, from) = (after, to);
    }
    if writer.written == 0 || context.is_error() {
        return (context, None);
    }
    if !context.state.is_comment() || context.delim != Delim::None {
        writer.keep(text.len());
    }
    (context, Some(writer.out))
}

/// How long what begins a comment is.
fn comment_start(state: State) -> usize {
    match state {
        State::Comment | State::JsHtmlOpenComment => 4,
        State::JsHtmlCloseComment => 3,
        _ => 2,
    }
}

struct Writer<'t> {
    text: &'t [u8],
    out: Vec<u8>,
    /// How much of the text has been written or dropped.
    written: usize,
}

impl Writer<'_> {
    /// Writes the text up to `to` as it is.
    fn keep(&mut self, to: usize) {
        self.out.extend_from_slice(self.text.get(self.written..to).unwrap_or_default());
    }

    /// Brackets that begin no tag are text.
    fn escape_brackets(&mut self, from: usize, to: usize, is_left: bool) {
        let part = &self.text[from..to];
        let end = match part.iter().rposition(|byte| *byte == b'<') {
            Some(at) if is_left => from + at,
            _ => to,
        };
        let mut next = from;
        while let Some(at) = find_any(&self.text[..end], next, b"<") {
            next = at + 1;
            let word = self.text.get(at..at + 9);
            if !word.is_some_and(|word| word.eq_ignore_ascii_case(b"<!DOCTYPE")) {
                self.keep(at);
                self.out.extend_from_slice(b"&lt;");
                self.written = next;
            }
        }
    }

    /// Comments are not written; what separates words or lines stays separate.
    fn drop_comment(&mut self, state: State, to: usize) {
        let dropped = self.text.get(self.written..to).unwrap_or_default();
        match state {
            State::JsBlockComment if line_end(dropped).is_some() => {
                self.out.push(b'\n');
            }
            State::JsBlockComment | State::CssBlockComment => self.out.push(b' '),
            _ => {}
        }
        self.written = to;
    }

    /// What looks like a tag that means something to scripts, in a literal, does so no longer.
    fn escape_script_tags(&mut self, from: usize, to: usize) {
        let part = &self.text[from..to];
        let mut next = 0;
        while let Some(at) = find(part, next, b"<") {
            next = at + 1;
            let rest = &part[next..];
            let name = rest.strip_prefix(b"/").unwrap_or(rest);
            if rest.starts_with(b"!--") || starts_with_script(name) {
                self.keep(from + at);
                self.out.extend_from_slice(b"\\x3C");
                self.written = from + next;
            }
        }
    }
}

/// Whether it begins with `script` in any case, in which the long s is an s.
fn starts_with_script(text: &[u8]) -> bool {
    let rest = text.strip_prefix("\u{17f}".as_bytes()).or_else(|| {
        let (first, rest) = text.split_first()?;
        first.eq_ignore_ascii_case(&b's').then_some(rest)
    });
    let word = rest.and_then(|rest| rest.get(..5));
    word.is_some_and(|word| word.eq_ignore_ascii_case(b"cript"))
}

/// Where the next tag is that ends a special element, so that it is looked for only once.
#[derive(Default)]
struct TagEnds {
    known: Option<(Element, usize, Option<usize>)>,
}

impl TagEnds {
    fn find(&mut self, context: &Context, text: &[u8], from: usize) -> Option<usize> {
        let in_script = context.element == Element::Script;
        let is_text = context.state.is_script_literal() || context.state.is_comment();
        if context.element == Element::None || in_script && is_text {
            return None;
        }
        match self.known {
            Some((element, since, found))
                if element == context.element
                    && since <= from
                    && found.is_none_or(|found| from <= found) =>
            {
                found
            }
            _ => {
                let found = special_end_at(context, &text[from..]).map(|at| from + at);
                self.known = Some((context.element, from, found));
                found
            }
        }
    }
}

/// The context after a part of the text that begins at `from`, and how long that is.
fn after_some(context: Context, text: &[u8], from: usize, ends: &mut TagEnds) -> Moved {
    if context.delim != Delim::None {
        return in_value(context, &text[from..]);
    }
    let end = match ends.find(&context, text, from) {
        Some(end) if end == from => return (Context::default(), 0),
        Some(end) => end,
        None => text.len(),
    };
    transition(context, &text[from..end])
}

/// In the value of an attribute: to its end, or through all of the text.
fn in_value(mut context: Context, text: &[u8]) -> Moved {
    let end = find_any(text, 0, context.delim.ends());
    let value = &text[..end.unwrap_or(text.len())];
    if context.delim == Delim::SpaceOrTagEnd
        && let Some(bad) = find_any(value, 0, b"\"'<=`")
    {
        let (bad, value) = (quote(&value[bad..=bad], false), quote(value, false));
        return fail(format!("{bad} in unquoted attr: {value}"), text);
    }
    let Some(end) = end else {
        // What the language of the value sees has no references.
        let value = unescape(&String::from_utf8_lossy(text));
        let mut rest = value.as_bytes();
        while !rest.is_empty() {
            let (after, taken) = transition(context, rest);
            context = after;
            rest = &rest[taken..];
        }
        return (context, text.len());
    };
    let is_other_type = context.state == State::Attr
        && context.element == Element::Script
        && context.attr == Attr::ScriptType
        && !is_script_type(&String::from_utf8_lossy(value));
    let element = if is_other_type { Element::None } else { context.element };
    let quote = usize::from(context.delim != Delim::SpaceOrTagEnd);
    (Context { element, ..Context::of(State::Tag) }, end + quote)
}
