//! Fields, methods, functions and their arguments.

use super::{Context, Place, State};
use crate::builtin;
use crate::error::{Error, ErrorKind};
use crate::function::{CallError, Signature, Type};
use crate::html::TMPL;
use crate::literal::Number;
use crate::node::{Operand, Term};
use crate::value::Value;

impl<'t> State<'t> {
    /// `receiver.A.B`; the last may be a method and takes the arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Value,
        mut receiver: Value,
        operand: &'t Operand,
        names: &'t [String],
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let (name, before) = names.split_last().ok_or_else(|| self.error("no field"))?;
        for name in before {
            receiver = self.field(dot, operand, receiver, name, &[], None)?;
        }
        self.field(dot, operand, receiver, name, args, last)
    }

    fn field(
        &mut self,
        dot: &Value,
        operand: &'t Operand,
        receiver: Value,
        name: &'t str,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        if matches!(receiver, Value::Nil) {
            return Ok(Value::Nil);
        }
        let has_args = !args.is_empty() || last.is_some();
        let target = receiver.pointee();
        if let Some(signature) = builtin::method(target, name) {
            let args = self.arguments(dot, name, signature, args, last)?;
            let result = builtin::call_method(target, name, &args);
            return self.called(operand, name, result);
        }
        match target {
            Value::Struct(inner) => match inner.field(name) {
                Some(_) if has_args => Err(self
                    .error(format_args!("{name} has arguments but cannot be invoked as function"))),
                Some(value) => Ok(value),
                None => Err(self.no_field(name, &receiver)),
            },
            Value::Map(_) if has_args => {
                Err(self.error(format_args!("{name} is not a method but has arguments")))
            }
            Value::Map(map) => {
                Ok(map.get(name.as_bytes()).unwrap_or_else(|| map.missing()).clone())
            }
            Value::NilPointer(_) | Value::Any(None) => {
                let type_name = receiver.type_name();
                Err(self.error(format_args!("nil pointer evaluating {type_name}.{name}")))
            }
            _ => Err(self.no_field(name, &receiver)),
        }
    }

    #[cold]
    fn no_field(&self, name: &str, receiver: &Value) -> Error {
        let type_name = receiver.type_name();
        self.error(format_args!("can't evaluate field {name} in type {type_name}"))
    }

    fn called(
        &mut self,
        operand: &'t Operand,
        name: &str,
        result: Result<Value, CallError>,
    ) -> Result<Value, Error> {
        self.finish_call(
            Place { source: self.source, pos: operand.pos, context: Context::Operand(operand) },
            name,
            result,
        )
    }

    pub(super) fn finish_call(
        &mut self,
        blame: Place<'t>,
        name: &str,
        result: Result<Value, CallError>,
    ) -> Result<Value, Error> {
        match result {
            Ok(value) => {
                self.charge(value.weight())?;
                Ok(value)
            }
            Err(error) => {
                self.place = blame;
                let kind = if error.is_limit() { ErrorKind::Limit } else { ErrorKind::Execution };
                Err(self.error_of(kind, format_args!("error calling {name}: {error}")))
            }
        }
    }

    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &'t str,
        blame: Place<'t>,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        let functions = self.functions;
        if let (Some(space), "tmpl") = (self.space, name) {
            let args = self.arguments(dot, name, TMPL, args, last)?;
            let result = self.call_by_name(space, &args);
            return self.finish_call(blame, name, result);
        }
        if let Some(signature) = functions.signature(name) {
            let args = self.arguments(dot, name, signature, args, last)?;
            return self.finish_call(blame, name, functions.call(name, &args));
        }
        let Some(signature) = builtin::signature(name) else {
            let name = skopos_core::text::Quoted(name);
            return Err(self.error(format_args!("{name} is not a defined function")));
        };
        if matches!(name, "and" | "or") {
            return self.short_circuit(dot, name, signature, args, last);
        }
        let callee = args.first().map(ToString::to_string);
        let args = self.arguments(dot, name, signature, args, last)?;
        let room = self.limits.output_bytes;
        let result = match name {
            "call" => Err(builtin::call(callee.as_deref(), &args)),
            _ => builtin::call_function(name, &args, room),
        };
        self.finish_call(blame, name, result)
    }

    /// `and` and `or`: arguments are evaluated until one decides.
    fn short_circuit(
        &mut self,
        dot: &Value,
        name: &str,
        signature: Signature,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        self.check_count(name, signature, args.len(), last.is_some())?;
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(dot, Type::Any, arg)?;
            if value.is_true() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn check_count(
        &self,
        name: &str,
        signature: Signature,
        given: usize,
        piped: bool,
    ) -> Result<(), Error> {
        let count = given + usize::from(piped);
        let wanted = signature.fixed.len();
        if signature.rest.is_some() && count < wanted {
            return Err(self.error(format_args!(
                "wrong number of args for {name}: want at least {wanted} got {given}"
            )));
        }
        if signature.rest.is_none() && count != wanted {
            return Err(self.error(format_args!(
                "wrong number of args for {name}: want {wanted} got {count}"
            )));
        }
        if signature.results != 1 {
            let results = signature.results;
            return Err(self.error(format_args!(
                "function {name} has {results} return values; should be 1 or 2"
            )));
        }
        Ok(())
    }

    /// The arguments of a call, checked against what it takes.
    pub(super) fn arguments(
        &mut self,
        dot: &Value,
        name: &str,
        signature: Signature,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Vec<Value>, Error> {
        self.check_count(name, signature, args.len(), last.is_some())?;
        let mut values = Vec::with_capacity(args.len() + 1);
        for (i, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, signature.at(i), arg)?);
        }
        if let Some(last) = last {
            values.push(self.checked(last, signature.at(args.len()))?);
        }
        let weight = values.iter().map(Value::weight).sum();
        self.charge(weight)?;
        Ok(values)
    }

    /// Evaluates an argument for a parameter of a type.
    pub(super) fn argument(
        &mut self,
        dot: &Value,
        wanted: Type,
        arg: &'t Operand,
    ) -> Result<Value, Error> {
        self.step()?;
        self.at_operand(arg);
        let value = match &arg.term {
            Term::Dot => dot.clone(),
            Term::Nil => {
                return wanted.nil().ok_or_else(|| {
                    self.error(format_args!("cannot assign nil to {}", wanted.name()))
                });
            }
            Term::Field(names) => self.fields(dot, dot.clone(), arg, names, &[], None)?,
            Term::Variable(names) => self.variable_chain(dot, arg, names, &[], None)?,
            Term::Pipe(pipe) => self.nested(|state| state.pipeline(dot, pipe))?,
            Term::Function(name) => {
                let context = Context::Operand(arg);
                let blame = Place { source: self.source, pos: arg.pos, context };
                self.nested(|state| state.function(dot, name, blame, &[], None))?
            }
            Term::Chain(inner, names) => {
                self.nested(|state| state.chain(dot, arg, inner, names, &[], None))?
            }
            _ => return self.literal(wanted, arg),
        };
        self.checked(value, wanted)
    }

    /// A literal as a value of the type that is wanted.
    fn literal(&mut self, wanted: Type, arg: &'t Operand) -> Result<Value, Error> {
        let expected = match (wanted, &arg.term) {
            (Type::Any, _) => return self.constant(arg),
            (Type::Bool, Term::Bool(value)) => return Ok(Value::Bool(*value)),
            (Type::Text, Term::String { .. }) => return self.constant(arg),
            (Type::Int(int_type), Term::Number(number)) => match number.int {
                Some(int) if !int_type.is_unsigned() => return Ok(Value::Int(int, int_type)),
                Some(int) if number.is_unsigned => return Ok(Value::Int(int, int_type)),
                _ => "integer",
            },
            (Type::Float, Term::Number(Number { float: Some(float), .. })) => {
                return Ok(Value::Float(*float));
            }
            (Type::Bool, _) => "bool",
            (Type::Text, _) => "string",
            (Type::Int(_), _) => "integer",
            (Type::Float, _) => "float",
            (Type::List(name) | Type::Named(name), _) => {
                return Err(self.error(format_args!("can't handle {arg} for arg of type {name}")));
            }
        };
        Err(self.error(format_args!("expected {expected}; found {arg}")))
    }

    /// A value that fits the type that is wanted.
    fn checked(&self, value: Value, wanted: Type) -> Result<Value, Error> {
        if wanted == Type::Any {
            return Ok(value.unwrapped());
        }
        let name = wanted.name();
        if matches!(value, Value::Nil) {
            return wanted
                .nil()
                .ok_or_else(|| self.error(format_args!("invalid value; expected {name}")));
        }
        let given = value.type_name().into_owned();
        let value = match value {
            Value::Any(Some(_)) => value.unwrapped(),
            value => value,
        };
        if value.type_name() == name {
            return Ok(value);
        }
        match value {
            Value::Pointer(pointee) if pointee.type_name() == name => Ok((*pointee).clone()),
            value => {
                let shown =
                    if given == "interface {}" { value.type_name().into_owned() } else { given };
                Err(self.error(format_args!("wrong type for value; expected {name}; got {shown}")))
            }
        }
    }
}
