//! Selectors: a name, and conditions in braces.

use std::sync::{Arc, LazyLock};

use skopos_core::{MatchOp, Matcher};

use crate::ast::{DurationArg, List, VectorSelector};
use crate::error::Error;
use crate::parser::{Context, Parser};
use crate::span::Span;
use crate::token::{Kind, Token};

const ITEM: Context = Context::new("label matching", "identifier or \"}\"");
const NEXT: Context = Context::new("label matching", "\",\" or \"}\"");
const OPERATOR: Context = Context::new("label matching", "label matching operator");
const VALUE: Context = Context::new("label matching", "string");

/// The name of the label that holds a metric's name.
pub(crate) const METRIC_NAME: &str = "__name__";

/// The same, shared by all matchers.
static SHARED_METRIC_NAME: LazyLock<Arc<str>> = LazyLock::new(|| METRIC_NAME.into());

fn name_matcher(name: Arc<str>) -> Matcher {
    Matcher::new(Arc::clone(&SHARED_METRIC_NAME), MatchOp::Equal, name)
}

impl Parser<'_> {
    /// A selector without a range.
    pub(super) fn vector_selector(&mut self) -> Result<VectorSelector, Error> {
        if self.peek()?.kind == Kind::LeftBrace {
            return self.matchers(None);
        }
        let name = self.next()?;
        self.named_selector(name)
    }

    /// A selector whose name was read.
    pub(super) fn named_selector(&mut self, name: Token) -> Result<VectorSelector, Error> {
        if self.peek()?.kind == Kind::LeftBrace {
            return self.matchers(Some(name));
        }
        let text: Arc<str> = self.text(name).into();
        let matchers = List::one(name_matcher(Arc::clone(&text)));
        Ok(new_selector(Some(text), matchers, name.span))
    }

    fn matchers(&mut self, name: Option<Token>) -> Result<VectorSelector, Error> {
        let open = self.next()?;
        let mut matchers = List::new();
        let close = loop {
            let close = match self.condition(&mut matchers) {
                Ok(close) => close,
                Err(error) => self.after_condition(error)?,
            };
            if let Some(close) = close {
                break close;
            }
        };
        let mut span = open.span.to(close);
        let name: Option<Arc<str>> = name.map(|token| {
            span = token.span.to(span);
            self.text(token).into()
        });
        matchers.extend(name.clone().map(name_matcher));
        Ok(new_selector(name, matchers, span))
    }

    /// A condition and the comma after it, or where the braces end.
    fn condition(&mut self, matchers: &mut List<Matcher>) -> Result<Option<Span>, Error> {
        let token = self.next()?;
        if token.kind == Kind::RightBrace {
            return Ok(Some(token.span));
        }
        matchers.push(self.matcher(token)?);
        let token = self.next()?;
        match token.kind {
            Kind::RightBrace => Ok(Some(token.span)),
            Kind::Comma => Ok(None),
            _ => Err(self.unexpected_in(token, NEXT)),
        }
    }

    /// A condition that begins with `first`.
    fn matcher(&mut self, first: Token) -> Result<Matcher, Error> {
        let name: Arc<str> = match first.kind {
            Kind::Identifier => {
                let text = self.text(first);
                if text == METRIC_NAME { Arc::clone(&SHARED_METRIC_NAME) } else { text.into() }
            }
            Kind::String => self.unquote(first)?.into(),
            _ => return Err(self.unexpected_in(first, ITEM)),
        };
        let token = self.peek()?;
        let Some(op) = match_op(token.kind) else {
            // A lone string is the metric's name.
            return match first.kind {
                Kind::String => Ok(name_matcher(name)),
                _ => Err(self.unexpected_in(token, OPERATOR)),
            };
        };
        self.ahead = None;
        let value = self.expect_in(Kind::String, VALUE)?;
        let span = first.span.to(value.span);
        let value = self.unquote(value)?;
        if op.is_regex()
            && let Err(error) = skopos_regex::check(&value)
        {
            return Err(self.error(span, error.to_string()));
        }
        Ok(Matcher::new(name, op, value))
    }
}

pub(crate) fn new_selector(
    name: Option<Arc<str>>,
    matchers: List<Matcher>,
    span: Span,
) -> VectorSelector {
    VectorSelector {
        name,
        matchers,
        offset: DurationArg::default(),
        at: None,
        anchored: false,
        smoothed: false,
        bypass_empty_matcher_check: false,
        span,
    }
}

pub(crate) fn match_op(kind: Kind) -> Option<MatchOp> {
    match kind {
        Kind::Equal => Some(MatchOp::Equal),
        Kind::Operator(crate::ast::BinaryOp::Neq) => Some(MatchOp::NotEqual),
        Kind::EqualRegex => Some(MatchOp::Regex),
        Kind::NotEqualRegex => Some(MatchOp::NotRegex),
        _ => None,
    }
}
