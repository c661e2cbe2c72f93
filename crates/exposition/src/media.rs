//! Media types with parameters, read as Go's `mime.ParseMediaType` reads them.

use alloc::string::String;
use alloc::vec::Vec;

/// A media type and its parameters, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MediaType {
    pub(crate) essence: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl MediaType {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Reads a header's value; the error is Go's text.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let (base, mut rest) = text.split_at(text.find(';').unwrap_or(text.len()));
        let essence: String = base.to_lowercase().trim().into();
        check_essence(&essence)?;
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest.trim_end() == ";" {
                return Ok(Self { essence, parameters });
            }
            let (name, value, after) =
                parse_parameter(rest).ok_or("mime: invalid media parameter")?;
            match parameters.iter().find(|(known, _)| *known == name) {
                Some((_, known)) if *known != value => {
                    return Err("mime: duplicate parameter name");
                }
                Some(_) => {}
                None => parameters.push((name, value)),
            }
            rest = after;
        }
    }
}

fn check_essence(essence: &str) -> Result<(), &'static str> {
    let (kind, rest) = split_token(essence);
    if kind.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let rest = rest.strip_prefix('/').ok_or("mime: expected slash after first token")?;
    let (subtype, rest) = split_token(rest);
    match (subtype, rest) {
        ("", _) => Err("mime: expected token after slash"),
        (_, "") => Ok(()),
        _ => Err("mime: unexpected content after media subtype"),
    }
}

fn parse_parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = split_token(text.strip_prefix(';')?.trim_start());
    if name.is_empty() {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(inside) => parse_quoted(inside)?,
        None => match split_token(rest) {
            ("", _) => return None,
            (value, rest) => (value.into(), rest),
        },
    };
    Some((name.to_lowercase(), value, rest))
}

/// The rest of a quoted string; a backslash frees a special character.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\r' | '\n' => return None,
            '\\' if text[at + 1..].starts_with(is_special) => {
                value.extend(chars.next().map(|(_, c)| c));
            }
            _ => value.push(c),
        }
    }
    None
}

fn split_token(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_graphic() || is_special(c));
    text.split_at(end.unwrap_or(text.len()))
}

fn is_special(c: char) -> bool {
    r#"()<>@,;:\"/[]?="#.contains(c)
}
