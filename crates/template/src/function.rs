//! What functions and methods take, and who provides functions.

use std::borrow::Cow;
use std::fmt;

use crate::value::{IntType, List, Value};

/// A failure of a function, in words that appear after `error calling NAME: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    message: String,
    limit: bool,
}

impl CallError {
    /// A failure with a message.
    #[cold]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), limit: false }
    }

    /// A failure because a limit would be exceeded.
    #[cold]
    pub fn limit(message: impl Into<String>) -> Self {
        Self { message: message.into(), limit: true }
    }

    /// Whether a limit would be exceeded.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        self.limit
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// A value of any type; constants take their usual type.
    Any,
    /// A truth value.
    Bool,
    /// An integer of a type.
    Int(IntType),
    /// A float.
    Float,
    /// A text.
    Text,
    /// A list type of a host, by its name.
    List(&'static str),
    /// A struct type of a host or a pointer to one, by its name.
    Named(&'static str),
}

impl Type {
    /// The type's name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int(int_type) => int_type.name(),
            Self::Float => "float64",
            Self::Text => "string",
            Self::List(name) | Self::Named(name) => name,
        }
    }

    /// The value of the type that `nil` stands for, if it can.
    pub(crate) fn nil(self) -> Option<Value> {
        match self {
            Self::Any => Some(Value::Nil),
            Self::List(name) => Some(Value::List(List::nil(name))),
            Self::Named(name) if name.starts_with('*') => Some(Value::NilPointer(name)),
            _ => None,
        }
    }
}

/// What a function or a method takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub(crate) fixed: &'static [Type],
    pub(crate) rest: Option<Type>,
    /// How many results it has; templates can only use one.
    pub(crate) results: usize,
}

impl Signature {
    /// Exactly the `fixed` parameters.
    #[must_use]
    pub const fn fixed(fixed: &'static [Type]) -> Self {
        Self { fixed, rest: None, results: 1 }
    }

    /// The `fixed` parameters and any number of the type `rest`.
    #[must_use]
    pub const fn variadic(fixed: &'static [Type], rest: Type) -> Self {
        Self { fixed, rest: Some(rest), results: 1 }
    }

    /// A method that templates cannot use, because it has several results.
    pub(crate) const fn with_results(self, results: usize) -> Self {
        Self { results, ..self }
    }

    /// The type of the parameter at `index`.
    pub(crate) fn at(&self, index: usize) -> Type {
        self.fixed.get(index).copied().or(self.rest).unwrap_or(Type::Any)
    }
}

/// Who provides functions beyond the built-in ones.
///
/// # Laws
///
/// `call` is only asked for functions that `signature` names, with arguments that fit.
pub trait Functions {
    /// What the function `name` takes, if there is such a function.
    fn signature(&self, name: &str) -> Option<Signature>;

    /// Calls the function `name`.
    ///
    /// # Errors
    ///
    /// Why it failed; the message appears after `error calling NAME: `.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError>;
}

/// No functions but the built-in ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFunctions;

impl Functions for NoFunctions {
    fn signature(&self, _name: &str) -> Option<Signature> {
        None
    }

    fn call(&self, name: &str, _args: &[Value]) -> Result<Value, CallError> {
        Err(CallError::new(format!("{name} is not a function")))
    }
}

/// The text of an argument that is one.
pub(crate) fn text(args: &[Value], index: usize) -> Cow<'_, str> {
    match args.get(index) {
        Some(Value::Text(text)) => text.to_str(),
        _ => Cow::Borrowed(""),
    }
}
