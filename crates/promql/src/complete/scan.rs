//! Which construct a place of a text is in.

use std::ops::Range;

use skopos_core::{MatchOp, Matcher};

use crate::ast::BinaryOp;
use crate::lexer::{Lexer, is_alpha, string};
use crate::parser::selector::{METRIC_NAME, match_op};
use crate::token::{Kind, Token};

/// What surrounds a place.
#[derive(Debug)]
pub(super) enum Place {
    AfterAt,
    AfterOffset,
    Brackets,
    Grouping,
    LabelName(Vec<Matcher>),
    LabelOperator,
    LabelValue {
        label: String,
        matchers: Vec<Matcher>,
    },
    /// Text of one's own, a number, or something that is not known to be possible.
    Nothing,
    Operand {
        after_operator: Option<BinaryOp>,
    },
    Operator {
        end: bool,
        selector: bool,
        aggregation: bool,
    },
    Unit,
}

/// A place, and what a choice replaces.
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) replace: Range<usize>,
}

/// What is open at a place.
enum Open {
    Braces(Braces),
    Brackets,
    Grouping { of_operator: Option<BinaryOp> },
    Paren { aggregation: bool },
}

/// Braces with the conditions that are complete.
#[derive(Default)]
struct Braces {
    matchers: Vec<Matcher>,
    metric: Option<String>,
    label: Option<String>,
    op: Option<MatchOp>,
}

/// What the tokens so far end with.
#[derive(Clone, Copy)]
enum State {
    At,
    /// A keyword that labels follow, and the operator that it belongs to.
    GroupingWord(Option<BinaryOp>),
    Nothing,
    Offset,
    Operand(Option<BinaryOp>),
    Operator {
        selector: bool,
        aggregation: bool,
    },
}

const AFTER_VALUE: State = State::Operator { selector: false, aggregation: false };

struct Scan<'s> {
    source: &'s str,
    open: Vec<Open>,
    state: State,
    /// The word just read, which may be a name of something.
    word: Option<Token>,
}

/// How the text before a place ends.
enum Tail {
    /// Inside of a string, whose quote stands there.
    String(usize),
    /// With a complete token.
    Token,
    /// With a word or number that began there.
    Word(usize),
}

/// What surrounds `offset`, which is a character's start.
pub(super) fn scan(source: &str, offset: usize) -> Found {
    let (mut tokens, tail) = tokens(&source[..offset]);
    let bytes = source.as_bytes();
    let start = match tail {
        Tail::String(quote) => quote + 1,
        Tail::Token => offset,
        Tail::Word(start) => start,
    };
    if matches!(tail, Tail::Word(_)) {
        tokens.retain(|token| (token.span.end as usize) < offset);
    }
    let mut scan = Scan { source, open: Vec::new(), state: State::Operand(None), word: None };
    tokens.iter().for_each(|token| scan.token(*token));
    match tail {
        Tail::String(quote) => {
            let rest = &source[offset..];
            let ends = |c| c == char::from(bytes[quote]) || c == '\n';
            let end = offset + rest.find(ends).unwrap_or(rest.len());
            Found { place: scan.string_place(end + 1), replace: start..end }
        }
        Tail::Word(_) if bytes[start].is_ascii_digit() || bytes[start] == b'.' => {
            let letters = source[start..offset].bytes().rev().take_while(u8::is_ascii_alphabetic);
            let start = offset - letters.count();
            Found { place: Place::Unit, replace: start..end_of_word(source, offset) }
        }
        Tail::Token | Tail::Word(_) => {
            let end = end_of_word(source, offset);
            Found { place: scan.place(end), replace: start..end }
        }
    }
}

fn is_word(byte: u8) -> bool {
    is_alpha(byte) || byte.is_ascii_digit() || byte == b':'
}

fn end_of_word(source: &str, offset: usize) -> usize {
    offset + source[offset..].bytes().take_while(|b| is_word(*b)).count()
}

/// The tokens of a text without those that cannot be read, and how it ends.
fn tokens(text: &str) -> (Vec<Token>, Tail) {
    let mut lexer = Lexer::new(text);
    lexer.passing_over = true;
    let mut tokens = Vec::new();
    let word = text.bytes().rev().take_while(|b| is_word(*b)).count();
    let tail = loop {
        match lexer.token() {
            Ok(token) if token.kind == Kind::Eof => break Tail::Token,
            Ok(token) => tokens.push(token),
            Err(error) => {
                let start = error.span().start as usize;
                if error.message().starts_with("unterminated") {
                    return (tokens, Tail::String(start));
                }
                if text.len() <= start || text.len() - word <= start {
                    break Tail::Token;
                }
                lexer.resume(start);
            }
        }
    };
    // A comment ends with words too, but holds no token.
    let in_comment = text.rsplit('\n').next().is_some_and(|line| line.contains('#'))
        && tokens.last().is_none_or(|token| (token.span.end as usize) < text.len() - word);
    match word {
        0 => (tokens, tail),
        _ if in_comment => (tokens, Tail::Token),
        // A colon in brackets is no part of a word.
        _ if tokens.last().is_some_and(|t| t.kind == Kind::Colon) => (tokens, Tail::Token),
        _ => (tokens, Tail::Word(text.len() - word)),
    }
}

impl Scan<'_> {
    fn text(&self, token: Token) -> &str {
        token.span.slice(self.source)
    }

    fn token(&mut self, token: Token) {
        let word = self.word.take();
        match self.open.last_mut() {
            Some(Open::Braces(_)) => return self.in_braces(token),
            Some(Open::Brackets) if token.kind != Kind::RightBracket => return,
            Some(Open::Grouping { .. }) if token.kind != Kind::RightParen => return,
            _ => {}
        }
        self.state = match token.kind {
            Kind::LeftParen => self.open_paren(word),
            Kind::LeftBrace => {
                let metric = word.map(|word| self.text(word).to_owned());
                self.open.push(Open::Braces(Braces { metric, ..Braces::default() }));
                State::Nothing
            }
            Kind::LeftBracket => {
                self.open.push(Open::Brackets);
                State::Nothing
            }
            Kind::RightBracket => {
                self.open.pop();
                State::Operator { selector: true, aggregation: false }
            }
            Kind::RightParen => self.close_paren(),
            Kind::Comma => State::Operand(None),
            Kind::Operator(op) if !matches!(self.state, State::Operand(_)) => {
                State::Operand(Some(op))
            }
            Kind::Operator(_) => State::Operand(None),
            Kind::Number | Kind::Duration | Kind::String => AFTER_VALUE,
            Kind::At => State::At,
            kind => self.word_state(kind, token),
        };
    }

    fn word_state(&mut self, kind: Kind, token: Token) -> State {
        let after = match (kind, self.state) {
            (
                Kind::On | Kind::Ignoring | Kind::GroupLeft | Kind::GroupRight,
                State::Operand(op),
            ) => {
                return State::GroupingWord(op.or(Some(BinaryOp::Add)));
            }
            (Kind::Bool, state) => return state,
            (Kind::By | Kind::Without, State::Operator { .. }) => return State::GroupingWord(None),
            (Kind::Offset, State::Operator { .. }) => return State::Offset,
            (_, State::Operand(_) | State::At | State::Offset) => {
                State::Operator { selector: true, aggregation: false }
            }
            (_, _) => State::Nothing,
        };
        self.word = Some(token);
        after
    }

    fn open_paren(&mut self, word: Option<Token>) -> State {
        let aggregation = matches!(word.map(|word| word.kind), Some(Kind::Aggregate(_)))
            || matches!(self.state, State::Nothing);
        if let State::GroupingWord(of_operator) = self.state {
            self.open.push(Open::Grouping { of_operator });
        } else {
            self.open.push(Open::Paren { aggregation });
        }
        State::Operand(None)
    }

    fn close_paren(&mut self) -> State {
        match self.open.pop() {
            Some(Open::Grouping { of_operator: Some(op) }) => State::Operand(Some(op)),
            // Labels before the arguments are followed by these.
            Some(Open::Grouping { of_operator: None }) => State::Nothing,
            Some(Open::Paren { aggregation }) => State::Operator { selector: false, aggregation },
            _ => AFTER_VALUE,
        }
    }

    fn in_braces(&mut self, token: Token) {
        let text = || token.span.slice(self.source);
        let Some(Open::Braces(braces)) = self.open.last_mut() else { return };
        match token.kind {
            Kind::RightBrace => {
                self.open.pop();
                self.state = State::Operator { selector: true, aggregation: false };
            }
            Kind::Comma => (braces.label, braces.op) = (None, None),
            Kind::Identifier => braces.label = Some(text().to_owned()),
            Kind::String => {
                braces.string(string::unquote(text()).map_or(String::new(), Into::into));
            }
            kind => braces.op = match_op(kind),
        }
    }

    /// The place after all tokens, where a word may have been begun that ends at `end`.
    fn place(mut self, end: usize) -> Place {
        match self.open.last_mut() {
            Some(Open::Braces(braces)) => match (&braces.label, braces.op) {
                (None, _) => Place::LabelName(braces.all(self.source, end)),
                (Some(_), None) => Place::LabelOperator,
                (Some(_), Some(_)) => Place::Nothing,
            },
            Some(Open::Brackets) => Place::Brackets,
            Some(Open::Grouping { .. }) => Place::Grouping,
            _ => match self.state {
                State::At => Place::AfterAt,
                State::GroupingWord(_) | State::Nothing => Place::Nothing,
                State::Offset => Place::AfterOffset,
                State::Operand(after_operator) => Place::Operand { after_operator },
                State::Operator { selector, aggregation } => {
                    Place::Operator { end: self.open.is_empty(), selector, aggregation }
                }
            },
        }
    }

    /// The place inside of a string that ends before `end`.
    fn string_place(mut self, end: usize) -> Place {
        match self.open.last_mut() {
            Some(Open::Braces(braces)) => match (braces.label.take(), braces.op) {
                (Some(label), Some(_)) => {
                    Place::LabelValue { label, matchers: braces.all(self.source, end) }
                }
                _ => Place::LabelName(braces.all(self.source, end)),
            },
            Some(Open::Grouping { .. }) => Place::Grouping,
            _ => Place::Nothing,
        }
    }
}

impl Braces {
    fn string(&mut self, text: String) {
        match (self.label.take(), self.op.take()) {
            (Some(label), Some(op)) => self.matchers.push(Matcher::new(label, op, text)),
            _ => self.label = Some(text),
        }
    }

    /// All conditions but the one at the place, which `after` is the end of.
    fn all(&mut self, source: &str, after: usize) -> Vec<Matcher> {
        let mut rest = Self { metric: self.metric.take(), ..Self::default() };
        rest.matchers.append(&mut self.matchers);
        let mut lexer = Lexer::inside_braces(source, after.min(source.len()));
        // What is left of the condition at the place is passed over.
        let mut at_place = true;
        while let Ok(token) = lexer.token() {
            match token.kind {
                Kind::RightBrace | Kind::Eof => break,
                Kind::Comma => {
                    at_place = false;
                    (rest.label, rest.op) = (None, None);
                }
                _ if at_place => {}
                Kind::Identifier => rest.label = Some(token.span.slice(source).to_owned()),
                Kind::String => {
                    let text = string::unquote(token.span.slice(source));
                    rest.string(text.map_or(String::new(), Into::into));
                }
                kind => rest.op = match_op(kind),
            }
        }
        let name = rest.metric.map(|metric| Matcher::equal(METRIC_NAME, metric));
        rest.matchers.extend(name);
        rest.matchers
    }
}
