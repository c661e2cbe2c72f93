//! Reading the tree of a YAML text into types, with the complaints of Go's YAML package.
//!
//! What the types are, their owners say; here are fields, lists and scalars, and what is said of those
//! that have another shape.

use std::collections::{BTreeMap, HashMap};

use skopos_core::duration;
use skopos_core::text::Quoted;

use crate::error::{LoadError, LoadErrorKind, Mistake};
use crate::model::Position;
use crate::yaml::{Child, Node, Value, parse_int};

/// How many values may be looked at; aliases let a small file hold many.
const MAX_VALUES: usize = 1_000_000;

/// How many complaints are told.
const MAX_ERRORS: usize = 100;

/// A text with the place where it stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placed {
    pub(crate) text: String,
    pub(crate) at: Position,
}

/// A field's value, and the key it stands under.
pub(crate) type Field<'n> = (&'n str, &'n Child, &'n Child);

/// One reading of a tree: what was complained of so far.
pub(crate) struct Shape {
    /// Whether unknown fields are complained of.
    strict: bool,
    complaints: Vec<(Position, String)>,
    seen: usize,
}

impl Shape {
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, complaints: Vec::new(), seen: 0 }
    }

    /// All complaints as one error, if there are any.
    pub(crate) fn finish(self) -> Result<(), LoadError> {
        if self.complaints.is_empty() {
            return Ok(());
        }
        let mut message = "yaml: unmarshal errors:".to_owned();
        let mut mistakes = Vec::new();
        for (at, text) in self.complaints {
            message.push_str(&format!("\n  line {}: {text}", at.line));
            mistakes.push(Mistake::new(Some(at), text));
        }
        Err(LoadError::new(LoadErrorKind::Shape, message).of(mistakes))
    }

    fn complain(&mut self, at: Position, what: impl std::fmt::Display) {
        if self.complaints.len() < MAX_ERRORS {
            self.complaints.push((at, what.to_string()));
        }
    }

    /// Complains that a value is not of the type that is wanted.
    pub(crate) fn mismatch(&mut self, node: &Node, wanted: &str) {
        let value = match &node.value {
            Value::Scalar { text, .. } if text.chars().count() > 10 => {
                let start: String = text.chars().take(7).collect();
                format!(" `{start}...`")
            }
            Value::Scalar { text, .. } => format!(" `{text}`"),
            _ => String::new(),
        };
        let tag = node.tag();
        self.complain(node.at, format_args!("cannot unmarshal {tag}{value} into {wanted}"));
    }

    fn count(&mut self, values: usize) -> Result<(), LoadError> {
        self.seen += values;
        if self.seen > MAX_VALUES {
            let message = "yaml: document contains excessive aliasing";
            return Err(LoadError::new(LoadErrorKind::Limit, message));
        }
        Ok(())
    }

    pub(crate) fn unknown(&mut self, key: &Child, field: &str, type_name: &str) {
        if self.strict {
            let what = format!("field {field} not found in type {type_name}");
            self.complain(key.at, what);
        }
    }

    /// The items of a list, without those that are nothing.
    pub(crate) fn items<'n>(
        &mut self,
        node: &'n Node,
        item_type: &str,
    ) -> Result<impl Iterator<Item = &'n Node> + use<'n>, LoadError> {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Null => &[],
            _ => {
                self.mismatch(node, &format!("[]{item_type}"));
                &[]
            }
        };
        self.count(items.len())?;
        Ok(items.iter().map(|item| &*item.node).filter(|node| !matches!(node.value, Value::Null)))
    }

    /// The fields of a map, those that it merges after its own.
    pub(crate) fn fields<'n>(
        &mut self,
        node: &'n Node,
        wanted: &str,
    ) -> Result<Vec<Field<'n>>, LoadError> {
        let mut fields = Vec::new();
        match &node.value {
            Value::Map(_) => self.merge_into(&mut fields, node, 0)?,
            Value::Null => {}
            _ => self.mismatch(node, wanted),
        }
        Ok(fields)
    }

    fn merge_into<'n>(
        &mut self,
        fields: &mut Vec<Field<'n>>,
        node: &'n Node,
        depth: usize,
    ) -> Result<(), LoadError> {
        let Value::Map(entries) = &node.value else {
            let message = "yaml: map merge requires map or sequence of maps as the value";
            return Err(LoadError::new(LoadErrorKind::Shape, message));
        };
        self.count(entries.len() + 1)?;
        if depth > 20 || self.has_repeated_key(entries) {
            return Ok(());
        }
        let mut merged = Vec::new();
        let inherited = fields.len();
        for (key, value) in entries {
            let name = match &key.node.value {
                Value::Scalar { tag: "!!merge", .. } => {
                    merged.push(&*value.node);
                    continue;
                }
                Value::Scalar { text, .. } => text.as_str(),
                Value::Null => "",
                _ => {
                    self.mismatch(&key.node, "string");
                    continue;
                }
            };
            if !fields[..inherited].iter().any(|(known, ..)| *known == name) {
                fields.push((name, key, value));
            }
        }
        for node in merged {
            match &node.value {
                Value::List(items) => {
                    for item in items {
                        self.merge_into(fields, &item.node, depth + 1)?;
                    }
                }
                _ => self.merge_into(fields, node, depth + 1)?,
            }
        }
        Ok(())
    }

    fn has_repeated_key(&mut self, entries: &[(Child, Child)]) -> bool {
        let mut lines: HashMap<&str, Vec<usize>> = HashMap::with_capacity(entries.len());
        let mut repeated = false;
        for (key, _) in entries {
            let Value::Scalar { text, .. } = &key.node.value else { continue };
            let earlier = lines.entry(text).or_default();
            for line in earlier.iter().take(MAX_ERRORS) {
                repeated = true;
                let text = Quoted(text);
                let what = format!("mapping key {text} already defined at line {line}");
                self.complain(key.at, what);
            }
            earlier.push(key.at.line);
        }
        repeated
    }

    /// A text; any scalar is one.
    pub(crate) fn text(&mut self, child: &Child) -> Result<Placed, LoadError> {
        self.count(1)?;
        let text = match &child.node.value {
            Value::Scalar { text, .. } => text.clone(),
            Value::Null => String::new(),
            _ => {
                self.mismatch(&child.node, "string");
                String::new()
            }
        };
        Ok(Placed { text, at: child.at })
    }

    /// A map from texts to texts.
    pub(crate) fn texts(&mut self, child: &Child) -> Result<BTreeMap<String, String>, LoadError> {
        let mut texts = BTreeMap::new();
        for (name, _, value) in self.fields(&child.node, "map[string]string")? {
            let complaints = self.complaints.len();
            let value = self.text(value)?;
            if self.complaints.len() == complaints {
                texts.insert(name.to_owned(), value.text);
            }
        }
        Ok(texts)
    }

    /// Milliseconds; a wrong duration ends the decoding at once.
    pub(crate) fn duration(&mut self, child: &Child) -> Result<Option<i64>, LoadError> {
        match &child.node.value {
            Value::Null => Ok(None),
            Value::Scalar { text, .. } => duration::parse(text)
                .map(Some)
                .map_err(|e| LoadError::new(LoadErrorKind::Shape, e.to_string()).near(child.at)),
            _ => {
                self.mismatch(&child.node, "string");
                Ok(None)
            }
        }
    }

    #[cfg(feature = "unit-test")]
    pub(crate) fn boolean(&mut self, child: &Child) -> Result<bool, LoadError> {
        self.count(1)?;
        match &child.node.value {
            Value::Null => Ok(false),
            Value::Scalar { text, tag: "!!bool" } => Ok(text.eq_ignore_ascii_case("true")),
            _ => {
                self.mismatch(&child.node, "bool");
                Ok(false)
            }
        }
    }

    #[cfg(feature = "unit-test")]
    pub(crate) fn float(&mut self, child: &Child) -> Result<f64, LoadError> {
        self.count(1)?;
        let float = match &child.node.value {
            Value::Null => Some(0.0),
            Value::Scalar { text, tag: "!!int" } => parse_int(text).map(|integer| integer as f64),
            Value::Scalar { text, tag: "!!float" } => parse_float(text),
            _ => None,
        };
        if float.is_none() {
            self.mismatch(&child.node, "float64");
        }
        Ok(float.unwrap_or(0.0))
    }

    pub(crate) fn integer(&mut self, child: &Child) -> Result<i64, LoadError> {
        self.count(1)?;
        let integer = match &child.node.value {
            Value::Null => Some(0),
            Value::Scalar { text, tag: "!!int" } => parse_int(text),
            Value::Scalar { text, tag: "!!float" } => whole(text),
            _ => None,
        };
        if integer.is_none() {
            self.mismatch(&child.node, "int");
        }
        Ok(integer.unwrap_or(0))
    }
}

/// A float in the notation of YAML.
#[cfg(feature = "unit-test")]
fn parse_float(text: &str) -> Option<f64> {
    let plain = text.replace('_', "");
    match plain.to_ascii_lowercase().as_str() {
        ".nan" => Some(f64::NAN),
        ".inf" | "+.inf" => Some(f64::INFINITY),
        "-.inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

/// A float that is an integer, such as `1e3`.
fn whole(text: &str) -> Option<i64> {
    let float: f64 = text.replace('_', "").parse().ok()?;
    let integer = float as i64;
    (integer as f64 == float).then_some(integer)
}
