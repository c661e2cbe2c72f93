//! Walks the trees of templates and adds the escaping that each place needs.
//!
//! The context at a place follows from all text before it. A template that is called in several
//! contexts gets a copy for each, under a name that tells the context. Go's package does the same, down
//! to its guesses: where it takes a template to end in the context in which it begins, so do we.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use skopos_core::text::Quoted;

use super::context::{Context, Delim, Failure, Slash, State, UrlPart};
use super::escaper::Escaper;
use super::pipeline::{Step, escaped};
use super::text::escape_text;
use crate::error::{Error, ErrorKind};
use crate::limits::Limits;
use crate::node::{Branch, Call, List, Node, Operand, Pipe, Source, Term, Tree};
use crate::parser::Trees;

/// How deep templates and branches may nest.
const MAX_DEPTH: usize = 250;

/// Templates as they are while they are escaped, and what is known of them.
pub(super) struct Walk<'t> {
    trees: &'t Trees,
    limits: &'t Limits,
    /// What was found out, the innermost attempt last.
    layers: Vec<Layer>,
    /// The ranges around the place.
    ranges: Vec<RangeExits>,
    /// Where the template comes from that is walked.
    source: Arc<Source>,
    depth: usize,
    steps: u64,
    bytes: u64,
}

/// What one attempt found out.
#[derive(Default)]
pub(super) struct Layer {
    /// The contexts in which templates end.
    pub(super) outputs: BTreeMap<String, Context>,
    /// The templates as they are escaped.
    pub(super) escaped: Trees,
    called: BTreeSet<String>,
}

/// The contexts at the places that leave an iteration.
#[derive(Default)]
struct RangeExits {
    breaks: Vec<(Context, usize)>,
    continues: Vec<(Context, usize)>,
}

/// A context after nodes, and the nodes as they are escaped.
type Walked<T> = Result<(Context, T), Error>;

impl<'t> Walk<'t> {
    pub(super) fn new(
        trees: &'t Trees,
        outputs: BTreeMap<String, Context>,
        source: &Arc<Source>,
        limits: &'t Limits,
    ) -> Self {
        Self {
            trees,
            limits,
            layers: vec![Layer { outputs, ..Layer::default() }],
            ranges: Vec::new(),
            source: Arc::clone(source),
            depth: 0,
            steps: 0,
            bytes: 0,
        }
    }

    /// Escapes the template `name` as a document of its own, with all that it calls.
    pub(super) fn document(mut self, name: &str, tree: &Tree) -> Result<Layer, Error> {
        let (context, _) = self.template(Context::default(), name, tree.pos)?;
        if let Some(failure) = context.failure {
            return Err(failure.borrow().to_error(name));
        }
        if context.state != State::Text {
            let description = format!("ends in a non-text context: {context}");
            return Err(
                Failure { description, place: None, line: 0, is_limit: false }.to_error(name)
            );
        }
        Ok(self.layers.pop().unwrap_or_default())
    }

    #[cold]
    fn exceeded(&self, what: &str) -> Error {
        let message = format!("html/template:{}: exceeded maximum of {what}", self.source.name);
        Error::escape(ErrorKind::Limit, 1, None, message)
    }

    fn charge(&mut self, steps: u64, bytes: usize) -> Result<(), Error> {
        self.steps += steps;
        self.bytes += bytes as u64;
        if self.steps > self.limits.steps {
            return Err(self.exceeded(&format!("{} steps", self.limits.steps)));
        }
        if self.bytes > self.limits.work_bytes {
            return Err(self.exceeded(&format!("{} bytes of work", self.limits.work_bytes)));
        }
        Ok(())
    }

    /// An error that blames the node at `pos`.
    #[cold]
    fn blame(&self, pos: usize, description: String) -> Context {
        let (line, column) = self.source.place(pos);
        let place = Some((self.source.name.clone(), line, column));
        Context::failure(Failure { description, place, line: 0, is_limit: false })
    }

    fn list(&mut self, mut context: Context, list: &[Node]) -> Walked<List> {
        let mut out = List::with_capacity(list.len());
        for node in list {
            let (after, node) = self.node(context, node)?;
            context = after;
            out.push(node);
            if context.state == State::Dead {
                break;
            }
        }
        Ok((context, out))
    }

    fn node(&mut self, context: Context, node: &Node) -> Walked<Node> {
        match node {
            Node::Text(text) => {
                self.charge(1, text.len())?;
                let (context, written) = escape_text(context, text);
                let text = written.map_or_else(|| Arc::clone(text), Arc::from);
                Ok((context, Node::Text(text)))
            }
            Node::Action(pipe) => {
                self.charge(weight(pipe), 0)?;
                let (context, pipe) = self.action(context, pipe);
                Ok((context, Node::Action(pipe)))
            }
            Node::Break(pos) => Ok((self.leave(context, *pos, true), node.clone())),
            Node::Continue(pos) => Ok((self.leave(context, *pos, false), node.clone())),
            Node::If(branch) => {
                let (context, branch) = self.branch(context, branch, "if")?;
                Ok((context, Node::If(branch)))
            }
            Node::With(branch) => {
                let (context, branch) = self.branch(context, branch, "with")?;
                Ok((context, Node::With(branch)))
            }
            Node::Range(branch) => {
                let (context, branch) = self.branch(context, branch, "range")?;
                Ok((context, Node::Range(branch)))
            }
            Node::Template(call) => {
                self.charge(1 + call.pipe.as_ref().map_or(0, weight), 0)?;
                let (context, name) = self.template(context, &call.name, call.pos)?;
                Ok((context, Node::Template(Call { name, ..call.clone() })))
            }
        }
    }

    /// Notes the context in which an iteration is left.
    fn leave(&mut self, context: Context, pos: usize, is_break: bool) -> Context {
        if let Some(exits) = self.ranges.last_mut() {
            let exits = if is_break { &mut exits.breaks } else { &mut exits.continues };
            exits.push((context, pos));
        }
        Context::of(State::Dead)
    }

    fn action(&self, context: Context, pipe: &Pipe) -> (Context, Pipe) {
        if !pipe.declared.is_empty() {
            return (context, pipe.clone());
        }
        let mut context = context.nudged();
        for (i, command) in pipe.commands.iter().enumerate() {
            let Some(name) = Step::of(command).and_then(Step::predefined) else { continue };
            let is_unquoted = context.state == State::Attr && context.delim == Delim::SpaceOrTagEnd;
            if i + 1 < pipe.commands.len() || is_unquoted && name == "html" {
                let message = format!("predefined escaper \"{name}\" disallowed in template");
                return (self.blame(pipe.pos, message), pipe.clone());
            }
        }
        match steps_in(&mut context) {
            Some(steps) if context.is_error() || steps.is_empty() => (context, pipe.clone()),
            Some(steps) => (context, escaped(pipe, steps)),
            None => {
                let message =
                    format!("{{{{{pipe}}}}} appears in an ambiguous context within a URL");
                (self.blame(pipe.pos, message), pipe.clone())
            }
        }
    }

    fn branch(&mut self, context: Context, branch: &Branch, word: &str) -> Walked<Branch> {
        self.charge(weight(&branch.pipe), 0)?;
        let pos = branch.pipe.pos;
        self.nested(|walk| {
            let (after, list) = if word == "range" {
                walk.range(context.clone(), branch)?
            } else {
                walk.list(context.clone(), &branch.list)?
            };
            let pipe = branch.pipe.clone();
            if word == "range" && after.is_error() {
                return Ok((after, Branch { pipe, list, otherwise: branch.otherwise.clone() }));
            }
            let (otherwise_after, otherwise) = walk.list(context, &branch.otherwise)?;
            let after = walk.join(after, otherwise_after, pos, word);
            Ok((after, Branch { pipe, list, otherwise }))
        })
    }

    /// The body of a range: it must lead to the same context however often it is run.
    fn range(&mut self, context: Context, branch: &Branch) -> Walked<List> {
        let pos = branch.pipe.pos;
        self.ranges.push(RangeExits::default());
        let (mut after, list) = self.list(context, &branch.list)?;
        let exits = self.ranges.pop().unwrap_or_default();
        if !after.is_error() {
            after = self.join_exits(after, exits);
        }
        if after.is_error() {
            return Ok((after, list));
        }
        self.ranges.push(RangeExits::default());
        self.layers.push(Layer::default());
        let (again, _) = self.list(after.clone(), &branch.list)?;
        self.layers.pop();
        let exits = self.ranges.pop().unwrap_or_default();
        after = self.join(after, again, pos, "range");
        if let Some(failure) = &after.failure {
            failure.borrow_mut().in_loop(self.source.place(pos).0, "on range loop re-entry");
            return Ok((after, list));
        }
        Ok((self.join_exits(after, exits), list))
    }

    /// Where iterations are left, the context must be that of their end.
    fn join_exits(&self, mut after: Context, exits: RangeExits) -> Context {
        for (contexts, word) in
            [(exits.breaks, "at range loop break"), (exits.continues, "at range loop continue")]
        {
            for (context, pos) in contexts {
                after = self.join(after, context, pos, "range");
                if let Some(failure) = &after.failure {
                    failure.borrow_mut().in_loop(self.source.place(pos).0, word);
                    return after;
                }
            }
        }
        after
    }

    /// The context after two ways; an error where they lead to different places.
    fn join(&self, first: Context, second: Context, pos: usize, word: &str) -> Context {
        if first.is_error() {
            return first;
        }
        if second.is_error() || first.state == State::Dead {
            return second;
        }
        if second.state == State::Dead || first.is_like(&second) {
            return first;
        }
        let same_part = Context { url_part: second.url_part, ..first.clone() };
        if same_part.is_like(&second) {
            return Context { url_part: UrlPart::Unknown, ..same_part };
        }
        let same_slash = Context { slash: second.slash, ..first.clone() };
        if same_slash.is_like(&second) {
            return Context { slash: Slash::Unknown, ..same_slash };
        }
        let (nudged_first, nudged_second) = (first.nudged(), second.nudged());
        if !(nudged_first.is_like(&first) && nudged_second.is_like(&second)) {
            let joined = self.join(nudged_first, nudged_second, pos, word);
            if !joined.is_error() {
                return joined;
            }
        }
        let message =
            format!("{{{{{word}}}}} branches end in different contexts: {first}, {second}");
        self.blame(pos, message)
    }

    /// The context after a call of a template, and the name of the copy that is called.
    fn template(&mut self, context: Context, name: &str, pos: usize) -> Walked<String> {
        let derived = context.mangle(name);
        if let Some(layer) = self.layers.last_mut() {
            layer.called.insert(derived.clone());
        }
        let known = self.layers.iter().rev().find_map(|layer| layer.outputs.get(&derived));
        if let Some(output) = known {
            return Ok((output.clone(), derived));
        }
        let trees = self.trees;
        let Some(tree) = trees.get(name) else {
            let message = format!("no such template {}", Quoted(name));
            return Ok((self.blame(pos, message), derived));
        };
        let tree = trees.get(&derived).unwrap_or(tree);
        let context = self.nested(|walk| walk.output_of(context, &derived, tree))?;
        Ok((context, derived))
    }

    /// The context in which a template ends. If it calls itself, that is a guess that must come true.
    fn output_of(
        &mut self,
        context: Context,
        name: &str,
        tree: &Arc<Tree>,
    ) -> Result<Context, Error> {
        let (guess, came_true) = self.body(context, name, tree)?;
        if came_true {
            return Ok(guess);
        }
        let (second, came_true) = self.body(guess.clone(), name, tree)?;
        if came_true {
            return Ok(second);
        }
        if guess.is_error() {
            return Ok(guess);
        }
        let (line, column) = tree.source.place(tree.pos);
        let place = Some((tree.source.name.clone(), line, column));
        let description = format!("cannot compute output context for template {name}");
        Ok(Context::failure(Failure { description, place, line: 0, is_limit: false }))
    }

    /// The context after the body if the template ends as it begins, and whether that may be so.
    fn body(
        &mut self,
        context: Context,
        name: &str,
        tree: &Arc<Tree>,
    ) -> Result<(Context, bool), Error> {
        if let Some(layer) = self.layers.last_mut() {
            layer.outputs.insert(name.to_owned(), context.clone());
        }
        self.layers.push(Layer::default());
        let source = std::mem::replace(&mut self.source, Arc::clone(&tree.source));
        let (after, list) = self.list(context.clone(), &tree.list)?;
        self.source = source;
        let found = self.layers.pop().unwrap_or_default();
        let came_true =
            !after.is_error() && (!found.called.contains(name) || context.is_like(&after));
        if came_true && let Some(layer) = self.layers.last_mut() {
            layer.outputs.extend(found.outputs);
            layer.escaped.extend(found.escaped);
            layer.called.extend(found.called);
            let tree = Tree { source: Arc::clone(&tree.source), pos: tree.pos, list };
            layer.escaped.insert(name.to_owned(), Arc::new(tree));
        }
        Ok((after, came_true))
    }

    fn nested<T>(&mut self, walk: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.exceeded(&format!("{MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let result = walk(self);
        self.depth -= 1;
        result
    }
}

/// The escaping that an action needs in `context`, which moves on; none where that cannot be told.
fn steps_in(context: &mut Context) -> Option<Vec<Step>> {
    let mut steps = match context.state {
        State::Error => return Some(Vec::new()),
        State::Attr | State::MetaContent => Vec::new(),
        State::Url
        | State::CssDoubleQuoted
        | State::CssSingleQuoted
        | State::CssDoubleQuotedUrl
        | State::CssSingleQuotedUrl
        | State::CssUrl => url_steps(context)?,
        state => vec![Step::Added(escaper_in(state))],
    };
    match context.state {
        // A slash after a value divides.
        State::Js => context.slash = Slash::Division,
        State::Tag => context.state = State::AttrName,
        _ => {}
    }
    match context.delim {
        Delim::None => {}
        Delim::SpaceOrTagEnd => steps.push(Step::Added(Escaper::Unquoted)),
        Delim::DoubleQuote | Delim::SingleQuote => steps.push(Step::Added(Escaper::Attr)),
    }
    Some(steps)
}

/// The one escaper for most states; comments stay empty.
fn escaper_in(state: State) -> Escaper {
    match state {
        State::Text => Escaper::Text,
        State::Rcdata => Escaper::Rcdata,
        State::Srcset => Escaper::Srcset,
        State::MetaContentUrl => Escaper::UrlFilter,
        State::Js => Escaper::JsValue,
        State::JsDoubleQuoted | State::JsSingleQuoted => Escaper::JsString,
        State::JsTemplate => Escaper::JsTemplate,
        State::JsRegexp => Escaper::JsRegexp,
        State::Css => Escaper::CssValue,
        State::Tag | State::AttrName => Escaper::Name,
        _ => Escaper::Comment,
    }
}

fn url_steps(context: &Context) -> Option<Vec<Step>> {
    let is_string = matches!(context.state, State::CssDoubleQuoted | State::CssSingleQuoted);
    let whole = if is_string { Escaper::CssString } else { Escaper::UrlNormalizer };
    let steps = match context.url_part {
        UrlPart::None => vec![Escaper::UrlFilter, whole],
        UrlPart::PreQuery => vec![whole],
        UrlPart::QueryOrFragment => vec![Escaper::UrlQuery],
        UrlPart::Unknown => return None,
    };
    Some(steps.into_iter().map(Step::Added).collect())
}

/// How much there is to copy in a pipeline.
fn weight(pipe: &Pipe) -> u64 {
    fn of_operand(operand: &Operand) -> u64 {
        match &operand.term {
            Term::Pipe(pipe) => weight(pipe),
            Term::Chain(inner, names) => of_operand(inner) + names.len() as u64,
            Term::Field(names) | Term::Variable(names) => names.len() as u64,
            _ => 1,
        }
    }
    let of_command = |args: &Vec<Operand>| args.iter().map(of_operand).sum::<u64>();
    1 + pipe.commands.iter().map(|command| of_command(&command.args)).sum::<u64>()
}
