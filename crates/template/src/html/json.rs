//! Escaping for scripts: values as JSON, and what stands in strings, templates and patterns.

use std::any::Any;
use std::borrow::Cow;

use super::escaper::joined;
use crate::function::CallError;
use crate::histogram::Histogram;
use crate::print::text_of;
use crate::value::{Struct, Value};

/// The arguments as a value of a script that has no effects.
pub(super) fn script_value(args: &[Value], room: usize) -> Result<Vec<u8>, CallError> {
    let mut writer = Writer { out: String::new(), room };
    let written = match args {
        [arg] => writer.outermost(arg.pointee()),
        args => {
            writer.text(&joined(args, room));
            Ok(())
        }
    };
    match written {
        Ok(()) => {}
        Err(Refused::Limit) => {
            return Err(CallError::limit(format!("result exceeds {room} bytes")));
        }
        Err(Refused::Unsupported(what)) => {
            return Ok(format!(" /* json: unsupported {what} */null ").into_bytes());
        }
    }
    // What borders on a name or a number is kept apart from what is around it.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '_');
    let json = writer.out;
    if json.starts_with(is_name) || json.ends_with(is_name) {
        return Ok(format!(" {json} ").into_bytes());
    }
    Ok(json.into_bytes())
}

/// Why there is no JSON of a value.
enum Refused {
    Limit,
    Unsupported(String),
}

struct Writer {
    out: String,
    room: usize,
}

impl Writer {
    /// A value by itself, which is written as its text if it has one.
    fn outermost(&mut self, value: &Value) -> Result<(), Refused> {
        let is_text = match value {
            // The text form of histograms belongs to pointers to them.
            Value::Struct(inner) => inner.json().is_none() && !is_histogram(inner.as_ref()),
            Value::Int(..) => true,
            _ => false,
        };
        match text_of(value).filter(|_| is_text) {
            Some(text) => {
                self.text(text.as_bytes());
                Ok(())
            }
            None => self.value(value),
        }
    }

    fn value(&mut self, value: &Value) -> Result<(), Refused> {
        if self.out.len() > self.room {
            return Err(Refused::Limit);
        }
        match value.pointee() {
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Int(value, _) => self.out.push_str(&value.to_string()),
            Value::Float(value) => self.float(*value)?,
            Value::Complex(..) => {
                return Err(Refused::Unsupported("type: complex128".to_owned()));
            }
            Value::Text(text) => self.text(text.as_bytes()),
            Value::List(list) if !list.is_nil() => {
                self.listed('[', ']', list.items().iter().map(|item| (None, item)))?;
            }
            Value::Map(map) => {
                self.listed('{', '}', map.iter().map(|(key, item)| (Some(key.as_bytes()), item)))?;
            }
            Value::Struct(inner) => match inner.json() {
                Some(json) => self.out.push_str(&json),
                None => {
                    let fields = inner.fields();
                    let named = fields.iter().map(|(name, item)| (Some(name.as_bytes()), item));
                    self.listed('{', '}', named)?;
                }
            },
            _ => self.out.push_str("null"),
        }
        Ok(())
    }

    fn listed<'a>(
        &mut self,
        open: char,
        close: char,
        items: impl Iterator<Item = (Option<&'a [u8]>, &'a Value)>,
    ) -> Result<(), Refused> {
        self.out.push(open);
        for (i, (key, item)) in items.enumerate() {
            if 0 < i {
                self.out.push(',');
            }
            if let Some(key) = key {
                self.text(key);
                self.out.push(':');
            }
            self.value(item)?;
        }
        self.out.push(close);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), Refused> {
        if !value.is_finite() {
            let shown = crate::print::float("%g", value);
            return Err(Refused::Unsupported(format!("value: {shown}")));
        }
        let size = value.abs();
        let text = if size == 0.0 || (1e-6..1e21).contains(&size) {
            format!("{value}")
        } else if size < 1.0 {
            format!("{value:e}")
        } else {
            format!("{value:e}").replace('e', "e+")
        };
        self.out.push_str(&text);
        Ok(())
    }

    fn text(&mut self, text: &[u8]) {
        self.out.push('"');
        for c in Characters(text) {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    self.out.push_str(&unicode(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

fn is_histogram(value: &dyn Struct) -> bool {
    (value as &dyn Any).is::<Histogram>()
}

/// The characters of a text; U+FFFD for each byte that is none.
struct Characters<'a>(&'a [u8]);

impl Iterator for Characters<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let chunk = self.0[..self.0.len().min(4)].utf8_chunks().next()?;
        let c = chunk.valid().chars().next();
        self.0 = &self.0[c.map_or(1, char::len_utf8)..];
        Some(c.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn unicode(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// What stands for `c` in a string.
pub(super) fn in_string(c: char) -> Option<Cow<'static, str>> {
    Some(match c {
        '\t' => "\\t".into(),
        '\n' => "\\n".into(),
        '\x0c' => "\\f".into(),
        '\r' => "\\r".into(),
        '/' => "\\/".into(),
        '\\' => "\\\\".into(),
        '\0'..' ' | '"' | '`' | '&' | '\'' | '+' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
            unicode(c).into()
        }
        _ => return None,
    })
}

/// What stands for `c` in a template literal.
pub(super) fn in_template(c: char) -> Option<Cow<'static, str>> {
    match c {
        '$' | '{' | '}' => Some(unicode(c).into()),
        _ => in_string(c),
    }
}

/// What stands for `c` in a regular expression.
pub(super) fn in_regexp(c: char) -> Option<Cow<'static, str>> {
    match c {
        '$' | '(' | ')' | '*' | '-' | '.' | '?' | '[' | ']' | '^' | '{' | '|' | '}' => {
            Some(format!("\\{c}").into())
        }
        '`' => None,
        _ => in_string(c),
    }
}
