//! `skopos rules`: what rules would do.

mod backtest;
mod foresight;
mod report;

use clap::{Args, Subcommand};

use crate::outcome::Outcome;

/// Rehearse rules.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos rules backtest --rules alerts.yml --file yesterday.prom")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::Arguments),
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Backtest(arguments) => arguments.run(),
        }
    }
}
