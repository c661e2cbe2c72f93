//! `eq`, `ne`, `lt`, `le`, `gt` and `ge`: only values of the same kind compare.

use std::rc::Rc;

use crate::function::CallError;
use crate::print::sprintf_within;
use crate::value::Value;

/// How long the values in a message may be in print.
const LONGEST_MESSAGE: usize = 1 << 20;

/// What decides whether two values compare.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Complex,
    Float,
    Int,
    None,
    Text,
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Complex(..) => Kind::Complex,
        Value::Float(_) => Kind::Float,
        Value::Int(..) => Kind::Int,
        Value::Text(_) => Kind::Text,
        _ => Kind::None,
    }
}

/// Compares as the function `name` does.
pub(super) fn compare(name: &str, args: &[Value]) -> Result<bool, CallError> {
    match (name, args) {
        ("eq", [first, others @ ..]) => equal(first, others),
        ("ne", [first, others @ ..]) => Ok(!equal(first, others)?),
        ("lt", [first, second]) => less(first, second),
        ("le", [first, second]) => less_or_equal(first, second),
        ("gt", [first, second]) => Ok(!less_or_equal(first, second)?),
        ("ge", [first, second]) => Ok(!less(first, second)?),
        _ => Err(CallError::new("missing argument for comparison")),
    }
}

#[cold]
fn incompatible(first: &Value, second: &Value) -> CallError {
    let (first, second) = (first.type_name(), second.type_name());
    CallError::new(format!("incompatible types for comparison: {first} and {second}"))
}

/// Whether `first` equals one of the others.
fn equal(first: &Value, others: &[Value]) -> Result<bool, CallError> {
    if others.is_empty() {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in others {
        let same = match (first, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
            (Value::Float(a), Value::Float(b)) => a == b,
            (Value::Int(a, _), Value::Int(b, _)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (a, b) if kind(a) != kind(b) => {
                if !matches!(a, Value::Nil) && !matches!(b, Value::Nil) {
                    return Err(incompatible(a, b));
                }
                false
            }
            (a, b) => same_thing(a, b)?,
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Equality of what has no order: nothing equals nothing, pointers and structs themselves.
fn same_thing(first: &Value, other: &Value) -> Result<bool, CallError> {
    if first.is_nil() || other.is_nil() {
        return Ok(first.is_nil() == other.is_nil());
    }
    match (first, other) {
        (Value::Pointer(a), Value::Pointer(b)) => Ok(Rc::ptr_eq(a, b)),
        (Value::Struct(a), Value::Struct(b)) if is_comparable(other) => {
            let same_text = a.text().is_some() && a.text() == b.text();
            Ok(a.type_name() == b.type_name() && (Rc::ptr_eq(a, b) || same_text))
        }
        (Value::List(_), Value::List(_))
        | (Value::Map(_), Value::Map(_))
        | (Value::Struct(_), Value::Struct(_)) => Err(CallError::new(format!(
            "non-comparable type {}: {}",
            as_text(other),
            other.type_name()
        ))),
        (a, b) => Err(CallError::new(format!(
            "non-comparable types {}: {}, {}: {}",
            as_text(a),
            a.type_name(),
            b.type_name(),
            b.to_text()
        ))),
    }
}

/// A value as the verb `%s` shows it.
fn as_text(value: &Value) -> String {
    let printed = sprintf_within(b"%s", std::slice::from_ref(value), LONGEST_MESSAGE);
    String::from_utf8_lossy(&printed).into_owned()
}

/// Whether values of its type can be compared: not if there are lists or maps in it.
fn is_comparable(value: &Value) -> bool {
    match value {
        Value::List(_) | Value::Map(_) => false,
        Value::Struct(inner) => inner.fields().iter().all(|(_, field)| is_comparable(field)),
        _ => true,
    }
}

fn less(first: &Value, second: &Value) -> Result<bool, CallError> {
    let bad_type = || CallError::new("invalid type for comparison");
    match (kind(first), kind(second)) {
        (Kind::None, _) | (_, Kind::None) => return Err(bad_type()),
        (a, b) if a != b => return Err(incompatible(first, second)),
        _ => {}
    }
    match (first, second) {
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Int(a, _), Value::Int(b, _)) => Ok(a < b),
        (Value::Text(a), Value::Text(b)) => Ok(a < b),
        _ => Err(bad_type()),
    }
}

fn less_or_equal(first: &Value, second: &Value) -> Result<bool, CallError> {
    Ok(less(first, second)? || equal(first, std::slice::from_ref(second))?)
}
