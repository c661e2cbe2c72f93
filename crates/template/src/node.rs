//! The tree of a template, and how its parts are written in error messages.

use std::fmt;
use std::sync::Arc;

use skopos_core::text::Quoted;

use crate::html::Escaper;
use crate::literal::Number;

/// A text that templates are parsed from, with the name that error messages show.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Source {
    /// The line of `pos`, from 1, and the byte in it, from 0.
    pub(crate) fn place(&self, pos: usize) -> (usize, usize) {
        let before = self.text.get(..pos).unwrap_or(&self.text);
        let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
        (line, before.len() - before.rfind('\n').map_or(0, |at| at + 1))
    }
}

/// One template: what it consists of, and where that begins.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) source: Arc<Source>,
    pub(crate) pos: usize,
    pub(crate) list: List,
}

impl Tree {
    /// Whether there is nothing but space.
    pub(crate) fn is_blank(&self) -> bool {
        is_blank(&self.list)
    }
}

/// Whether there is nothing but space.
pub(crate) fn is_blank(list: &[Node]) -> bool {
    list.iter().all(|node| matches!(node, Node::Text(text) if text.trim_ascii().is_empty()))
}

/// What a template consists of.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Arc<[u8]>),
    Action(Pipe),
    /// With its position, as the next.
    Break(usize),
    Continue(usize),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Call),
}

/// A list of nodes; without any where the branch is absent.
pub(crate) type List = Vec<Node>;

/// `if`, `with` and `range`.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) otherwise: List,
}

/// `{{template "name" pipe}}`, and what a `block` becomes.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) pos: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands, each with the value of the one before as last argument; and where the result goes.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    pub(crate) declared: Vec<String>,
    /// Whether the variables are assigned and not declared.
    pub(crate) assigns: bool,
    pub(crate) commands: Vec<Command>,
}

/// An operand with arguments. Never empty.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Vec<Operand>,
}

/// A term with its place.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) pos: usize,
    pub(crate) term: Term,
}

/// What can be an argument.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    String {
        quoted: String,
        text: Arc<[u8]>,
    },
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`; the first is the variable.
    Variable(Vec<String>),
    /// `(pipe).A.B` or `function.A.B`
    Chain(Box<Operand>, Vec<String>),
    /// The name of a function.
    Function(String),
    Pipe(Box<Pipe>),
    /// What escaping by context adds to pipelines.
    Escaper(Escaper),
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.declared.is_empty() {
            f.write_str(&self.declared.join(", "))?;
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        join(f, &self.commands, " | ")
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, arg) in self.args.iter().enumerate() {
            if 0 < i {
                f.write_str(" ")?;
            }
            match &arg.term {
                Term::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => arg.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Bool(value) => write!(f, "{value}"),
            Term::Dot => f.write_str("."),
            Term::Nil => f.write_str("nil"),
            Term::Number(number) => f.write_str(&number.text),
            Term::String { quoted, .. } => f.write_str(quoted),
            Term::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            Term::Variable(names) => f.write_str(&names.join(".")),
            Term::Chain(inner, names) => {
                match &inner.term {
                    Term::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => inner.fmt(f)?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Term::Function(name) => f.write_str(name),
            Term::Pipe(pipe) => pipe.fmt(f),
            Term::Escaper(escaper) => f.write_str(escaper.name()),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", Quoted(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if 0 < i {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}
