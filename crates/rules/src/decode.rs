//! From the tree of a YAML text to groups and rules, with the complaints of Go's YAML package.
//!
//! Prometheus decodes a file twice, once into types that know their fields and once into types that
//! know their places. Each complains for itself, so most complaints come twice, and so they do here.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::{LoadError, LoadErrorKind};
use crate::extension::{Extension, KEY};
use crate::shape::{Placed, Shape};
use crate::yaml::{Child, Node, Value};

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
    pub(crate) extension: Option<Extension>,
}

/// Which fields there may be besides those of Prometheus.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leniency {
    /// Any, passed over.
    pub(crate) ignore_unknown: bool,
    /// Our own extension.
    pub(crate) extensions: bool,
}

/// Decodes the groups of a file.
pub(crate) fn decode(
    root: Option<&Rc<Node>>,
    leniency: Leniency,
) -> Result<Vec<RawGroup>, Vec<LoadError>> {
    let Some(root) = root else { return Ok(Vec::new()) };
    both(root, Decoder::new(Pass::Fields, leniency))
}

/// Decodes the `spec` of a Kubernetes object, in which a group has one field more.
pub(crate) fn decode_spec(
    spec: &Node,
    leniency: Leniency,
) -> Result<Vec<RawGroup>, Vec<LoadError>> {
    let fields = Decoder::new(Pass::Fields, leniency);
    both(spec, Decoder { of_operator: true, ..fields })
}

/// Decodes with `fields`, and for the places.
fn both(root: &Node, fields: Decoder) -> Result<Vec<RawGroup>, Vec<LoadError>> {
    let leniency = Leniency { ignore_unknown: true, extensions: fields.extensions };
    let fields = fields.run(root);
    let places = Decoder::new(Pass::Places, leniency).run(root);
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
    /// Whether the fields of Kubernetes objects are known too.
    of_operator: bool,
    extensions: bool,
    shape: Shape,
}

impl Decoder {
    fn new(pass: Pass, leniency: Leniency) -> Self {
        let shape = Shape::new(!leniency.ignore_unknown);
        Self { pass, of_operator: false, extensions: leniency.extensions, shape }
    }

    fn run(mut self, root: &Node) -> Result<Vec<RawGroup>, LoadError> {
        let groups = self.file(root)?;
        self.shape.finish()?;
        Ok(groups)
    }

    fn file(&mut self, root: &Node) -> Result<Vec<RawGroup>, LoadError> {
        let [name, group_name, _] = self.pass.names();
        let mut groups = Vec::new();
        for (field, key, value) in self.shape.fields(root, name)? {
            match field {
                "groups" => {
                    for item in self.shape.items(&value.node, group_name)? {
                        groups.extend(self.group(item)?);
                    }
                }
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(groups)
    }

    fn group(&mut self, node: &Node) -> Result<Option<RawGroup>, LoadError> {
        let [_, name, rule_name] = self.pass.names();
        if !matches!(node.value, Value::Map(_)) {
            self.shape.mismatch(node, name);
            return Ok(None);
        }
        let mut group = RawGroup::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "name" => group.name = self.shape.text(value)?.text,
                "interval" => group.interval = self.shape.duration(value)?.unwrap_or(0),
                "query_offset" => group.query_offset = self.shape.duration(value)?,
                "limit" => group.limit = self.shape.integer(value)?,
                "labels" => group.labels = self.shape.texts(value)?,
                // What Thanos' ruler does with incomplete answers.
                "partial_response_strategy" if self.of_operator => {
                    self.shape.text(value)?;
                }
                "rules" => {
                    for item in self.shape.items(&value.node, rule_name)? {
                        group.rules.extend(self.rule(item)?);
                    }
                }
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(Some(group))
    }

    fn rule(&mut self, node: &Node) -> Result<Option<RawRule>, LoadError> {
        let [.., name] = self.pass.names();
        if !matches!(node.value, Value::Map(_)) {
            self.shape.mismatch(node, name);
            return Ok(None);
        }
        let mut rule = RawRule::default();
        for (field, key, value) in self.shape.fields(node, name)? {
            match field {
                "record" => rule.record = self.placed(value)?,
                "alert" => rule.alert = self.placed(value)?,
                "expr" => rule.expr = self.placed(value)?,
                "for" => rule.hold = self.shape.duration(value)?.unwrap_or(0),
                "keep_firing_for" => {
                    rule.keep_firing_for = self.shape.duration(value)?.unwrap_or(0);
                }
                "labels" => rule.labels = self.shape.texts(value)?,
                "annotations" => rule.annotations = self.shape.texts(value)?,
                KEY if self.extensions => {
                    rule.extension = Some(Extension::decode(&mut self.shape, value)?);
                }
                KEY => {
                    let asked = format!("{name} (an extension that --rule-extensions accepts)");
                    self.shape.unknown(key, field, &asked);
                }
                _ => self.shape.unknown(key, field, name),
            }
        }
        Ok(Some(rule))
    }

    /// A text whose place matters: only the first pass wants it to be one.
    fn placed(&mut self, child: &Child) -> Result<Placed, LoadError> {
        match (self.pass, &child.node.value) {
            (Pass::Places, Value::List(_) | Value::Map(_)) => {
                Ok(Placed { text: String::new(), at: child.at })
            }
            _ => self.shape.text(child),
        }
    }
}
