//! Where the mistakes of a file stand, and under which keys.
//!
//! Reading a file keeps few places, since hardly any are ever asked for; they are looked up here once
//! something is wrong. One walk finds the keys of all mistakes, so that this stays linear.

use std::collections::{HashMap, HashSet};

use crate::error::{About, LoadError, Mistake};
use crate::model::Position;
use crate::yaml::{Child, Node, Value};

/// Gives each error at least one mistake, and each mistake its place and its key.
pub(crate) fn place(errors: &mut [LoadError], root: &Node) {
    let mut lists = Lists::new(root);
    for error in &mut *errors {
        let position = match error.take_about() {
            Some(about) => lists.find(&about),
            None => error.position(),
        };
        if error.mistakes().is_empty() {
            let mistake = Mistake::new(position, error.message());
            error.mistakes_mut().push(mistake);
        }
    }
    let mistakes = errors.iter().flat_map(LoadError::mistakes);
    let wanted = mistakes.filter_map(Mistake::position).collect();
    let mut keys = Keys { wanted, ..Keys::default() };
    keys.walk(root, &mut String::new());
    for error in errors {
        for mistake in error.mistakes_mut() {
            let key = mistake.position().and_then(|at| keys.found.get(&at));
            *mistake = mistake.clone().with_key(key.cloned().unwrap_or_default());
        }
    }
}

/// The groups of a file, and the rules of those that were asked for.
struct Lists<'n> {
    groups: Vec<&'n Node>,
    rules: HashMap<usize, Vec<&'n Node>>,
}

impl<'n> Lists<'n> {
    fn new(root: &'n Node) -> Self {
        Self { groups: items(entry(root, "groups", 0)), rules: HashMap::new() }
    }

    fn find(&mut self, about: &About) -> Option<Position> {
        let group = *self.groups.get(about.group)?;
        let owner = match about.rule {
            Some(rule) => {
                let rules = self.rules.entry(about.group);
                let rules = rules.or_insert_with(|| items(entry(group, "rules", 0)));
                *rules.get(rule)?
            }
            None => group,
        };
        let Some(field) = entry(owner, about.field, 0) else { return Some(owner.at) };
        match &about.entry {
            Some(name) => entry(&field.node, name, 0).map(|value| value.at),
            None => Some(field.at),
        }
    }
}

/// The items of a list that are something.
fn items(list: Option<&Child>) -> Vec<&Node> {
    match list.map(|list| &list.node.value) {
        Some(Value::List(items)) => {
            let nodes = items.iter().map(|item| &*item.node);
            nodes.filter(|node| !matches!(node.value, Value::Null)).collect()
        }
        _ => Vec::new(),
    }
}

/// The value under a key of a map, or of the maps that it merges.
fn entry<'n>(node: &'n Node, key: &str, depth: usize) -> Option<&'n Child> {
    let Value::Map(entries) = &node.value else { return None };
    let is_it = |child: &Child| match &child.node.value {
        Value::Scalar { text, .. } => text == key,
        Value::Null => key.is_empty(),
        _ => false,
    };
    if let Some((_, value)) = entries.iter().find(|(child, _)| is_it(child)) {
        return Some(value);
    }
    let is_merge =
        |child: &Child| matches!(&child.node.value, Value::Scalar { tag: "!!merge", .. });
    let mut merged = entries.iter().filter(|(child, _)| is_merge(child) && depth < 20);
    merged.find_map(|(_, value)| match &value.node.value {
        Value::List(items) => items.iter().find_map(|item| entry(&item.node, key, depth + 1)),
        _ => entry(&value.node, key, depth + 1),
    })
}

/// The keys that are found at places.
#[derive(Default)]
struct Keys {
    wanted: HashSet<Position>,
    found: HashMap<Position, String>,
    /// What was looked at, since aliases can multiply without bound.
    seen: HashSet<*const Node>,
}

impl Keys {
    /// Looks at everything below `node`, which stands under `path`.
    fn walk(&mut self, node: &Node, path: &mut String) {
        if !self.seen.insert(std::ptr::from_ref(node)) {
            return;
        }
        let length = path.len();
        match &node.value {
            Value::Map(entries) => {
                for (key, value) in entries {
                    if let Value::Scalar { text, .. } = &key.node.value {
                        path.push_str(if length == 0 { "" } else { "." });
                        path.push_str(text);
                    }
                    self.note(key.at, path);
                    self.child(value, path);
                    path.truncate(length);
                }
            }
            Value::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{i}]"));
                    self.child(item, path);
                    path.truncate(length);
                }
            }
            Value::Null | Value::Scalar { .. } => {}
        }
    }

    fn child(&mut self, child: &Child, path: &mut String) {
        self.note(child.at, path);
        self.note(child.node.at, path);
        self.walk(&child.node, path);
    }

    /// A map starts where its first key does; the one that comes later is the more exact.
    fn note(&mut self, at: Position, path: &str) {
        if self.wanted.contains(&at) {
            self.found.insert(at, path.to_owned());
        }
    }
}
