//! A query as it was read, for those who ask it again and again.
//!
//! It is the same for all times; what depends on them is planned anew for each.

use std::sync::{Mutex, PoisonError};

use skopos_core::{Error, Matcher, PreparedQuery, QueryRequest};
use skopos_regex::Regex;

use crate::ast::Expr;
use crate::options::ParseOptions;
use crate::parse::parse;

/// A parsed text, and how it was parsed.
pub(crate) struct Read {
    text: String,
    options: ParseOptions,
    expr: Expr,
    expressions: Expressions,
}

/// The regular expressions of one query that were compiled while it was evaluated. There are never more
/// than its text has.
#[derive(Default)]
pub(crate) struct Expressions(Mutex<Vec<Regex>>);

impl Expressions {
    /// The compiled pattern; compiled now, the first time.
    pub(crate) fn compiled(&self, pattern: &str) -> Result<Regex, skopos_regex::Error> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.iter().find(|regex| regex.as_str() == pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern)?;
        known.push(regex.clone());
        Ok(regex)
    }
}

impl Read {
    /// Reads a text for later.
    pub(crate) fn prepare(text: &str, options: ParseOptions) -> Result<PreparedQuery, Error> {
        let expr = parse(text, &options)?;
        let selectors = selectors(&expr);
        let prepared = PreparedQuery::new(Self {
            text: text.to_owned(),
            options,
            expr,
            expressions: Expressions::default(),
        });
        Ok(match selectors {
            Some(selectors) => prepared.with_selectors(selectors),
            None => prepared,
        })
    }

    /// What comes with a request, if it is what parsing its text would give.
    pub(crate) fn of<'r>(request: &QueryRequest<'r>, options: &ParseOptions) -> Option<&'r Self> {
        let read: &Self = request.prepared()?.plan()?;
        (read.text == request.text() && read.options == *options).then_some(read)
    }

    /// The expression.
    pub(crate) fn expr(&self) -> &Expr {
        &self.expr
    }

    /// What was compiled of it.
    pub(crate) fn expressions(&self) -> &Expressions {
        &self.expressions
    }
}

/// The matchers of each selector, if the query reads nothing else.
fn selectors(expr: &Expr) -> Option<Vec<Vec<Matcher>>> {
    let mut selectors = Some(Vec::new());
    expr.walk(&mut |expr| {
        let selector = match expr {
            Expr::Vector(selector) => selector,
            Expr::Matrix(range) => &range.selector,
            // It reads metrics that it does not name.
            Expr::Call(call) if call.func.name == "info" => {
                selectors = None;
                return false;
            }
            _ => return true,
        };
        if let Some(selectors) = &mut selectors {
            selectors.push(selector.matchers.to_vec());
        }
        true
    });
    selectors
}

#[cfg(test)]
mod tests {
    use skopos_core::{QueryEngine, QueryValue, Sample, Timestamp};

    use super::*;
    use crate::{Engine, EngineOptions, Table};

    #[track_caller]
    fn check(text: &str, expected: Option<&[&str]>) {
        let prepared = Read::prepare(text, ParseOptions::all()).unwrap();
        let shown = prepared.selectors().map(|selectors| {
            let one = |matchers: &Vec<Matcher>| {
                matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            };
            selectors.iter().map(one).collect::<Vec<_>>()
        });
        assert_eq!(shown, expected.map(|list| list.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn what_a_query_selects_is_known() {
        check("1", Some(&[]));
        check("up", Some(&["__name__=\"up\""]));
        check(
            "sum(rate(a{b=~\"c\"}[5m])) / max_over_time(sum(d)[5m:1m])",
            Some(&["b=~\"c\",__name__=\"a\"", "__name__=\"d\""]),
        );
        check("{a=\"b\"} > bool 1", Some(&["a=\"b\""]));
        check("info(up)", None);
        check("up + info(up, {a=\"b\"})", None);
    }

    #[test]
    fn a_prepared_query_gives_what_its_text_gives() {
        let labels = skopos_core::Labels::from_pairs([("__name__", "up")]);
        let table = Table::from_iter([(labels, vec![Sample::new(0, 1.0)])]);
        let engine = Engine::new(table, EngineOptions::default());
        let prepared = engine.prepare("up + 1").unwrap();
        let value = |text: &str| {
            let request = QueryRequest::instant(text, Timestamp::from_millis(0));
            let request = request.with_prepared(&prepared);
            let QueryValue::Vector(vector) = engine.query(&request).unwrap().value else {
                unreachable!("a vector")
            };
            vector[0].value.clone()
        };
        assert_eq!(value("up + 1"), skopos_core::SampleValue::Float(2.0));
        // Of another text nothing was prepared.
        assert_eq!(value("up + 2"), skopos_core::SampleValue::Float(3.0));
        assert!(engine.prepare("up +").is_err());
    }
}
