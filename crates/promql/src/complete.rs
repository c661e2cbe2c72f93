//! What may be written at a place of a text, for editors.
//!
//! It works on the tokens before the place, since a text that is being written seldom parses. Names of
//! metrics and labels are not known here: they are asked for, with the conditions that they are to meet.

mod scan;

use skopos_core::{MatchOp, Matcher};

use self::scan::{Place, scan};
use crate::ast::{AggregateOp, BinaryOp, Expr};
use crate::hint::AGGREGATIONS;
use crate::options::ParseOptions;
use crate::recover::parse_recovering;
use crate::signature::Signature;
use crate::span::Span;

/// What may be written at a place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Completions {
    /// What a choice replaces: the word or text around the place.
    pub replace: Span,
    /// What of it stands before the place. Names that are asked for should begin with it.
    pub typed: String,
    /// The choices. Fixed words begin with `typed`, in any case.
    pub choices: Vec<Choice>,
}

/// A thing that may be written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Choice {
    /// An aggregation.
    Aggregation(AggregateOp),
    /// A unit after a number.
    DurationUnit(&'static str),
    /// Nothing: the query may end here.
    End,
    /// A function.
    Function(&'static Signature),
    /// A label that series of one of these selections have.
    GroupingLabel(Vec<Vec<Matcher>>),
    /// A word of the language.
    Keyword(&'static str),
    /// A label that series which meet these conditions have.
    LabelName(Vec<Matcher>),
    /// An operator of a condition.
    LabelOperator(MatchOp),
    /// A value that a label has in series which meet the conditions.
    LabelValue {
        /// The label.
        label: String,
        /// All other conditions of the selector.
        matchers: Vec<Matcher>,
    },
    /// The name of a metric.
    MetricName,
    /// An operator between expressions.
    Operator(BinaryOp),
}

/// What may be written at `offset`, in bytes, of a text.
///
/// An offset beyond the text, or inside of a character, counts as the character's start; a text of
/// more than 4 GiB has no choices. Takes time linear in the text's length.
///
/// ```
/// use skopos_core::Matcher;
/// use skopos_promql::complete::{Choice, complete};
/// use skopos_promql::{ParseOptions, Signature, Span};
///
/// let text = "sum(irat(requests_total{job=\"api\", code=\"5\"}[5m]))";
/// let function = complete(text, 8, &ParseOptions::default());
/// assert_eq!((function.replace, function.typed.as_str()), (Span::new(4, 8), "irat"));
/// let irate = Signature::find("irate").unwrap();
/// assert_eq!(function.choices, [Choice::MetricName, Choice::Function(irate)]);
///
/// let value = complete(text, 42, &ParseOptions::default());
/// assert_eq!(value.typed, "5");
/// let matchers = vec![Matcher::equal("job", "api"), Matcher::equal("__name__", "requests_total")];
/// assert_eq!(value.choices, [Choice::LabelValue { label: "code".into(), matchers }]);
/// ```
#[must_use]
pub fn complete(source: &str, offset: usize, options: &ParseOptions) -> Completions {
    if u32::try_from(source.len()).is_err() {
        return Completions { replace: Span::default(), typed: String::new(), choices: Vec::new() };
    }
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    let found = scan(source, offset);
    let replace = crate::lexer::span(found.replace.start, found.replace.end);
    let typed = source[found.replace.start..offset].to_owned();
    let mut choices = Choices { typed: typed.to_ascii_lowercase(), list: Vec::new() };
    choices.fill(source, found.place, options);
    Completions { replace, typed, choices: choices.list }
}

/// The choices so far.
struct Choices {
    typed: String,
    list: Vec<Choice>,
}

impl Choices {
    fn fill(&mut self, source: &str, place: Place, options: &ParseOptions) {
        match place {
            Place::AfterOffset => self.words(&["step()", "range()", "max_of(", "min_of("]),
            Place::AfterAt => self.words(&["start()", "end()"]),
            Place::Brackets => self.words(&["step()", "range()", "max_of(", "min_of("]),
            Place::Grouping => self.list.push(Choice::GroupingLabel(selections(source, options))),
            Place::LabelName(matchers) => self.list.push(Choice::LabelName(matchers)),
            Place::LabelOperator => {
                use MatchOp::{Equal, NotEqual, NotRegex, Regex};
                self.list.extend([Equal, NotEqual, Regex, NotRegex].map(Choice::LabelOperator));
            }
            Place::LabelValue { label, matchers } => {
                self.list.push(Choice::LabelValue { label, matchers });
            }
            Place::Nothing => {}
            Place::Operand { after_operator } => self.operand(after_operator, options),
            Place::Operator { end, selector, aggregation } => {
                self.operator(selector, aggregation, options);
                if end && self.typed.is_empty() {
                    self.list.push(Choice::End);
                }
            }
            Place::Unit => {
                let units = ["ms", "s", "m", "h", "d", "w", "y"];
                let fitting = units.into_iter().filter(|unit| unit.starts_with(&self.typed));
                self.list.extend(fitting.map(Choice::DurationUnit));
            }
        }
    }

    fn operand(&mut self, after_operator: Option<BinaryOp>, options: &ParseOptions) {
        self.list.push(Choice::MetricName);
        let enabled = |experimental: bool| options.experimental_functions || !experimental;
        let aggregations = AGGREGATIONS.into_iter().filter(|op| enabled(op.is_experimental()));
        let fitting = aggregations.filter(|op| op.as_str().starts_with(&self.typed));
        self.list.extend(fitting.map(Choice::Aggregation));
        let functions = Signature::all().iter().filter(|f| enabled(f.experimental));
        let fitting = functions.filter(|f| f.name.starts_with(&self.typed));
        self.list.extend(fitting.map(Choice::Function));
        if let Some(op) = after_operator {
            if op.is_comparison() {
                self.words(&["bool"]);
            }
            self.words(&["on (", "ignoring ("]);
            if options.binop_fill_modifiers {
                self.words(&["fill (", "fill_left (", "fill_right ("]);
            }
        }
    }

    fn operator(&mut self, selector: bool, aggregation: bool, options: &ParseOptions) {
        for op in OPERATORS {
            if op.as_str().starts_with(&self.typed) {
                self.list.push(Choice::Operator(op));
            }
        }
        if aggregation {
            self.words(&["by (", "without ("]);
        }
        if selector {
            self.words(&["offset", "@"]);
            if options.extended_range_selectors {
                self.words(&["anchored", "smoothed"]);
            }
        }
    }

    fn words(&mut self, words: &[&'static str]) {
        let fitting = words.iter().filter(|word| word.starts_with(&self.typed));
        self.list.extend(fitting.map(|word| Choice::Keyword(word)));
    }
}

const OPERATORS: [BinaryOp; 18] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::Mod,
    BinaryOp::Pow,
    BinaryOp::Eq,
    BinaryOp::Neq,
    BinaryOp::Gtr,
    BinaryOp::Gte,
    BinaryOp::Lss,
    BinaryOp::Lte,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Unless,
    BinaryOp::Atan2,
    BinaryOp::TrimLower,
    BinaryOp::TrimUpper,
];

/// The conditions of all selectors that can be read.
fn selections(source: &str, options: &ParseOptions) -> Vec<Vec<Matcher>> {
    let mut all: Vec<Vec<Matcher>> = Vec::new();
    let Some(root) = parse_recovering(source, options).expr else { return all };
    root.walk(&mut |expr| {
        let selector = match expr {
            Expr::Matrix(matrix) => Some(&matrix.selector),
            Expr::Vector(selector) => Some(&**selector),
            _ => None,
        };
        all.extend(selector.map(|s| s.matchers.to_vec()).filter(|m| !m.is_empty()));
        true
    });
    all.sort_unstable();
    all.dedup();
    all
}
