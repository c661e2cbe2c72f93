//! What stands at a place of a text, for editors.

use crate::ast::Expr;
use crate::options::ParseOptions;
use crate::recover::parse_recovering;
use crate::span::Span;
use crate::types::ValueType;

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hover {
    /// The place of the innermost expression there.
    pub span: Span,
    /// The kind of the expression, as Prometheus' `/api/v1/parse_query` names it.
    pub kind: &'static str,
    /// What it evaluates to.
    pub value_type: ValueType,
    /// How it is called: the signature of a function or aggregation, otherwise the expression itself.
    pub signature: String,
    /// What the function or aggregation does, in a line.
    pub doc: Option<&'static str>,
}

/// What stands at `offset`, in bytes, of a text that may have errors; `None` where nothing can be read.
///
/// Takes time linear in the text's length.
///
/// ```
/// use skopos_promql::{ParseOptions, Span, ValueType, hover};
///
/// let text = "sum by (job) (rate(errors[5m]))";
/// let rate = hover(text, 15, &ParseOptions::default()).unwrap();
/// assert_eq!(rate.span, Span::new(14, 30));
/// assert_eq!((rate.kind, rate.value_type), ("call", ValueType::Vector));
/// assert_eq!(rate.signature, "rate(range vector)");
/// assert!(rate.doc.unwrap().starts_with("How much a counter grows"));
///
/// let errors = hover(text, 20, &ParseOptions::default()).unwrap();
/// assert_eq!((errors.kind, errors.value_type), ("matrixSelector", ValueType::Matrix));
/// ```
#[must_use]
pub fn hover(source: &str, offset: usize, options: &ParseOptions) -> Option<Hover> {
    let offset = u32::try_from(offset).ok()?;
    let root = parse_recovering(source, options).expr?;
    let mut found = holds(&root, offset).then_some(&root)?;
    while let Some(inner) = found.children().find(|child| holds(child, offset)) {
        found = inner;
    }
    (!found.is_hole()).then(|| describe(found))
}

fn holds(expr: &Expr, offset: u32) -> bool {
    let Span { start, end } = expr.span();
    start <= offset && offset < end
}

fn describe(expr: &Expr) -> Hover {
    let (signature, doc) = match expr {
        Expr::Aggregate(e) => {
            let parameter = match e.param.as_ref().map(Expr::value_type) {
                Some(param) => format!("{param}, "),
                None => String::new(),
            };
            (format!("{}({parameter}instant vector)", e.op), Some(e.op.doc()))
        }
        Expr::Call(e) => (e.func.to_string(), Some(e.func.doc())),
        _ => (expr.to_string(), None),
    };
    Hover { span: expr.span(), kind: kind(expr), value_type: expr.value_type(), signature, doc }
}

fn kind(expr: &Expr) -> &'static str {
    match expr {
        Expr::Aggregate(_) => "aggregation",
        Expr::Binary(_) => "binaryExpr",
        Expr::Call(_) => "call",
        Expr::Matrix(_) => "matrixSelector",
        Expr::Number(_) => "numberLiteral",
        Expr::Paren(_) => "parenExpr",
        Expr::String(_) => "stringLiteral",
        Expr::Subquery(_) => "subquery",
        Expr::Unary(_) => "unaryExpr",
        Expr::Vector(_) => "vectorSelector",
    }
}
