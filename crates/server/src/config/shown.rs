//! A configuration as people may see it: what is in force, with secrets hidden.
//!
//! What was written is shown, in its own order, completed by the global settings that apply when
//! nothing was written. Comments are lost.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use skopos_scrape::{PromDuration, ScrapeDefaults};

/// Keys whose values are never shown.
const SECRET_KEYS: &[&str] =
    &["bearer_token", "client_secret", "credentials", "key", "password", "secret_key", "secrets"];

/// The configuration in force as YAML.
///
/// The text was read once already, so that there is nothing to say where it cannot be read again.
pub(super) fn effective(text: &str, defaults: &ScrapeDefaults, evaluation: Duration) -> String {
    let read: Result<Option<Node>, _> = serde_saphyr::from_str(text);
    let mut sections = match read {
        Ok(Some(Node::Map(sections))) => sections,
        _ => Vec::new(),
    };
    let global = take(&mut sections, "global");
    let evaluation = PromDuration::from_millis(u64::try_from(evaluation.as_millis()).unwrap_or(0));
    let protocols = defaults.scrape_protocols.iter().map(|p| Node::text(p.as_str())).collect();
    let mut shown = vec![
        ("scrape_interval".into(), Node::text(&defaults.scrape_interval.to_string())),
        ("scrape_timeout".into(), Node::text(&defaults.scrape_timeout.to_string())),
        ("scrape_protocols".into(), Node::List(protocols)),
        ("evaluation_interval".into(), Node::text(&evaluation.to_string())),
    ];
    if let Some(Node::Map(global)) = global {
        let named = |key: &str| shown.iter().any(|(name, _): &(String, Node)| name == key);
        let more: Vec<_> = global.into_iter().filter(|(key, _)| !named(key)).collect();
        shown.extend(more);
    }
    sections.insert(0, ("global".into(), Node::Map(shown)));
    let mut out = String::new();
    write_map(&mut out, &sections, 0);
    out
}

fn take(sections: &mut Vec<(String, Node)>, key: &str) -> Option<Node> {
    let at = sections.iter().position(|(name, _)| name == key)?;
    Some(sections.remove(at).1)
}

/// A piece of YAML, in the order in which it was written.
#[derive(Debug)]
enum Node {
    /// A list.
    List(Vec<Node>),
    /// Keys with their values.
    Map(Vec<(String, Node)>),
    /// Nothing.
    Null,
    /// A number or a truth value.
    Plain(String),
    /// A text.
    Text(String),
}

impl Node {
    fn text(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Node, E> {
        Ok(Node::Plain(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Node, E> {
        Ok(Node::Plain(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Node, E> {
        Ok(Node::Plain(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Node, E> {
        Ok(Node::Plain(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::text(v))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<String, Node>()? {
            let hidden = SECRET_KEYS.contains(&key.as_str()) && !matches!(node, Node::Null);
            map.push((key, if hidden { Node::Plain("<secret>".into()) } else { node }));
        }
        Ok(Node::Map(map))
    }
}

/// Appends `depth` levels of indentation.
fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn write_map(out: &mut String, map: &[(String, Node)], depth: usize) {
    for (i, (key, node)) in map.iter().enumerate() {
        // The first entry of a map in a list stands behind the dash.
        if i != 0 || !out.ends_with("- ") {
            indent(out, depth);
        }
        write_text(out, key);
        out.push(':');
        match node {
            Node::Map(inner) if !inner.is_empty() => {
                out.push('\n');
                write_map(out, inner, depth + 1);
            }
            Node::List(list) if !list.is_empty() => {
                out.push('\n');
                write_list(out, list, depth);
            }
            scalar => {
                out.push(' ');
                write_scalar(out, scalar);
            }
        }
    }
}

fn write_list(out: &mut String, list: &[Node], depth: usize) {
    for node in list {
        indent(out, depth);
        out.push_str("- ");
        match node {
            Node::Map(inner) if !inner.is_empty() => write_map(out, inner, depth + 1),
            Node::List(inner) if !inner.is_empty() => {
                out.push('\n');
                write_list(out, inner, depth + 1);
            }
            scalar => write_scalar(out, scalar),
        }
    }
}

fn write_scalar(out: &mut String, node: &Node) {
    match node {
        Node::List(_) => out.push_str("[]"),
        Node::Map(_) => out.push_str("{}"),
        Node::Null => out.push_str("null"),
        Node::Plain(plain) => out.push_str(plain),
        Node::Text(text) => write_text(out, text),
    }
    out.push('\n');
}

/// Appends a text, quoted where YAML would take it for something else.
fn write_text(out: &mut String, text: &str) {
    let safe = |c: char| c.is_alphanumeric() || "_-./*$^(){}[]+?;=~ :@%|".contains(c);
    let starts = text.starts_with(|c: char| c.is_alphanumeric() || "_/$(^.;".contains(c));
    let plain = starts && text.chars().all(safe) && !text.contains(": ");
    let odd = text.ends_with([' ', ':']) || is_other_kind(text);
    if plain && !odd {
        out.push_str(text);
    } else {
        out.push_str(&skopos_core::text::Quoted(text).to_string());
    }
}

/// Whether the text, unquoted, is a number, a truth value or nothing.
fn is_other_kind(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan"];
    words.contains(&lower.as_str())
        || text.parse::<f64>().is_ok()
        || lower.starts_with("0x")
        || lower.starts_with("0o")
        || text.bytes().all(|b| b.is_ascii_digit() || b"_:.-".contains(&b))
}
