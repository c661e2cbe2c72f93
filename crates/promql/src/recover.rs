//! All mistakes of a text at once, for editors.

use crate::ast::Expr;
use crate::check::check_all;
use crate::error::Error;
use crate::options::ParseOptions;
use crate::parser::Parser;
use crate::parser::recover::{Read, is_hole};

/// The most errors that [`parse_recovering`] looks for in the grammar, and again in the types.
pub const MAX_ERRORS: usize = 100;

/// What [`parse_recovering`] could read, and what is wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Recovered {
    /// The tree; `None` where nothing of the text could be read.
    ///
    /// Without errors it is what [`parse`](crate::parse) gives. Otherwise it is not fully checked, and
    /// an empty selector (see [`is_hole`](Expr::is_hole)) stands in place of what could not be read.
    pub expr: Option<Expr>,
    /// First the error of [`parse`](crate::parse), then all others in the order of the text.
    ///
    /// Mistakes in types come after those in the grammar, so that the first need not stand before
    /// the others.
    pub errors: Vec<Error>,
}

/// The tree of a query as far as it can be read, with all errors that are independent.
///
/// After an error, reading goes on with the next argument, condition, label or operator. What may be a
/// mere consequence of an error before is not told. Takes time linear in the text's length; at
/// most [`MAX_ERRORS`] errors of each kind are looked for.
///
/// ```
/// use skopos_promql::{ParseOptions, parse_recovering};
///
/// let read = parse_recovering(
///     "sum by (job, 5) (rate(a{x=1, y}[5m])) / rate(b)",
///     &ParseOptions::default(),
/// );
/// let messages: Vec<String> = read.errors.iter().map(ToString::to_string).collect();
/// assert_eq!(messages, [
///     "1:14: parse error: unexpected number \"5\" in grouping opts, expected label",
///     "1:27: parse error: unexpected character inside braces: '1'",
///     "1:31: parse error: unexpected \"}\" in label matching, expected label matching operator",
///     "1:46: parse error: expected type range vector in call to function \"rate\", got instant vector",
/// ]);
/// assert_eq!(read.expr.unwrap().children().count(), 2);
/// ```
#[must_use]
pub fn parse_recovering(source: &str, options: &ParseOptions) -> Recovered {
    let parser = match Parser::new(source, options) {
        Ok(parser) => parser,
        Err(error) => return Recovered { expr: None, errors: vec![error] },
    };
    let Read { mut expr, mut errors } = parser.recovering_expression();
    if let Some(expr) = &mut expr {
        let mistakes = check_all(source, expr);
        add_independent(&mut errors, mistakes);
    }
    if let Some((_, rest)) = errors.split_first_mut() {
        rest.sort_by_key(Error::span);
    }
    Recovered { expr: expr.filter(|expr| !is_hole(expr)), errors }
}

/// Adds the mistakes in types, but for those of expressions that were not read as they stand.
fn add_independent(errors: &mut Vec<Error>, mistakes: Vec<Error>) {
    let mut starts: Vec<u32> = errors.iter().map(|error| error.span().start).collect();
    starts.sort_unstable();
    errors.extend(mistakes.into_iter().filter(|mistake| {
        let span = mistake.span();
        let first = starts.partition_point(|start| *start < span.start);
        starts.get(first).is_none_or(|start| span.end < *start)
    }));
}

impl Expr {
    /// Whether it stands for something that [`parse_recovering`] could not read.
    ///
    /// In a tree without errors only the second argument of `info(foo, {})` looks the same.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse_recovering};
    ///
    /// let expr = parse_recovering("foo + ", &ParseOptions::default()).expr.unwrap();
    /// let holes: Vec<bool> = expr.children().map(|operand| operand.is_hole()).collect();
    /// assert_eq!(holes, [false, true]);
    /// ```
    #[must_use]
    pub fn is_hole(&self) -> bool {
        is_hole(self)
    }
}
