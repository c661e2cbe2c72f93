//! The program `skopos`: a server that takes Prometheus' flags, queries, checks and tests.
//!
//! It parses the command line, calls the libraries and prints; what it knows itself is how things
//! look in a terminal. Exit codes are those of `promtool`: 0 is fine, 1 an error, 3 a lint.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod outcome;
mod query;
mod rules;
mod serve;
mod test;
mod time;

use crate::outcome::Outcome;

const EXAMPLES: &str = "\
Examples:
  skopos serve --config.file prometheus.yml
  skopos query instant --url http://localhost:9090 'sum by (job) (up)'
  skopos check metrics page.prom
  skopos test promql queries.test";

/// The Prometheus stack in one program: a server, queries, and checks of files.
#[derive(Debug, Parser)]
#[command(name = "skopos", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    Query(query::Arguments),
    Rules(rules::Arguments),
    Serve(Box<serve::Arguments>),
    Test(test::Arguments),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, not errors; a closed pipe is nobody's loss.
            let _ = error.print();
            let outcome = if error.use_stderr() { Outcome::Failed } else { Outcome::Fine };
            return outcome.into();
        }
    };
    let result = match arguments.command {
        Command::Check(arguments) => arguments.run(),
        Command::Query(arguments) => arguments.run(),
        Command::Rules(arguments) => arguments.run(),
        Command::Serve(arguments) => arguments.run(),
        Command::Test(arguments) => arguments.run(),
    };
    match result {
        Ok(outcome) => outcome.into(),
        Err(error) if outcome::is_broken_pipe(&error) => Outcome::Fine.into(),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "skopos: error: {}", outcome::describe(&error));
            Outcome::Failed.into()
        }
    }
}
