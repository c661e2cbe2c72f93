//! `skopos rules`: what rules would do.

mod backtest;
mod export;
mod foresight;
mod report;
mod why;

use clap::{Args, Subcommand};

use crate::outcome::Outcome;

/// Rehearse rules, explain their alerts, and write them for others.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  skopos rules backtest --rules alerts.yml --file yesterday.prom
  skopos rules why --rules alerts.yml --alert HighCPUUsage --file yesterday.prom
  skopos rules export alerts.yml > plain.yml")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Backtest(backtest::Arguments),
    Why(why::Arguments),
    Export(export::Arguments),
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Backtest(arguments) => arguments.run(),
            Command::Why(arguments) => arguments.run(),
            Command::Export(arguments) => arguments.run(),
        }
    }
}
