//! Types and what the grammar cannot say.
//!
//! Checks run in the order of Prometheus' own, since the first error is the one that is shown.

use std::collections::HashSet;

use skopos_core::{MatchOp, Matcher};

use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, Call, Expr, SubqueryExpr, UnaryExpr,
    VectorMatchCardinality, VectorSelector,
};
use crate::error::Error;
use crate::hint;
use crate::lexer::span;
use crate::parser::recover::is_hole;
use crate::parser::selector::METRIC_NAME;
use crate::signature::Optional;
use crate::span::Span;
use crate::text::Quoted;
use crate::types::ValueType;

/// Checks a tree and completes it: set operators become many-to-many, and operators that do not
/// match series lose their matching.
///
/// # Errors
///
/// The first one.
pub(crate) fn check(source: &str, expr: &mut Expr) -> Result<(), Error> {
    Checker { source, errors: None }.expr(expr).map(drop)
}

/// The same, but an error does not end it: all are given, in the order of checking, and what stands
/// for something that could not be read has any type.
pub(crate) fn check_all(source: &str, expr: &mut Expr) -> Vec<Error> {
    let mut checker = Checker { source, errors: Some(Vec::new()) };
    // An error that is returned is one more than are kept.
    let _ = checker.expr(expr);
    checker.errors.unwrap_or_default()
}

struct Checker<'s> {
    source: &'s str,
    /// Where errors are kept, if the first one does not end it.
    errors: Option<Vec<Error>>,
}

/// The type of an expression, or `None` where it has none because of an error.
type Type = Option<ValueType>;

type Checked<T = ()> = Result<T, Error>;

impl Checker<'_> {
    #[cold]
    fn fail<T: Default>(&mut self, span: Span, message: impl Into<String>) -> Checked<T> {
        self.fail_with(span, message, None)
    }

    #[cold]
    fn fail_with<T: Default>(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Checked<T> {
        let error = Error::parse(self.source, span, message).with_hint(hint);
        match &mut self.errors {
            Some(errors) if errors.len() < crate::recover::MAX_ERRORS => errors.push(error),
            _ => return Err(error),
        }
        Ok(T::default())
    }

    fn expr(&mut self, expr: &mut Expr) -> Checked<Type> {
        if self.errors.is_some() && is_hole(expr) {
            return Ok(None);
        }
        match expr {
            Expr::Aggregate(e) => self.aggregate(e),
            Expr::Binary(e) => self.binary(e),
            Expr::Call(e) => self.call(e),
            Expr::Matrix(e) => self.selector(&e.selector).map(|()| Some(ValueType::Matrix)),
            Expr::Number(_) => Ok(Some(ValueType::Scalar)),
            Expr::Paren(e) => self.expr(&mut e.expr),
            Expr::String(_) => Ok(Some(ValueType::String)),
            Expr::Subquery(e) => self.subquery(e),
            Expr::Unary(e) => self.unary(e),
            Expr::Vector(e) => self.selector(e).map(|()| Some(ValueType::Vector)),
        }
    }

    fn expect(
        &mut self,
        expr: &mut Expr,
        want: ValueType,
        place: impl FnOnce() -> String,
    ) -> Checked {
        let Some(got) = self.expr(expr)?.filter(|got| *got != want) else { return Ok(()) };
        let hint = hint::wrong_type(want, got, expr);
        let message = format!("expected type {want} in {}, got {got}", place());
        self.fail_with(expr.span(), message, hint)
    }

    fn aggregate(&mut self, e: &mut AggregateExpr) -> Checked<Type> {
        self.expect(&mut e.expr, ValueType::Vector, || "aggregation expression".into())?;
        if let Some(param) = &mut e.param {
            let want = match e.op {
                AggregateOp::CountValues => ValueType::String,
                _ => ValueType::Scalar,
            };
            self.expect(param, want, || "aggregation parameter".into())?;
        }
        Ok(Some(ValueType::Vector))
    }

    fn binary(&mut self, e: &mut BinaryExpr) -> Checked<Type> {
        let (left, right) = (self.expr(&mut e.lhs)?, self.expr(&mut e.rhs)?);
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        let op = e.op;
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        if e.return_bool && !op.is_comparison() {
            let message = "bool modifier can only be used on comparison operators";
            return self.fail(self.operator_span(e), message);
        }
        if op.is_comparison() && !e.return_bool && scalars {
            let message = "comparisons between scalars must use BOOL modifier";
            return self.fail(self.operator_span(e), message);
        }
        self.labels_once(e)?;
        for (side, operand) in [(left, &e.lhs), (right, &e.rhs)] {
            if !matches!(side, ValueType::Scalar | ValueType::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return self.fail(operand.span(), message);
            }
        }
        if left == ValueType::Vector && right == ValueType::Vector {
            self.vectors(e)?;
            return Ok(Some(ValueType::Vector));
        }
        self.without_matching(e)?;
        Ok(Some(if scalars { ValueType::Scalar } else { ValueType::Vector }))
    }

    /// No label both matches and is taken from the other side.
    fn labels_once(&mut self, e: &BinaryExpr) -> Checked {
        let Some(matching) = e.matching.as_ref().filter(|matching| matching.on) else {
            return Ok(());
        };
        if matching.include.is_empty() {
            return Ok(());
        }
        let include: HashSet<&str> = matching.include.iter().map(AsRef::as_ref).collect();
        let twice = matching.matching_labels.iter().find(|label| include.contains(label.as_ref()));
        let Some(label) = twice else { return Ok(()) };
        let label = Quoted(label);
        let message = format!("label {label} must not occur in ON and GROUP clause at once");
        self.fail(self.operator_span(e), message)
    }

    fn vectors(&mut self, e: &mut BinaryExpr) -> Checked {
        let (op, span) = (e.op, e.span);
        let Some(matching) = e.matching.as_mut().filter(|_| op.is_set()) else { return Ok(()) };
        match matching.card {
            VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {
                matching.card = VectorMatchCardinality::ManyToMany;
            }
            VectorMatchCardinality::ManyToOne | VectorMatchCardinality::OneToMany => {
                return self.fail(span, format!("no grouping allowed for \"{op}\" operation"));
            }
        }
        if matching.fill_left.or(matching.fill_right).is_some() {
            return self.fail(span, "filling in missing series not allowed for set operators");
        }
        Ok(())
    }

    /// An operation with a scalar: there is nothing to match.
    fn without_matching(&mut self, e: &mut BinaryExpr) -> Checked {
        if let Some(matching) = e.matching.take() {
            if !matching.matching_labels.is_empty() {
                return self.fail(e.span, "vector matching only allowed between instant vectors");
            }
            if matching.fill_left.or(matching.fill_right).is_some() {
                let message = "filling in missing series only allowed between instant vectors";
                return self.fail(e.span, message);
            }
        }
        if e.op.is_set() {
            let message =
                format!("set operator \"{}\" not allowed in binary scalar expression", e.op);
            return self.fail(e.span, message);
        }
        Ok(())
    }

    /// The place of the operator with its modifiers.
    fn operator_span(&self, e: &BinaryExpr) -> Span {
        let between = Span::new(e.lhs.span().end, e.rhs.span().start).slice(self.source);
        let spaces = [' ', '\t', '\n', '\r'];
        let start =
            e.lhs.span().end as usize + between.len() - between.trim_start_matches(spaces).len();
        span(start, start + between.trim_matches(spaces).len())
    }

    fn call(&mut self, e: &mut Call) -> Checked<Type> {
        self.count_arguments(e)?;
        if e.func.name == "info" {
            self.info(e)?;
        }
        let func = e.func;
        for (at, arg) in e.args.iter_mut().enumerate() {
            if let Some(want) = func.arg_type(at) {
                self.expect(arg, want, || format!("call to function {}", Quoted(func.name)))?;
            }
        }
        Ok(Some(func.return_type))
    }

    fn count_arguments(&mut self, e: &Call) -> Checked {
        let (got, func) = (e.args.len(), e.func);
        let name = Quoted(func.name);
        let (min, max) = (func.min_args(), func.max_args());
        if func.optional == Optional::None {
            if got == min {
                return Ok(());
            }
            let message = format!("expected {min} argument(s) in call to {name}, got {got}");
            return self.fail_with(e.span, message, Some(hint::arguments(func)));
        }
        if got < min {
            let message =
                format!("expected at least {min} argument(s) in call to {name}, got {got}");
            return self.fail_with(e.span, message, Some(hint::arguments(func)));
        }
        match max {
            Some(max) if max < got => {
                let message =
                    format!("expected at most {max} argument(s) in call to {name}, got {got}");
                self.fail_with(e.span, message, Some(hint::arguments(func)))
            }
            _ => Ok(()),
        }
    }

    /// The second argument of `info` chooses labels: it is written as a selector without a name.
    fn info(&mut self, e: &mut Call) -> Checked {
        let whole = e.span;
        let Some(arg) = e.args.get_mut(1) else { return Ok(()) };
        let got = arg.value_type();
        if got != ValueType::Vector {
            let want = ValueType::Vector;
            let message = format!("expected type {want} in call to function \"info\", got {got}");
            return self.fail(whole, message);
        }
        let span = arg.span();
        let Expr::Vector(selector) = arg else {
            return self.fail(span, "expected label selectors only");
        };
        if selector.name.is_some() {
            let message = "expected label selectors only, got vector selector instead";
            return self.fail(span, message);
        }
        selector.bypass_empty_matcher_check = true;
        Ok(())
    }

    fn subquery(&mut self, e: &mut SubqueryExpr) -> Checked<Type> {
        let got = self.expr(&mut e.expr)?;
        let Some(got) = got.filter(|got| *got != ValueType::Vector) else {
            return Ok(Some(ValueType::Matrix));
        };
        let got = got.name();
        let message = format!("subquery is only allowed on instant vector, got {got} instead");
        self.fail(e.span, message)
    }

    fn unary(&mut self, e: &mut UnaryExpr) -> Checked<Type> {
        let Some(got) = self.expr(&mut e.expr)? else { return Ok(None) };
        if matches!(got, ValueType::Scalar | ValueType::Vector) {
            return Ok(Some(got));
        }
        let message = format!(
            "unary expression only allowed on expressions of type scalar or instant vector, \
             got \"{got}\""
        );
        self.fail(e.span, message)
    }

    fn selector(&mut self, e: &VectorSelector) -> Checked {
        if let Some(name) = &e.name {
            // The last matcher is the one of the name outside of the braces.
            let inside = e.matchers.split_last().map_or(&[][..], |(_, inside)| inside);
            let Some(second) = inside.iter().find(|m| m.name() == METRIC_NAME) else {
                return Ok(());
            };
            let (name, second) = (Quoted(name), Quoted(second.value()));
            let message = format!("metric name must not be set twice: {name} or {second}");
            return self.fail(e.span, message);
        }
        // Plain texts first: regular expressions have to be parsed.
        let (regexes, texts): (Vec<_>, Vec<_>) = e.matchers.iter().partition(|m| m.op().is_regex());
        let mut matchers = texts.into_iter().chain(regexes);
        if e.bypass_empty_matcher_check || matchers.any(refuses_empty) {
            return Ok(());
        }
        self.fail(e.span, "vector selector must contain at least one non-empty matcher")
    }
}

/// Whether a label that is not there does not match.
fn refuses_empty(matcher: &Matcher) -> bool {
    let value = matcher.value();
    let matches_empty = || {
        // The expression was parsed before, so it is valid.
        skopos_regex::matches_empty(value).unwrap_or_default()
    };
    match matcher.op() {
        MatchOp::Equal => !value.is_empty(),
        MatchOp::NotEqual => value.is_empty(),
        MatchOp::Regex => !matches_empty(),
        MatchOp::NotRegex => matches_empty(),
    }
}
