//! Escapes: backslashes in strings, and the schemes that squeeze UTF-8 names into old ones.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt::{self, Write as _};
use core::str::FromStr;

use skopos_core::text::is_legacy_metric_name;

use crate::{Error, ErrorKind, TextFormat};

/// How names outside `[a-zA-Z_:][a-zA-Z0-9_:]*` are written for readers that know no others.
///
/// ```
/// use skopos_exposition::EscapingScheme;
///
/// let name = "http.requests";
/// assert_eq!(EscapingScheme::AllowUtf8.escape(name), "http.requests");
/// assert_eq!(EscapingScheme::Underscores.escape(name), "http_requests");
/// assert_eq!(EscapingScheme::Dots.escape(name), "http_dot_requests");
/// assert_eq!(EscapingScheme::Values.escape(name), "U__http_2e_requests");
/// assert_eq!(EscapingScheme::Values.unescape("U__http_2e_requests"), name);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EscapingScheme {
    /// Names stay as they are.
    AllowUtf8,
    /// Each character that does not fit becomes an underscore; there is no way back.
    #[default]
    Underscores,
    /// Dots become `_dot_`, underscores double, and so does what else does not fit.
    Dots,
    /// `U__` before the name, and code points in hexadecimal between underscores.
    Values,
}

impl EscapingScheme {
    /// The scheme's name in content types and configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// The name as this scheme writes it. Linear.
    #[must_use]
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        if name.is_empty() || self == Self::AllowUtf8 {
            return Cow::Borrowed(name);
        }
        if self != Self::Dots && is_legacy_metric_name(name) {
            return Cow::Borrowed(name);
        }
        let mut out = String::with_capacity(name.len() + 8);
        if self == Self::Values {
            out.push_str("U__");
        }
        for (at, c) in name.char_indices() {
            let fits =
                c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (c.is_ascii_digit() && 0 < at);
            match self {
                Self::Dots | Self::Values if c == '_' => out.push_str("__"),
                Self::Dots if c == '.' => out.push_str("_dot_"),
                _ if fits => out.push(c),
                Self::Dots => out.push_str("__"),
                Self::Values => {
                    // Writing into a `String` cannot fail.
                    let _ = write!(out, "_{:x}_", u32::from(c));
                }
                _ => out.push('_'),
            }
        }
        Cow::Owned(out)
    }

    /// The name that [`escape`](Self::escape) was given, as far as the scheme can tell. A name that
    /// the scheme cannot have written is given back as it is. Linear.
    #[must_use]
    pub fn unescape(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::AllowUtf8 | Self::Underscores => Cow::Borrowed(name),
            Self::Dots => Cow::Owned(name.replace("_dot_", ".").replace("__", "_")),
            Self::Values => match unescape_values(name) {
                Some(plain) => Cow::Owned(plain),
                None => Cow::Borrowed(name),
            },
        }
    }
}

impl fmt::Display for EscapingScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EscapingScheme {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "allow-utf-8" => Ok(Self::AllowUtf8),
            "underscores" => Ok(Self::Underscores),
            "dots" => Ok(Self::Dots),
            "values" => Ok(Self::Values),
            "" => {
                let message = "got empty string instead of escaping scheme";
                Err(Error::new(ErrorKind::Syntax, message.into()))
            }
            _ => {
                let message = alloc::format!("unknown format scheme {text}");
                Err(Error::new(ErrorKind::Syntax, message))
            }
        }
    }
}

fn unescape_values(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("U__")?;
    let mut out = String::with_capacity(rest.len());
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let end = rest.find('_').filter(|end| *end < 6)?;
        let digits = &rest[..end];
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        out.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Some(out)
}

/// Resolves `\\`, `\n` and `\"`; a backslash before anything else stays.
pub(crate) fn unescape_into(text: &str, out: &mut String) {
    unescape_each(text, true, out);
}

/// A help text without its escapes, if it has some; Prometheus text knows no escaped quote there.
pub(crate) fn unescape_help(text: &str, format: TextFormat) -> Option<String> {
    memchr::memchr(b'\\', text.as_bytes())?;
    let mut out = String::with_capacity(text.len());
    unescape_each(text, format == TextFormat::OpenMetrics, &mut out);
    Some(out)
}

fn unescape_each(text: &str, quotes: bool, out: &mut String) {
    out.reserve(text.len());
    let mut rest = text;
    while let Some(at) = backslash(rest.as_bytes()) {
        if at != 0 {
            out.push_str(&rest[..at]);
        }
        let plain = match rest.as_bytes().get(at + 1) {
            Some(b'\\') => '\\',
            Some(b'n') => '\n',
            Some(b'"') if quotes => '"',
            _ => {
                out.push('\\');
                rest = &rest[at + 1..];
                continue;
            }
        };
        out.push(plain);
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
}

/// The first backslash.
#[inline]
fn backslash(bytes: &[u8]) -> Option<usize> {
    // A near one is not worth a call.
    const NEAR: usize = 16;
    let near = bytes.iter().take(NEAR).position(|&byte| byte == b'\\');
    near.or_else(|| memchr::memchr(b'\\', bytes.get(NEAR..)?).map(|at| NEAR + at))
}

/// Appends a text with its backslashes and line feeds escaped, and its quotes if asked.
pub(crate) fn escape_into(text: &str, quotes: bool, out: &mut String) {
    let special = |byte| matches!(byte, b'\\' | b'\n') || (quotes && byte == b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(special) {
        out.push_str(&rest[..at]);
        out.push('\\');
        out.push(match rest.as_bytes()[at] {
            b'\n' => 'n',
            byte => char::from(byte),
        });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}
