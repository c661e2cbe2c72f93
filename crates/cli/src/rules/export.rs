//! `skopos rules export`: rule files with our extension as plain ones, for any Prometheus.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use skopos_promql::{Engine, EngineOptions, Table};
use skopos_rules::{LoadOptions, load};
use skopos_template::AlertExpander;

use crate::outcome::Outcome;
use crate::query::read_input;
use crate::time;

/// Write rules that have hysteresis or debouncing as plain Prometheus rules.
///
/// An alerting rule may have, under `x-skopos`, `recover_if: EXPR` (it fires until that is true),
/// `recover_on: [LABEL]` (the labels by which a recovery finds its alert; without, all) and
/// `debounce: {matches: N, of: M}` (N of the last M evaluations must be true).
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos rules export --evaluation-interval=30s alerts.yml > plain.yml
  promtool check rules plain.yml

Exit codes: 0 the rules were written, 1 the file cannot be read or used.")]
pub(super) struct Arguments {
    /// The rule file; `-` for standard input
    file: PathBuf,
    /// How far apart groups are evaluated that do not say
    #[arg(long, default_value = "1m", value_parser = time::parse_step)]
    evaluation_interval: i64,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let content = read_input(&self.file)?;
        // Only the parser is asked; there are no series.
        let engine = Engine::new(Table::default(), EngineOptions::default());
        let expander = AlertExpander::new();
        let options =
            LoadOptions::new(&engine, &expander).with_extensions(self.evaluation_interval);
        let name = self.file.display().to_string();
        let file = load(&content, &name, &options).map_err(|errors| {
            anyhow!(
                "{}",
                errors.iter().map(|error| format!("{error:#}")).collect::<Vec<_>>().join("\n")
            )
        })?;
        io::stdout().write_all(file.to_yaml()?.as_bytes())?;
        Ok(Outcome::Fine)
    }
}
