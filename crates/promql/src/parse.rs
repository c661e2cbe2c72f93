//! The ways into the parser.

use skopos_core::Matcher;

use crate::ast::Expr;
use crate::check::check;
use crate::error::Error;
use crate::options::ParseOptions;
use crate::parser::Parser;

/// The greatest height of a tree that [`parse`] returns: what is deeper is an error, so that a tree
/// can be walked by recursion.
pub const MAX_DEPTH: usize = 500;

/// How many parentheses, calls, aggregations and signs may stand within each other: the parser
/// recurses for these, and not for chains like `a + b + c`, which only make the tree higher.
pub const MAX_NESTING: usize = 128;

/// The checked tree of a query.
///
/// Takes time linear in the text's length.
///
/// ```
/// use skopos_promql::{ParseOptions, ValueType, parse};
///
/// let expr = parse("sum by (job) (rate(requests_total[5m]))", &ParseOptions::default())?;
/// assert_eq!(expr.value_type(), ValueType::Vector);
///
/// let error = parse("sum(requests_total) + \"one\"", &ParseOptions::default()).unwrap_err();
/// assert_eq!(error.column(), Some(23));
/// # Ok::<(), skopos_promql::Error>(())
/// ```
///
/// # Errors
///
/// `Parse`: the first error that Prometheus shows, in its words. Where Prometheus would go on, these
/// are errors too: more than [`MAX_NESTING`] constructs within each other, a tree higher than
/// [`MAX_DEPTH`], and strings whose escapes do not make UTF-8.
pub fn parse(source: &str, options: &ParseOptions) -> Result<Expr, Error> {
    let mut expr = Parser::new(source, options)?.expression()?;
    check(source, &mut expr)?;
    Ok(expr)
}

/// The conditions of a selector, as in `match[]` parameters; that of the metric name comes last.
///
/// ```
/// use skopos_core::Matcher;
/// use skopos_promql::parse_selector;
///
/// let matchers = parse_selector(r#"up{job="api"}"#)?;
/// assert_eq!(matchers, [Matcher::equal("job", "api"), Matcher::equal("__name__", "up")]);
/// # Ok::<(), skopos_promql::Error>(())
/// ```
///
/// # Errors
///
/// `Parse`. That all conditions match the empty string is no error here.
pub fn parse_selector(source: &str) -> Result<Vec<Matcher>, Error> {
    Ok(Parser::new(source, &ParseOptions::default())?.selector()?.matchers.into())
}
