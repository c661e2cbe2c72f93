//! What only HTML templates do: escaping values, and templates that are called by a computed name.

use super::{Context, Place, State};
use crate::error::{Error, ErrorKind};
use crate::function::{CallError, Signature, Type};
use crate::html::{Escaper, Space};
use crate::node::Operand;
use crate::value::{Text, Value};

/// How many levels a template that is called by name counts for, since more goes onto the stack.
const LEVELS: usize = 4;

impl<'t> State<'t> {
    /// Calls what escaping added to a pipeline.
    pub(super) fn escape(
        &mut self,
        dot: &Value,
        escaper: Escaper,
        operand: &'t Operand,
        args: &'t [Operand],
        last: Option<Value>,
    ) -> Result<Value, Error> {
        const ANY: Signature = Signature::variadic(&[], Type::Any);
        let args = self.arguments(dot, escaper.name(), ANY, args, last)?;
        let blame =
            Place { source: self.source, pos: operand.pos, context: Context::Operand(operand) };
        let room = self.limits.output_bytes;
        self.finish_call(blame, escaper.name(), escaper.call(&args, room))
    }

    /// The output of a template by its name, which is safe as HTML.
    pub(super) fn call_by_name(
        &mut self,
        space: &Space,
        args: &[Value],
    ) -> Result<Value, CallError> {
        let [Value::Text(name), data] = args else { return Ok(Value::from("")) };
        let told = |error: Error| match error.kind() {
            ErrorKind::Limit => CallError::limit(error.to_string()),
            _ => CallError::new(error.to_string()),
        };
        if super::MAX_DEPTH < self.depth + LEVELS {
            let message = format!("exceeded maximum template depth ({})", super::MAX_DEPTH);
            return Err(CallError::limit(message));
        }
        let trees = space.escaped(&name.to_str(), self.limits).map_err(told)?;
        let Some((name, tree)) = trees.get_key_value(&*name.to_str()) else {
            return Ok(Value::from(""));
        };
        let mut inner = State {
            trees: &trees,
            space: Some(space),
            limits: self.limits,
            functions: self.functions,
            out: Vec::new(),
            current: name,
            source: &tree.source,
            place: Place { source: &tree.source, pos: 0, context: Context::Template(name) },
            variables: vec![("$", data.clone())],
            depth: self.depth + LEVELS,
            steps: self.steps,
            bytes: self.bytes,
        };
        let result = inner.walk_list(data, &tree.list);
        (self.steps, self.bytes) = (inner.steps, inner.bytes);
        result.map_err(told)?;
        Ok(Value::Text(Text::new(inner.out).safe_html()))
    }
}
