//! Expressions: operators, calls, aggregations.

use skopos_core::duration;

use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, BinaryOp, Call, Expr, List, NumberLiteral, ParenExpr,
    StringLiteral, UnaryExpr, UnaryOp, VectorMatchCardinality, VectorMatching,
};
use crate::error::Error;
use crate::hint;
use crate::lexer::number::{parse_digits, parse_number};
use crate::parser::{Context, Parser};
use crate::signature::Signature;
use crate::span::Span;
use crate::text::Quoted;
use crate::token::{Kind, Token};

const AGGREGATION: Context = Context::new("aggregation", "");

/// How tightly an operator binds; `^` alone binds to the right.
fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And | BinaryOp::Unless => 2,
        BinaryOp::Eq
        | BinaryOp::Gte
        | BinaryOp::Gtr
        | BinaryOp::Lss
        | BinaryOp::Lte
        | BinaryOp::Neq
        | BinaryOp::TrimLower
        | BinaryOp::TrimUpper => 3,
        BinaryOp::Add | BinaryOp::Sub => 4,
        BinaryOp::Atan2 | BinaryOp::Div | BinaryOp::Mod | BinaryOp::Mul => 5,
        BinaryOp::Pow => POWER,
    }
}

/// The precedence of `^`, the only operator that binds tighter than a sign.
const POWER: u8 = 6;

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Result<Expr, Error> {
        self.binary(1)
    }

    /// An expression of operators that bind at least as tightly as `min`.
    fn binary(&mut self, min: u8) -> Result<Expr, Error> {
        self.enter()?;
        let mut lhs = self.operand()?;
        loop {
            let token = self.after_operand(min)?;
            let Kind::Operator(op) = token.kind else { break };
            let binding = precedence(op);
            if binding < min {
                break;
            }
            self.ahead = None;
            let modifiers = self.operator_modifiers()?;
            let height = self.height;
            let rhs = self.binary(if op == BinaryOp::Pow { binding } else { binding + 1 })?;
            self.height = 1 + height.max(self.height);
            lhs = self.combine(lhs, op, modifiers, rhs)?;
        }
        self.leave();
        Ok(lhs)
    }

    /// What follows an operator, if anything does: behind a pointer, since it waits on the stack for
    /// the operand.
    fn operator_modifiers(&mut self) -> Result<Option<Box<OperatorModifiers>>, Error> {
        let modifiers = match self.peek() {
            Ok(token) if !token.kind.may_follow_operator() => return Ok(None),
            Ok(_) => self.binary_modifiers(),
            Err(error) => Err(error),
        };
        match modifiers {
            Ok(modifiers) => Ok(Some(Box::new(modifiers))),
            Err(error) => self.note(error).map(|()| None),
        }
    }

    /// Apart, since what waits on the stack for an operand should be small.
    #[inline(never)]
    fn combine(
        &mut self,
        lhs: Expr,
        op: BinaryOp,
        modifiers: Option<Box<OperatorModifiers>>,
        rhs: Expr,
    ) -> Result<Expr, Error> {
        let span = lhs.span().to(rhs.span());
        let mut binary =
            Box::new(BinaryExpr { op, lhs, rhs, return_bool: false, matching: None, span });
        match modifiers {
            None => binary.matching = Some(one_to_one()),
            Some(modifiers) => {
                let (return_bool, matching) = *modifiers;
                let fills = matching.fill_left.or(matching.fill_right).is_some();
                if fills && !self.options.binop_fill_modifiers {
                    let message = "binop fill modifiers are experimental and not enabled";
                    self.note_whole(self.error(span, message))?;
                }
                binary.return_bool = return_bool;
                binary.matching = Some(matching);
            }
        }
        if let Err(error) = self.check_height(self.height) {
            return self.instead(span, error);
        }
        Ok(Expr::Binary(binary))
    }

    pub(super) fn unary(&mut self) -> Result<Expr, Error> {
        let token = self.peek()?;
        let op = match token.kind {
            Kind::Operator(BinaryOp::Add) => UnaryOp::Plus,
            Kind::Operator(BinaryOp::Sub) => UnaryOp::Minus,
            _ => {
                let primary = self.primary()?;
                return self.postfix(primary);
            }
        };
        self.ahead = None;
        let operand = self.binary(POWER)?;
        let span = token.span.to(operand.span());
        Ok(match operand {
            Expr::Number(mut number) => {
                if op == UnaryOp::Minus {
                    number.value = -number.value;
                }
                number.span = span;
                Expr::Number(number)
            }
            expr => {
                self.height += 1;
                Expr::Unary(Box::new(UnaryExpr { op, expr, span }))
            }
        })
    }

    fn primary(&mut self) -> Result<Expr, Error> {
        let token = self.peek()?;
        match token.kind {
            Kind::LeftParen => self.paren(),
            kind if kind.is_metric_name() => self.named(token),
            _ => self.leaf(token),
        }
    }

    /// What has no operands and no name.
    ///
    /// What does not recurse stands apart from what does, so that a level takes little of the stack.
    fn leaf(&mut self, token: Token) -> Result<Expr, Error> {
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.height = 1;
                Ok(Expr::Number(Box::new(self.number_or_duration()?)))
            }
            Kind::String => {
                self.ahead = None;
                let value = self.unquote(token)?.as_ref().into();
                self.height = 1;
                Ok(Expr::String(Box::new(StringLiteral { value, span: token.span })))
            }
            Kind::LeftBrace => {
                let selector = self.vector_selector()?;
                self.range_or_vector(selector)
            }
            _ => Err(self.unexpected(token)),
        }
    }

    fn paren(&mut self) -> Result<Expr, Error> {
        let open = self.next()?;
        let expr = self.expr()?;
        let close = match self.expect(Kind::RightParen) {
            Ok(close) => close,
            Err(error) => self.after_paren(error)?,
        };
        let paren = ParenExpr { expr, span: open.span.to(close.span) };
        self.height += 1;
        Ok(Expr::Paren(Box::new(paren)))
    }

    /// What begins with a word: a call, an aggregation, or else a selector.
    fn named(&mut self, name: Token) -> Result<Expr, Error> {
        self.ahead = None;
        let next = self.peek()?;
        match name.kind {
            kind if kind.is_function_name() && next.kind == Kind::LeftParen => self.call(name),
            Kind::Aggregate(op)
                if matches!(next.kind, Kind::LeftParen | Kind::By | Kind::Without) =>
            {
                self.aggregate(op, name)
            }
            _ => self.named_leaf(name),
        }
    }

    fn named_leaf(&mut self, name: Token) -> Result<Expr, Error> {
        let selector = self.named_selector(name)?;
        self.range_or_vector(selector)
    }

    fn call(&mut self, name: Token) -> Result<Expr, Error> {
        let arguments = self.arguments()?;
        self.called(name, arguments)
    }

    fn called(&mut self, name: Token, arguments: Arguments) -> Result<Expr, Error> {
        let Arguments { args, end, height } = arguments;
        self.height = height + 1;
        let text = self.text(name);
        // Words that are keywords elsewhere may be written in any case, as everywhere.
        let found = match name.kind {
            Kind::Identifier => Signature::find(text),
            _ => Signature::find(&text.to_ascii_lowercase()),
        };
        let Some(func) = found else {
            let message = format!("unknown function with name {}", Quoted(text));
            let error = self.error(name.span, message).with_hint(hint::unknown_function(text));
            return self.instead(name.span.to(end), error);
        };
        if func.experimental && !self.options.experimental_functions {
            let message = format!("function {} is not enabled", Quoted(text));
            self.note_whole(self.error(name.span, message))?;
        }
        let call = Call { func, args, span: name.span.to(end) };
        Ok(Expr::Call(Box::new(call)))
    }

    fn arguments(&mut self) -> Result<Arguments, Error> {
        self.expect(Kind::LeftParen)?;
        let mut arguments = Arguments { args: List::new(), end: Span::default(), height: 0 };
        if let Some(close) = self.accept(Kind::RightParen)? {
            arguments.end = close.span;
            return Ok(arguments);
        }
        loop {
            arguments.args.push(self.expr()?);
            arguments.height = arguments.height.max(self.height);
            if let Some(end) = self.after_argument()? {
                arguments.end = end;
                return Ok(arguments);
            }
        }
    }

    /// The comma after an argument, or where the parenthesis closes.
    fn after_argument(&mut self) -> Result<Option<Span>, Error> {
        let token = match self.next() {
            Ok(token) => token,
            Err(error) => {
                self.note(error)?;
                return Ok(Some(self.here()));
            }
        };
        match token.kind {
            Kind::RightParen => return Ok(Some(token.span)),
            Kind::Comma => {}
            _ => {
                self.note(self.unexpected(token))?;
                return Ok(Some(self.here()));
            }
        }
        if matches!(self.peek()?.kind, Kind::Comma | Kind::RightParen) {
            let message = "trailing commas not allowed in function call args";
            self.note_whole(self.error(token.span, message))?;
            self.quiet_until(self.here().start);
            return Ok(self.accept(Kind::RightParen)?.map(|close| close.span));
        }
        Ok(None)
    }

    fn aggregate(&mut self, op: AggregateOp, name: Token) -> Result<Expr, Error> {
        let outer = std::mem::replace(&mut self.context, AGGREGATION);
        let parts = self.aggregate_parts();
        self.context = outer;
        let (modifier, arguments) = parts?;
        self.aggregated(op, name, modifier, arguments)
    }

    fn aggregate_parts(&mut self) -> Result<(Modifier, Arguments), Error> {
        if let Some(modifier) = self.aggregate_modifier()? {
            return Ok((modifier, self.arguments()?));
        }
        let arguments = self.arguments()?;
        let modifier = self.aggregate_modifier()?.unwrap_or_default();
        Ok((modifier, arguments))
    }

    fn aggregated(
        &mut self,
        op: AggregateOp,
        name: Token,
        modifier: Modifier,
        arguments: Arguments,
    ) -> Result<Expr, Error> {
        let span = name.span.to(arguments.end).to(modifier.end.unwrap_or(name.span));
        let Arguments { mut args, height, .. } = arguments;
        self.height = height + 1;
        if args.is_empty() {
            let message = "no arguments for aggregate expression provided";
            return self.instead(span, self.error(span, message));
        }
        if op.is_experimental() && !self.options.experimental_functions {
            let message = format!(
                "{op}() is experimental and must be enabled with \
                 --enable-feature=promql-experimental-functions"
            );
            self.note_whole(self.error(span, message))?;
        }
        let desired = 1 + usize::from(op.has_param());
        let got = args.len();
        let (Some(expr), true) = (args.pop(), got == desired) else {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, \
                 expected {desired}, got {got}"
            );
            return self.instead(span, self.error(span, message));
        };
        let Modifier { grouping, without, .. } = modifier;
        let aggregate = AggregateExpr { op, expr, param: args.pop(), grouping, without, span };
        Ok(Expr::Aggregate(Box::new(aggregate)))
    }

    /// `by (…)` or `without (…)`, if there is one.
    fn aggregate_modifier(&mut self) -> Result<Option<Modifier>, Error> {
        let token = self.peek()?;
        if !matches!(token.kind, Kind::By | Kind::Without) {
            return Ok(None);
        }
        self.ahead = None;
        let (grouping, end) = self.grouping_labels()?;
        let without = token.kind == Kind::Without;
        Ok(Some(Modifier { grouping, without, end: Some(end) }))
    }

    /// A number, or a duration in seconds.
    pub(super) fn number_or_duration(&mut self) -> Result<NumberLiteral, Error> {
        let token = self.next()?;
        let span = token.span;
        let text = self.text(token);
        let is_duration = token.kind == Kind::Duration;
        let value = match token.kind {
            Kind::Number => parse_number(text),
            Kind::Duration => match short_duration(text.as_bytes()) {
                Some(value) => Ok(value),
                None => duration::parse(text).map(seconds).map_err(|e| e.to_string()),
            },
            _ => return Err(self.unexpected(token)),
        };
        let value = value.map_err(|message| self.error(span, message))?;
        Ok(NumberLiteral { value, is_duration, span })
    }
}

/// How series find each other where nothing is said.
pub(crate) fn one_to_one() -> VectorMatching {
    VectorMatching {
        card: VectorMatchCardinality::OneToOne,
        matching_labels: List::new(),
        on: false,
        include: List::new(),
        fill_left: None,
        fill_right: None,
    }
}

/// Whether a comparison gives numbers, and how series find each other.
type OperatorModifiers = (bool, VectorMatching);

/// The arguments of a call or aggregation, and where their parenthesis closes.
struct Arguments {
    args: List<Expr>,
    end: Span,
    height: usize,
}

/// `by` or `without`, and where it ends.
#[derive(Default)]
struct Modifier {
    grouping: List<std::sync::Arc<str>>,
    without: bool,
    end: Option<Span>,
}

/// The seconds of a duration of a few digits and one unit: nearly all of them.
fn short_duration(text: &[u8]) -> Option<f64> {
    let (&unit, digits) = text.split_last()?;
    let unit = match unit {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    parse_digits(digits).filter(|n| *n < 10_000).map(|n| f64::from(n * unit))
}

/// Seconds of milliseconds, as upstream computes them: the whole ones first.
#[expect(clippy::cast_precision_loss, reason = "parts of a second and 292 years of seconds fit")]
pub(crate) fn seconds(millis: i64) -> f64 {
    let nanos = (millis % 1000) * 1_000_000;
    (millis / 1000) as f64 + nanos as f64 / 1e9
}
