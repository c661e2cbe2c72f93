//! Turns items into trees, with the errors of Go's parser.

use std::collections::BTreeMap;
use std::sync::Arc;

use skopos_core::text::Quoted;

use crate::error::Error;
use crate::lexer::{Item, Kind, Lexer};
use crate::literal::{Number, unquote};
use crate::node::{Branch, Call, Command, List, Node, Operand, Pipe, Source, Term, Tree, is_blank};

/// How deep actions and parentheses may nest; Go allows more, but nobody needs it.
pub(crate) const MAX_NESTING: usize = 100;

/// The trees of a template and of what it defines, by name.
pub(crate) type Trees = BTreeMap<String, Arc<Tree>>;

/// Parses a text; `knows` says which functions there are.
pub(crate) fn parse(source: &Arc<Source>, knows: &dyn Fn(&str) -> bool) -> Result<Trees, Error> {
    let mut parser = Parser {
        name: &source.name,
        source,
        lexer: Lexer::new(&source.text),
        knows,
        trees: Trees::new(),
        scope: Scope::new(),
        nesting: 0,
    };
    let list = parser.template()?;
    parser.add(source.name.clone(), 0, list)?;
    Ok(parser.trees)
}

/// What each definition has for itself.
struct Scope<'t> {
    ahead: [Item<'t>; 3],
    ahead_len: usize,
    variables: Vec<String>,
    ranges: usize,
    /// The line of the action that is being parsed; 0 outside.
    action_line: usize,
}

impl Scope<'_> {
    fn new() -> Self {
        let nothing = Item::placeholder;
        Self {
            ahead: [nothing(), nothing(), nothing()],
            ahead_len: 0,
            variables: vec!["$".to_owned()],
            ranges: 0,
            action_line: 0,
        }
    }
}

struct Parser<'t, 'f> {
    name: &'f str,
    source: &'f Arc<Source>,
    lexer: Lexer<'t>,
    knows: &'f dyn Fn(&str) -> bool,
    trees: Trees,
    scope: Scope<'t>,
    nesting: usize,
}

/// What a list ends with, or a node.
enum Step {
    Node(Node),
    Else,
    End,
}

impl Step {
    fn as_text(&self) -> &'static str {
        match self {
            Self::Else => "{{else}}",
            _ => "{{end}}",
        }
    }
}

impl<'t> Parser<'t, '_> {
    fn next(&mut self) -> Item<'t> {
        if self.scope.ahead_len > 0 {
            self.scope.ahead_len -= 1;
        } else {
            self.scope.ahead[0] = self.lexer.next_item();
        }
        self.scope.ahead[self.scope.ahead_len].clone()
    }

    fn backup(&mut self) {
        self.scope.ahead_len += 1;
    }

    fn peek(&mut self) -> Item<'t> {
        let item = self.next();
        self.backup();
        item
    }

    fn next_non_space(&mut self) -> Item<'t> {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    fn peek_non_space(&mut self) -> Item<'t> {
        let item = self.next_non_space();
        self.backup();
        item
    }

    #[cold]
    fn error(&self, message: impl std::fmt::Display) -> Error {
        let line = self.scope.ahead[0].line;
        Error::syntax(line, format!("template: {}:{line}: {message}", self.name))
    }

    #[cold]
    fn unexpected(&self, item: &Item<'_>, context: &str) -> Error {
        if item.kind != Kind::Error {
            return self.error(format_args!("unexpected {} in {context}", describe(item)));
        }
        let started = self.scope.action_line;
        if started == 0 || started == item.line {
            return self.error(&item.error);
        }
        let action = if item.error.ends_with(" action") { "" } else { " in action" };
        self.error(format_args!("{}{action} started at {}:{started}", item.error, self.name))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Item<'t>, Error> {
        let item = self.next_non_space();
        if item.kind == kind { Ok(item) } else { Err(self.unexpected(&item, context)) }
    }

    fn add(&mut self, name: String, pos: usize, list: List) -> Result<(), Error> {
        let is_new = self.trees.get(&name).is_none_or(|old| old.is_blank());
        if !is_new && !is_blank(&list) {
            let name = Quoted(&name);
            return Err(
                self.error(format_args!("template: multiple definition of template {name}"))
            );
        }
        if is_new {
            let source = Arc::clone(self.source);
            self.trees.insert(name, Arc::new(Tree { source, pos, list }));
        }
        Ok(())
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.nesting == MAX_NESTING {
            return Err(self.error("max expression depth exceeded"));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// The whole text: nodes and definitions.
    fn template(&mut self) -> Result<List, Error> {
        let mut list = List::new();
        loop {
            let item = self.peek();
            match item.kind {
                Kind::Eof => return Ok(list),
                Kind::LeftDelim => {
                    let delim = self.next();
                    if self.next_non_space().kind == Kind::Define {
                        self.definition()?;
                        continue;
                    }
                    self.scope.ahead[1] = delim;
                    self.scope.ahead_len = 2;
                }
                _ => {}
            }
            match self.text_or_action()? {
                Step::Node(node) => list.push(node),
                end => return Err(self.error(format_args!("unexpected {}", end.as_text()))),
            }
        }
    }

    fn definition(&mut self) -> Result<(), Error> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let pos = self.peek_non_space().pos;
        let (list, end) = self.item_list()?;
        if !matches!(end, Step::End) {
            return Err(self.error(format_args!("unexpected {} in {CONTEXT}", end.as_text())));
        }
        self.add(name, pos, list)?;
        self.scope = outer;
        Ok(())
    }

    /// Nodes up to an `end` or an `else`.
    fn item_list(&mut self) -> Result<(List, Step), Error> {
        let mut list = List::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Step::Node(node) => list.push(node),
                end => return Ok((list, end)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Step, Error> {
        let item = self.next_non_space();
        match item.kind {
            Kind::Text => Ok(Step::Node(Node::Text(item.text.as_bytes().into()))),
            Kind::LeftDelim => {
                self.scope.action_line = item.line;
                let step = self.nested(Self::action);
                if step.is_ok() {
                    self.scope.action_line = 0;
                }
                step
            }
            _ => Err(self.unexpected(&item, "input")),
        }
    }

    fn action(&mut self) -> Result<Step, Error> {
        let item = self.next_non_space();
        let node = match item.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.loop_control("break", Node::Break(item.pos))?,
            Kind::Continue => self.loop_control("continue", Node::Continue(item.pos))?,
            Kind::Else => return self.else_control(),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Step::End);
            }
            Kind::If => Node::If(self.branch("if")?),
            Kind::Range => Node::Range(self.branch("range")?),
            Kind::With => Node::With(self.branch("with")?),
            Kind::Template => self.template_call()?,
            _ => {
                self.backup();
                Node::Action(self.pipeline("command", Kind::RightDelim)?)
            }
        };
        Ok(Step::Node(node))
    }

    fn loop_control(&mut self, word: &str, node: Node) -> Result<Node, Error> {
        let item = self.next_non_space();
        if item.kind != Kind::RightDelim {
            return Err(self.unexpected(&item, &format!("{{{{{word}}}}}")));
        }
        if self.scope.ranges == 0 {
            return Err(self.error(format_args!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    fn else_control(&mut self) -> Result<Step, Error> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Step::Else)
    }

    /// `if`, `with` or `range` after the keyword.
    fn branch(&mut self, context: &str) -> Result<Branch, Error> {
        let variables = self.scope.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let in_range = usize::from(context == "range");
        self.scope.ranges += in_range;
        let (list, end) = self.item_list()?;
        self.scope.ranges -= in_range;
        let otherwise = match end {
            Step::Else => self.otherwise(context)?,
            _ => List::new(),
        };
        self.scope.variables.truncate(variables);
        Ok(Branch { pipe, list, otherwise })
    }

    fn otherwise(&mut self, context: &str) -> Result<List, Error> {
        let chained = match (context, self.peek().kind) {
            ("if", Kind::If) => Some(Node::If as fn(Branch) -> Node),
            ("with", Kind::With) => Some(Node::With as fn(Branch) -> Node),
            _ => None,
        };
        if let Some(node) = chained {
            self.next();
            return Ok(vec![node(self.nested(|parser| parser.branch(context))?)]);
        }
        let (list, end) = self.item_list()?;
        match end {
            Step::End => Ok(list),
            _ => Err(self.error(format_args!("expected end; found {}", end.as_text()))),
        }
    }

    fn block(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "block clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let pos = self.peek_non_space().pos;
        let (list, end) = self.item_list()?;
        if !matches!(end, Step::End) {
            // The line of the block is told, not that of its end.
            self.scope = outer;
            return Err(self.error(format_args!("unexpected {} in {CONTEXT}", end.as_text())));
        }
        self.add(name.clone(), pos, list)?;
        self.scope = outer;
        Ok(Node::Template(Call { pos: item.pos, name, pipe: Some(pipe) }))
    }

    fn template_call(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "template clause";
        let item = self.next_non_space();
        let name = self.template_name(&item, CONTEXT)?;
        let pipe = if self.next_non_space().kind == Kind::RightDelim {
            None
        } else {
            self.backup();
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Template(Call { pos: item.pos, name, pipe }))
    }

    fn template_name(&mut self, item: &Item<'_>, context: &str) -> Result<String, Error> {
        if !matches!(item.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(item, context));
        }
        let name = self.unquote(item.text)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    fn unquote(&self, literal: &str) -> Result<Vec<u8>, Error> {
        unquote(literal).ok_or_else(|| self.error("invalid syntax"))
    }

    /// Declarations, then commands up to `end`.
    fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, Error> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, declared: Vec::new(), assigns: false, commands: Vec::new() };
        while self.declaration(context, &mut pipe)? {}
        loop {
            let item = self.next_non_space();
            match item.kind {
                kind if kind == end => {
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    pipe.commands.push(self.command()?);
                }
                _ => return Err(self.unexpected(&item, context)),
            }
        }
    }

    /// Reads a declaration or an assignment, if there is one; says whether another may follow.
    fn declaration(&mut self, context: &str, pipe: &mut Pipe) -> Result<bool, Error> {
        let variable = self.peek_non_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        let after = self.peek();
        let next = self.peek_non_space();
        if matches!(next.kind, Kind::Assign | Kind::Declare) {
            pipe.assigns = next.kind == Kind::Assign;
            self.next_non_space();
            self.declare(&variable, pipe);
            return Ok(false);
        }
        if next.kind == Kind::Char && next.text == "," {
            self.next_non_space();
            self.declare(&variable, pipe);
            if context != "range" || pipe.declared.len() >= 2 {
                return Err(self.error(format_args!("too many declarations in {context}")));
            }
            return match self.peek_non_space().kind {
                Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                _ => Err(self.error("range can only initialize variables")),
            };
        }
        self.scope.ahead_len = if after.kind == Kind::Space {
            self.scope.ahead[1] = after;
            self.scope.ahead[2] = variable;
            3
        } else {
            self.scope.ahead[1] = variable;
            2
        };
        Ok(false)
    }

    fn declare(&mut self, variable: &Item<'_>, pipe: &mut Pipe) {
        pipe.declared.push(variable.text.to_owned());
        self.scope.variables.push(variable.text.to_owned());
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return Err(self.error(format_args!("missing value for {context}")));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            if command.args[0].term.is_literal() {
                let stage = i + 1;
                return Err(
                    self.error(format_args!("non executable command in pipeline stage {stage}"))
                );
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Error> {
        let mut command = Command { pos: self.peek_non_space().pos, args: Vec::new() };
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let item = self.next();
            match item.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&item, "operand")),
            }
            break;
        }
        if command.args.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(command)
    }

    /// A term with the fields that are taken of it.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(mut operand) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.next().text[1..].to_owned());
        }
        let term = match operand.term {
            Term::Field(mut path) => {
                path.append(&mut names);
                Term::Field(path)
            }
            Term::Variable(mut path) => {
                path.append(&mut names);
                Term::Variable(path)
            }
            ref literal if literal.is_literal() => {
                let text = operand.to_string();
                return Err(self.error(format_args!("unexpected . after term {}", Quoted(&text))));
            }
            other => {
                operand.term = other;
                Term::Chain(Box::new(operand), names)
            }
        };
        Ok(Some(Operand { pos: first.pos, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let item = self.next_non_space();
        let text = item.text;
        let term = match item.kind {
            Kind::Identifier if (self.knows)(text) => Term::Function(text.to_owned()),
            Kind::Identifier => {
                return Err(self.error(format_args!("function {} not defined", Quoted(text))));
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable if self.scope.variables.iter().any(|name| name == text) => {
                Term::Variable(vec![text.to_owned()])
            }
            Kind::Variable => {
                return Err(self.error(format_args!("undefined variable {}", Quoted(text))));
            }
            Kind::Field => Term::Field(vec![text[1..].to_owned()]),
            Kind::Bool => Term::Bool(text == "true"),
            Kind::CharConstant | Kind::Number => {
                Term::Number(Number::parse(text).map_err(|e| self.error(e))?)
            }
            Kind::Complex => Term::Number(Number::parse_complex(text).map_err(|e| self.error(e))?),
            Kind::LeftParen => {
                Term::Pipe(Box::new(self.nested(|parser| {
                    parser.pipeline("parenthesized pipeline", Kind::RightParen)
                })?))
            }
            Kind::String | Kind::RawString => {
                Term::String { quoted: text.to_owned(), text: Arc::from(self.unquote(text)?) }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { pos: item.pos, term }))
    }
}

impl Term {
    /// Whether it stands for itself: no field can be taken of it, and it takes no argument.
    fn is_literal(&self) -> bool {
        matches!(
            self,
            Self::Bool(_) | Self::Dot | Self::Nil | Self::Number(_) | Self::String { .. }
        )
    }
}

/// An item as error messages show it.
fn describe(item: &Item<'_>) -> String {
    match item.kind {
        Kind::Eof => "EOF".to_owned(),
        kind if kind.is_keyword() => format!("<{}>", item.text),
        _ if item.text.chars().nth(10).is_some() => {
            let start: String = item.text.chars().take(10).collect();
            format!("{}...", Quoted(&start))
        }
        // Go compares bytes here, and then cuts characters.
        _ if item.text.len() > 10 => format!("{}...", Quoted(item.text)),
        _ => Quoted(item.text).to_string(),
    }
}
