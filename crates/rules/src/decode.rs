//! From the tree of a YAML text to groups and rules, with the complaints of Go's YAML package.
//!
//! Prometheus decodes a file twice, once into types that know their fields and once into types that
//! know their places. Each complains for itself, so most complaints come twice, and so they do here.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use skopos_core::duration;
use skopos_core::text::Quoted;

use crate::error::{LoadError, LoadErrorKind};
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

/// A group as it is written.
#[derive(Debug, Default)]
pub(crate) struct RawGroup {
    pub(crate) name: String,
    pub(crate) interval: i64,
    pub(crate) query_offset: Option<i64>,
    pub(crate) limit: i64,
    pub(crate) rules: Vec<RawRule>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// A rule as it is written.
#[derive(Debug, Default)]
pub(crate) struct RawRule {
    pub(crate) record: Placed,
    pub(crate) alert: Placed,
    pub(crate) expr: Placed,
    pub(crate) hold: i64,
    pub(crate) keep_firing_for: i64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Decodes the groups of a file.
pub(crate) fn decode(
    root: Option<&Rc<Node>>,
    ignore_unknown: bool,
) -> Result<Vec<RawGroup>, Vec<LoadError>> {
    let Some(root) = root else { return Ok(Vec::new()) };
    let fields = Decoder::new(Pass::Fields, !ignore_unknown).run(root);
    let places = Decoder::new(Pass::Places, false).run(root);
    match (fields, places) {
        (Ok(_), Ok(groups)) => Ok(groups),
        (Err(error), _) if error.kind() == LoadErrorKind::Limit => Err(vec![error]),
        (fields, places) => Err(fields.err().into_iter().chain(places.err()).collect()),
    }
}

/// Which of the two decodings it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Fields,
    Places,
}

impl Pass {
    /// The names of the types: of a file, of a group, of a rule.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Fields => ["rulefmt.RuleGroups", "rulefmt.RuleGroup", "rulefmt.Rule"],
            Self::Places => ["rulefmt.ruleGroups", "rulefmt.RuleGroupNode", "rulefmt.RuleNode"],
        }
    }
}

struct Decoder {
    pass: Pass,
    strict: bool,
    complaints: Vec<String>,
    seen: usize,
}

/// A field's value, and the key it stands under.
type Field<'n> = (&'n str, &'n Child, &'n Child);

impl Decoder {
    fn new(pass: Pass, strict: bool) -> Self {
        Self { pass, strict, complaints: Vec::new(), seen: 0 }
    }

    fn run(mut self, root: &Node) -> Result<Vec<RawGroup>, LoadError> {
        let groups = self.file(root)?;
        if self.complaints.is_empty() {
            return Ok(groups);
        }
        let list: String = self.complaints.iter().map(|text| format!("\n  {text}")).collect();
        let message = format!("yaml: unmarshal errors:{list}");
        Err(LoadError::new(LoadErrorKind::Shape, message))
    }

    fn complain(&mut self, line: usize, what: impl std::fmt::Display) {
        if self.complaints.len() < MAX_ERRORS {
            self.complaints.push(format!("line {line}: {what}"));
        }
    }

    /// Complains that a value is not of the type that is wanted.
    fn mismatch(&mut self, node: &Node, wanted: &str) {
        let value = match &node.value {
            Value::Scalar { text, .. } if text.chars().count() > 10 => {
                let start: String = text.chars().take(7).collect();
                format!(" `{start}...`")
            }
            Value::Scalar { text, .. } => format!(" `{text}`"),
            _ => String::new(),
        };
        let tag = node.tag();
        self.complain(node.at.line, format_args!("cannot unmarshal {tag}{value} into {wanted}"));
    }

    fn count(&mut self, values: usize) -> Result<(), LoadError> {
        self.seen += values;
        if self.seen > MAX_VALUES {
            let message = "yaml: document contains excessive aliasing";
            return Err(LoadError::new(LoadErrorKind::Limit, message));
        }
        Ok(())
    }

    fn file(&mut self, root: &Node) -> Result<Vec<RawGroup>, LoadError> {
        let [name, group_name, _] = self.pass.names();
        let mut groups = Vec::new();
        for (field, key, value) in self.fields(root, name)? {
            match field {
                "groups" => {
                    for item in self.items(&value.node, group_name)? {
                        groups.extend(self.group(item)?);
                    }
                }
                _ => self.unknown(key, field, name),
            }
        }
        Ok(groups)
    }

    fn group(&mut self, node: &Node) -> Result<Option<RawGroup>, LoadError> {
        let [_, name, rule_name] = self.pass.names();
        if !matches!(node.value, Value::Map(_)) {
            self.mismatch(node, name);
            return Ok(None);
        }
        let mut group = RawGroup::default();
        for (field, key, value) in self.fields(node, name)? {
            match field {
                "name" => group.name = self.text(value)?.text,
                "interval" => group.interval = self.duration(value)?.unwrap_or(0),
                "query_offset" => group.query_offset = self.duration(value)?,
                "limit" => group.limit = self.integer(value)?,
                "labels" => group.labels = self.texts(value)?,
                "rules" => {
                    for item in self.items(&value.node, rule_name)? {
                        group.rules.extend(self.rule(item)?);
                    }
                }
                _ => self.unknown(key, field, name),
            }
        }
        Ok(Some(group))
    }

    fn rule(&mut self, node: &Node) -> Result<Option<RawRule>, LoadError> {
        let [.., name] = self.pass.names();
        if !matches!(node.value, Value::Map(_)) {
            self.mismatch(node, name);
            return Ok(None);
        }
        let mut rule = RawRule::default();
        for (field, key, value) in self.fields(node, name)? {
            match field {
                "record" => rule.record = self.placed(value)?,
                "alert" => rule.alert = self.placed(value)?,
                "expr" => rule.expr = self.placed(value)?,
                "for" => rule.hold = self.duration(value)?.unwrap_or(0),
                "keep_firing_for" => {
                    rule.keep_firing_for = self.duration(value)?.unwrap_or(0);
                }
                "labels" => rule.labels = self.texts(value)?,
                "annotations" => rule.annotations = self.texts(value)?,
                _ => self.unknown(key, field, name),
            }
        }
        Ok(Some(rule))
    }

    fn unknown(&mut self, key: &Child, field: &str, type_name: &str) {
        if self.strict {
            let what = format!("field {field} not found in type {type_name}");
            self.complain(key.at.line, what);
        }
    }

    /// The items of a list, without those that are nothing.
    fn items<'n>(
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
    fn fields<'n>(&mut self, node: &'n Node, wanted: &str) -> Result<Vec<Field<'n>>, LoadError> {
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
                self.complain(key.at.line, what);
            }
            earlier.push(key.at.line);
        }
        repeated
    }

    /// A text; any scalar is one.
    fn text(&mut self, child: &Child) -> Result<Placed, LoadError> {
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

    /// A text whose place matters: only the first pass wants it to be one.
    fn placed(&mut self, child: &Child) -> Result<Placed, LoadError> {
        match (self.pass, &child.node.value) {
            (Pass::Places, Value::List(_) | Value::Map(_)) => {
                Ok(Placed { text: String::new(), at: child.at })
            }
            _ => self.text(child),
        }
    }

    /// A map from texts to texts.
    fn texts(&mut self, child: &Child) -> Result<BTreeMap<String, String>, LoadError> {
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
    fn duration(&mut self, child: &Child) -> Result<Option<i64>, LoadError> {
        match &child.node.value {
            Value::Null => Ok(None),
            Value::Scalar { text, .. } => duration::parse(text)
                .map(Some)
                .map_err(|error| LoadError::new(LoadErrorKind::Shape, error.to_string())),
            _ => {
                self.mismatch(&child.node, "string");
                Ok(None)
            }
        }
    }

    fn integer(&mut self, child: &Child) -> Result<i64, LoadError> {
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

/// A float that is an integer, such as `1e3`.
fn whole(text: &str) -> Option<i64> {
    let float: f64 = text.replace('_', "").parse().ok()?;
    let integer = float as i64;
    (integer as f64 == float).then_some(integer)
}
