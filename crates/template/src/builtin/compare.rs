//! `eq`, `ne`, `lt`, `le`, `gt` and `ge`: only values of the same kind compare.

use std::rc::Rc;

use crate::function::CallError;
use crate::print::sprint;
use crate::value::Value;

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
    let shown =
        |value: &Value| String::from_utf8_lossy(&sprint(std::slice::from_ref(value))).into_owned();
    match (first, other) {
        (Value::Pointer(a), Value::Pointer(b)) => Ok(Rc::ptr_eq(a, b)),
        (Value::Struct(a), Value::Struct(b)) => {
            let same_text = a.text().is_some() && a.text() == b.text();
            Ok(a.type_name() == b.type_name() && (Rc::ptr_eq(a, b) || same_text))
        }
        (Value::List(_) | Value::Map(_), Value::List(_) | Value::Map(_)) => Err(CallError::new(
            format!("non-comparable type {}: {}", shown(other), other.type_name()),
        )),
        (a, b) => Err(CallError::new(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(a),
            a.type_name(),
            b.type_name(),
            shown(b)
        ))),
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
