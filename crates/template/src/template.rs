//! A parsed template, ready to be executed any number of times.

use std::sync::Arc;

use crate::builtin;
use crate::error::{Error, ErrorKind};
use crate::exec::execute;
use crate::function::Functions;
use crate::limits::Limits;
use crate::node::Source;
use crate::parser::{Trees, parse};
use crate::value::Value;

/// A template in Go's `text/template` language, with what it defines.
///
/// ```
/// use skopos_template::{Limits, Map, NoFunctions, Template, Value};
///
/// let text = "{{ range $name, $value := . }}{{ $name }}={{ $value }} {{ end }}";
/// let template = Template::parse("labels", text, &NoFunctions, &Limits::default())?;
/// let data = Value::Map(Map::of_texts([("job", "api"), ("zone", "a")]));
/// assert_eq!(template.execute(&data, &NoFunctions)?, b"job=api zone=a ");
/// # Ok::<(), skopos_template::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Template {
    name: String,
    trees: Trees,
    limits: Limits,
}

impl Template {
    /// Parses `text` under a name that error messages show.
    ///
    /// Functions must be known now; they are called later. Linear in the length of the text.
    ///
    /// # Errors
    ///
    /// `Syntax`, with the line, or `Limit` for a text that is too long.
    pub fn parse(
        name: &str,
        text: &str,
        functions: &dyn Functions,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let knows = |function: &str| {
            functions.signature(function).is_some() || builtin::signature(function).is_some()
        };
        let trees = parse_within(name, text, &knows, limits)?;
        Ok(Self { name: name.to_owned(), trees, limits: limits.clone() })
    }

    /// Writes the template's output for `data`, which the dot and `$` stand for.
    ///
    /// The output is UTF-8 unless the template cuts characters apart or writes bytes with `\x`.
    ///
    /// # Errors
    ///
    /// `Execution`, with line and column, or `Limit`.
    pub fn execute(&self, data: &Value, functions: &dyn Functions) -> Result<Vec<u8>, Error> {
        execute(&self.name, &self.trees, None, &self.limits, functions, data)
    }

    /// The template's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the templates that it defines, itself among them, in order.
    pub fn defined(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }
}

/// Parses a text that is no longer than the limits allow.
pub(crate) fn parse_within(
    name: &str,
    text: &str,
    knows: &dyn Fn(&str) -> bool,
    limits: &Limits,
) -> Result<Trees, Error> {
    if text.len() > limits.text_bytes {
        let message =
            format!("template: {name}:1: text is longer than {} bytes", limits.text_bytes);
        return Err(Error::at(ErrorKind::Limit, 1, 0, message));
    }
    parse(&Arc::new(Source { name: name.to_owned(), text: text.to_owned() }), knows)
}
