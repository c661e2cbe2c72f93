//! Durations inside of brackets and after `offset`.

use crate::ast::{BinaryOp, DurationExpr, DurationKind, DurationOp, NumberLiteral};
use crate::error::Error;
use crate::parser::Parser;
use crate::parser::modifier::Written;
use crate::span::Span;
use crate::token::{Kind, Token};

/// What upstream's nanoseconds can hold, in seconds.
const MAX_SECONDS: f64 = 9_223_372_036.854_776;

/// The operator of a token and how tightly it binds.
fn operator(kind: Kind) -> Option<(DurationOp, u8)> {
    let Kind::Operator(op) = kind else { return None };
    Some(match op {
        BinaryOp::Add => (DurationOp::Add, 1),
        BinaryOp::Sub => (DurationOp::Sub, 1),
        BinaryOp::Div => (DurationOp::Div, 2),
        BinaryOp::Mod => (DurationOp::Mod, 2),
        BinaryOp::Mul => (DurationOp::Mul, 2),
        BinaryOp::Pow => (DurationOp::Pow, POWER),
        _ => return None,
    })
}

/// The precedence of `^`, the only operator that binds tighter than a sign.
const POWER: u8 = 3;

impl Written {
    fn span(&self) -> Span {
        match self {
            Self::Literal(number) => number.span,
            Self::Expr(expr) => expr.span,
        }
    }

    fn into_expr(self) -> Box<DurationExpr> {
        match self {
            Self::Literal(NumberLiteral { value, is_duration, span }) => {
                new(DurationKind::Number { seconds: value, is_duration }, span)
            }
            Self::Expr(expr) => expr,
        }
    }
}

fn new(kind: DurationKind, span: Span) -> Box<DurationExpr> {
    Box::new(DurationExpr { kind, wrapped: false, span })
}

impl Parser<'_> {
    /// A duration that must be positive where that is known.
    pub(super) fn positive_duration(&mut self) -> Result<Written, Error> {
        let written = self.duration(1)?;
        match &written {
            Written::Literal(number) if number.value <= 0.0 => {
                Err(self.error(number.span, "duration must be greater than 0"))
            }
            _ => Ok(written),
        }
    }

    /// A duration of operators that bind at least as tightly as `min`.
    fn duration(&mut self, min: u8) -> Result<Written, Error> {
        self.enter()?;
        let first = self.signed_duration()?;
        let written = self.rest_of_duration(first, min)?;
        self.leave();
        Ok(written)
    }

    fn rest_of_duration(&mut self, mut lhs: Written, min: u8) -> Result<Written, Error> {
        let mut height = 0;
        loop {
            let token = self.peek()?;
            let Some((op, binding)) = operator(token.kind) else { return Ok(lhs) };
            if binding < min {
                return Ok(lhs);
            }
            self.ahead = None;
            height += 1;
            self.check_height(height + self.depth)?;
            let rhs = self.duration(if op == DurationOp::Pow { binding } else { binding + 1 })?;
            lhs = self.combine_durations(lhs, op, token, rhs)?;
        }
    }

    fn combine_durations(
        &self,
        lhs: Written,
        op: DurationOp,
        sign: Token,
        rhs: Written,
    ) -> Result<Written, Error> {
        self.require_duration_expr(lhs.span())?;
        let zero = matches!(&rhs, Written::Literal(number) if number.value == 0.0);
        match op {
            DurationOp::Div if zero => return Err(self.error(sign.span, "division by zero")),
            DurationOp::Mod if zero => return Err(self.error(sign.span, "modulo by zero")),
            _ => {}
        }
        let span = lhs.span().to(rhs.span());
        let kind = DurationKind::Binary(op, lhs.into_expr(), rhs.into_expr());
        Ok(Written::Expr(new(kind, span)))
    }

    fn signed_duration(&mut self) -> Result<Written, Error> {
        let sign = self.peek()?;
        let negative = match sign.kind {
            Kind::Operator(BinaryOp::Sub) => true,
            Kind::Operator(BinaryOp::Add) => false,
            _ => return self.plain_duration(),
        };
        self.ahead = None;
        let operand = self.duration(POWER)?;
        self.sign_duration(sign, negative, operand)
    }

    fn sign_duration(
        &self,
        sign: Token,
        negative: bool,
        operand: Written,
    ) -> Result<Written, Error> {
        let span = sign.span.to(operand.span());
        Ok(match operand {
            Written::Literal(number) => {
                let value = if negative { -number.value } else { number.value };
                Written::Literal(NumberLiteral { value, span, ..number })
            }
            Written::Expr(expr) if negative => Written::Expr(new(DurationKind::Neg(expr), span)),
            Written::Expr(expr) => Written::Expr(expr),
        })
    }

    fn plain_duration(&mut self) -> Result<Written, Error> {
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => self.literal_duration(),
            Kind::LeftParen => {
                self.ahead = None;
                let inner = self.duration(1)?;
                self.require_duration_expr(inner.span())?;
                let close = self.expect(Kind::RightParen)?;
                Ok(wrap(inner, token.span.to(close.span)))
            }
            _ => {
                let expr = self.duration_call()?;
                // Upstream points at the first argument, where there is one.
                self.require_duration_expr(match &expr.kind {
                    DurationKind::MaxOf(first, _) | DurationKind::MinOf(first, _) => first.span,
                    _ => expr.span,
                })?;
                Ok(Written::Expr(expr))
            }
        }
    }

    fn literal_duration(&mut self) -> Result<Written, Error> {
        let number = self.number_or_duration()?;
        if is_out_of_range(number.value) {
            return Err(self.error(number.span, "duration out of range"));
        }
        Ok(Written::Literal(number))
    }

    /// `step()`, `range()`, `max_of(a, b)` or `min_of(a, b)`.
    fn duration_call(&mut self) -> Result<Box<DurationExpr>, Error> {
        let name = self.next()?;
        if !matches!(name.kind, Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf) {
            return Err(self.unexpected(name));
        }
        self.expect(Kind::LeftParen)?;
        let kind = match name.kind {
            Kind::Step => DurationKind::Step,
            Kind::Range => DurationKind::Range,
            _ => {
                let a = self.duration(1)?.into_expr();
                self.expect(Kind::Comma)?;
                let b = self.duration(1)?.into_expr();
                match name.kind {
                    Kind::MaxOf => DurationKind::MaxOf(a, b),
                    _ => DurationKind::MinOf(a, b),
                }
            }
        };
        let close = self.expect(Kind::RightParen)?;
        Ok(new(kind, name.span.to(close.span)))
    }

    /// The duration after `offset`: one literal or call with at most one sign, or parentheses, so
    /// that `foo offset 5m + bar` is a sum of vectors.
    pub(super) fn offset_duration(&mut self) -> Result<Written, Error> {
        let first = self.peek()?;
        let negative = match first.kind {
            Kind::Operator(BinaryOp::Sub) => true,
            Kind::Operator(BinaryOp::Add) => false,
            Kind::LeftParen => return self.duration(1),
            _ => return self.plain_duration(),
        };
        self.ahead = None;
        let token = self.peek()?;
        match token.kind {
            Kind::Number | Kind::Duration => {
                let number = self.number_or_duration()?;
                if is_out_of_range(number.value) {
                    return Err(self.error(first.span, "duration out of range"));
                }
                self.sign_duration(first, negative, Written::Literal(number))
            }
            Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf => {
                let operand = self.duration_call()?;
                let span = first.span.to(operand.span);
                self.require_duration_expr(span)?;
                let kind =
                    if negative { DurationKind::Neg(operand) } else { DurationKind::Plus(operand) };
                Ok(Written::Expr(new(kind, span)))
            }
            Kind::LeftParen => {
                self.ahead = None;
                let inner = self.duration(1)?;
                let close = self.expect(Kind::RightParen)?;
                let operand = wrap(inner, token.span.to(close.span));
                self.sign_duration(first, negative, operand)
            }
            _ => {
                let operand = self.duration(POWER)?;
                let signed = self.sign_duration(first, negative, operand)?;
                self.rest_of_duration(signed, 1)
            }
        }
    }

    fn require_duration_expr(&self, span: Span) -> Result<(), Error> {
        if self.options.duration_expr {
            return Ok(());
        }
        Err(self.error(span, "experimental duration expression is not enabled"))
    }
}

/// A duration in parentheses; a second pair adds nothing.
fn wrap(inner: Written, span: Span) -> Written {
    let mut expr = inner.into_expr();
    expr.wrapped = true;
    expr.span = span;
    Written::Expr(expr)
}

/// Whether so many seconds are no duration. What Prometheus makes of NaN depends on the machine.
fn is_out_of_range(seconds: f64) -> bool {
    MAX_SECONDS < seconds.abs() || seconds.is_nan()
}
