//! Regular expressions as the Go standard library offers them: match, capture, replace.

use std::fmt;
use std::sync::Arc;

use crate::engine::{Engine, between_ends};
use crate::error::Error;
use crate::lower::{Groups, lower};
use crate::parse::{Flags, parse};
use crate::template;

#[cfg(test)]
mod tests;

/// A compiled regular expression; cloning it is cheap, and threads may share it.
///
/// ```
/// use skopos_regex::Regex;
///
/// let regex = Regex::new(r"(?P<host>[a-z]+)-(\d+)").unwrap();
/// assert!(regex.is_match("db-7"));
/// assert_eq!(regex.replace_all("db-7, web-12", "$host/$2"), "db/7, web/12");
/// ```
#[derive(Clone)]
pub struct Regex {
    engine: Engine,
    pattern: Arc<str>,
    names: Arc<[Option<String>]>,
}

impl Regex {
    /// Compiles a pattern that may match anywhere, as Go's `regexp.Compile` does.
    ///
    /// # Errors
    ///
    /// What Go refuses, in Go's words; [`TooLarge`](crate::ErrorKind::TooLarge) also where the
    /// compiled form would take more than 32 MiB.
    pub fn new(pattern: &str) -> Result<Self, Error> {
        let parsed = parse(pattern, Flags::default())?;
        let engine = Engine::compile(&lower(&parsed.node, Groups::Keep), pattern)?;
        Ok(Self { engine, pattern: pattern.into(), names: parsed.names.into() })
    }

    /// Compiles a pattern that must match the whole text and whose `.` matches newlines too, as
    /// Prometheus means regular expressions.
    ///
    /// The pattern is checked alone, so `a)|(b` is refused. Where Prometheus wraps the text instead
    /// (relabeling, `label_replace`), compile `^(?s:` + pattern + `)$` with [`new`](Self::new).
    ///
    /// ```
    /// use skopos_regex::Regex;
    ///
    /// let regex = Regex::anchored("a|b.").unwrap();
    /// assert!(regex.is_match("b\n"));
    /// assert!(!regex.is_match("ab"));
    /// assert!(Regex::anchored("a)|(b").is_err());
    /// assert!(Regex::new("^(?s:a)|(b)$").is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn anchored(pattern: &str) -> Result<Self, Error> {
        let parsed = parse(pattern, Flags { dot_newline: true, ..Flags::default() })?;
        let hir = between_ends(lower(&parsed.node, Groups::Keep));
        let engine = Engine::compile(&hir, pattern)?;
        Ok(Self { engine, pattern: pattern.into(), names: parsed.names.into() })
    }

    /// The pattern that was compiled.
    ///
    /// ```
    /// assert_eq!(skopos_regex::Regex::new("a+").unwrap().as_str(), "a+");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the expression matches in the text. Linear in the text, times the size of the
    /// expression at worst.
    ///
    /// ```
    /// assert!(skopos_regex::Regex::new(r"\d").unwrap().is_match("a1"));
    /// ```
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.engine.is_match(text)
    }

    /// The first match with its groups.
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new("(a+)(b)?").unwrap();
    /// let captures = regex.captures("xaac").unwrap();
    /// assert_eq!(captures.get(0), Some("aa"));
    /// assert_eq!(captures.get(2), None);
    /// ```
    #[must_use]
    pub fn captures<'t>(&self, text: &'t str) -> Option<Captures<'_, 't>> {
        self.captures_from(text, 0)
    }

    /// The names of the groups by number, the whole match first, with `None` for those without.
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new("(?<a>x)(y)").unwrap();
    /// assert_eq!(regex.group_names().collect::<Vec<_>>(), [None, Some("a"), None]);
    /// ```
    pub fn group_names(&self) -> impl Iterator<Item = Option<&str>> {
        self.names.iter().map(Option::as_deref)
    }

    /// The text with every match replaced by the expanded template.
    ///
    /// `$1` and `${1}` are the first group, `$name` and `${name}` a group by name, `$$` a dollar
    /// sign. A name is as long as it can be: `$1x` is the group named `1x`. What does not exist or
    /// took no part in the match is empty.
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new("a(x*)b").unwrap();
    /// assert_eq!(regex.replace_all("-ab-axxb-", "$1"), "--xx-");
    /// assert_eq!(regex.replace_all("-ab-axxb-", "$1W"), "---");
    /// assert_eq!(regex.replace_all("-ab-axxb-", "${1}W"), "-W-xxW-");
    /// ```
    #[must_use]
    pub fn replace_all(&self, text: &str, template: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut from) = (0, 0);
        while from <= text.len() {
            let Some(captures) = self.captures_from(text, from) else { break };
            let (start, end) = captures.span(0).unwrap_or((from, from));
            out.push_str(&text[copied..start]);
            // An empty match right after a match does not count.
            if copied < end || start == 0 {
                captures.expand(template, &mut out);
            }
            copied = end;
            let step = text[from..].chars().next().map_or(1, char::len_utf8);
            from = end.max(from + step);
        }
        out.push_str(&text[copied..]);
        out
    }

    fn captures_from<'t>(&self, text: &'t str, from: usize) -> Option<Captures<'_, 't>> {
        let spans = self.engine.captures(text, from)?;
        Some(Captures { text, spans, names: &self.names })
    }
}

/// The pattern.
impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Regex").field(&self.pattern).finish()
    }
}

impl std::str::FromStr for Regex {
    type Err = Error;

    fn from_str(pattern: &str) -> Result<Self, Error> {
        Self::new(pattern)
    }
}

/// What a match and its groups matched.
#[derive(Clone, Debug)]
pub struct Captures<'r, 't> {
    text: &'t str,
    spans: Vec<Option<(usize, usize)>>,
    names: &'r [Option<String>],
}

impl<'t> Captures<'_, 't> {
    /// What a group matched; number 0 is the whole match.
    #[must_use]
    pub fn get(&self, group: usize) -> Option<&'t str> {
        self.span(group).map(|(start, end)| &self.text[start..end])
    }

    /// Where a group matched: the offsets of its first byte and of the byte after its last.
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new("b").unwrap();
    /// assert_eq!(regex.captures("ab").unwrap().span(0), Some((1, 2)));
    /// ```
    #[must_use]
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// What the first group of that name which took part in the match matched.
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new("(?P<n>a)|(?P<n>b)").unwrap();
    /// assert_eq!(regex.captures("b").unwrap().name("n"), Some("b"));
    /// ```
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&'t str> {
        let named = |(i, n): (usize, &Option<String>)| {
            (n.as_deref() == Some(name)).then(|| self.get(i)).flatten()
        };
        self.names.iter().enumerate().find_map(named)
    }

    /// Appends the template with its variables replaced; see [`Regex::replace_all`].
    ///
    /// ```
    /// let regex = skopos_regex::Regex::new(r"(\w+):(\d+)").unwrap();
    /// let mut out = String::new();
    /// regex.captures("host:80").unwrap().expand("$2 of ${1}, $$", &mut out);
    /// assert_eq!(out, "80 of host, $");
    /// ```
    pub fn expand(&self, template: &str, out: &mut String) {
        template::expand(template, out, |variable| match variable {
            template::Variable::Name(name) => self.name(name),
            template::Variable::Number(group) => self.get(group),
        });
    }
}
