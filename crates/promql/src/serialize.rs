//! The tree by `serde`, in the shape that Prometheus' `/api/v1/parse_query` answers with.
//!
//! Each node is written by a view of it, whose fields are the keys of that shape in its order. Trees
//! are not read back: the shape has no spans and evaluates what it can, while texts have it all.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Serialize, Serializer};
use skopos_core::Matcher;
use skopos_core::text::{FloatStyle, format_float};

use crate::ast::{
    AggregateExpr, At, BinaryExpr, Call, DurationArg, DurationExpr, DurationKind, Expr,
    MatrixSelector, NumberLiteral, ParenExpr, StringLiteral, SubqueryExpr, UnaryExpr,
    VectorMatchCardinality, VectorMatching, VectorSelector,
};
use crate::signature::{Optional, Signature};

/// As Prometheus' `/api/v1/parse_query` answers it, keys ascending. Of a `fill` that is not finite, JSON
/// makes `null`; Prometheus has no answer then.
///
/// ```
/// use skopos_promql::{ParseOptions, parse};
///
/// let expr = parse("-(1)", &ParseOptions::default())?;
/// assert_eq!(
///     serde_json::to_string(&expr)?,
///     r#"{"expr":{"expr":{"type":"numberLiteral","val":"1"},"type":"parenExpr"},"op":"-","type":"unaryExpr"}"#,
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Aggregate(e) => e.serialize(serializer),
            Self::Binary(e) => e.serialize(serializer),
            Self::Call(e) => e.serialize(serializer),
            Self::Matrix(e) => e.serialize(serializer),
            Self::Number(e) => e.serialize(serializer),
            Self::Paren(e) => e.serialize(serializer),
            Self::String(e) => e.serialize(serializer),
            Self::Subquery(e) => e.serialize(serializer),
            Self::Unary(e) => e.serialize(serializer),
            Self::Vector(e) => e.serialize(serializer),
        }
    }
}

impl Serialize for AggregateExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            expr: &'a Expr,
            grouping: &'a [Arc<str>],
            op: &'a str,
            param: Option<&'a Expr>,
            r#type: &'a str,
            without: bool,
        }
        View {
            expr: &self.expr,
            grouping: &self.grouping,
            op: self.op.as_str(),
            param: self.param.as_ref(),
            r#type: "aggregation",
            without: self.without,
        }
        .serialize(serializer)
    }
}

impl Serialize for BinaryExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            bool: bool,
            lhs: &'a Expr,
            matching: Option<&'a VectorMatching>,
            op: &'a str,
            rhs: &'a Expr,
            r#type: &'a str,
        }
        View {
            bool: self.return_bool,
            lhs: &self.lhs,
            matching: self.matching.as_ref(),
            op: self.op.as_str(),
            rhs: &self.rhs,
            r#type: "binaryExpr",
        }
        .serialize(serializer)
    }
}

impl Serialize for VectorMatching {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            card: VectorMatchCardinality,
            fill_values: FillValues,
            include: &'a [Arc<str>],
            labels: &'a [Arc<str>],
            on: bool,
        }
        #[derive(Serialize)]
        struct FillValues {
            lhs: Option<Number>,
            rhs: Option<Number>,
        }
        View {
            card: self.card,
            fill_values: FillValues {
                lhs: self.fill_left.map(Number),
                rhs: self.fill_right.map(Number),
            },
            include: &self.include,
            labels: &self.matching_labels,
            on: self.on,
        }
        .serialize(serializer)
    }
}

impl Serialize for VectorMatchCardinality {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::ManyToMany => "many-to-many",
            Self::ManyToOne => "many-to-one",
            Self::OneToMany => "one-to-many",
            Self::OneToOne => "one-to-one",
        })
    }
}

/// A number that is written without `.0`, as Go does.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Every whole number below 2^53 is an integer of the same value, -0 aside.
        let whole = self.0 as i64;
        if whole.unsigned_abs() < 1 << 53 && (whole as f64).to_bits() == self.0.to_bits() {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl Serialize for Call {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            args: &'a [Expr],
            func: &'a Signature,
            r#type: &'a str,
        }
        View { args: &self.args, func: self.func, r#type: "call" }.serialize(serializer)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            arg_types: Vec<&'a str>,
            name: &'a str,
            return_type: &'a str,
            variadic: i64,
        }
        View {
            arg_types: self.arg_types.iter().map(|t| t.name()).collect(),
            name: self.name,
            return_type: self.return_type.name(),
            variadic: match self.optional {
                Optional::None => 0,
                Optional::UpTo(n) => n as i64,
                Optional::Any => -1,
            },
        }
        .serialize(serializer)
    }
}

impl Serialize for MatrixSelector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            anchored: bool,
            #[serde(serialize_with = "matchers")]
            matchers: &'a [Matcher],
            name: &'a str,
            offset: i64,
            offset_expr: Option<&'a DurationExpr>,
            range: i64,
            range_expr: Option<&'a DurationExpr>,
            smoothed: bool,
            start_or_end: Option<&'a str>,
            timestamp: Option<i64>,
            r#type: &'a str,
        }
        let selector = &self.selector;
        View {
            anchored: selector.anchored,
            matchers: &selector.matchers,
            name: selector.name.as_deref().unwrap_or_default(),
            offset: millis(&selector.offset),
            offset_expr: expression(&selector.offset),
            range: millis(&self.range),
            range_expr: expression(&self.range),
            smoothed: selector.smoothed,
            start_or_end: start_or_end(selector.at),
            timestamp: timestamp(selector.at),
            r#type: "matrixSelector",
        }
        .serialize(serializer)
    }
}

impl Serialize for NumberLiteral {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            r#type: &'a str,
            val: String,
        }
        View { r#type: "numberLiteral", val: format_float(self.value, FloatStyle::Plain) }
            .serialize(serializer)
    }
}

impl Serialize for ParenExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            expr: &'a Expr,
            r#type: &'a str,
        }
        View { expr: &self.expr, r#type: "parenExpr" }.serialize(serializer)
    }
}

impl Serialize for StringLiteral {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            r#type: &'a str,
            val: &'a str,
        }
        View { r#type: "stringLiteral", val: &self.value }.serialize(serializer)
    }
}

impl Serialize for SubqueryExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            expr: &'a Expr,
            offset: i64,
            offset_expr: Option<&'a DurationExpr>,
            range: i64,
            range_expr: Option<&'a DurationExpr>,
            start_or_end: Option<&'a str>,
            step: i64,
            step_expr: Option<&'a DurationExpr>,
            timestamp: Option<i64>,
            r#type: &'a str,
        }
        View {
            expr: &self.expr,
            offset: millis(&self.offset),
            offset_expr: expression(&self.offset),
            range: millis(&self.range),
            range_expr: expression(&self.range),
            start_or_end: start_or_end(self.at),
            step: self.step.as_ref().map_or(0, millis),
            step_expr: self.step.as_ref().and_then(expression),
            timestamp: timestamp(self.at),
            r#type: "subquery",
        }
        .serialize(serializer)
    }
}

impl Serialize for UnaryExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct View<'a> {
            expr: &'a Expr,
            op: &'a str,
            r#type: &'a str,
        }
        View { expr: &self.expr, op: self.op.as_str(), r#type: "unaryExpr" }.serialize(serializer)
    }
}

impl Serialize for VectorSelector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct View<'a> {
            anchored: bool,
            #[serde(serialize_with = "matchers")]
            matchers: &'a [Matcher],
            name: &'a str,
            offset: i64,
            offset_expr: Option<&'a DurationExpr>,
            smoothed: bool,
            start_or_end: Option<&'a str>,
            timestamp: Option<i64>,
            r#type: &'a str,
        }
        View {
            anchored: self.anchored,
            matchers: &self.matchers,
            name: self.name.as_deref().unwrap_or_default(),
            offset: millis(&self.offset),
            offset_expr: expression(&self.offset),
            smoothed: self.smoothed,
            start_or_end: start_or_end(self.at),
            timestamp: timestamp(self.at),
            r#type: "vectorSelector",
        }
        .serialize(serializer)
    }
}

impl Serialize for DurationExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Literal<'a> {
            duration: bool,
            r#type: &'a str,
            val: String,
        }
        #[derive(Serialize)]
        struct View<'a> {
            lhs: Option<&'a DurationExpr>,
            op: &'a str,
            rhs: Option<&'a DurationExpr>,
            r#type: &'a str,
            wrapped: bool,
        }
        let (op, lhs, rhs) = match &self.kind {
            DurationKind::Number { seconds, is_duration } => {
                let val = format_float(*seconds, FloatStyle::Plain);
                return Literal { duration: *is_duration, r#type: "numberLiteral", val }
                    .serialize(serializer);
            }
            DurationKind::Range => ("range", None, None),
            DurationKind::Step => ("step", None, None),
            DurationKind::Neg(d) => ("-", None, Some(&**d)),
            DurationKind::Plus(d) => ("+", None, Some(&**d)),
            DurationKind::Binary(op, a, b) => (op.as_str(), Some(&**a), Some(&**b)),
            DurationKind::MinOf(a, b) => ("min_of", Some(&**a), Some(&**b)),
            DurationKind::MaxOf(a, b) => ("max_of", Some(&**a), Some(&**b)),
        };
        View { lhs, op, rhs, r#type: "durationExpr", wrapped: self.wrapped }.serialize(serializer)
    }
}

fn matchers<S: Serializer>(matchers: &[Matcher], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct View<'a> {
        name: &'a str,
        r#type: &'a str,
        value: &'a str,
    }
    serializer.collect_seq(matchers.iter().map(|matcher| View {
        name: matcher.name(),
        r#type: matcher.op().as_str(),
        value: matcher.value(),
    }))
}

/// The milliseconds, 0 beside an expression.
fn millis(duration: &DurationArg) -> i64 {
    match duration {
        DurationArg::Millis(millis) => *millis,
        DurationArg::Expr(_) => 0,
    }
}

fn expression(duration: &DurationArg) -> Option<&DurationExpr> {
    match duration {
        DurationArg::Millis(_) => None,
        DurationArg::Expr(expr) => Some(expr),
    }
}

fn start_or_end(at: Option<At>) -> Option<&'static str> {
    match at? {
        At::Start => Some("start"),
        At::End => Some("end"),
        At::Timestamp(_) => None,
    }
}

fn timestamp(at: Option<At>) -> Option<i64> {
    match at? {
        At::Timestamp(millis) => Some(millis),
        At::Start | At::End => None,
    }
}
