//! Going on after errors: for editors, which show all mistakes of a text and not the first one alone.
//!
//! An error that can be told from its surroundings is kept; what could not be read is skipped up to
//! where its surroundings go on (the next argument, condition, label or operator), and a *hole*
//! stands in its place. An error that begins before anything was read again is a consequence of the
//! one before, and dropped. The time is linear, since the number of errors is limited.

use crate::ast::{Expr, List};
use crate::error::Error;
use crate::lexer::span;
use crate::parser::Parser;
use crate::parser::selector::new_selector;
use crate::span::Span;
use crate::token::{Kind, Token};

/// The most errors that are met before parsing ends, those that are dropped included.
const MAX_MET: usize = 4 * crate::recover::MAX_ERRORS;

/// The errors so far.
pub(crate) struct Recovery {
    errors: Vec<Error>,
    /// How many more errors may be met.
    budget: usize,
    /// Errors that begin here or before are consequences of an earlier one.
    quiet: u32,
}

/// A tree, if the text holds anything, and what is wrong with the text, in the order of reading.
pub(crate) struct Read {
    pub(crate) expr: Option<Expr>,
    pub(crate) errors: Vec<Error>,
}

/// What stands for something that could not be read.
fn hole(span: Span) -> Expr {
    let mut selector = new_selector(None, List::new(), span);
    selector.bypass_empty_matcher_check = true;
    Expr::Vector(Box::new(selector))
}

/// Whether the expression stands for something that could not be read.
pub(crate) fn is_hole(expr: &Expr) -> bool {
    let Expr::Vector(selector) = expr else { return false };
    selector.bypass_empty_matcher_check && selector.matchers.is_empty()
}

impl Parser<'_> {
    /// The whole text as an expression, not yet checked; errors do not end it.
    pub(crate) fn recovering_expression(mut self) -> Read {
        self.recovery = Some(Box::new(Recovery { errors: Vec::new(), budget: MAX_MET, quiet: 0 }));
        let expr = self.recovering_root();
        let errors = self.recovery.map_or_else(Vec::new, |recovery| recovery.errors);
        Read { expr, errors }
    }

    fn recovering_root(&mut self) -> Option<Expr> {
        match self.peek() {
            Ok(token) if token.kind == Kind::Eof => {
                let error = self.error(Span::default(), "no expression found in input");
                self.note(error).ok()?;
                return None;
            }
            Ok(_) => {}
            Err(error) => self.note(error).ok()?,
        }
        let expr = match self.expr() {
            Ok(expr) => expr,
            Err(error) => {
                let recovery = self.recovery.as_mut()?;
                if recovery.errors.is_empty() {
                    recovery.errors.push(error);
                }
                return None;
            }
        };
        while let Err(error) = self.end() {
            self.note(error).ok()?;
            self.ahead = None;
            let at_end = matches!(self.peek(), Ok(token) if token.kind == Kind::Eof);
            if !at_end {
                // What follows is no part of the tree, but its mistakes are told.
                self.expr().ok()?;
            }
        }
        Some(expr)
    }

    /// Keeps an error after which reading goes on at the token that it is about.
    ///
    /// # Errors
    ///
    /// The same one, if it shall end everything.
    #[cold]
    pub(super) fn note(&mut self, error: Error) -> Result<(), Error> {
        let Some(recovery) = &mut self.recovery else { return Err(error) };
        let start = error.span().start;
        let is_new = recovery.errors.is_empty() || recovery.quiet < start;
        recovery.quiet = recovery.quiet.max(start);
        if std::mem::take(&mut self.lexer_failed) {
            self.ahead = None;
            self.lexer.resume(start as usize);
        } else if self.ahead.is_none() && self.last.span == error.span() {
            self.ahead = Some(self.last.kind);
            self.lexer.found = self.last.span;
        }
        if is_new { self.keep(error) } else { self.spend(error).map(drop) }
    }

    /// Keeps an error about something that was read to its end.
    #[cold]
    pub(super) fn note_whole(&mut self, error: Error) -> Result<(), Error> {
        self.keep(error)
    }

    /// Keeps an error about something that was read to its end, and gives a hole in its place.
    #[cold]
    pub(super) fn instead(&mut self, span: Span, error: Error) -> Result<Expr, Error> {
        self.keep(error)?;
        self.height = 1;
        Ok(hole(span))
    }

    fn keep(&mut self, error: Error) -> Result<(), Error> {
        let error = self.spend(error)?;
        if let Some(recovery) = &mut self.recovery {
            recovery.errors.push(error);
        }
        Ok(())
    }

    /// Counts an error: one too many ends everything.
    fn spend(&mut self, error: Error) -> Result<Error, Error> {
        let Some(recovery) = &mut self.recovery else { return Err(error) };
        let full = recovery.errors.len() == crate::recover::MAX_ERRORS;
        match recovery.budget.checked_sub(1) {
            Some(rest) if !full => recovery.budget = rest,
            _ => return Err(error),
        }
        Ok(error)
    }

    /// An operand with its sign and modifiers, or a hole.
    pub(super) fn operand(&mut self) -> Result<Expr, Error> {
        let (depth, start) = (self.depth, self.here());
        match self.unary() {
            Err(error) if self.recovery.is_some() => {
                self.note(error)?;
                self.depth = depth;
                self.skip(Stop::Operator);
                self.height = 1;
                Ok(hole(start.to(self.here())))
            }
            result => result,
        }
    }

    /// The token after an operand: something that may stand there, or skipped up to it.
    pub(super) fn after_operand(&mut self, min: u8) -> Result<Token, Error> {
        let token = self.peek();
        if self.recovery.is_none() {
            return token;
        }
        match token {
            // Operators that bind looser are the business of those who called.
            Ok(token) if 1 < min || Stop::Operator.holds(token.kind) => return Ok(token),
            Ok(token) => self.note(self.unexpected(token))?,
            Err(error) => self.note(error)?,
        }
        self.skip(Stop::Operator);
        self.peek()
    }

    /// The token after a selector or other operand that may have modifiers, or `None` where it is
    /// not readable.
    pub(super) fn modifier(&mut self) -> Result<Option<Token>, Error> {
        match self.peek() {
            Ok(token) => Ok(Some(token)),
            Err(error) => {
                self.note(error)?;
                self.skip(Stop::Operator);
                Ok(None)
            }
        }
    }

    /// After what should have been a closing parenthesis: where it stands, if it comes later.
    pub(super) fn after_paren(&mut self, error: Error) -> Result<Token, Error> {
        self.note(error)?;
        self.skip(Stop::Close);
        let here = self.here();
        let close = self.accept(Kind::RightParen)?;
        Ok(close.unwrap_or(Token { kind: Kind::RightParen, span: here }))
    }

    /// After an error inside of brackets: behind them.
    pub(super) fn after_bracket(&mut self, before: Span, error: Error) -> Result<Expr, Error> {
        self.note(error)?;
        match self.ahead {
            Some(Kind::RightBracket) => self.ahead = None,
            _ => {
                if self.lexer.leave_brackets() {
                    self.ahead = None;
                }
            }
        }
        self.height = 1;
        Ok(hole(before.to(self.here())))
    }

    /// After a list of labels that has no parenthesis: a lone label is taken for the list.
    pub(super) fn after_missing_paren(&mut self, error: Error) -> Result<Span, Error> {
        self.note(error)?;
        let token = self.peek()?;
        if token.kind.is_label_name() {
            self.ahead = None;
        }
        Ok(self.here())
    }

    /// After an error in a list in parentheses: where the list ends, or `None` after a comma.
    pub(super) fn after_item(&mut self, error: Error) -> Result<Option<Span>, Error> {
        self.note(error)?;
        self.skip(Stop::Item);
        let token = self.peek()?;
        if matches!(token.kind, Kind::Comma | Kind::RightParen) {
            self.ahead = None;
        }
        Ok((token.kind != Kind::Comma).then_some(token.span))
    }

    /// After an error inside of braces: where they end, or `None` after a comma.
    pub(super) fn after_condition(&mut self, error: Error) -> Result<Option<Span>, Error> {
        self.note(error)?;
        self.lexer.passing_over = true;
        let end = self.skip_condition();
        self.lexer.passing_over = false;
        Ok(end)
    }

    fn skip_condition(&mut self) -> Option<Span> {
        loop {
            // Braces that were left because of what was met in them end there.
            let inside = self.lexer.in_braces();
            match self.peek() {
                Err(error) => {
                    self.resume(&error);
                }
                Ok(token) if matches!(token.kind, Kind::Comma | Kind::RightBrace) => {
                    self.ahead = None;
                    return (token.kind == Kind::RightBrace).then_some(token.span);
                }
                Ok(token) if !inside || token.kind == Kind::Eof => {
                    self.quiet_until(token.span.start);
                    return Some(self.here());
                }
                Ok(_) => self.ahead = None,
            }
        }
    }

    fn resume(&mut self, error: &Error) -> bool {
        self.lexer_failed = false;
        self.lexer.resume(error.span().start as usize)
    }

    /// Skips to the next token that `stop` stands for, over all that is in parentheses.
    fn skip(&mut self, stop: Stop) {
        let mut open = 0_usize;
        self.lexer.passing_over = true;
        let found = loop {
            let token = match self.peek() {
                Ok(token) => token,
                Err(error) => {
                    open = open.saturating_sub(usize::from(self.resume(&error)));
                    continue;
                }
            };
            match token.kind {
                Kind::Eof => break token,
                kind if open == 0 && stop.holds(kind) => break token,
                Kind::LeftBrace | Kind::LeftBracket | Kind::LeftParen => open += 1,
                Kind::RightBrace | Kind::RightBracket | Kind::RightParen => {
                    open = open.saturating_sub(1);
                }
                _ => {}
            }
            self.ahead = None;
        };
        self.lexer.passing_over = false;
        self.quiet_until(found.span.start);
    }

    /// Drops errors that begin here or before.
    pub(super) fn quiet_until(&mut self, at: u32) {
        if let Some(recovery) = &mut self.recovery {
            recovery.quiet = recovery.quiet.max(at);
        }
    }

    /// The place of what is read next, spaces aside; empty.
    pub(super) fn here(&self) -> Span {
        let at = match self.ahead {
            Some(_) => self.lexer.found.start as usize,
            None => self.position(),
        };
        span(at, at)
    }
}

/// Where skipping ends.
#[derive(Clone, Copy)]
enum Stop {
    /// A closing parenthesis.
    Close,
    /// A closing parenthesis or a comma.
    Item,
    /// An operator, or what ends an expression.
    Operator,
}

impl Stop {
    fn holds(self, kind: Kind) -> bool {
        match kind {
            Kind::RightParen | Kind::Eof => true,
            Kind::Comma => !matches!(self, Self::Close),
            Kind::Operator(_) => matches!(self, Self::Operator),
            _ => false,
        }
    }
}
