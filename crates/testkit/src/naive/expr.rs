//! A query as a tree, which prints itself as PromQL.
//!
//! It knows what the generator makes and no more: there is no parser, and no tree for what is ill-typed.

use std::fmt;

use skopos_core::{MatchOp, Matcher};

/// The type of an expression's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Range,
    Scalar,
    Text,
    Vector,
}

/// A fixed time of evaluation (`@`).
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    End,
    Millis(i64),
    Start,
}

/// When a selector or a subquery looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shift {
    pub(crate) offset: i64,
    pub(crate) at: Option<At>,
}

/// Which series, and when.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) shift: Shift,
}

/// How the elements of two vectors find each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matching {
    /// `on` if it is true; `ignoring`, which is the default with no labels, if not.
    pub(crate) on: bool,
    pub(crate) labels: Vec<String>,
    pub(crate) group: Option<Group>,
}

/// Many elements of one side may match one of the other.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) many_is_left: bool,
    /// Labels that are copied from the one side.
    pub(crate) include: Vec<String>,
}

/// What an aggregation groups by.
#[derive(Clone, Debug)]
pub(crate) struct Grouping {
    pub(crate) without: bool,
    pub(crate) labels: Vec<String>,
}

/// An operator between two operands.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: &'static str,
    pub(crate) returns_bool: bool,
    pub(crate) matching: Matching,
    pub(crate) left: Expr,
    pub(crate) right: Expr,
}

/// A query.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Aggregate {
        op: &'static str,
        grouping: Option<Grouping>,
        param: Option<Box<Expr>>,
        input: Box<Expr>,
    },
    Binary(Box<Binary>),
    Call(&'static str, Vec<Expr>),
    Negate(Box<Expr>),
    Number(f64),
    Select(Selector),
    Subquery {
        inner: Box<Expr>,
        range: i64,
        step: Option<i64>,
        shift: Shift,
    },
    Text(String),
    /// A range vector of samples.
    Window(Selector, i64),
}

impl Expr {
    /// The type of its value.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Aggregate { .. } | Self::Select(_) => Kind::Vector,
            Self::Binary(binary) => match (binary.left.kind(), binary.right.kind()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
            Self::Call(name, _) => match *name {
                "scalar" | "time" | "pi" | "start" | "end" | "range" | "step" | "max_of"
                | "min_of" => Kind::Scalar,
                _ => Kind::Vector,
            },
            Self::Negate(inner) => inner.kind(),
            Self::Number(_) => Kind::Scalar,
            Self::Subquery { .. } | Self::Window(..) => Kind::Range,
            Self::Text(_) => Kind::Text,
        }
    }

    /// Its direct parts.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Aggregate { param, input, .. } => {
                param.iter().map(|param| &**param).chain([&**input]).collect()
            }
            Self::Binary(binary) => vec![&binary.left, &binary.right],
            Self::Call(_, args) => args.iter().collect(),
            Self::Negate(inner) | Self::Subquery { inner, .. } => vec![inner],
            Self::Number(_) | Self::Select(_) | Self::Text(_) | Self::Window(..) => Vec::new(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn children_mut(&mut self) -> Vec<&mut Self> {
        match self {
            Self::Aggregate { param, input, .. } => {
                param.iter_mut().map(|param| &mut **param).chain([&mut **input]).collect()
            }
            Self::Binary(binary) => {
                let binary = &mut **binary;
                vec![&mut binary.left, &mut binary.right]
            }
            Self::Call(_, args) => args.iter_mut().collect(),
            Self::Negate(inner) | Self::Subquery { inner, .. } => vec![inner],
            Self::Number(_) | Self::Select(_) | Self::Text(_) | Self::Window(..) => Vec::new(),
        }
    }

    /// Whether it must stand in parentheses as an operand.
    fn is_loose(&self) -> bool {
        match self {
            Self::Binary(_) | Self::Negate(_) => true,
            Self::Number(v) => v.is_sign_negative(),
            _ => false,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregate { op, grouping, param, input } => {
                f.write_str(op)?;
                if let Some(Grouping { without, labels }) = grouping {
                    let word = if *without { "without" } else { "by" };
                    write!(f, " {word} ({}) ", labels.join(", "))?;
                }
                match param {
                    Some(param) => write!(f, "({param}, {input})"),
                    None => write!(f, "({input})"),
                }
            }
            Self::Binary(binary) => binary.fmt(f),
            Self::Call(name, args) => {
                let args: Vec<String> = args.iter().map(ToString::to_string).collect();
                write!(f, "{name}({})", args.join(", "))
            }
            Self::Negate(inner) => write!(f, "-{}", Operand(inner)),
            Self::Number(v) if v.is_infinite() => {
                f.write_str(if v.is_sign_positive() { "Inf" } else { "-Inf" })
            }
            Self::Number(v) => write!(f, "{v:?}"),
            Self::Select(selector) => {
                write_matchers(&selector.matchers, f)?;
                selector.shift.fmt(f)
            }
            Self::Subquery { inner, range, step, shift } => {
                let step = step.map(|step| format!("{step}ms")).unwrap_or_default();
                write!(f, "({inner})[{range}ms:{step}]{shift}")
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Window(selector, range) => {
                write_matchers(&selector.matchers, f)?;
                write!(f, "[{range}ms]{}", selector.shift)
            }
        }
    }
}

/// An expression as the operand of an operator.
struct Operand<'a>(&'a Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_loose() { write!(f, "({})", self.0) } else { self.0.fmt(f) }
    }
}

impl fmt::Display for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Operand(&self.left), self.op)?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        let Matching { on, labels, group } = &self.matching;
        if *on || !labels.is_empty() || group.is_some() {
            write!(f, " {} ({})", if *on { "on" } else { "ignoring" }, labels.join(", "))?;
        }
        if let Some(Group { many_is_left, include }) = group {
            let word = if *many_is_left { "group_left" } else { "group_right" };
            write!(f, " {word} ({})", include.join(", "))?;
        }
        write!(f, " {}", Operand(&self.right))
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(At::End) => f.write_str(" @ end()")?,
            Some(At::Millis(t)) => {
                let sign = if t < 0 { "-" } else { "" };
                write!(f, " @ {sign}{}.{:03}", t.abs() / 1000, t.abs() % 1000)?;
            }
            Some(At::Start) => f.write_str(" @ start()")?,
            None => {}
        }
        if self.offset == 0 { Ok(()) } else { write!(f, " offset {}ms", self.offset) }
    }
}

/// A first matcher that asks for a name is written before the braces.
fn write_matchers(matchers: &[Matcher], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = matchers;
    if let [first, others @ ..] = matchers
        && (first.name(), first.op()) == ("__name__", MatchOp::Equal)
    {
        f.write_str(first.value())?;
        rest = others;
    }
    if rest.is_empty() {
        return Ok(());
    }
    let texts: Vec<String> = rest
        .iter()
        .map(|m| {
            let op = match m.op() {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Regex => "=~",
                MatchOp::NotRegex => "!~",
            };
            format!("{}{op}{:?}", m.name(), m.value())
        })
        .collect();
    write!(f, "{{{}}}", texts.join(", "))
}
