//! Adds escaping functions to the end of a pipeline.

use super::escaper::Escaper;
use crate::node::{Command, Operand, Pipe, Term};

/// A function that escapes: one of ours, or one that templates may call themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Added(Escaper),
    Html,
    UrlQuery,
}

impl Step {
    /// The function that a command calls, if it escapes.
    pub(super) fn of(command: &Command) -> Option<Self> {
        match &command.args.first()?.term {
            Term::Escaper(escaper) => Some(Self::Added(*escaper)),
            Term::Function(name) if name == "html" => Some(Self::Html),
            Term::Function(name) if name == "urlquery" => Some(Self::UrlQuery),
            _ => None,
        }
    }

    /// The name of one that templates may call themselves.
    pub(super) fn predefined(self) -> Option<&'static str> {
        match self {
            Self::Html => Some("html"),
            Self::UrlQuery => Some("urlquery"),
            Self::Added(_) => None,
        }
    }

    /// The same for all that are taken for equal.
    fn class(self) -> Self {
        match self {
            Self::Added(Escaper::Attr | Escaper::Text | Escaper::Rcdata) => Self::Html,
            Self::Added(Escaper::UrlQuery | Escaper::UrlNormalizer) => Self::UrlQuery,
            step => step,
        }
    }

    /// Whether `next` would change nothing after this.
    fn covers(self, next: Self) -> bool {
        use Escaper::{Attr, Comment, CssString, JsRegexp, JsString, JsTemplate, Text};
        use Escaper::{UrlNormalizer, UrlQuery};
        let (Self::Added(first), Self::Added(second)) = (self, next) else { return false };
        match second {
            Attr => {
                matches!(first, Comment | CssString | JsRegexp | JsString | JsTemplate)
            }
            Text => first == Comment,
            UrlNormalizer => first == UrlQuery,
            _ => false,
        }
    }

    fn command(self, pos: usize) -> Command {
        let term = match self {
            Self::Added(escaper) => Term::Escaper(escaper),
            Self::Html => Term::Function("html".to_owned()),
            Self::UrlQuery => Term::Function("urlquery".to_owned()),
        };
        Command { pos: 0, args: vec![Operand { pos, term }] }
    }
}

/// The pipeline with what is missing of `steps` at its end.
///
/// An escaping function that stands there already takes the place of one that is taken for its equal.
pub(super) fn escaped(pipe: &Pipe, mut steps: Vec<Step>) -> Pipe {
    let mut pipe = pipe.clone();
    let commands = &mut pipe.commands;
    let last = commands.last().and_then(Step::of).filter(|step| step.predefined().is_some());
    if let Some(own) = last {
        if let [only] = commands.as_mut_slice()
            && only.args.len() > 1
        {
            only.args[0].term = Term::Escaper(Escaper::Join);
            append(commands, own, pipe.pos);
        }
        let mut is_in_steps = false;
        for step in steps.iter_mut().filter(|step| step.class() == own.class()) {
            *step = own;
            is_in_steps = true;
        }
        if is_in_steps {
            commands.pop();
        }
    }
    let there: Vec<Step> = commands.iter().filter_map(Step::of).map(Step::class).collect();
    for step in steps {
        if !there.contains(&step.class()) {
            append(commands, step, pipe.pos);
        }
    }
    pipe
}

fn append(commands: &mut Vec<Command>, step: Step, pos: usize) {
    let last = commands.last().and_then(Step::of);
    if !last.is_some_and(|last| last.covers(step)) {
        commands.push(step.command(pos));
    }
}
