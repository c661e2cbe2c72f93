//! From a script's text to its commands.

use skopos_core::Error;
use skopos_regex::Regex;

use super::at_line;
use super::load::Load;
use crate::ast::Expr;
use crate::duration::parse_duration;
use crate::options::ParseOptions;
use crate::parse::parse as parse_query;
use crate::series_desc::{SeriesDescription, parse_series_description};

/// One statement of a script.
pub(super) enum Command {
    Clear,
    Eval(Box<Eval>),
    Load(Load, usize),
}

/// The times of an evaluation, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    Instant(i64),
    Range { start: i64, end: i64, step: i64 },
}

/// An `eval` statement with what it expects.
pub(super) struct Eval {
    pub(super) line: usize,
    pub(super) query: String,
    /// The parsed query, or why it is refused though Prometheus takes it.
    pub(super) expr: Result<Expr, String>,
    pub(super) when: When,
    pub(super) expected: Vec<SeriesDescription>,
    pub(super) scalar: Option<f64>,
    pub(super) string: Option<String>,
    /// The times of an expected range vector: its start and step.
    pub(super) range_vector: Option<(i64, i64)>,
    pub(super) ordered: bool,
    pub(super) fail: Option<Message>,
    pub(super) warn: Notes,
    pub(super) info: Notes,
}

/// What is expected of the warnings or infos of a query.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) expected: Vec<Message>,
    /// Whether there must be none.
    pub(super) none: bool,
    /// The old form, which asks for at least one of any text.
    pub(super) at_least_one: bool,
}

/// The text of a message.
pub(super) enum Message {
    Any,
    Exactly(String),
    Matching(Regex),
}

impl Message {
    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(expected) => expected == text,
            Self::Matching(regex) => regex.is_match(text),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Exactly(expected) => format!("{expected:?}"),
            Self::Matching(regex) => format!("/{}/", regex.as_str()),
        }
    }
}

/// The lines of a script, trimmed, comments emptied.
struct Lines<'t> {
    lines: Vec<&'t str>,
    at: usize,
}

impl<'t> Lines<'t> {
    /// The next line of a block with its number, or `None` where the block ends.
    fn next_of_block(&mut self) -> Option<(usize, &'t str)> {
        let line = self.lines.get(self.at).filter(|line| !line.is_empty())?;
        self.at += 1;
        Some((self.at, line))
    }
}

/// All commands of a script.
pub(super) fn parse(text: &str) -> Result<Vec<Command>, Error> {
    let lines = text.split('\n').map(str::trim);
    let lines = lines.map(|line| if line.starts_with('#') { "" } else { line }).collect();
    let mut lines = Lines { lines, at: 0 };
    let mut commands = Vec::new();
    while lines.at < lines.lines.len() {
        let line = lines.lines[lines.at];
        lines.at += 1;
        if line.is_empty() {
            continue;
        }
        let word = line.split([' ', '\t']).next().unwrap_or_default();
        commands.push(match word {
            "clear" => Command::Clear,
            _ if word.starts_with("load") => parse_load(line, &mut lines)?,
            _ if word.starts_with("eval") => Command::Eval(Box::new(parse_eval(line, &mut lines)?)),
            _ => return Err(at_line(lines.at, format!("invalid command {line:?}"))),
        });
    }
    Ok(commands)
}

fn parse_load(line: &str, lines: &mut Lines<'_>) -> Result<Command, Error> {
    let number = lines.at;
    let (word, step) = split_word(line);
    let with_nhcb = match word {
        "load" => false,
        "load_with_nhcb" => true,
        _ => {
            return Err(at_line(
                number,
                "invalid load command. (load[_with_nhcb] <step:duration>)",
            ));
        }
    };
    let step = parse_duration(step)
        .map_err(|e| at_line(number, format!("invalid step definition {step:?}: {e}")))?;
    let mut load = Load::new(step, with_nhcb);
    while let Some((number, line)) = lines.next_of_block() {
        load.line(line).map_err(|message| at_line(number, message))?;
    }
    load.finish().map_err(|message| at_line(number, message))?;
    Ok(Command::Load(load, number))
}

/// The first word and what follows it.
fn split_word(line: &str) -> (&str, &str) {
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    (word, rest.trim_start())
}

fn duration(line: usize, text: &str) -> Result<i64, Error> {
    parse_duration(text)
        .map_err(|e| at_line(line, format!("invalid duration definition {text:?}: {e}")))
}

fn parse_eval(line: &str, lines: &mut Lines<'_>) -> Result<Eval, Error> {
    let number = lines.at;
    let invalid = || {
        at_line(
            number,
            "invalid evaluation command. Must be either 'eval instant at <time> <query>' or \
             'eval range from <from> to <to> step <step> <query>'",
        )
    };
    let (word, rest) = split_word(line);
    let (kind, rest) = split_word(rest);
    let (when, query) = match kind {
        "instant" => {
            let (at, rest) = split_word(rest);
            let (time, query) = split_word(rest);
            if at != "at" {
                return Err(invalid());
            }
            (When::Instant(duration(number, time)?), query)
        }
        "range" => {
            let mut rest = rest;
            let mut times = [0; 3];
            for (keyword, time) in ["from", "to", "step"].iter().zip(&mut times) {
                let (found, after) = split_word(rest);
                let (text, after) = split_word(after);
                if found != *keyword {
                    return Err(invalid());
                }
                *time = duration(number, text)?;
                rest = after;
            }
            let [start, end, step] = times;
            if end < start || step == 0 {
                return Err(at_line(number, "invalid times of a range"));
            }
            (When::Range { start, end, step }, rest)
        }
        _ => return Err(invalid()),
    };
    let expr = match parse_query(query, &ParseOptions::all()) {
        Ok(expr) => Ok(expr),
        // Texts are UTF-8 here and bytes there: the statement fails, not the script.
        Err(e) if e.message().contains("not supported") => Err(e.to_string()),
        Err(e) => return Err(at_line(number, format!("{query}: {e}"))),
    };
    let mut eval = Eval {
        line: number,
        query: query.to_owned(),
        expr,
        when,
        expected: Vec::new(),
        scalar: None,
        string: None,
        range_vector: None,
        ordered: word == "eval_ordered",
        fail: (word == "eval_fail").then_some(Message::Any),
        warn: Notes { at_least_one: word == "eval_warn", ..Notes::default() },
        info: Notes { at_least_one: word == "eval_info", ..Notes::default() },
    };
    if !["eval", "eval_fail", "eval_warn", "eval_info", "eval_ordered"].contains(&word) {
        return Err(invalid());
    }
    while let Some((number, line)) = lines.next_of_block() {
        let goes_on = eval.body(line).map_err(|message| at_line(number, message))?;
        if !goes_on {
            break;
        }
    }
    Ok(eval)
}

impl Eval {
    /// Takes a line of the block; whether the block goes on.
    fn body(&mut self, line: &str) -> Result<bool, String> {
        if let Some(message) = line.strip_prefix("expected_fail_message ") {
            self.fail = Some(Message::Exactly(message.trim().to_owned()));
            return Ok(false);
        }
        if let Some(pattern) = line.strip_prefix("expected_fail_regexp ") {
            self.fail = Some(matching(pattern.trim())?);
            return Ok(false);
        }
        if split_word(line).0 == "expect" {
            self.expect(split_word(line).1)?;
            return Ok(true);
        }
        if let Some(v) = number(line) {
            self.scalar = Some(v);
            return Ok(false);
        }
        let series = parse_series_description(line).map_err(|e| e.to_string())?;
        let one_value = matches!(self.when, When::Instant(_)) && self.range_vector.is_none();
        if one_value && 1 < series.values.len() {
            return Err("expecting multiple values in instant evaluation not allowed".to_owned());
        }
        self.expected.push(series);
        Ok(true)
    }

    fn expect(&mut self, what: &str) -> Result<(), String> {
        let (kind, rest) = split_word(what);
        match kind {
            "range" => return self.expect_range_vector(rest),
            "string" => {
                self.string = Some(unquote(rest)?);
                return Ok(());
            }
            "ordered" => self.ordered = true,
            "no_warn" => self.warn.none = true,
            "no_info" => self.info.none = true,
            "fail" if self.fail.is_some() => {
                return Err("invalid expect lines, fail is there already".to_owned());
            }
            "fail" => self.fail = Some(message(rest)?),
            "warn" => self.warn.expected.push(message(rest)?),
            "info" => self.info.expected.push(message(rest)?),
            _ => return Err(format!("invalid expect statement: expect {what}")),
        }
        for notes in [&self.warn, &self.info] {
            if notes.none && !notes.expected.is_empty() {
                return Err(
                    "invalid expect lines, something is expected and not expected".to_owned()
                );
            }
        }
        Ok(())
    }

    /// `vector from <dur> to <dur> step <dur>`.
    fn expect_range_vector(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["vector", "from", start, "to", end, "step", step] = words.as_slice() else {
            return Err(format!("invalid expect statement: expect range {text}"));
        };
        let [start, end, step] = [start, end, step].map(|text| parse_duration(text));
        let (start, end, step) = (
            start.map_err(|e| e.to_string())?,
            end.map_err(|e| e.to_string())?,
            step.map_err(|e| e.to_string())?,
        );
        self.range_vector = Some((start, step));
        // The directive's end is when the query is evaluated.
        self.when = When::Instant(end);
        Ok(())
    }
}

fn message(qualifier: &str) -> Result<Message, String> {
    if qualifier.is_empty() {
        return Ok(Message::Any);
    }
    if let Some(text) = qualifier.strip_prefix("msg:") {
        return Ok(Message::Exactly(text.trim().to_owned()));
    }
    match qualifier.strip_prefix("regex:") {
        Some(pattern) => matching(pattern.trim()),
        None => Err(format!("invalid expect statement: {qualifier}")),
    }
}

fn matching(pattern: &str) -> Result<Message, String> {
    Regex::new(pattern).map(Message::Matching).map_err(|e| e.to_string())
}

/// A line that is a number and nothing else.
fn number(line: &str) -> Option<f64> {
    let body = line.strip_prefix(['+', '-']).unwrap_or(line);
    let named = body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("nan");
    if !named && !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    line.parse().ok()
}

/// A text in double quotes or backquotes.
fn unquote(text: &str) -> Result<String, String> {
    let expr = parse_query(text, &ParseOptions::all()).ok();
    match expr {
        Some(Expr::String(literal)) => Ok(literal.value.to_string()),
        _ => {
            Err("expected string literal not valid - a quoted string literal is required"
                .to_owned())
        }
    }
}
