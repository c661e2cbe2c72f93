//! `skopos query`: PromQL asked of a server or of a page of metrics.
//!
//! Where the answer comes from, what it is and how it is shown are three modules that do not know
//! each other.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use skopos_core::{Clock as _, Timestamp};
use url::Url;

use crate::outcome::Outcome;
use crate::time::{self, SystemClock};

mod answer;
mod csv;
mod explain;
mod json;
mod page;
mod plot;
mod remote;
mod server;
mod table;

use self::answer::Answer;
pub(crate) use self::page::{Page, read as read_input};
pub(crate) use self::server::Server;

const EXAMPLES: &str = "\
Examples:
  skopos query instant --url http://localhost:9090 'sum by (job) (up)'
  curl -s localhost:9100/metrics | skopos query instant --file - 'topk(3, node_filesystem_size_bytes)'
  skopos query range --url http://localhost:9090 --start 2024-05-01T00:00:00Z --step 1m 'rate(x[5m])'
  skopos query analyze --url http://localhost:9090 'topk(3, rate(http_requests_total[5m]))'";

/// Evaluate PromQL against a server or a file.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Instant(Instant),
    Range(Range),
    Explain(explain::Explain),
    Analyze(explain::Analyze),
}

/// Evaluate an expression at one time.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos query instant --url http://localhost:9090 --time 2024-05-01T12:00:00Z 'up == 0'")]
struct Instant {
    #[command(flatten)]
    shared: Shared,
    /// Time of the evaluation, RFC 3339 or Unix seconds [default: now; with --file the newest time
    /// in the file, if it has times]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    time: Option<Timestamp>,
}

/// Evaluate an expression over a range of times.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos query range --url http://localhost:9090 --step 15s 'rate(http_requests_total[5m])'")]
struct Range {
    #[command(flatten)]
    shared: Shared,
    /// First time, RFC 3339 or Unix seconds [default: five minutes before the last]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    start: Option<Timestamp>,
    /// Last time [default: as --time of an instant query]
    #[arg(long, value_parser = time::parse_time, allow_hyphen_values = true)]
    end: Option<Timestamp>,
    /// Distance of evaluations, such as 15s [default: a 250th of the range, at least a second]
    #[arg(long, value_parser = time::parse_step)]
    step: Option<i64>,
    /// Do not draw a plot above the table
    #[arg(long)]
    no_plot: bool,
}

#[derive(Debug, Args)]
struct Shared {
    #[command(flatten)]
    source: Source,
    /// Form of the output [default: table in a terminal, else json]
    #[arg(long, short, value_enum)]
    output: Option<Output>,
    /// How long the query may take
    #[arg(long, default_value = "2m", value_parser = time::parse_duration)]
    timeout: i64,
    /// The expression
    expression: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Server to ask, with its path prefix if it has one
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// Page of metrics to load and ask; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Values with their labels in columns, a row a sample
    Csv,
    /// What Prometheus' HTTP API answers
    Json,
    /// For people
    Table,
}

/// The times of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    start: Timestamp,
    end: Timestamp,
    /// In milliseconds; none for an instant query.
    step: Option<i64>,
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Instant(arguments) => arguments.run(),
            Command::Range(arguments) => arguments.run(),
            Command::Explain(arguments) => arguments.run(),
            Command::Analyze(arguments) => arguments.run(),
        }
    }
}

impl Instant {
    fn run(self) -> anyhow::Result<Outcome> {
        let answer = self.shared.ask(|newest| {
            let t = self.time.unwrap_or(newest);
            Ok(Times { start: t, end: t, step: None })
        })?;
        self.shared.print(&answer, false)
    }
}

impl Range {
    fn run(self) -> anyhow::Result<Outcome> {
        let answer = self.shared.ask(|newest| self.times(newest))?;
        self.shared.print(&answer, !self.no_plot)
    }

    fn times(&self, newest: Timestamp) -> anyhow::Result<Times> {
        range_times(self.start, self.end, self.step, newest)
    }
}

/// The times of a range query, as far as they are given.
fn range_times(
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    step: Option<i64>,
    newest: Timestamp,
) -> anyhow::Result<Times> {
    let end = end.unwrap_or(newest);
    let start = start.unwrap_or_else(|| end.saturating_sub(5 * 60 * 1000));
    if end < start {
        bail!("the range ends before it starts");
    }
    let span = end.as_millis().saturating_sub(start.as_millis());
    // Whole seconds, as `promtool` divides.
    let step = step.unwrap_or_else(|| (span / 250 / 1000 * 1000).max(1000));
    Ok(Times { start, end, step: Some(step) })
}

impl Shared {
    /// Asks for the times that `times` makes of the newest time.
    fn ask(&self, times: impl Fn(Timestamp) -> anyhow::Result<Times>) -> anyhow::Result<Answer> {
        match (&self.source.url, &self.source.file) {
            (Some(url), _) => {
                let limits = remote::Limits { timeout: self.timeout, lookback: None };
                remote::ask(url, &self.expression, times(SystemClock.now())?, limits)
            }
            (None, Some(path)) => {
                let page = Page::load(path)?;
                let times = times(page.newest())?;
                page.ask(&self.expression, times, self.timeout)
            }
            (None, None) => bail!("name a server with --url or a page with --file"),
        }
    }

    fn print(&self, answer: &Answer, wants_plot: bool) -> anyhow::Result<Outcome> {
        let is_terminal = io::stdout().is_terminal();
        let output = self.output.unwrap_or(if is_terminal { Output::Table } else { Output::Json });
        let text = match output {
            Output::Csv => csv::write(answer),
            Output::Json => json::write(answer),
            Output::Table => {
                let plot = if wants_plot && is_terminal { plot::draw(answer) } else { None };
                plot.unwrap_or_default() + &table::write(answer)
            }
        };
        if output != Output::Json {
            for note in answer.warnings.iter().chain(&answer.infos) {
                writeln!(io::stderr(), "{note}")?;
            }
        }
        io::stdout().write_all(text.as_bytes())?;
        Ok(Outcome::Fine)
    }
}
