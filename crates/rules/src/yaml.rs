//! The first document of a YAML text as a tree with places, and what its scalars are of.
//!
//! Aliases share what they name; a budget bounds how often that is looked at.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::error::{LoadError, LoadErrorKind};
use crate::model::Position;

/// How deep a rule file may nest; rules need seven levels.
const MAX_DEPTH: usize = 100;

/// A value with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    /// A scalar that is nothing: empty, `~`, `null`.
    Null,
    Scalar {
        text: String,
        tag: &'static str,
    },
    List(Vec<Child>),
    Map(Vec<(Child, Child)>),
}

/// What a list or a map holds: a value, from the place where it is mentioned.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) node: Rc<Node>,
    /// The place of the value, or of the alias that stands for it.
    pub(crate) at: Position,
}

impl Node {
    /// The short tag of YAML.
    pub(crate) fn tag(&self) -> &'static str {
        match &self.value {
            Value::Null => "!!null",
            Value::Scalar { tag, .. } => tag,
            Value::List(_) => "!!seq",
            Value::Map(_) => "!!map",
        }
    }
}

/// What a text holds.
#[derive(Debug)]
pub(crate) struct Document {
    /// Nothing for an empty text.
    pub(crate) root: Option<Rc<Node>>,
    pub(crate) has_more: bool,
}

/// Reads the first document.
pub(crate) fn parse(content: &[u8]) -> Result<Document, LoadError> {
    Builder::new(text_of(content)?).document()
}

#[cold]
fn not_utf8(content: &[u8], broken: &std::str::Utf8Error) -> LoadError {
    let problem = match (broken.error_len(), content.get(broken.valid_up_to())) {
        (None, _) => "incomplete UTF-8 octet sequence",
        (Some(_), Some(0xc0..=0xf7)) => "invalid trailing UTF-8 octet",
        (Some(_), _) => "invalid leading UTF-8 octet",
    };
    LoadError::new(LoadErrorKind::Syntax, format!("yaml: {problem}"))
}

/// Reads all documents, those without anything in them left out.
pub(crate) fn parse_all(content: &[u8]) -> Result<Vec<Rc<Node>>, LoadError> {
    let text = text_of(content)?;
    let mut builder = Builder::new(text);
    let mut roots = Vec::new();
    loop {
        match builder.next()? {
            (Event::StreamEnd, _) => return Ok(roots),
            (Event::StreamStart | Event::DocumentEnd, _) => {}
            (Event::DocumentStart(..), _) => builder.anchors.clear(),
            (event, span) => roots.extend(builder.node(event, span)?.map(|child| child.node)),
        }
    }
}

fn text_of(content: &[u8]) -> Result<&str, LoadError> {
    let text = std::str::from_utf8(content).map_err(|broken| not_utf8(content, &broken))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Rc<Node>>,
    /// The lines where the lists and maps start that are being read.
    open: Vec<usize>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let mut options = Options::default();
        options.emit_unresolved_aliases = true;
        let parser = Parser::new_from_str_with_options(text, options);
        Self { text, parser, anchors: HashMap::new(), open: Vec::new() }
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), LoadError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let last_line = self.text.bytes().filter(|b| *b == b'\n').count();
                Err(syntax(&error, self.open.last().copied(), last_line))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Document, LoadError> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(Document { root: None, has_more: false }),
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (event, span) => {
                    let root = self.node(event, span)?;
                    let root = root.map(|child| child.node);
                    return Ok(Document { root, has_more: self.has_more() });
                }
            }
        }
    }

    /// Whether anything follows the first document, be it right or wrong.
    fn has_more(&mut self) -> bool {
        loop {
            match self.next() {
                Ok((Event::StreamEnd, _)) => return false,
                Ok((Event::DocumentEnd, _)) => {}
                Ok(_) | Err(_) => return true,
            }
        }
    }

    /// The value that starts with `event`; nothing where there is none.
    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Option<Child>, LoadError> {
        let at = self.place(&event, &span);
        let anchor = event.anchor_id();
        let value = match event {
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                // An alias inside of what it names.
                let unknown =
                    || LoadError::new(LoadErrorKind::Syntax, "yaml: anchor contains itself");
                return Ok(Some(Child { node: node.ok_or_else(unknown)?, at }));
            }
            Event::UnresolvedAlias(name) => {
                let message = format!("yaml: unknown anchor '{name}' referenced");
                return Err(LoadError::new(LoadErrorKind::Syntax, message).near(at));
            }
            Event::Scalar(text, style, _, tag) => scalar(&text, style, tag.as_deref()),
            Event::SequenceStart(..) => self.nested(at.line, Self::list)?,
            Event::MappingStart(..) => self.nested(at.line, Self::map)?,
            _ => return Ok(None),
        };
        let node = Rc::new(Node { at, value });
        if let Some(id) = anchor {
            self.anchors.insert(id, Rc::clone(&node));
        }
        Ok(Some(Child { node, at }))
    }

    /// Where a value starts: for a block of text, where its mark stands, not its first line.
    fn place(&self, event: &Event<'_>, span: &Span) -> Position {
        let (line, column) = (span.start.line(), span.start.col() + 1);
        let before = span.start.byte_offset().and_then(|at| self.text.get(..at)).unwrap_or("");
        match event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                block_mark(before, line).unwrap_or(Position { line, column })
            }
            // Nothing stands behind the colon, not on it.
            Event::Scalar(_, ScalarStyle::Plain, ..) if span.is_empty() => {
                Position { line, column: column + 1 }
            }
            _ => Position { line, column },
        }
    }

    fn nested(
        &mut self,
        line: usize,
        read: fn(&mut Self) -> Result<Value, LoadError>,
    ) -> Result<Value, LoadError> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("yaml: exceeded max depth of {MAX_DEPTH}");
            return Err(LoadError::new(LoadErrorKind::Limit, message));
        }
        self.open.push(line);
        let value = read(self);
        self.open.pop();
        value
    }

    fn list(&mut self) -> Result<Value, LoadError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match self.node(event, span)? {
                Some(item) => items.push(item),
                None => return Ok(Value::List(items)),
            }
        }
    }

    fn map(&mut self) -> Result<Value, LoadError> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let Some(key) = self.node(event, span)? else { return Ok(Value::Map(entries)) };
            let (event, span) = self.next()?;
            let Some(value) = self.node(event, span)? else { return Ok(Value::Map(entries)) };
            entries.push((key, value));
        }
    }
}

/// The place of the `|` or `>` that the last line with anything in it ends with; `number` is the
/// number of the line where `before` ends.
fn block_mark(before: &str, number: usize) -> Option<Position> {
    let mut lines = before.rsplit('\n').enumerate();
    let (back, line) = lines.find(|(_, line)| !line.trim().is_empty())?;
    let (at, _) = line.match_indices(['|', '>']).find(|(at, _)| {
        let (head, rest) = (&line[..*at], &line[at + 1..]);
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
        let ends = rest.trim().is_empty()
            || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#');
        ends && (head.is_empty() || head.ends_with([' ', '\t']))
    })?;
    Some(Position { line: number.checked_sub(back)?, column: line[..at].chars().count() + 1 })
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let core = tag.and_then(Tag::core_suffix);
    let tag = match (core, style) {
        (Some("null"), _) => return Value::Null,
        (Some("int"), _) => "!!int",
        (Some("float"), _) => "!!float",
        (Some("bool"), _) => "!!bool",
        (Some(_), _) => "!!str",
        (None, ScalarStyle::Plain) if tag.is_none() => match plain_tag(text) {
            "!!null" => return Value::Null,
            tag => tag,
        },
        (None, _) => "!!str",
    };
    Value::Scalar { text: text.to_owned(), tag }
}

/// What a scalar without quotes is.
fn plain_tag(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "!!null",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "!!bool",
        "<<" => "!!merge",
        ".nan" | ".NaN" | ".NAN" => "!!float",
        _ if is_infinite(text) => "!!float",
        _ if parse_int(text).is_some() => "!!int",
        _ if is_float(text) => "!!float",
        _ => "!!str",
    }
}

fn is_infinite(text: &str) -> bool {
    matches!(text.strip_prefix(['+', '-']).unwrap_or(text), ".inf" | ".Inf" | ".INF")
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|b| b.is_ascii_digit() || b"._eE+-".contains(&b))
        && unsigned.replace('_', "").parse::<f64>().is_ok()
}

/// An integer of any notation.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) if plain.starts_with('-') => (-1, digits),
        Some(digits) => (1, digits),
        None => (1, plain.as_str()),
    };
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (&digits[2..], 16),
        Some("0b") => (&digits[2..], 2),
        Some("0o") => (&digits[2..], 8),
        Some(start) if start.starts_with('0') => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let magnitude = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(sign * magnitude).ok()
}

/// Tells a fault as Go's YAML package does; `open` is the line where the innermost list or map starts,
/// `last_line` that where the text ends, counted from 0.
#[cold]
fn syntax(error: &ScanError, open: Option<usize>, last_line: usize) -> LoadError {
    let text = error.kind().to_string();
    let described = text.starts_with("while ");
    let problem = match text.split_once(", ").filter(|_| described) {
        Some((_, problem)) => problem,
        None => text.as_str(),
    };
    let (problem, of_grammar) = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::UnexpectedCharacter { .. } => {
            ("found character that cannot start any token", false)
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("could not find expected ':'", false)
        }
        ErrorKind::UnclosedQuotedScalar => ("found unexpected end of stream", false),
        ErrorKind::UnclosedFlowCollection { .. } | ErrorKind::MisplacedFlowCollectionEnd => {
            ("did not find expected node content", true)
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => ("did not find expected key", true),
        ErrorKind::ExpectedFlowSequenceSeparator => ("did not find expected ',' or ']'", true),
        ErrorKind::ExpectedNodeContent
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart => (problem, true),
        _ => (problem, false),
    };
    // Lines count from 0 where the grammar is wrong and from 1 where a token is; the first is none.
    let at = match error.kind() {
        ErrorKind::UnclosedFlowCollection { .. } => last_line,
        _ => error.marker().line().saturating_sub(1),
    };
    let open = open.filter(|_| problem != "did not find expected node content");
    let line = match open.map(|line| line.saturating_sub(1)) {
        Some(start) if of_grammar && 0 < start => start,
        _ if of_grammar || at == 0 => at,
        _ => at + 1,
    };
    let message = match line {
        0 => format!("yaml: {problem}"),
        line => format!("yaml: line {line}: {problem}"),
    };
    let (line, column) = (error.marker().line(), error.marker().col() + 1);
    LoadError::new(LoadErrorKind::Syntax, message).near(Position { line, column })
}
