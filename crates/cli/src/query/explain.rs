//! `skopos query explain` and `analyze`: how an expression is evaluated, and what that costs.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::Value as Json;
use skopos_core::{Clock as _, QueryRequest, Timestamp};
use skopos_promql::{Engine, EngineOptions, Explanation, ParseOptions, Table};

use super::{Page, Source, Times, range_times, remote};
use crate::outcome::Outcome;
use crate::time::{self, SystemClock};

/// Show how an expression would be evaluated, without any data.
#[derive(Debug, Args)]
#[command(after_help = "\
Marks:
  constant     computed before the query runs
  once         the same at every step, and so evaluated at the first one alone
  fused        an aggregation that takes in each series as it comes
  holds input  all series of the inputs are held at the same time
  shared       other selectors read the same series
  #1           what is asked of the storage, listed below the tree

Example:
  skopos query explain --step 1m 'sum by (job) (rate(errors_total[5m])) / 2 ^ 10'")]
pub(super) struct Explain {
    #[command(flatten)]
    when: When,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// The expression
    expression: String,
}

/// Evaluate an expression and show what each part of it gave and how long it took.
#[derive(Debug, Args)]
#[command(after_help = "\
Series, samples and bytes are what an operator gave; its time is without that of its inputs.

Example:
  skopos query analyze --url http://localhost:9090 --step 15s 'sum by (job) (rate(http_requests_total[5m]))'")]
pub(super) struct Analyze {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    when: When,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// How long the query may take
    #[arg(long, default_value = "2m", value_parser = time::parse_duration)]
    timeout: i64,
    /// The expression
    expression: String,
}

#[derive(Debug, Args)]
struct When {
    /// Time of an instant query, RFC 3339 or Unix seconds [default: now; of a page of metrics its
    /// newest time, if it has times]
    #[arg(
        long,
        value_parser = time::parse_time,
        allow_hyphen_values = true,
        conflicts_with_all = ["start", "end", "step"]
    )]
    time: Option<Timestamp>,
    /// First time of a range query [default: five minutes before the last]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    start: Option<Timestamp>,
    /// Last time of a range query [default: as --time]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    end: Option<Timestamp>,
    /// Distance of evaluations [default: a 250th of the range, at least a second]
    #[arg(long, value_parser = time::parse_step)]
    step: Option<i64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For programs
    Json,
    /// A tree, with figures in columns
    #[default]
    Text,
}

impl When {
    fn times(&self, newest: Timestamp) -> anyhow::Result<Times> {
        if self.start.is_none() && self.end.is_none() && self.step.is_none() {
            let t = self.time.unwrap_or(newest);
            return Ok(Times { start: t, end: t, step: None });
        }
        range_times(self.start, self.end, self.step, newest)
    }
}

impl Explain {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let times = self.when.times(SystemClock.now())?;
        // Nothing is evaluated, so that nothing of the language need be refused.
        let options = EngineOptions::default().with_parse(ParseOptions::all());
        let engine = Engine::new(Table::new(), options);
        let explanation = engine.explain(&request(&self.expression, times))?;
        print(self.output, &explanation)
    }
}

impl Analyze {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if let Some(url) = &self.source.url {
            let times = self.when.times(SystemClock.now())?;
            let answer = remote::analyze(url, &self.expression, times, self.timeout)?;
            return self.print_answer(&answer);
        }
        let path =
            self.source.file.as_ref().context("name a server with --url or a page with --file")?;
        let page = Page::load(path)?;
        let times = self.when.times(page.newest())?;
        let options = EngineOptions::default().with_clock(SystemClock);
        let engine = Engine::new(page.into_head(), options);
        let request = request(&self.expression, times).with_timeout(self.timeout);
        print(self.output, &engine.analyze(&request)?.1)
    }

    /// Prints what a server told.
    fn print_answer(&self, data: &Json) -> anyhow::Result<Outcome> {
        let text = match self.output {
            Output::Json => format!("{}\n", data["explanation"]),
            Output::Text => {
                data["text"].as_str().context("the answer has no explanation")?.to_owned()
            }
        };
        io::stdout().write_all(text.as_bytes())?;
        Ok(Outcome::Fine)
    }
}

pub(super) fn request(expression: &str, times: Times) -> QueryRequest<'_> {
    match times.step {
        None => QueryRequest::instant(expression, times.start),
        Some(step) => QueryRequest::range(expression, times.start, times.end, step),
    }
}

fn print(output: Output, explanation: &Explanation) -> anyhow::Result<Outcome> {
    let text = match output {
        Output::Json => serde_json::to_string(explanation)? + "\n",
        Output::Text => explanation.to_string(),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(Outcome::Fine)
}
