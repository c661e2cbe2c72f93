//! The functions of alert templates by name.

use std::cell::Cell;

use skopos_core::Expansion;
use skopos_core::text::Quoted;
use skopos_regex::Regex;

use super::{QUERY_RESULT, host, humanize, query};
use crate::builtin::query_escape;
use crate::function::{CallError, Functions, Signature, Type, text};
use crate::limits::Limits;
use crate::literal::go_int;
use crate::unicode;
use crate::value::{IntType, List, Map, Text, Value};

/// The functions of alert templates; to be checked only, or with what an expansion asks.
pub(super) struct AlertFunctions<'a> {
    asked: Option<&'a Expansion<'a>>,
    limits: &'a Limits,
    /// How many queries were asked.
    queries: Cell<u64>,
}

impl<'a> AlertFunctions<'a> {
    pub(super) fn new(asked: Option<&'a Expansion<'a>>, limits: &'a Limits) -> Self {
        Self { asked, limits, queries: Cell::new(0) }
    }

    /// Asks a query, if there may be another.
    fn query(&self, asked: &Expansion<'_>, text: &str) -> Result<Value, CallError> {
        let allowed = self.limits.queries;
        if self.queries.get() == allowed {
            return Err(CallError::limit(format!("exceeded maximum of {allowed} queries")));
        }
        self.queries.set(self.queries.get() + 1);
        query(asked, text)
    }
}

/// The signatures are the same whether or not there is something to ask.
impl Functions for AlertFunctions<'_> {
    fn signature(&self, name: &str) -> Option<Signature> {
        signature(name)
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        call(self, name, args)
    }
}

/// What the function `name` takes.
fn signature(name: &str) -> Option<Signature> {
    const RESULT: Type = Type::List(QUERY_RESULT);
    const SAMPLE: Type = Type::Named("*template.sample");
    Some(match name {
        "now" | "pathPrefix" | "externalURL" => Signature::fixed(&[]),
        "query" | "title" | "toUpper" | "toLower" | "graphLink" | "tableLink" | "safeHtml"
        | "stripPort" | "stripDomain" | "parseDuration" | "urlQueryEscape" => {
            Signature::fixed(&[Type::Text])
        }
        "match" => Signature::fixed(&[Type::Text, Type::Text]),
        "reReplaceAll" => Signature::fixed(&[Type::Text, Type::Text, Type::Text]),
        "humanize" | "humanize1024" | "humanizeDuration" | "humanizePercentage"
        | "humanizeTimestamp" | "toTime" | "toDuration" => Signature::fixed(&[Type::Any]),
        "first" => Signature::fixed(&[RESULT]),
        "value" | "strvalue" => Signature::fixed(&[SAMPLE]),
        "label" => Signature::fixed(&[Type::Text, SAMPLE]),
        "sortByLabel" => Signature::fixed(&[Type::Text, RESULT]),
        "args" => Signature::variadic(&[], Type::Any),
        _ => return None,
    })
}

/// Calls a function that has a signature.
fn call(functions: &AlertFunctions<'_>, name: &str, args: &[Value]) -> Result<Value, CallError> {
    let asked = || {
        let missing = || CallError::new(format!("{name} cannot be called in a check"));
        functions.asked.ok_or_else(missing)
    };
    match name {
        "now" => Ok(Value::Float(asked()?.t.as_seconds())),
        "externalURL" => Ok(Value::from(asked()?.external_url)),
        "pathPrefix" => Ok(Value::from(host::url_path(asked()?.external_url))),
        "query" => functions.query(asked()?, &text(args, 0)),
        "first" | "value" | "strvalue" | "label" | "sortByLabel" => of_samples(name, args),
        "args" => numbered(args),
        "match" => Ok(Value::Bool(regex(&text(args, 0))?.is_match(&text(args, 1)))),
        "reReplaceAll" => {
            let longest = functions.limits.output_bytes;
            replace_all(&text(args, 0), &text(args, 1), &text(args, 2), longest)
        }
        "toTime" => Ok(humanize::to_time(to_float(args)?)?.into_value()),
        "toDuration" => {
            let nanos = go_int(to_float(args)? * 1e9);
            Ok(Value::Pointer(Value::Int(nanos, IntType::Duration).into()))
        }
        "humanize" => Ok(Value::from(humanize::decimal(to_float(args)?))),
        "humanize1024" => Ok(Value::from(humanize::binary(to_float(args)?))),
        "humanizeDuration" => Ok(Value::from(humanize::duration(to_float(args)?))),
        "humanizePercentage" => Ok(Value::from(humanize::percentage(to_float(args)?))),
        "humanizeTimestamp" => Ok(Value::from(humanize::timestamp(to_float(args)?)?)),
        "parseDuration" => Ok(Value::Float(humanize::parse_duration(&text(args, 0))?)),
        "safeHtml" => match args.first() {
            Some(Value::Text(text)) => Ok(Value::Text(text.clone().safe_html())),
            _ => Ok(Value::from("")),
        },
        _ => Ok(Value::from(of_text(name, &text(args, 0)))),
    }
}

/// The functions from text to text.
fn of_text(name: &str, text: &str) -> String {
    match name {
        "title" => unicode::title(text),
        "toUpper" => unicode::to_upper(text),
        "toLower" => unicode::to_lower(text),
        "stripPort" => host::strip_port(text),
        "stripDomain" => host::strip_domain(text),
        "urlQueryEscape" => query_escape(text.as_bytes()),
        "graphLink" => format!("/graph?g0.expr={}&g0.tab=0", query_escape(text.as_bytes())),
        _ => format!("/graph?g0.expr={}&g0.tab=1", query_escape(text.as_bytes())),
    }
}

fn regex(pattern: &str) -> Result<Regex, CallError> {
    Regex::new(pattern).map_err(|error| CallError::new(error.to_string()))
}

fn replace_all(
    pattern: &str,
    replacement: &str,
    text: &str,
    longest: usize,
) -> Result<Value, CallError> {
    let regex = Regex::new(pattern).map_err(|error| {
        // As Go's `MustCompile` quotes it.
        let quoted = if pattern.contains('`') {
            Quoted(pattern).to_string()
        } else {
            format!("`{pattern}`")
        };
        CallError::new(format!("regexp: Compile({quoted}): {error}"))
    })?;
    // Each place may match and give the whole text again for each `$` of the replacement.
    let groups = replacement.matches('$').count();
    let possible = (text.len() + 1).saturating_mul(replacement.len() + 1 + groups);
    if possible > longest && regex.is_match(text) {
        return Err(CallError::limit(format!("result may exceed {longest} bytes")));
    }
    Ok(Value::from(regex.replace_all(text, replacement)))
}

/// The arguments under the names `arg0`, `arg1`, …
fn numbered(args: &[Value]) -> Result<Value, CallError> {
    let entry =
        |(i, arg): (usize, &Value)| (Text::from(format!("arg{i}").as_str()), arg.clone().in_any());
    let entries = args.iter().enumerate().map(entry);
    Ok(Value::Map(Map::new("map[string]interface {}", Value::Any(None), entries)?))
}

/// The functions of samples and of query results.
fn of_samples(name: &str, args: &[Value]) -> Result<Value, CallError> {
    match (name, args) {
        ("first", [Value::List(list)]) => list
            .items()
            .first()
            .cloned()
            .ok_or_else(|| CallError::new("first() called on vector with no elements")),
        ("value", [sample]) => Ok(field(sample, "Value")?),
        ("strvalue", [sample]) => label(sample, b"__value__"),
        ("label", [Value::Text(name), sample]) => label(sample, name.as_bytes()),
        ("sortByLabel", [Value::Text(name), Value::List(list)]) => {
            let mut keyed = Vec::with_capacity(list.items().len());
            for sample in list.items() {
                keyed.push((label(sample, name.as_bytes())?.to_text(), sample.clone()));
            }
            keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
            let items = keyed.into_iter().map(|(_, sample)| sample).collect();
            Ok(Value::List(List::new(QUERY_RESULT, items)?))
        }
        _ => Err(CallError::new(format!("{name} does not take these arguments"))),
    }
}

fn label(sample: &Value, name: &[u8]) -> Result<Value, CallError> {
    match field(sample, "Labels")? {
        Value::Map(labels) => Ok(labels.get(name).unwrap_or_else(|| labels.missing()).clone()),
        _ => Ok(Value::from("")),
    }
}

fn field(sample: &Value, name: &str) -> Result<Value, CallError> {
    match sample.pointee() {
        Value::Struct(inner) => Ok(inner.field(name).unwrap_or(Value::Nil)),
        _ => {
            Err(CallError::new("runtime error: invalid memory address or nil pointer dereference"))
        }
    }
}

fn to_float(args: &[Value]) -> Result<f64, CallError> {
    humanize::to_float(args.first().unwrap_or(&Value::Nil))
}
