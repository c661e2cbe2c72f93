//! Rules in Kubernetes objects: the `PrometheusRule` of the Prometheus operator.
//!
//! Only what it holds is read; which Prometheus selects it, and what the operator changes in it, is
//! not known here.

use std::rc::Rc;

use crate::decode::decode_spec;
use crate::error::{LoadError, LoadErrorKind};
use crate::load::{LoadOptions, checked};
use crate::model::RuleFile;
use crate::place::place;
use crate::yaml::{self, Node, Value};

/// Whether a YAML text holds Kubernetes objects: its first document says of which kind it is.
///
/// ```
/// let text = b"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\n";
/// assert!(skopos_rules::is_kubernetes(text));
/// assert!(!skopos_rules::is_kubernetes(b"groups: []\n"));
/// ```
#[must_use]
pub fn is_kubernetes(content: &[u8]) -> bool {
    if !may_say(content, b"apiVersion") {
        return false;
    }
    let Ok(document) = yaml::parse(content) else { return false };
    let is_said = |root: &Node, name| !text(root, name).is_empty();
    document.root.is_some_and(|root| is_said(&root, "apiVersion") && is_said(&root, "kind"))
}

/// Whether a YAML text may say a word: it has it, or escapes that could spell it.
fn may_say(content: &[u8], word: &[u8]) -> bool {
    let spells =
        |pair: &[u8]| pair[0] == b'\\' && matches!(pair[1], b'x' | b'u' | b'U' | b'\n' | b'\r');
    content.windows(word.len()).any(|text| text == word) || content.windows(2).any(spells)
}

/// Loads the `PrometheusRule` objects of a YAML text, in all its documents and in lists of objects;
/// objects of other kinds are passed over.
///
/// Each becomes a file with the name that the operator gives it: `NAMESPACE-NAME.yaml`, with
/// `-UID` before the dot for an object that has one.
///
/// ```
/// # use skopos_core::{Error, Expander, Expansion, QueryEngine, QueryOutput, QueryRequest};
/// # struct Anything;
/// # impl QueryEngine for Anything {
/// #     fn query(&self, _: &QueryRequest<'_>) -> Result<QueryOutput, Error> { unreachable!() }
/// #     fn check(&self, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn canonical(&self, text: &str) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # impl Expander for Anything {
/// #     fn check(&self, _: &str, _: &str) -> Result<(), Error> { Ok(()) }
/// #     fn expand(&self, text: &str, _: &Expansion<'_>) -> Result<String, Error> { Ok(text.into()) }
/// # }
/// # let (engine, expander) = (Anything, Anything);
/// use skopos_rules::{LoadOptions, load_kubernetes};
///
/// let text = b"
/// apiVersion: monitoring.coreos.com/v1
/// kind: PrometheusRule
/// metadata: {name: rules, namespace: monitoring}
/// spec:
///   groups:
///   - name: g
///     rules:
///     - {alert: Down, expr: up == 0, for: 0m}
/// ";
/// let files = load_kubernetes(text, "rules.yaml", &LoadOptions::new(&engine, &expander)).unwrap();
/// assert_eq!(files[0].name, "monitoring-rules.yaml");
/// assert_eq!(files[0].groups[0].rules[0].name, "Down");
/// ```
///
/// # Errors
///
/// As [`load`](crate::load), with the places in the text; also if an object has no `spec`.
pub fn load_kubernetes(
    content: &[u8],
    file: &str,
    options: &LoadOptions<'_>,
) -> Result<Vec<RuleFile>, Vec<LoadError>> {
    let in_file = |errors: Vec<LoadError>| -> Vec<LoadError> {
        errors.into_iter().map(|error| error.in_file(file)).collect()
    };
    let roots = yaml::parse_all(content).map_err(|error| in_file(vec![error]))?;
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for object in roots.iter().flat_map(objects) {
        if text(object, "kind") != "PrometheusRule" {
            continue;
        }
        match load_object(object, options) {
            Ok(file) => files.push(file),
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() { Ok(files) } else { Err(in_file(errors)) }
}

/// The object, or those of a list.
fn objects(root: &Rc<Node>) -> Vec<&Node> {
    match field(root, "items").map(|items| &items.value) {
        Some(Value::List(items)) if text(root, "kind").ends_with("List") => {
            items.iter().map(|item| &*item.node).collect()
        }
        _ => vec![root],
    }
}

fn load_object(object: &Node, options: &LoadOptions<'_>) -> Result<RuleFile, Vec<LoadError>> {
    let metadata = field(object, "metadata");
    let named = |name: &str| metadata.map_or("", |metadata| text(metadata, name));
    let (namespace, name, uid) = (named("namespace"), named("name"), named("uid"));
    let parts: Vec<&str> = [namespace, name, uid].into_iter().filter(|p| !p.is_empty()).collect();
    let Some(spec) = field(object, "spec") else {
        let message = format!("PrometheusRule {name:?} has no spec");
        return Err(vec![LoadError::new(LoadErrorKind::Shape, message).at([object.at])]);
    };
    let placed = |mut errors: Vec<LoadError>| {
        place(&mut errors, spec);
        errors
    };
    let groups = decode_spec(spec, options.leniency).map_err(placed)?;
    let groups = checked(groups, options).map_err(placed)?;
    let name = format!("{}.yaml", parts.join("-"));
    Ok(RuleFile { name, groups, has_more_documents: false })
}

/// A field of a map.
fn field<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let Value::Map(entries) = &node.value else { return None };
    let is_it = |key: &Node| matches!(&key.value, Value::Scalar { text, .. } if text == name);
    entries.iter().find(|(key, _)| is_it(&key.node)).map(|(_, value)| &*value.node)
}

/// The text of a field, empty if there is none.
fn text<'n>(node: &'n Node, name: &str) -> &'n str {
    match field(node, name).map(|node| &node.value) {
        Some(Value::Scalar { text, .. }) => text,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(is_kubernetes(text.as_bytes()), expected, "{text}");
    }

    #[test]
    fn objects_are_told_however_they_are_written() {
        check("apiVersion: v1\nkind: List\n", true);
        check("{\"apiVersion\": \"v1\", \"kind\": \"List\"}", true);
        check("\"api\\x56ersion\": v1\nkind: List\n", true);
        check("\"api\\u0056ersion\": v1\nkind: List\n", true);
        check("{\"api\\\n  Version\": v1, kind: List}", true);
        check("apiVersion: v1\n", false);
        check("groups: []\nkind: List\n", false);
        check("groups: [apiVersion]\n", false);
    }
}
