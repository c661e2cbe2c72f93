//! `skopos test`: do queries and rules give what is expected of them?

mod junit;
mod promql;
mod rules;

use clap::{Args, Subcommand, ValueEnum};

use crate::outcome::Outcome;

/// Test queries and rules against expected results.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos test promql queries.test
  skopos test rules alerts.test.yml

Exit codes: 0 everything passed, 1 something failed.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Promql(promql::Arguments),
    Rules(rules::Arguments),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// An object, for programs
    Json,
    /// A line a failure, for people
    #[default]
    Text,
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Promql(arguments) => arguments.run(),
            Command::Rules(arguments) => arguments.run(),
        }
    }
}
