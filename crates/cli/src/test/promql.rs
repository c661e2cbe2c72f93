//! `skopos test promql`: do queries give what a script expects of them?

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use skopos_promql::test_script::{self, Report};

use super::Output;
use crate::outcome::Outcome;

/// Run scripts in the language of Prometheus' own PromQL tests.
///
/// A script loads series (`load 5m`), evaluates (`eval instant at 10m sum(x)`,
/// `eval range from 0 to 10m step 5m x`) and says what must come out.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos test promql queries.test

The last line counts the eval statements: N passed, N failed.")]
pub(super) struct Arguments {
    /// The scripts
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The form of the result
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let mut reports = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
            let report = test_script::run(&text).with_context(|| name.clone())?;
            reports.push((name, report));
        }
        let passed = reports.iter().map(|(_, report)| report.passed()).sum();
        let failed = reports.iter().map(|(_, report)| report.failed()).sum();
        let mut out = io::stdout().lock();
        match self.output {
            Output::Json => writeln!(out, "{:#}", as_json(&reports, passed, failed))?,
            Output::Text => write_text(&mut out, &reports, passed, failed)?,
        }
        Ok(if failed == 0 { Outcome::Fine } else { Outcome::Failed })
    }
}

fn write_text(
    out: &mut impl io::Write,
    reports: &[(String, Report)],
    passed: usize,
    failed: usize,
) -> io::Result<()> {
    for (name, report) in reports {
        for failure in report.failures() {
            writeln!(
                out,
                "{name}:{}: {}\n  {}",
                failure.line(),
                failure.query(),
                failure.message()
            )?;
        }
    }
    writeln!(out, "{passed} passed, {failed} failed")
}

fn as_json(reports: &[(String, Report)], passed: usize, failed: usize) -> Value {
    let failures: Vec<Value> = reports
        .iter()
        .flat_map(|(name, report)| report.failures().iter().map(move |failure| (name, failure)))
        .map(|(name, failure)| {
            json!({
                "file": name,
                "line": failure.line(),
                "query": failure.query(),
                "message": failure.message(),
            })
        })
        .collect();
    json!({ "passed": passed, "failed": failed, "failures": failures })
}
