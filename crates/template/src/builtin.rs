//! The functions that every template has, and the methods of the types of this crate.

use crate::function::{CallError, Signature, Type};
use crate::print::{sprint_within, sprintf_within, sprintln_within, text_of};
use crate::value::{IntType, Text, Value};

mod compare;
mod escape;

pub(crate) use self::escape::query_escape;

/// What the built-in function `name` takes.
pub(crate) fn signature(name: &str) -> Option<Signature> {
    const ONE: &[Type] = &[Type::Any];
    Some(match name {
        "and" | "or" | "call" | "eq" | "index" | "slice" => Signature::variadic(ONE, Type::Any),
        "html" | "js" | "urlquery" | "print" | "println" => Signature::variadic(&[], Type::Any),
        "printf" => Signature::variadic(&[Type::Text], Type::Any),
        "len" | "not" => Signature::fixed(ONE),
        "ne" | "lt" | "le" | "gt" | "ge" => Signature::fixed(&[Type::Any, Type::Any]),
        _ => return None,
    })
}

/// Calls a built-in function whose result may be `room` bytes long.
pub(crate) fn call_function(name: &str, args: &[Value], room: usize) -> Result<Value, CallError> {
    let bytes = match name {
        "print" => sprint_within(args, room),
        "println" => sprintln_within(args, room),
        "printf" => {
            let format = match args.first() {
                Some(Value::Text(format)) => format.as_bytes(),
                _ => b"",
            };
            sprintf_within(format, args.get(1..).unwrap_or_default(), room)
        }
        "html" => escape::html(&joined(args, room)),
        "js" => escape::javascript(&joined(args, room)),
        "urlquery" => query_escape(&joined(args, room)).into_bytes(),
        "index" => return index(args),
        "slice" => return slice(args),
        "len" => return length(&args[0]),
        "not" => return Ok(Value::Bool(!args[0].is_true())),
        _ => return compare::compare(name, args).map(Value::Bool),
    };
    if bytes.len() > room {
        return Err(CallError::limit(format!("result exceeds {room} bytes")));
    }
    Ok(Value::Text(Text::new(bytes)))
}

/// What `call` says: there are no functions among the values.
pub(crate) fn call(callee: Option<&str>, args: &[Value]) -> CallError {
    match args.first() {
        None | Some(Value::Nil) => CallError::new("call of nil"),
        Some(value) => {
            let type_name = value.type_name();
            let piped = match value {
                Value::Text(text) => text.to_str().into_owned(),
                _ => format!("<{type_name} Value>"),
            };
            let callee = callee.unwrap_or(&piped);
            CallError::new(format!("non-function {callee} of type {type_name}"))
        }
    }
}

/// The value that is printed in place of `value`.
pub(crate) fn printable(value: &Value) -> Value {
    match value {
        Value::Nil | Value::Any(None) => Value::from("<no value>"),
        Value::Pointer(pointee) => printable(pointee),
        Value::Any(Some(inner)) => inner.as_ref().clone(),
        value => value.clone(),
    }
}

/// The arguments printed after one another, or the one text as it is.
fn joined(args: &[Value], room: usize) -> Vec<u8> {
    match args {
        [Value::Text(text)] => text.as_bytes().to_vec(),
        _ => sprint_within(&args.iter().map(printable).collect::<Vec<_>>(), room),
    }
}

fn index(args: &[Value]) -> Result<Value, CallError> {
    let mut item = args[0].clone();
    if matches!(item, Value::Nil) {
        return Err(CallError::new("index of untyped nil"));
    }
    for index in &args[1..] {
        item = match item.pointee() {
            Value::NilPointer(_) | Value::Any(None) => {
                return Err(CallError::new("index of nil pointer"));
            }
            Value::List(list) => {
                let at = position(index, list.items().len())?;
                let missing = || CallError::new("reflect: slice index out of range");
                list.items().get(at).cloned().ok_or_else(missing)?
            }
            Value::Text(text) => {
                let at = position(index, text.as_bytes().len())?;
                let missing = || CallError::new("reflect: string index out of range");
                let byte = text.as_bytes().get(at).ok_or_else(missing)?;
                Value::Int(i64::from(*byte), IntType::Uint8)
            }
            Value::Map(map) => match index {
                Value::Text(key) => {
                    map.get(key.as_bytes()).unwrap_or_else(|| map.missing()).clone()
                }
                Value::Nil => return Err(CallError::new("value is nil; should be of type string")),
                other => {
                    let type_name = other.type_name();
                    let message = format!("value has type {type_name}; should be string");
                    return Err(CallError::new(message));
                }
            },
            other => {
                let message = format!("can't index item of type {}", other.type_name());
                return Err(CallError::new(message));
            }
        };
    }
    Ok(item)
}

fn position(index: &Value, length: usize) -> Result<usize, CallError> {
    match index {
        Value::Int(int, _) => match usize::try_from(*int) {
            Ok(at) if at <= length => Ok(at),
            _ => Err(CallError::new(format!("index out of range: {int}"))),
        },
        Value::Nil => Err(CallError::new("cannot index slice/array with nil")),
        other => {
            let message = format!("cannot index slice/array with type {}", other.type_name());
            Err(CallError::new(message))
        }
    }
}

fn slice(args: &[Value]) -> Result<Value, CallError> {
    let (item, indexes) = (args[0].pointee(), &args[1..]);
    let length = match item {
        Value::Nil => return Err(CallError::new("slice of untyped nil")),
        Value::NilPointer(_) | Value::Any(None) => {
            return Err(CallError::new("slice of nil pointer"));
        }
        _ if indexes.len() > 3 => {
            return Err(CallError::new(format!("too many slice indexes: {}", indexes.len())));
        }
        Value::Text(_) if indexes.len() == 3 => {
            return Err(CallError::new("cannot 3-index slice a string"));
        }
        Value::Text(text) => text.as_bytes().len(),
        Value::List(list) => list.items().len(),
        other => {
            let message = format!("can't slice item of type {}", other.type_name());
            return Err(CallError::new(message));
        }
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = position(index, length)?;
    }
    for pair in [(0, 1), (1, 2)] {
        let (low, high) = (bounds[pair.0], bounds[pair.1]);
        if low > high {
            return Err(CallError::new(format!("invalid slice index: {low} > {high}")));
        }
    }
    Ok(match item {
        Value::List(list) => Value::List(list.slice(bounds[0], bounds[1])),
        Value::Text(text) => Value::Text(Text::new(&text.as_bytes()[bounds[0]..bounds[1]])),
        _ => Value::Nil,
    })
}

fn length(value: &Value) -> Result<Value, CallError> {
    let length = match value.pointee() {
        Value::Text(text) => text.as_bytes().len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Nil => {
            return Err(CallError::new("reflect: call of reflect.Value.Type on zero Value"));
        }
        Value::NilPointer(_) | Value::Any(None) => {
            return Err(CallError::new("len of nil pointer"));
        }
        other => return Err(CallError::new(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

/// What the method `name` of a value takes, if it has that method.
pub(crate) fn method(value: &Value, name: &str) -> Option<Signature> {
    match value {
        Value::Struct(inner) => match inner.method(name) {
            Some(signature) => Some(signature),
            None => (name == "String" && inner.text().is_some()).then_some(Signature::fixed(&[])),
        },
        Value::Int(_, IntType::Duration) => crate::time::duration_method(name),
        Value::Int(int, int_type) if name == "String" => {
            int_type.text(*int).map(|_| Signature::fixed(&[]))
        }
        _ => None,
    }
}

/// Calls a method that [`method`] found.
pub(crate) fn call_method(value: &Value, name: &str, args: &[Value]) -> Result<Value, CallError> {
    match value {
        Value::Struct(inner) if inner.method(name).is_some() => inner.call(name, args),
        Value::Int(nanos, IntType::Duration) if name != "String" => {
            crate::time::call_duration_method(*nanos, name, args)
        }
        value => Ok(Value::from(text_of(value).unwrap_or_default())),
    }
}
