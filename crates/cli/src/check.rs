//! `skopos check`: what is wrong with files, in `promtool`'s words and with its exit codes.
//!
//! The checks themselves are those of the libraries that read the files in earnest.

use clap::{Args, Subcommand, ValueEnum};

use crate::outcome::Outcome;

mod config;
mod metrics;
mod rules;

/// Check files before they are used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  skopos check config prometheus.yml
  skopos check rules --lint-fatal rules/*.yml
  curl -s localhost:9100/metrics | skopos check metrics

Exit codes: 0 nothing wrong, 1 an error, 3 a lint.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Config(config::Arguments),
    Metrics(metrics::Arguments),
    Rules(rules::Arguments),
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Config(arguments) => arguments.run(),
            Command::Metrics(arguments) => arguments.run(),
            Command::Rules(arguments) => arguments.run(),
        }
    }
}

/// The form of a check's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// An object a file, for programs
    Json,
    /// As `promtool` writes it
    #[default]
    Text,
}
