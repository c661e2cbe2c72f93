//! What follows an expression: ranges, `offset`, `@`, `anchored` and `smoothed`.

use crate::ast::{
    At, DurationArg, Expr, MatrixSelector, NumberLiteral, SubqueryExpr, VectorSelector,
};
use crate::error::Error;
use crate::parser::{Context, Parser};
use crate::span::Span;
use crate::token::{Kind, Token};

const AT: Context = Context::new("@", "timestamp");
const COLON: Context = Context::new("subquery or range", "\":\" or \"]\"");
const CLOSE: Context = Context::new("subquery selector", "\"]\"");
const OFFSET: Context = Context::new("offset", "number, duration, step(), or range()");
const RANGE: Context =
    Context::new("subquery or range selector", "number, duration, step(), or range()");
const STEP: Context =
    Context::new("subquery selector", "number, duration, step(), range(), or \"]\"");

/// A duration as it was written.
pub(super) enum Written {
    Literal(NumberLiteral),
    Expr(Box<crate::ast::DurationExpr>),
}

impl Written {
    /// The duration, cut to whole milliseconds.
    fn into_arg(self) -> DurationArg {
        match self {
            Self::Literal(number) => DurationArg::Millis(literal_millis(number.value)),
            Self::Expr(expr) => DurationArg::Expr(expr),
        }
    }
}

/// Whole milliseconds of seconds that were checked to fit: upstream rounds to nanoseconds first.
#[expect(clippy::cast_possible_truncation, reason = "the value was checked, and a cast saturates")]
pub(crate) fn literal_millis(seconds: f64) -> i64 {
    if seconds.abs() < 1e9 && f64::from(seconds as i32) == seconds {
        return i64::from(seconds as i32) * 1000;
    }
    (seconds * 1e9).round() as i64 / 1_000_000
}

/// The parts of a selector or subquery that modifiers set.
struct Target<'a> {
    offset: &'a mut DurationArg,
    at: &'a mut Option<At>,
    span: &'a mut Span,
}

fn target(expr: &mut Expr) -> Option<Target<'_>> {
    match expr {
        Expr::Vector(v) => Some(Target { offset: &mut v.offset, at: &mut v.at, span: &mut v.span }),
        Expr::Matrix(m) => {
            let MatrixSelector { selector, span, .. } = &mut **m;
            Some(Target { offset: &mut selector.offset, at: &mut selector.at, span })
        }
        Expr::Subquery(s) => {
            let SubqueryExpr { offset, at, span, .. } = &mut **s;
            Some(Target { offset, at, span })
        }
        _ => None,
    }
}

impl Parser<'_> {
    /// `expr` with all modifiers that follow it.
    pub(super) fn postfix(&mut self, mut expr: Expr) -> Result<Expr, Error> {
        while let Some(token) = self.modifier()? {
            match token.kind {
                Kind::LeftBracket => {
                    self.ahead = None;
                    let before = expr.span();
                    expr = match self.bracket(expr, token) {
                        Ok(expr) => expr,
                        Err(error) => self.after_bracket(before, error)?,
                    };
                    self.check_height(self.height)?;
                }
                Kind::Offset => {
                    self.ahead = None;
                    let set = self.within(OFFSET, |parser| parser.offset(&mut expr));
                    set.or_else(|error| self.note(error))?;
                }
                Kind::At => {
                    self.ahead = None;
                    let set = self.within(AT, |parser| parser.at(&mut expr));
                    set.or_else(|error| self.note(error))?;
                }
                Kind::Anchored | Kind::Smoothed => {
                    self.ahead = None;
                    let set = self.extend_range(&mut expr, token);
                    set.or_else(|error| self.note_whole(error))?;
                }
                _ => break,
            }
        }
        Ok(expr)
    }

    /// A selector as an operand, with the brackets that follow it.
    pub(super) fn range_or_vector(&mut self, selector: VectorSelector) -> Result<Expr, Error> {
        self.height = 1;
        match self.modifier()? {
            Some(open) if open.kind == Kind::LeftBracket => {
                self.ahead = None;
                let before = selector.span;
                let ranged = self.selector_range(selector);
                ranged.or_else(|error| self.after_bracket(before, error))
            }
            _ => Ok(vector(selector)),
        }
    }

    fn selector_range(&mut self, selector: VectorSelector) -> Result<Expr, Error> {
        let range = self.within(RANGE, Self::positive_duration)?.into_arg();
        let token = self.next()?;
        match token.kind {
            Kind::RightBracket => {
                let span = selector.span.to(token.span);
                let matrix = MatrixSelector { selector, range, span };
                Ok(Expr::Matrix(Box::new(matrix)))
            }
            Kind::Colon => self.subquery(vector(selector), range),
            _ => Err(self.unexpected_in(token, COLON)),
        }
    }

    fn bracket(&mut self, expr: Expr, open: Token) -> Result<Expr, Error> {
        let range = self.within(RANGE, Self::positive_duration)?.into_arg();
        let token = self.next()?;
        match token.kind {
            Kind::RightBracket => self.matrix(expr, range, open.span.to(token.span)),
            Kind::Colon => self.subquery(expr, range),
            _ => Err(self.unexpected_in(token, COLON)),
        }
    }

    fn matrix(&self, expr: Expr, range: DurationArg, brackets: Span) -> Result<Expr, Error> {
        let selector: VectorSelector = match expr {
            Expr::Vector(selector) => *selector,
            _ => return Err(self.error(brackets, "ranges only allowed for vector selectors")),
        };
        if selector.offset != DurationArg::default() {
            return Err(self.error(brackets, "no offset modifiers allowed before range"));
        }
        if selector.at.is_some() {
            return Err(self.error(brackets, "no @ modifiers allowed before range"));
        }
        let span = selector.span.to(brackets);
        Ok(Expr::Matrix(Box::new(MatrixSelector { selector, range, span })))
    }

    fn subquery(&mut self, expr: Expr, range: DurationArg) -> Result<Expr, Error> {
        let (step, close) = match self.accept(Kind::RightBracket)? {
            Some(close) => (None, close),
            None => {
                let step = self.within(STEP, Self::positive_duration)?;
                (Some(step.into_arg()), self.expect_in(Kind::RightBracket, CLOSE)?)
            }
        };
        let span = expr.span().to(close.span);
        let offset = DurationArg::default();
        let subquery = SubqueryExpr { expr, range, step, offset, at: None, span };
        self.height += 1;
        Ok(Expr::Subquery(Box::new(subquery)))
    }

    fn offset(&mut self, expr: &mut Expr) -> Result<(), Error> {
        let written = self.offset_duration()?;
        let end = self.last_end(expr);
        let before = expr.span();
        let Some(target) = target(expr) else {
            return Err(self.error(
                before,
                "offset modifier must be preceded by an instant vector selector or range vector \
                 selector or a subquery",
            ));
        };
        if *target.offset != DurationArg::default() {
            return Err(self.error(before, "offset may not be set multiple times"));
        }
        *target.offset = written.into_arg();
        *target.span = before.to(end);
        Ok(())
    }

    fn at(&mut self, expr: &mut Expr) -> Result<(), Error> {
        let token = self.peek()?;
        let at = match token.kind {
            Kind::Start | Kind::End => {
                self.ahead = None;
                self.expect(Kind::LeftParen)?;
                self.expect(Kind::RightParen)?;
                if token.kind == Kind::Start { At::Start } else { At::End }
            }
            _ => {
                let seconds = self.signed_number()?;
                let millis = at_millis(seconds)
                    .ok_or_else(|| self.error(expr.span(), out_of_bounds(seconds)))?;
                At::Timestamp(millis)
            }
        };
        let end = self.last_end(expr);
        let before = expr.span();
        let Some(target) = target(expr) else {
            return Err(self.error(
                before,
                "@ modifier must be preceded by an instant vector selector or range vector \
                 selector or a subquery",
            ));
        };
        if target.at.is_some() {
            return Err(self.error(before, "@ <timestamp> may not be set multiple times"));
        }
        *target.at = Some(at);
        *target.span = before.to(end);
        Ok(())
    }

    fn extend_range(&mut self, expr: &mut Expr, token: Token) -> Result<(), Error> {
        let span = expr.span();
        let name = if token.kind == Kind::Anchored { "anchored" } else { "smoothed" };
        if !self.options.extended_range_selectors {
            let message = format!("{name} modifier is experimental and not enabled");
            return Err(self.error(span, message));
        }
        let selector = match expr {
            Expr::Vector(selector) => {
                selector.span = span.to(token.span);
                &mut **selector
            }
            Expr::Matrix(matrix) => {
                matrix.span = span.to(token.span);
                &mut matrix.selector
            }
            Expr::Subquery(_) => {
                let message = format!("{name} modifier is not supported for subqueries");
                return Err(self.error(span, message));
            }
            _ => return Err(self.error(span, format!("{name} modifier not implemented"))),
        };
        match token.kind {
            Kind::Anchored => selector.anchored = true,
            _ => selector.smoothed = true,
        }
        if selector.anchored && selector.smoothed {
            let message = "anchored and smoothed modifiers cannot be used together";
            return Err(self.error(span, message));
        }
        Ok(())
    }

    /// The place of the last token that was consumed.
    fn last_end(&self, expr: &Expr) -> Span {
        let end = match self.ahead {
            Some(_) => self.trimmed_end(self.lexer.found.start),
            None => crate::lexer::span(self.position(), self.position()).start,
        };
        Span::new(expr.span().start, end)
    }

    /// The place `at` without the spaces before it.
    fn trimmed_end(&self, at: u32) -> u32 {
        let before = Span::new(0, at).slice(self.source);
        crate::lexer::span(0, before.trim_end().len()).end
    }
}

/// A selector without a range.
fn vector(selector: VectorSelector) -> Expr {
    Expr::Vector(Box::new(selector))
}

/// Milliseconds of a timestamp, if it can be one.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what upstream compares with")]
#[expect(clippy::cast_possible_truncation, reason = "the bounds were checked; a cast saturates")]
fn at_millis(seconds: f64) -> Option<i64> {
    let inside = (i64::MIN as f64) < seconds && seconds < i64::MAX as f64;
    let millis = (seconds * 1000.0).round();
    // What has no place in 64 bits becomes the smallest of them, as on the machines upstream runs on.
    let fits = millis < i64::MAX as f64;
    inside.then_some(if fits { millis as i64 } else { i64::MIN })
}

#[cold]
fn out_of_bounds(seconds: f64) -> String {
    let seconds = match seconds {
        s if s.is_nan() => "NaN".to_owned(),
        s if s.is_infinite() => if s < 0.0 { "-Inf" } else { "+Inf" }.to_owned(),
        s => format!("{s:.6}"),
    };
    format!("timestamp out of bounds for @ modifier: {seconds}")
}
