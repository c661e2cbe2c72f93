//! Walks a template's tree and writes its output, with the error messages of Go's `text/template`.
//!
//! Work, depth and output are bounded; Go bounds the depth alone.

use crate::builtin;
use crate::error::{Error, ErrorKind};
use crate::function::{Functions, Type};
use crate::html::Space;
use crate::limits::Limits;
use crate::literal::Number;
use crate::node::{Branch, Call, Command, List, Node, Operand, Pipe, Source, Term};
use crate::parser::Trees;
use crate::print::sprint_within;
use crate::value::{IntType, Value};

mod call;
mod html;

/// How deep calls of templates, branches and parentheses may nest in sum.
const MAX_DEPTH: usize = 250;

/// Runs the template `name` of `trees` over `data`; with a `space`, it can call the templates there.
pub(crate) fn execute(
    name: &str,
    trees: &Trees,
    space: Option<&Space>,
    limits: &Limits,
    functions: &dyn Functions,
    data: &Value,
) -> Result<Vec<u8>, Error> {
    let Some((name, tree)) = trees.get_key_value(name) else { return Ok(Vec::new()) };
    let mut state = State {
        trees,
        space,
        limits,
        functions,
        out: Vec::new(),
        current: name,
        source: &tree.source,
        place: Place { source: &tree.source, pos: 0, context: Context::Template(name) },
        variables: vec![("$", data.clone())],
        depth: 0,
        steps: 0,
        bytes: 0,
    };
    state.walk_list(data, &tree.list)?;
    Ok(state.out)
}

/// How a list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Break,
    Continue,
    Next,
}

/// The part of the tree that error messages name.
#[derive(Clone, Copy)]
struct Place<'t> {
    source: &'t Source,
    pos: usize,
    context: Context<'t>,
}

#[derive(Clone, Copy)]
enum Context<'t> {
    Call(&'t Call),
    Command(&'t Command),
    Operand(&'t Operand),
    Pipe(&'t Pipe),
    Template(&'t str),
}

impl std::fmt::Display for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(call) => call.fmt(f),
            Self::Command(command) => command.fmt(f),
            Self::Operand(operand) => operand.fmt(f),
            Self::Pipe(pipe) => pipe.fmt(f),
            Self::Template(name) => f.write_str(name),
        }
    }
}

struct State<'t> {
    trees: &'t Trees,
    space: Option<&'t Space>,
    limits: &'t Limits,
    functions: &'t dyn Functions,
    out: Vec<u8>,
    /// The name of the template that is being executed.
    current: &'t str,
    /// Where that template comes from.
    source: &'t Source,
    place: Place<'t>,
    variables: Vec<(&'t str, Value)>,
    depth: usize,
    steps: u64,
    bytes: u64,
}

impl<'t> State<'t> {
    #[cold]
    fn error(&self, message: impl std::fmt::Display) -> Error {
        self.error_of(ErrorKind::Execution, message)
    }

    #[cold]
    fn error_of(&self, kind: ErrorKind, message: impl std::fmt::Display) -> Error {
        let source = self.place.source;
        let (line, column) = source.place(self.place.pos);
        let current = skopos_core::text::Quoted(self.current);
        let message = format!(
            "template: {}:{line}:{column}: executing {current} at <{}>: {message}",
            source.name, self.place.context
        );
        Error::at(kind, line, column, message)
    }

    fn at(&mut self, pos: usize, context: Context<'t>) {
        self.place = Place { source: self.source, pos, context };
    }

    fn at_operand(&mut self, operand: &'t Operand) {
        self.at(operand.pos, Context::Operand(operand));
    }

    /// Counts a step of work.
    fn step(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.steps > self.limits.steps {
            let message = format!("exceeded maximum of {} steps", self.limits.steps);
            return Err(self.error_of(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// Counts bytes that a function reads or writes.
    fn charge(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += bytes as u64;
        if self.bytes > self.limits.work_bytes {
            let message = format!("exceeded maximum of {} bytes of work", self.limits.work_bytes);
            return Err(self.error_of(ErrorKind::Limit, message));
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.out.len() + bytes.len() > self.limits.output_bytes {
            let message = format!("exceeded maximum output of {} bytes", self.limits.output_bytes);
            return Err(self.error_of(ErrorKind::Limit, message));
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Runs `run` one level deeper.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == MAX_DEPTH {
            let message = format!("exceeded maximum template depth ({MAX_DEPTH})");
            return Err(self.error_of(ErrorKind::Limit, message));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn walk_list(&mut self, dot: &Value, list: &'t List) -> Result<Flow, Error> {
        for node in list {
            let flow = self.walk(dot, node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn walk(&mut self, dot: &Value, node: &'t Node) -> Result<Flow, Error> {
        self.step()?;
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipe) => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.declared.is_empty() {
                    self.at(pipe.pos, Context::Pipe(pipe));
                    self.print(&value)?;
                }
            }
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
            Node::If(branch) => return self.nested(|state| state.branch(dot, branch, false)),
            Node::With(branch) => return self.nested(|state| state.branch(dot, branch, true)),
            Node::Range(branch) => return self.nested(|state| state.range(dot, branch)),
            Node::Template(call) => {
                self.at(call.pos, Context::Call(call));
                self.nested(|state| state.call_template(dot, call))?;
            }
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, value: &Value) -> Result<(), Error> {
        match builtin::printable(value) {
            Value::Text(text) => self.write(text.as_bytes()),
            printable => {
                let room = self.limits.output_bytes - self.out.len();
                let text = sprint_within(&[printable], room);
                self.write(&text)
            }
        }
    }

    fn branch(&mut self, dot: &Value, branch: &'t Branch, sets_dot: bool) -> Result<Flow, Error> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if !value.is_true() {
            self.walk_list(dot, &branch.otherwise)
        } else if sets_dot {
            self.walk_list(&value, &branch.list)
        } else {
            self.walk_list(dot, &branch.list)
        };
        self.variables.truncate(mark);
        flow
    }

    fn range(&mut self, dot: &Value, branch: &'t Branch) -> Result<Flow, Error> {
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = match value.pointee() {
            Value::Int(count, _) if branch.pipe.declared.len() > 1 => {
                return Err(self.error(format_args!(
                    "can't use {count} to iterate over more than one variable"
                )));
            }
            Value::Int(count, int_type) => {
                let items = (0..*count).map(|i| (Value::Nil, Value::Int(i, *int_type)));
                self.iterate(branch, items)?
            }
            Value::List(list) => {
                let items = list.items().iter().enumerate();
                self.iterate(branch, items.map(|(i, item)| (index_value(i), item.clone())))?
            }
            Value::Map(map) => {
                let items = map.iter();
                let items = items.map(|(key, item)| (Value::Text(key.clone()), item.clone()));
                self.iterate(branch, items)?
            }
            Value::Nil | Value::Any(None) => None,
            other => {
                let shown = sprint_within(std::slice::from_ref(other), 1000);
                let shown = String::from_utf8_lossy(&shown);
                return Err(self.error(format_args!("range can't iterate over {shown}")));
            }
        };
        let flow = match flow {
            Some(()) => Ok(Flow::Next),
            None => self.walk_list(dot, &branch.otherwise),
        };
        self.variables.truncate(outer);
        flow
    }

    /// Runs the list for each item; says whether there was any.
    fn iterate(
        &mut self,
        branch: &'t Branch,
        items: impl Iterator<Item = (Value, Value)>,
    ) -> Result<Option<()>, Error> {
        let mark = self.variables.len();
        let mut ran = None;
        for (index, item) in items {
            ran = Some(());
            self.step()?;
            self.set_range_variables(&branch.pipe, index, &item)?;
            let flow = self.walk_list(&item, &branch.list)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(ran)
    }

    fn set_range_variables(
        &mut self,
        pipe: &'t Pipe,
        index: Value,
        item: &Value,
    ) -> Result<(), Error> {
        let top = self.variables.len();
        match (pipe.declared.as_slice(), pipe.assigns) {
            ([one], true) => self.set(one, item.clone())?,
            ([first, second], true) => {
                self.set(first, index)?;
                self.set(second, item.clone())?;
            }
            ([_], false) => self.variables[top - 1].1 = item.clone(),
            ([_, _], false) => {
                self.variables[top - 1].1 = item.clone();
                self.variables[top - 2].1 = index;
            }
            _ => {}
        }
        Ok(())
    }

    fn call_template(&mut self, dot: &Value, call: &'t Call) -> Result<(), Error> {
        let trees = self.trees;
        let Some((name, tree)) = trees.get_key_value(&call.name) else {
            let name = skopos_core::text::Quoted(&call.name);
            return Err(self.error(format_args!("template {name} not defined")));
        };
        let data = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let variables = std::mem::replace(&mut self.variables, vec![("$", data.clone())]);
        let caller = std::mem::replace(&mut self.current, name);
        let source = std::mem::replace(&mut self.source, &tree.source);
        self.walk_list(&data, &tree.list)?;
        self.current = caller;
        self.source = source;
        self.variables = variables;
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), Error> {
        match self.variables.iter_mut().rev().find(|(variable, _)| *variable == name) {
            Some((_, slot)) => {
                *slot = value;
                Ok(())
            }
            None => Err(self.error(format_args!("undefined variable: {name}"))),
        }
    }

    fn variable(&self, name: &str) -> Result<Value, Error> {
        match self.variables.iter().rev().find(|(variable, _)| *variable == name) {
            Some((_, value)) => Ok(value.clone()),
            None => Err(self.error(format_args!("undefined variable: {name}"))),
        }
    }

    fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Result<Value, Error> {
        self.at(pipe.pos, Context::Pipe(pipe));
        let mut last = None;
        for command in &pipe.commands {
            self.step()?;
            last = Some(self.command(dot, command, last)?.unwrapped());
        }
        let value = last.unwrap_or(Value::Nil);
        for name in &pipe.declared {
            if pipe.assigns {
                self.set(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(
        &mut self,
        dot: &Value,
        command: &'t Command,
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let args = &command.args[1..];
        let first = &command.args[0];
        match &first.term {
            Term::Field(names) => {
                self.at_operand(first);
                self.fields(dot, dot.clone(), first, names, args, last)
            }
            Term::Chain(inner, names) => self.chain(dot, first, inner, names, args, last),
            Term::Function(name) => {
                self.at_operand(first);
                let context = Context::Command(command);
                let blame = Place { source: self.source, pos: command.pos, context };
                self.function(dot, name, blame, args, last)
            }
            Term::Escaper(escaper) => {
                self.at_operand(first);
                self.escape(dot, *escaper, first, args, last)
            }
            Term::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                self.nested(|state| state.pipeline(dot, pipe))
            }
            Term::Variable(names) => self.variable_chain(dot, first, names, args, last),
            _ => {
                self.at_operand(first);
                self.not_a_function(first, args, last.as_ref())?;
                match &first.term {
                    Term::Dot => Ok(dot.clone()),
                    Term::Nil => Err(self.error("nil is not a command")),
                    _ => self.constant(first),
                }
            }
        }
    }

    fn not_a_function(
        &self,
        first: &Operand,
        args: &[Operand],
        last: Option<&Value>,
    ) -> Result<(), Error> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.error(format_args!("can't give argument to non-function {first}")))
    }

    /// The value of a constant where its type is open.
    fn constant(&mut self, operand: &'t Operand) -> Result<Value, Error> {
        self.at_operand(operand);
        match &operand.term {
            Term::Bool(value) => Ok(Value::Bool(*value)),
            Term::String { text, .. } => {
                Ok(Value::Text(crate::value::Text::new(std::sync::Arc::clone(text))))
            }
            Term::Number(number) => self.number(number),
            _ => Ok(Value::Nil),
        }
    }

    fn number(&self, number: &Number) -> Result<Value, Error> {
        if let Some((real, imaginary)) = number.complex {
            return Ok(Value::Complex(real, imaginary));
        }
        match (number.float, number.int) {
            (Some(float), _) if number.reads_as_float() => Ok(Value::Float(float)),
            (_, Some(int)) => Ok(Value::int(int)),
            _ => Err(self.error(format_args!("{} overflows int", number.text))),
        }
    }

    fn chain(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        inner: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.at_operand(operand);
        let receiver = self.argument(dot, Type::Any, inner)?;
        self.fields(dot, receiver, operand, names, args, last)
    }

    fn variable_chain(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.at_operand(operand);
        let value = self.variable(&names[0])?;
        if names.len() == 1 {
            self.not_a_function(operand, args, last.as_ref())?;
            return Ok(value);
        }
        self.fields(dot, value, operand, &names[1..], args, last)
    }
}

fn index_value(index: usize) -> Value {
    Value::Int(i64::try_from(index).unwrap_or(i64::MAX), IntType::Int)
}
