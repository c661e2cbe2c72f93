//! The tree as JSON, in the shape that Prometheus' `/api/v1/parse_query` answers with.
//!
//! Keys are sorted and `<`, `>`, `&` escaped, as Go's encoder does. It is written by hand, since this
//! is all the JSON that the crate needs.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use skopos_core::Matcher;
use skopos_core::text::{FloatStyle, format_float};

use crate::ast::{
    AggregateExpr, At, BinaryExpr, Call, DurationArg, DurationExpr, DurationKind, Expr,
    MatrixSelector, SubqueryExpr, VectorMatchCardinality, VectorMatching, VectorSelector,
};
use crate::signature::{Optional, Signature};

impl Expr {
    /// The tree as a JSON object.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let expr = parse("-(1)", &ParseOptions::default())?;
    /// assert_eq!(
    ///     expr.to_json(),
    ///     r#"{"expr":{"expr":{"type":"numberLiteral","val":"1"},"type":"parenExpr"},"op":"-","type":"unaryExpr"}"#,
    /// );
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Aggregate(e) => aggregate(e, out),
            Self::Binary(e) => binary(e, out),
            Self::Call(e) => call(e, out),
            Self::Matrix(e) => matrix(e, out),
            Self::Number(e) => Object::open(out)
                .string("type", "numberLiteral")
                .string("val", &format_float(e.value, FloatStyle::Plain))
                .close(),
            Self::Paren(e) => Object::open(out)
                .value("expr", |out| e.expr.write_json(out))
                .string("type", "parenExpr")
                .close(),
            Self::String(e) => {
                Object::open(out).string("type", "stringLiteral").string("val", &e.value).close();
            }
            Self::Subquery(e) => subquery(e, out),
            Self::Unary(e) => Object::open(out)
                .value("expr", |out| e.expr.write_json(out))
                .string("op", e.op.as_str())
                .string("type", "unaryExpr")
                .close(),
            Self::Vector(e) => vector(e, out),
        }
    }
}

fn aggregate(e: &AggregateExpr, out: &mut String) {
    Object::open(out)
        .value("expr", |out| e.expr.write_json(out))
        .value("grouping", |out| strings(&e.grouping, out))
        .string("op", e.op.as_str())
        .optional("param", e.param.as_ref(), Expr::write_json)
        .string("type", "aggregation")
        .raw("without", &e.without.to_string())
        .close();
}

fn binary(e: &BinaryExpr, out: &mut String) {
    Object::open(out)
        .raw("bool", &e.return_bool.to_string())
        .value("lhs", |out| e.lhs.write_json(out))
        .optional("matching", e.matching.as_ref(), matching)
        .string("op", e.op.as_str())
        .value("rhs", |out| e.rhs.write_json(out))
        .string("type", "binaryExpr")
        .close();
}

fn matching(e: &VectorMatching, out: &mut String) {
    let card = match e.card {
        VectorMatchCardinality::ManyToMany => "many-to-many",
        VectorMatchCardinality::ManyToOne => "many-to-one",
        VectorMatchCardinality::OneToMany => "one-to-many",
        VectorMatchCardinality::OneToOne => "one-to-one",
    };
    let number = |v: &f64, out: &mut String| out.push_str(&format_float(*v, FloatStyle::Api));
    Object::open(out)
        .string("card", card)
        .value("fillValues", |out| {
            Object::open(out)
                .optional("lhs", e.fill_left.as_ref(), number)
                .optional("rhs", e.fill_right.as_ref(), number)
                .close();
        })
        .value("include", |out| strings(&e.include, out))
        .value("labels", |out| strings(&e.matching_labels, out))
        .raw("on", &e.on.to_string())
        .close();
}

fn call(e: &Call, out: &mut String) {
    Object::open(out)
        .value("args", |out| array(&e.args, out, Expr::write_json))
        .value("func", |out| signature(e.func, out))
        .string("type", "call")
        .close();
}

fn signature(func: &Signature, out: &mut String) {
    let variadic = match func.optional {
        Optional::None => "0".to_owned(),
        Optional::UpTo(n) => n.to_string(),
        Optional::Any => "-1".to_owned(),
    };
    Object::open(out)
        .value("argTypes", |out| array(func.arg_types, out, |t, out| string(t.name(), out)))
        .string("name", func.name)
        .string("returnType", func.return_type.name())
        .raw("variadic", &variadic)
        .close();
}

fn matrix(e: &MatrixSelector, out: &mut String) {
    let s = &e.selector;
    Object::open(out)
        .raw("anchored", &s.anchored.to_string())
        .value("matchers", |out| array(&s.matchers, out, matcher))
        .string("name", s.name.as_deref().unwrap_or_default())
        .duration("offset", "offsetExpr", Some(&s.offset))
        .duration("range", "rangeExpr", Some(&e.range))
        .raw("smoothed", &s.smoothed.to_string())
        .at(s.at)
        .string("type", "matrixSelector")
        .close();
}

fn vector(e: &VectorSelector, out: &mut String) {
    Object::open(out)
        .raw("anchored", &e.anchored.to_string())
        .value("matchers", |out| array(&e.matchers, out, matcher))
        .string("name", e.name.as_deref().unwrap_or_default())
        .duration("offset", "offsetExpr", Some(&e.offset))
        .raw("smoothed", &e.smoothed.to_string())
        .at(e.at)
        .string("type", "vectorSelector")
        .close();
}

fn subquery(e: &SubqueryExpr, out: &mut String) {
    Object::open(out)
        .value("expr", |out| e.expr.write_json(out))
        .duration("offset", "offsetExpr", Some(&e.offset))
        .duration("range", "rangeExpr", Some(&e.range))
        .start_or_end(e.at)
        .duration("step", "stepExpr", e.step.as_ref())
        .timestamp(e.at)
        .string("type", "subquery")
        .close();
}

fn matcher(matcher: &Matcher, out: &mut String) {
    Object::open(out)
        .string("name", matcher.name())
        .string("type", matcher.op().as_str())
        .string("value", matcher.value())
        .close();
}

fn duration(e: &DurationExpr, out: &mut String) {
    let (op, lhs, rhs) = match &e.kind {
        DurationKind::Number { seconds, is_duration } => {
            return Object::open(out)
                .raw("duration", &is_duration.to_string())
                .string("type", "numberLiteral")
                .string("val", &format_float(*seconds, FloatStyle::Plain))
                .close();
        }
        DurationKind::Range => ("range", None, None),
        DurationKind::Step => ("step", None, None),
        DurationKind::Neg(d) => ("-", None, Some(d)),
        DurationKind::Plus(d) => ("+", None, Some(d)),
        DurationKind::Binary(op, a, b) => (op.as_str(), Some(a), Some(b)),
        DurationKind::MinOf(a, b) => ("min_of", Some(a), Some(b)),
        DurationKind::MaxOf(a, b) => ("max_of", Some(a), Some(b)),
    };
    Object::open(out)
        .optional("lhs", lhs, |d, out| duration(d, out))
        .string("op", op)
        .optional("rhs", rhs, |d, out| duration(d, out))
        .string("type", "durationExpr")
        .raw("wrapped", &e.wrapped.to_string())
        .close();
}

fn strings(items: &[Arc<str>], out: &mut String) {
    array(items, out, |item, out| string(item, out));
}

fn array<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if 0 < at {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// A string in quotes, escaped as Go's encoder does for HTML.
fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// An object that is being written; keys come in ascending order.
struct Object<'a> {
    out: &'a mut String,
    empty: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, empty: true }
    }

    fn close(self) {
        self.out.push('}');
    }

    fn value(mut self, key: &str, write: impl FnOnce(&mut String)) -> Self {
        if !std::mem::take(&mut self.empty) {
            self.out.push(',');
        }
        string(key, self.out);
        self.out.push(':');
        write(self.out);
        self
    }

    fn raw(self, key: &str, value: &str) -> Self {
        self.value(key, |out| out.push_str(value))
    }

    fn string(self, key: &str, value: &str) -> Self {
        self.value(key, |out| string(value, out))
    }

    fn optional<T>(self, key: &str, value: Option<T>, write: impl FnOnce(T, &mut String)) -> Self {
        match value {
            Some(value) => self.value(key, |out| write(value, out)),
            None => self.raw(key, "null"),
        }
    }

    /// Milliseconds, or 0 and an expression.
    fn duration(self, key: &str, expr_key: &str, value: Option<&DurationArg>) -> Self {
        let (millis, expr) = match value {
            None => (0, None),
            Some(DurationArg::Millis(millis)) => (*millis, None),
            Some(DurationArg::Expr(expr)) => (0, Some(expr)),
        };
        self.raw(key, &millis.to_string()).optional(expr_key, expr, |e, out| duration(e, out))
    }

    fn at(self, at: Option<At>) -> Self {
        self.start_or_end(at).timestamp(at)
    }

    fn start_or_end(self, at: Option<At>) -> Self {
        match at {
            Some(At::Start) => self.string("startOrEnd", "start"),
            Some(At::End) => self.string("startOrEnd", "end"),
            Some(At::Timestamp(_)) | None => self.raw("startOrEnd", "null"),
        }
    }

    fn timestamp(self, at: Option<At>) -> Self {
        match at {
            Some(At::Timestamp(millis)) => self.raw("timestamp", &millis.to_string()),
            Some(At::Start | At::End) | None => self.raw("timestamp", "null"),
        }
    }
}
