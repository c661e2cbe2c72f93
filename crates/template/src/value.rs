//! The values that templates compute with, and the types of Go that error messages name.
//!
//! A host adds its own types through [`Struct`]: fields, methods and a text form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::function::{CallError, Signature};

/// How deep values may contain values.
const MAX_DEPTH: u32 = 50;

/// How long the printed form of a value may be where nobody set a limit: values share what is in
/// them, so that a small one can print long.
const LONGEST_TEXT: usize = 1 << 20;

/// A value of a template.
///
/// ```
/// use skopos_template::Value;
///
/// assert_eq!(Value::from("a").type_name(), "string");
/// assert_eq!(Value::from(1.5).type_name(), "float64");
/// assert!(Value::from("a").is_true() && !Value::from("").is_true());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: Go's untyped `nil`.
    Nil,
    /// A truth value.
    Bool(bool),
    /// An integer of some type.
    Int(i64, IntType),
    /// A float.
    Float(f64),
    /// A complex number: its real and its imaginary part.
    Complex(f64, f64),
    /// A text.
    Text(Text),
    /// A list.
    List(List),
    /// A map.
    Map(Map),
    /// A value with fields and methods.
    Struct(Rc<dyn Struct>),
    /// A pointer to a value.
    Pointer(Rc<Value>),
    /// A pointer to nothing; the type that it is of.
    NilPointer(&'static str),
    /// What is in a place that takes values of any type (Go's `interface {}`).
    Any(Option<Rc<Value>>),
}

/// The integer types that occur, with their names in Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IntType {
    /// `int`
    Int,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `uint8`
    Uint8,
    /// `uint32`
    Uint32,
    /// `time.Duration`, nanoseconds
    Duration,
    /// `time.Month`
    Month,
    /// `time.Weekday`
    Weekday,
    /// `histogram.CounterResetHint`
    ResetHint,
}

impl IntType {
    /// The type's name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
            Self::ResetHint => "histogram.CounterResetHint",
        }
    }

    /// Whether it has no negative values.
    #[must_use]
    pub fn is_unsigned(self) -> bool {
        matches!(self, Self::Uint8 | Self::Uint32 | Self::ResetHint)
    }

    /// The text form of `value`, for types that have one.
    pub(crate) fn text(self, value: i64) -> Option<String> {
        match self {
            Self::Duration => Some(crate::time::duration_text(value)),
            Self::Month => Some(crate::time::month_name(value)),
            Self::Weekday => Some(crate::time::weekday_name(value)),
            _ => None,
        }
    }
}

/// A text: bytes, nearly always UTF-8 (escapes and slicing can break it, as in Go).
#[derive(Clone)]
pub struct Text {
    bytes: Arc<[u8]>,
    safe: bool,
}

impl Text {
    /// A text of `bytes`.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { bytes: bytes.into(), safe: false }
    }

    /// The same text, declared to be safe as HTML (the type `template.HTML`).
    #[must_use]
    pub fn safe_html(self) -> Self {
        Self { safe: true, ..self }
    }

    /// Whether it is declared to be safe as HTML.
    #[must_use]
    pub fn is_safe_html(&self) -> bool {
        self.safe
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn to_str(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_str())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

/// A list of values of one type.
#[derive(Clone, Debug)]
pub struct List {
    type_name: &'static str,
    items: Option<Rc<[Value]>>,
    depth: u32,
}

impl List {
    /// A list; `type_name` is the type's name in Go, such as `[]float64`.
    ///
    /// # Errors
    ///
    /// If the values are nested too deeply.
    pub fn new(type_name: &'static str, items: Vec<Value>) -> Result<Self, CallError> {
        let depth = depth_over(items.iter())?;
        Ok(Self { type_name, items: Some(items.into()), depth })
    }

    /// A list that is `nil`.
    #[must_use]
    pub fn nil(type_name: &'static str) -> Self {
        Self { type_name, items: None, depth: 0 }
    }

    /// The type's name in Go.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The values.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        self.items.as_deref().unwrap_or_default()
    }

    /// Whether the list is `nil` and not merely empty.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.items.is_none()
    }

    pub(crate) fn slice(&self, from: usize, to: usize) -> Self {
        let items = self.items().get(from..to).map(Rc::from);
        Self { items, ..self.clone() }
    }
}

/// A map from texts to values of one type.
#[derive(Clone, Debug)]
pub struct Map {
    type_name: &'static str,
    missing: Rc<Value>,
    entries: Rc<BTreeMap<Text, Value>>,
    depth: u32,
}

impl Map {
    /// A map; `type_name` is the type's name in Go, such as `map[string]string`, and `missing` what
    /// an absent key gives: the zero value of the element type.
    ///
    /// # Errors
    ///
    /// If the values are nested too deeply.
    pub fn new(
        type_name: &'static str,
        missing: Value,
        entries: impl IntoIterator<Item = (Text, Value)>,
    ) -> Result<Self, CallError> {
        let entries: BTreeMap<Text, Value> = entries.into_iter().collect();
        let depth = depth_over(entries.values())?;
        Ok(Self { type_name, missing: Rc::new(missing), entries: Rc::new(entries), depth })
    }

    /// A map from text to text, of the type `map[string]string`.
    #[must_use]
    pub fn of_texts<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let entry = |(name, value): (&str, &str)| (Text::from(name), Value::from(value));
        let entries = pairs.into_iter().map(entry).collect();
        Self {
            type_name: "map[string]string",
            missing: Rc::new(Value::from("")),
            entries: Rc::new(entries),
            depth: 1,
        }
    }

    /// The type's name in Go.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The value of `key`, if it is there.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.entries.get(key)
    }

    /// What an absent key gives.
    #[must_use]
    pub fn missing(&self) -> &Value {
        &self.missing
    }

    /// Keys and values in the order of keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries.iter()
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl std::borrow::Borrow<[u8]> for Text {
    fn borrow(&self) -> &[u8] {
        &self.bytes
    }
}

/// Equality of bytes; safety does not count.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Text {}

/// The order of bytes.
impl Ord for Text {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn depth_over<'a>(values: impl Iterator<Item = &'a Value>) -> Result<u32, CallError> {
    match values.map(Value::depth).max().unwrap_or(0) + 1 {
        depth if depth > MAX_DEPTH => {
            Err(CallError::limit(format!("values are nested more than {MAX_DEPTH} deep")))
        }
        depth => Ok(depth),
    }
}

/// A value of a host's own type: its fields, its methods, its text form.
///
/// Only `type_name` is required; the defaults have no fields and no methods.
///
/// # Laws
///
/// A value gives the same answers at every call, and does not contain itself.
///
/// ```
/// use std::rc::Rc;
/// use skopos_template::{CallError, Limits, NoFunctions, Signature, Struct, Template, Type, Value};
///
/// #[derive(Debug)]
/// struct Alert;
///
/// impl Struct for Alert {
///     fn type_name(&self) -> &str {
///         "template.Alert"
///     }
///     fn fields(&self) -> Vec<(&'static str, Value)> {
///         vec![("Status", Value::from("firing"))]
///     }
///     fn method(&self, name: &str) -> Option<Signature> {
///         (name == "Is").then_some(Signature::fixed(&[Type::Text]))
///     }
///     fn call(&self, _name: &str, args: &[Value]) -> Result<Value, CallError> {
///         Ok(Value::from(args[0].to_text() == "firing"))
///     }
/// }
///
/// let text = "{{ .Status }} {{ .Is \"firing\" }}";
/// let template = Template::parse("t", text, &NoFunctions, &Limits::default())?;
/// let out = template.execute(&Value::Struct(Rc::new(Alert)), &NoFunctions)?;
/// assert_eq!(out, b"firing true");
/// # Ok::<(), skopos_template::Error>(())
/// ```
pub trait Struct: fmt::Debug + std::any::Any {
    /// The type's name in Go, such as `template.Alert`.
    fn type_name(&self) -> &str;

    /// The exported fields in order.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// One field; override it where making all fields is expensive.
    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The text form, for types that have one (Go's `String` method).
    fn text(&self) -> Option<String> {
        None
    }

    /// The text form in Go's syntax, for types that have one (Go's `GoString` method).
    fn go_text(&self) -> Option<String> {
        None
    }

    /// The JSON form, for types that have one of their own (Go's `MarshalJSON`); others are written by
    /// their fields. HTML templates write it where a script has a value.
    fn json(&self) -> Option<String> {
        None
    }

    /// What the method `name` takes, if there is such a method.
    fn method(&self, name: &str) -> Option<Signature> {
        let _ = name;
        None
    }

    /// Calls the method `name`, whose arguments fit its signature.
    ///
    /// # Errors
    ///
    /// Why it failed; the message appears after `error calling NAME: `.
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        let _ = args;
        Err(CallError::new(format!("{name} is not a method of {}", self.type_name())))
    }
}

impl Value {
    /// An integer of the type `int`.
    #[must_use]
    pub fn int(value: i64) -> Self {
        Self::Int(value, IntType::Int)
    }

    /// A pointer to a value of a host's type.
    #[must_use]
    pub fn pointer(value: impl Struct + 'static) -> Self {
        Self::Pointer(Rc::new(Self::Struct(Rc::new(value))))
    }

    /// The value in a place that takes any type.
    #[must_use]
    pub fn in_any(self) -> Self {
        match self {
            Self::Nil => Self::Any(None),
            Self::Any(_) => self,
            value => Self::Any(Some(Rc::new(value))),
        }
    }

    /// What is inside of a place that takes any type; otherwise the value itself.
    #[must_use]
    pub fn unwrapped(self) -> Self {
        match self {
            Self::Any(None) => Self::Nil,
            Self::Any(Some(value)) => Rc::unwrap_or_clone(value).unwrapped(),
            value => value,
        }
    }

    /// The type's name in Go.
    #[must_use]
    pub fn type_name(&self) -> Cow<'_, str> {
        match self {
            Self::Nil => "<nil>".into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_, int_type) => int_type.name().into(),
            Self::Float(_) => "float64".into(),
            Self::Complex(..) => "complex128".into(),
            Self::Text(text) if text.safe => "template.HTML".into(),
            Self::Text(_) => "string".into(),
            Self::List(list) => list.type_name.into(),
            Self::Map(map) => map.type_name.into(),
            Self::Struct(value) => value.type_name().into(),
            Self::Pointer(value) => format!("*{}", value.type_name()).into(),
            Self::NilPointer(name) => (*name).into(),
            Self::Any(_) => "interface {}".into(),
        }
    }

    /// Whether an `if` takes it for true: everything but nothing, zero and what is empty.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) | Self::Any(None) => false,
            Self::Bool(value) => *value,
            Self::Int(value, _) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Text(text) => !text.bytes.is_empty(),
            Self::List(list) => !list.items().is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Struct(_) | Self::Pointer(_) => true,
            Self::Any(Some(value)) => value.is_true(),
        }
    }

    /// The text of a text; of any other value, how it prints, cut off after a mebibyte.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.to_str().into_owned(),
            value => {
                let printed =
                    crate::print::sprint_within(std::slice::from_ref(value), LONGEST_TEXT);
                String::from_utf8_lossy(&printed).into_owned()
            }
        }
    }

    /// What a pointer points at, through however many.
    pub(crate) fn pointee(&self) -> &Self {
        match self {
            Self::Pointer(value) | Self::Any(Some(value)) => value.pointee(),
            value => value,
        }
    }

    /// Whether it is nothing, or the nothing of its type.
    pub(crate) fn is_nil(&self) -> bool {
        match self {
            Self::Nil | Self::NilPointer(_) | Self::Any(None) => true,
            Self::List(list) => list.is_nil(),
            _ => false,
        }
    }

    /// Bytes that a function may have to look at.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.bytes.len(),
            Self::List(list) => 16 * list.items().len(),
            Self::Map(map) => 16 * map.len(),
            Self::Pointer(value) | Self::Any(Some(value)) => value.weight(),
            _ => 1,
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Self::List(list) => list.depth,
            Self::Map(map) => map.depth,
            Self::Pointer(value) | Self::Any(Some(value)) => value.depth(),
            _ => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Text::from(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Text::new(text.into_bytes()))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}
