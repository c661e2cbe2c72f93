//! What templates use, as far as their text shows it.
//!
//! No template language: actions are split into words, and what is not plainly a label or the value is
//! passed over.

/// What a template uses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses<'t> {
    /// The labels that it shows, each once, without those that it asks for first.
    pub(super) labels: Vec<&'t str>,
    /// Whether it shows the value.
    pub(super) shows_value: bool,
}

/// Words that only look whether something is there, or choose by it.
const GUARDS: [&str; 12] =
    ["and", "else", "eq", "ge", "gt", "if", "le", "len", "lt", "ne", "not", "or"];

/// What the template `text` uses.
pub(super) fn scan(text: &str) -> Uses<'_> {
    let (mut uses, mut guarded) = (Uses::default(), Vec::new());
    // For each open block, whether the dot is another within.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = text;
    while let Some((_, action)) = rest.split_once("{{") {
        let (words, after) = split(action);
        rest = after;
        let first = words.first().copied().unwrap_or_default();
        let is_root = !open.contains(&true);
        let guards = words.iter().any(|word| GUARDS.contains(word)) || first == "with";
        for word in &words {
            match label(word, is_root) {
                Some(name) if guards => guarded.push(name),
                Some(name) => uses.labels.push(name),
                None => {
                    let is_value = *word == "$value" || is_root && *word == ".Value";
                    let is_kept = words.contains(&":=") || words.contains(&"=");
                    uses.shows_value |= is_value && !guards && !is_kept && first != "range";
                }
            }
        }
        match first {
            "block" | "define" | "range" | "with" => open.push(true),
            "if" => open.push(false),
            "end" => {
                open.pop();
            }
            _ => {}
        }
    }
    guarded.sort_unstable();
    uses.labels.sort_unstable();
    uses.labels.dedup();
    uses.labels.retain(|name| guarded.binary_search(name).is_err());
    uses
}

/// The label that a word stands for.
fn label(word: &str, is_root: bool) -> Option<&str> {
    let dotted = if is_root { word.strip_prefix(".Labels.") } else { None };
    let name = word.strip_prefix("$labels.").or(dotted)?;
    name.split('.').next().filter(|name| !name.is_empty())
}

/// The words of an action and what follows its end; texts in quotes and comments are no words.
fn split(action: &str) -> (Vec<&str>, &str) {
    let mut words = Vec::new();
    let mut rest = action;
    loop {
        let Some(c) = rest.chars().next() else { return (words, rest) };
        if let Some(after) = rest.strip_prefix("}}") {
            return (words, after);
        }
        if let Some(after) = rest.strip_prefix("/*") {
            rest = after.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        let length = match c {
            '"' | '\'' | '`' => quoted(rest, c),
            _ => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        };
        if length == 0 {
            let sign = if rest.starts_with(":=") { 2 } else { c.len_utf8() };
            if c == ':' || c == '=' {
                words.push(&rest[..sign]);
            }
            rest = &rest[sign..];
            continue;
        }
        if !matches!(c, '"' | '\'' | '`') {
            words.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '$' | '.' | '_')
}

/// The length of a text in quotes, the quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == quote {
            return at + c.len_utf8();
        } else {
            is_escaped = c == '\\' && quote != '`';
        }
    }
    text.len()
}
