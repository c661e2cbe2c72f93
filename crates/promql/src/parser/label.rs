//! Lists of label names, and the modifiers of operators that hold them.

use std::borrow::Cow;
use std::sync::Arc;

use crate::ast::{BinaryOp, List, VectorMatchCardinality, VectorMatching};
use crate::error::Error;
use crate::lexer::string;
use crate::parser::expr::one_to_one;
use crate::parser::{Context, Parser};
use crate::span::Span;
use crate::token::{Kind, Token};

const OPEN: Context = Context::new("grouping opts", "\"(\"");
const LABEL: Context = Context::new("grouping opts", "label");
const NEXT: Context = Context::new("grouping opts", "\",\" or \")\"");

impl<'s> Parser<'s> {
    /// `(a, b, "c d")`, and where it ends.
    pub(super) fn grouping_labels(&mut self) -> Result<(List<Arc<str>>, Span), Error> {
        let mut labels = List::new();
        if let Err(error) = self.expect_in(Kind::LeftParen, OPEN) {
            let end = self.after_missing_paren(error)?;
            return Ok((labels, end));
        }
        loop {
            let close = match self.grouping_label(&mut labels) {
                Ok(close) => close,
                Err(error) => self.after_item(error)?,
            };
            if let Some(close) = close {
                return Ok((labels, close));
            }
        }
    }

    /// A label and the comma after it, or where the list ends.
    fn grouping_label(&mut self, labels: &mut List<Arc<str>>) -> Result<Option<Span>, Error> {
        let token = self.next()?;
        match token.kind {
            Kind::RightParen => return Ok(Some(token.span)),
            Kind::String => labels.push(self.quoted_label(token)?),
            kind if kind.is_label_name() => labels.push(self.text(token).into()),
            _ => return Err(self.unexpected_in(token, LABEL)),
        }
        let token = self.next()?;
        match token.kind {
            Kind::RightParen => Ok(Some(token.span)),
            Kind::Comma => Ok(None),
            _ => Err(self.unexpected_in(token, NEXT)),
        }
    }

    fn quoted_label(&self, token: Token) -> Result<Arc<str>, Error> {
        let invalid =
            |name: &str| self.error(token.span, format!("invalid label name for grouping: {name}"));
        match string::unquote(self.text(token)) {
            Ok(name) if name.is_empty() => Err(invalid("\"\"")),
            Ok(name) => Ok(name.into()),
            // As it was written, which is how upstream shows it.
            Err(_) => Err(invalid(self.text(token))),
        }
    }

    /// What a string says.
    pub(crate) fn unquote(&self, token: Token) -> Result<Cow<'s, str>, Error> {
        string::unquote(self.text(token)).map_err(|_| {
            let message = "string escapes make invalid UTF-8, which is not supported";
            self.error(token.span, message)
        })
    }

    /// `bool`, `on` and `ignoring`, `group_left` and `group_right`, `fill` and its sides.
    pub(super) fn binary_modifiers(&mut self) -> Result<(bool, VectorMatching), Error> {
        let mut matching = one_to_one();
        let return_bool = self.accept(Kind::Bool)?.is_some();
        let token = self.peek()?;
        if matches!(token.kind, Kind::On | Kind::Ignoring) {
            self.ahead = None;
            matching.on = token.kind == Kind::On;
            matching.matching_labels = self.grouping_labels()?.0;
            self.group_modifier(&mut matching)?;
        }
        self.fill_modifiers(&mut matching)?;
        Ok((return_bool, matching))
    }

    fn group_modifier(&mut self, matching: &mut VectorMatching) -> Result<(), Error> {
        matching.card = match self.peek()?.kind {
            Kind::GroupLeft => VectorMatchCardinality::ManyToOne,
            Kind::GroupRight => VectorMatchCardinality::OneToMany,
            _ => return Ok(()),
        };
        self.ahead = None;
        let next = self.peek()?;
        if next.kind == Kind::LeftParen || !next.kind.may_follow_group_modifier() {
            matching.include = self.grouping_labels()?.0;
        }
        Ok(())
    }

    fn fill_modifiers(&mut self, matching: &mut VectorMatching) -> Result<(), Error> {
        let first = self.peek()?.kind;
        if !matches!(first, Kind::Fill | Kind::FillLeft | Kind::FillRight) {
            return Ok(());
        }
        self.ahead = None;
        let value = Some(self.fill_value()?);
        if first != Kind::FillRight {
            matching.fill_left = value;
        }
        if first != Kind::FillLeft {
            matching.fill_right = value;
        }
        if first == Kind::FillLeft && self.accept(Kind::FillRight)?.is_some() {
            matching.fill_right = Some(self.fill_value()?);
        }
        if first == Kind::FillRight && self.accept(Kind::FillLeft)?.is_some() {
            matching.fill_left = Some(self.fill_value()?);
        }
        Ok(())
    }

    fn fill_value(&mut self) -> Result<f64, Error> {
        self.expect(Kind::LeftParen)?;
        let value = self.signed_number()?;
        self.expect(Kind::RightParen)?;
        Ok(value)
    }

    /// A number or duration, with at most one sign before it.
    pub(super) fn signed_number(&mut self) -> Result<f64, Error> {
        let negative = match self.peek()?.kind {
            Kind::Operator(BinaryOp::Sub) => true,
            Kind::Operator(BinaryOp::Add) => false,
            _ => return Ok(self.number_or_duration()?.value),
        };
        self.ahead = None;
        let value = self.number_or_duration()?.value;
        Ok(if negative { -value } else { value })
    }
}
