//! Go's `html/template`: templates whose values are escaped by where in a page they stand.
//!
//! Escaping looks at the text of templates, finds out in which language and in which part of it each
//! action stands, and adds to its pipeline what makes any value harmless there. It knows HTML, URLs,
//! JavaScript and CSS as well as Go's package does, no better, so that the output is the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use skopos_core::text::Quoted;

use crate::builtin;
use crate::error::{Error, ErrorKind};
use crate::exec::execute;
use crate::function::{Functions, Signature, Type};
use crate::limits::Limits;
use crate::parser::Trees;
use crate::template::parse_within;
use crate::value::Value;

mod attribute;
mod context;
mod css;
mod entity;
mod escaper;
mod json;
mod markup;
mod pipeline;
mod script;
mod style;
mod text;
mod transition;
mod url;
mod walk;

pub(crate) use self::escaper::Escaper;

use self::context::Context;
use self::walk::Walk;

/// What `tmpl` takes: the name of a template, and the data for it.
pub(crate) const TMPL: Signature = Signature::fixed(&[Type::Text, Type::Any]);

/// A page of HTML as a template: values are escaped by where they stand.
///
/// Besides what a [`Template`](crate::Template) has there is Prometheus' function `tmpl`, which calls a
/// template by a name that can be computed, and a page may use templates of other files.
///
/// ```
/// use skopos_template::{HtmlTemplate, Limits, Map, NoFunctions, Value};
///
/// let page = r#"<a href="/graph?q={{ .q }}" onclick="show({{ .q }})">{{ template "b" .q }}</a>"#;
/// let library = r#"{{ define "b" }}<b>{{ . }}</b>{{ end }}"#;
/// let template = HtmlTemplate::parse("page", page, &NoFunctions, &Limits::default())?
///     .with_file("library", library, &NoFunctions)?;
/// let data = Value::Map(Map::of_texts([("q", "a<b")]));
/// assert_eq!(
///     template.execute(&data, &NoFunctions)?,
///     br#"<a href="/graph?q=a%3cb" onclick="show(&#34;a\u003cb&#34;)"><b>a&lt;b</b></a>"#,
/// );
/// # Ok::<(), skopos_template::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HtmlTemplate {
    name: String,
    trees: Trees,
    limits: Limits,
}

impl HtmlTemplate {
    /// Parses `text` under a name that error messages show.
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
        let trees = parse_within(name, text, &|function| knows(functions, function), limits)?;
        Ok(Self { name: name.to_owned(), trees, limits: limits.clone() })
    }

    /// The same with another text under a name of its own, whose templates can be called. They take
    /// the places of those with the same names unless they are blank.
    ///
    /// # Errors
    ///
    /// `Syntax`, with the line, or `Limit` for a text that is too long.
    pub fn with_file(
        mut self,
        name: &str,
        text: &str,
        functions: &dyn Functions,
    ) -> Result<Self, Error> {
        let knows = |function: &str| knows(functions, function);
        for (name, tree) in parse_within(name, text, &knows, &self.limits)? {
            if !tree.is_blank() || !self.trees.contains_key(&name) {
                self.trees.insert(name, tree);
            }
        }
        Ok(self)
    }

    /// Writes the page for `data`, which the dot and `$` stand for. The templates are escaped anew each
    /// time, in steps that are linear in their texts times the contexts in which they are called.
    ///
    /// # Errors
    ///
    /// `Escape` where the context of a value cannot be told, `Execution`, with line and column, or
    /// `Limit`.
    pub fn execute(&self, data: &Value, functions: &dyn Functions) -> Result<Vec<u8>, Error> {
        let space = Space::new(self.trees.clone());
        let trees = space.escaped(&self.name, &self.limits)?;
        execute(&self.name, &trees, Some(&space), &self.limits, functions, data)
    }

    /// The template's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn knows(functions: &dyn Functions, name: &str) -> bool {
    name == "tmpl" || functions.signature(name).is_some() || builtin::signature(name).is_some()
}

/// The templates of a page while it is written: escaped as they are needed.
pub(crate) struct Space {
    inner: RefCell<Inner>,
}

struct Inner {
    trees: Rc<Trees>,
    /// The contexts in which templates end that are escaped.
    outputs: BTreeMap<String, Context>,
}

impl Space {
    fn new(trees: Trees) -> Self {
        let inner = Inner { trees: Rc::new(trees), outputs: BTreeMap::new() };
        Self { inner: RefCell::new(inner) }
    }

    /// The templates, of which `name` and all that it calls are escaped.
    pub(crate) fn escaped(&self, name: &str, limits: &Limits) -> Result<Rc<Trees>, Error> {
        let mut inner = self.inner.borrow_mut();
        let trees = Rc::clone(&inner.trees);
        let Some(tree) = trees.get(name).cloned() else {
            let message = format!("html/template: {} is undefined", Quoted(name));
            return Err(Error::escape(ErrorKind::Escape, 1, None, message));
        };
        let outputs = std::mem::take(&mut inner.outputs);
        let walk = Walk::new(&trees, outputs, &tree.source, limits);
        let found = walk.document(name, &tree)?;
        inner.outputs = found.outputs;
        drop(trees);
        if !found.escaped.is_empty() {
            Rc::make_mut(&mut inner.trees).extend(found.escaped);
        }
        Ok(Rc::clone(&inner.trees))
    }
}

#[cfg(test)]
mod tests;
