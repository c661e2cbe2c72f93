//! From tokens to a tree.
//!
//! Recursive descent, with precedence climbing for operators. The first error ends it, unless
//! [`recover`] is asked to go on. What an error says (`unexpected … in …, expected …`) depends on the construct that
//! surrounds it, so the parser keeps the innermost construct that has words of its own.

mod duration;
mod expr;
pub(crate) mod label;
mod modifier;
pub(crate) mod recover;
pub(crate) mod selector;
#[cfg(test)]
mod tests;

pub(crate) use self::expr::{one_to_one, seconds};
pub(crate) use self::modifier::literal_millis;
use crate::ast::{Expr, VectorSelector};
use crate::error::Error;
use crate::hint;
use crate::lexer::{Lexer, span};
use crate::options::ParseOptions;
use crate::parser::recover::Recovery;
use crate::span::Span;
use crate::token::{Described, Kind, Token};

/// The words of an error: where it was met, and what should have been there instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) place: &'static str,
    pub(crate) expected: &'static str,
}

impl Context {
    /// No construct with words of its own.
    pub(crate) const NONE: Self = Self::new("", "");

    pub(crate) const fn new(place: &'static str, expected: &'static str) -> Self {
        Self { place, expected }
    }
}

/// The state of parsing.
pub(crate) struct Parser<'s> {
    source: &'s str,
    lexer: Lexer<'s>,
    options: ParseOptions,
    /// What the next token is, where it was looked at; the lexer knows its place.
    ahead: Option<Kind>,
    /// The innermost construct with words of its own.
    context: Context,
    /// How many constructs are open.
    depth: usize,
    /// The token that `next` gave last.
    last: Token,
    /// How high the tree is that was parsed last.
    height: usize,
    /// Whether the last error is the lexer's.
    lexer_failed: bool,
    /// Where errors are kept, if the first one does not end it.
    recovery: Option<Box<Recovery>>,
}

impl<'s> Parser<'s> {
    /// # Errors
    ///
    /// `Parse` where the text is too long for spans.
    pub(crate) fn new(source: &'s str, options: &ParseOptions) -> Result<Self, Error> {
        if u32::try_from(source.len()).is_err() {
            return Err(Error::parse("", Span::default(), "text is longer than 4 GiB"));
        }
        Ok(Self {
            source,
            lexer: Lexer::new(source),
            options: *options,
            ahead: None,
            context: Context::NONE,
            depth: 0,
            height: 0,
            last: Token { kind: Kind::Eof, span: Span::default() },
            lexer_failed: false,
            recovery: None,
        })
    }

    /// The whole text as an expression, not yet checked.
    pub(crate) fn expression(mut self) -> Result<Expr, Error> {
        if self.peek()?.kind == Kind::Eof {
            return Err(self.error(Span::default(), "no expression found in input"));
        }
        let expr = self.expr()?;
        self.end()?;
        Ok(expr)
    }

    /// The whole text as a selector.
    pub(crate) fn selector(mut self) -> Result<VectorSelector, Error> {
        let token = self.peek()?;
        if token.kind != Kind::LeftBrace && !token.kind.is_metric_name() {
            return Err(self.unexpected(token));
        }
        let selector = self.vector_selector()?;
        self.end()?;
        Ok(selector)
    }

    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.expect(Kind::Eof).map(drop)
    }

    /// The next token, left in place.
    pub(crate) fn peek(&mut self) -> Result<Token, Error> {
        let kind = match self.ahead {
            Some(kind) => kind,
            None => {
                let kind = self.read()?;
                self.ahead = Some(kind);
                kind
            }
        };
        Ok(self.found(kind))
    }

    /// The next token, consumed.
    pub(crate) fn next(&mut self) -> Result<Token, Error> {
        let kind = match self.ahead.take() {
            Some(kind) => kind,
            None => self.read()?,
        };
        self.last = self.found(kind);
        Ok(self.last)
    }

    #[inline]
    fn read(&mut self) -> Result<Kind, Error> {
        match self.lexer.advance() {
            Kind::Failed => Err(self.failure()),
            kind => Ok(kind),
        }
    }

    #[cold]
    fn failure(&mut self) -> Error {
        self.lexer_failed = true;
        self.lexer.take_failure()
    }

    /// The token that the lexer found last, field by field: copied as a whole it would be read in
    /// other pieces than it was written in, which is slow.
    #[inline]
    fn found(&self, kind: Kind) -> Token {
        let Span { start, end } = self.lexer.found;
        Token { kind, span: Span { start, end } }
    }

    /// The next token if it is of this kind, consumed.
    pub(crate) fn accept(&mut self, kind: Kind) -> Result<Option<Token>, Error> {
        let token = self.peek()?;
        Ok((token.kind == kind).then(|| {
            self.ahead = None;
            token
        }))
    }

    /// The next token, which must be of this kind.
    pub(crate) fn expect(&mut self, kind: Kind) -> Result<Token, Error> {
        let token = self.next()?;
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(token)) }
    }

    /// The next token, which must be of this kind, with words for where it is not.
    pub(crate) fn expect_in(&mut self, kind: Kind, context: Context) -> Result<Token, Error> {
        let token = self.next()?;
        if token.kind == kind { Ok(token) } else { Err(self.unexpected_in(token, context)) }
    }

    /// Where the text goes on after the last token that was read.
    pub(crate) fn position(&self) -> usize {
        self.lexer.position()
    }

    pub(crate) fn text(&self, token: Token) -> &'s str {
        token.span.slice(self.source)
    }

    /// Runs `parse` with `context` as the words of errors that have none of their own.
    fn within<T>(
        &mut self,
        context: Context,
        parse: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outer = std::mem::replace(&mut self.context, context);
        let result = parse(self);
        self.context = outer;
        result
    }

    /// Enters one more construct.
    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if crate::MAX_NESTING < self.depth {
            Err(self.too_deep(crate::MAX_NESTING))
        } else {
            Ok(())
        }
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Refuses a tree of too many levels.
    fn check_height(&self, height: usize) -> Result<(), Error> {
        if crate::MAX_DEPTH < height { Err(self.too_deep(crate::MAX_DEPTH)) } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&self, limit: usize) -> Error {
        let at = self.position();
        let message = format!("expression is nested more than {limit} levels deep");
        self.error(span(at, at), message)
    }

    #[cold]
    pub(crate) fn error(&self, span: Span, message: impl Into<String>) -> Error {
        Error::parse(self.source, span, message)
    }

    /// The error of a token that cannot stand here.
    #[cold]
    pub(crate) fn unexpected(&self, token: Token) -> Error {
        self.unexpected_in(token, self.context)
    }

    #[cold]
    pub(crate) fn unexpected_in(&self, token: Token, context: Context) -> Error {
        let mut message =
            format!("unexpected {}", Described { kind: token.kind, text: self.text(token) });
        if !context.place.is_empty() {
            message.push_str(" in ");
            message.push_str(context.place);
        }
        if !context.expected.is_empty() {
            message.push_str(", expected ");
            message.push_str(context.expected);
        }
        let hint = hint::unexpected(self.source, token, context.place, context.expected);
        self.error(token.span, message).with_hint(hint)
    }
}
