//! The functions that make a value harmless in its context; what pipelines are given at their ends.

use super::attribute::{Kind, kind_of};
use super::{css, json, markup, url};
use crate::builtin::printable;
use crate::function::CallError;
use crate::print::sprint_within;
use crate::unicode::to_lower;
use crate::value::{Text, Value};

/// What stands for a value that cannot be made harmless.
pub(super) const FAILSAFE: &str = "ZgotmplZ";

/// A function that escaping adds to pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escaper {
    Attr,
    Comment,
    CssString,
    CssValue,
    /// Joins the arguments of what a template calls itself.
    Join,
    JsRegexp,
    JsString,
    JsTemplate,
    JsValue,
    Name,
    Rcdata,
    Srcset,
    Text,
    Unquoted,
    UrlFilter,
    UrlNormalizer,
    UrlQuery,
}

impl Escaper {
    /// The name that messages show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attr => "_html_template_attrescaper",
            Self::Comment => "_html_template_commentescaper",
            Self::CssString => "_html_template_cssescaper",
            Self::CssValue => "_html_template_cssvaluefilter",
            Self::Join => "_eval_args_",
            Self::JsRegexp => "_html_template_jsregexpescaper",
            Self::JsString => "_html_template_jsstrescaper",
            Self::JsTemplate => "_html_template_jstmpllitescaper",
            Self::JsValue => "_html_template_jsvalescaper",
            Self::Name => "_html_template_htmlnamefilter",
            Self::Rcdata => "_html_template_rcdataescaper",
            Self::Srcset => "_html_template_srcsetescaper",
            Self::Text => "_html_template_htmlescaper",
            Self::Unquoted => "_html_template_nospaceescaper",
            Self::UrlFilter => "_html_template_urlfilter",
            Self::UrlNormalizer => "_html_template_urlnormalizer",
            Self::UrlQuery => "_html_template_urlescaper",
        }
    }

    /// The arguments as a text that is harmless where this is meant for, of at most `room` bytes.
    pub(crate) fn call(self, args: &[Value], room: usize) -> Result<Value, CallError> {
        let out = match self {
            Self::Comment => Vec::new(),
            Self::Join => joined(args, room),
            Self::JsValue => json::script_value(args, room)?,
            _ => self.escaped(&Content::of(args, room)),
        };
        if out.len() > room {
            return Err(CallError::limit(format!("result exceeds {room} bytes")));
        }
        Ok(Value::Text(Text::new(out)))
    }

    fn escaped(self, content: &Content) -> Vec<u8> {
        let bytes = &content.bytes;
        match self {
            Self::Attr if content.is_html => {
                markup::replace(&markup::strip_tags(bytes), markup::normalized)
            }
            Self::Rcdata if content.is_html => markup::replace(bytes, markup::normalized),
            Self::Text if content.is_html => bytes.clone(),
            Self::Attr | Self::Rcdata | Self::Text => markup::replace(bytes, markup::escaped),
            Self::Unquoted if bytes.is_empty() => FAILSAFE.into(),
            Self::Unquoted if content.is_html => {
                markup::replace(&markup::strip_tags(bytes), markup::unquoted_normalized)
            }
            Self::Unquoted => markup::replace(bytes, markup::unquoted),
            Self::Name => name(bytes),
            Self::CssString => css::string(bytes),
            Self::CssValue => css::value(bytes),
            Self::JsRegexp if bytes.is_empty() => b"(?:)".to_vec(),
            Self::JsRegexp => markup::replace(bytes, json::in_regexp),
            Self::JsString => markup::replace(bytes, json::in_string),
            Self::JsTemplate => markup::replace(bytes, json::in_template),
            Self::Srcset => url::srcset(bytes),
            Self::UrlFilter if url::is_safe(bytes) => bytes.clone(),
            Self::UrlFilter => format!("#{FAILSAFE}").into_bytes(),
            Self::UrlNormalizer => url::percent_encoded(bytes, true),
            Self::UrlQuery => url::percent_encoded(bytes, false),
            Self::Comment | Self::Join | Self::JsValue => Vec::new(),
        }
    }
}

/// A value as text.
struct Content {
    bytes: Vec<u8>,
    /// Whether it is declared to be safe as HTML.
    is_html: bool,
}

impl Content {
    fn of(args: &[Value], room: usize) -> Self {
        if let [arg] = args
            && let Value::Text(text) = arg.pointee()
        {
            return Self { bytes: text.as_bytes().to_vec(), is_html: text.is_safe_html() };
        }
        let args: Vec<Value> =
            args.iter().filter(|arg| !matches!(arg, Value::Nil)).map(printable).collect();
        Self { bytes: sprint_within(&args, room), is_html: false }
    }
}

/// The arguments one after another; nothing is left out.
pub(super) fn joined(args: &[Value], room: usize) -> Vec<u8> {
    match args {
        [Value::Text(text)] if !text.is_safe_html() => text.as_bytes().to_vec(),
        _ => {
            let shown = |arg: &Value| match arg {
                Value::Nil => Value::Nil,
                arg => printable(arg),
            };
            sprint_within(&args.iter().map(shown).collect::<Vec<_>>(), room)
        }
    }
}

/// A part of the name of a tag or of an attribute.
fn name(text: &[u8]) -> Vec<u8> {
    let name = to_lower(&String::from_utf8_lossy(text));
    let is_word = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    if name.is_empty() || kind_of(&name) != Kind::Plain || !name.bytes().all(is_word) {
        return FAILSAFE.into();
    }
    name.into_bytes()
}
