//! `skopos check config`: whether a configuration and the rule files that it names can be used.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::json;
use skopos_server::Config;

use super::Output;
use super::rules::{self, Adviser, Checked, Lints};
use crate::outcome::Outcome;
use crate::time;

/// Check configuration files.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos check config --lint=all --lint-fatal prometheus.yml
  skopos check config --lint=extended prometheus.yml")]
pub(super) struct Arguments {
    /// Configuration files
    #[arg(required_unless_present = "lint_list")]
    files: Vec<PathBuf>,
    /// Leave out the files that the configuration names
    #[arg(long)]
    syntax_only: bool,
    /// What to advise against
    #[arg(long, value_enum, default_value_t)]
    lint: Lint,
    /// How far queries look back: longer intervals of scraping are advised against
    #[arg(
        long = "query.lookback-delta",
        value_name = "DURATION",
        default_value = "5m",
        value_parser = time::parse_duration
    )]
    lookback_delta: i64,
    #[command(flatten)]
    choices: rules::Choices,
    #[command(flatten)]
    shared: rules::Shared,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Lint {
    /// Everything
    All,
    /// Rules of a file that have a name and labels in common
    #[default]
    DuplicateRules,
    /// Everything, and in rule files what expressions, templates and groups give away too
    Extended,
    /// Nothing
    None,
    /// Intervals of scraping after which a sample is no longer seen
    TooLongScrapeInterval,
}

/// What was found in one configuration.
struct Report {
    name: String,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// How many rule files there are.
    rule_files: usize,
    lints: Vec<String>,
    rules: Vec<Checked>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if self.choices.lint_list {
            io::stdout().write_all(rules::list().as_bytes())?;
            return Ok(Outcome::Fine);
        }
        let adviser = self.choices.adviser(self.shared.parse_options())?;
        for path in &self.files {
            if !path.exists() {
                bail!("path '{}' does not exist", path.display());
            }
        }
        let mut worst = Outcome::Fine;
        for path in &self.files {
            let report = self.check(path, &adviser)?;
            worst = worst.max(report.outcome(self.shared.lint_fatal));
            match self.output {
                Output::Json => report.print_json()?,
                Output::Text => report.print()?,
            }
        }
        Ok(worst)
    }

    fn check(&self, path: &Path, adviser: &Adviser) -> anyhow::Result<Report> {
        let mut report = Report {
            name: path.display().to_string(),
            problems: Vec::new(),
            warnings: Vec::new(),
            rule_files: 0,
            lints: Vec::new(),
            rules: Vec::new(),
        };
        let loaded = Config::load(path).and_then(|config| Ok((config.rule_files()?, config)));
        let (rule_files, config) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                report.problems = error.problems().to_vec();
                return Ok(report);
            }
        };
        for warning in config.warnings() {
            match missing_rule_file(warning) {
                Some(_) if self.syntax_only => {}
                Some(file) => {
                    report.problems.push(format!("{file:?} does not point to an existing file"));
                }
                None => report.warnings.push(warning.clone()),
            }
        }
        if self.syntax_only || !report.problems.is_empty() {
            return Ok(report);
        }
        report.rule_files = rule_files.len();
        if matches!(self.lint, Lint::All | Lint::Extended | Lint::TooLongScrapeInterval) {
            report.lints = self.long_intervals(&config);
        }
        let lints = match self.lint {
            Lint::Extended => Lints::Extended(adviser),
            _ if self.choices.names_any() => Lints::Extended(adviser),
            Lint::All | Lint::DuplicateRules => Lints::Duplicates,
            Lint::None | Lint::TooLongScrapeInterval => Lints::None,
        };
        for file in rule_files {
            let content = rules::read(&file)?;
            let name = file.display().to_string();
            report.rules.push(rules::check(&name, &content, self.shared, &lints));
        }
        Ok(report)
    }

    fn long_intervals(&self, config: &Config) -> Vec<String> {
        let lookback = Duration::from_millis(self.lookback_delta.unsigned_abs());
        let is_long = |interval: Duration| lookback <= interval;
        let text = |name: &str, interval: Duration| {
            let millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
            format!(
                "too long scrape interval found, data point will be marked as stale - job: {name}, \
                 interval: {}",
                skopos_promql::format_duration(millis)
            )
        };
        let jobs = config.jobs().iter().filter(|job| is_long(job.interval));
        jobs.map(|job| text(&job.name, job.interval)).collect()
    }
}

/// The rule file that a warning says is not there: a server goes on, but who checks wants to know.
fn missing_rule_file(warning: &str) -> Option<&str> {
    warning.strip_prefix("rule file ")?.strip_suffix(" does not exist")
}

impl Report {
    fn outcome(&self, lint_fatal: bool) -> Outcome {
        if !self.problems.is_empty() {
            return Outcome::Failed;
        }
        let own = if lint_fatal && !self.lints.is_empty() { Outcome::Lint } else { Outcome::Fine };
        self.rules.iter().map(|rules| rules.outcome(lint_fatal)).fold(own, Outcome::max)
    }

    /// Prints what `promtool` prints.
    fn print(&self) -> io::Result<()> {
        writeln!(io::stdout(), "Checking {}", self.name)?;
        for warning in &self.warnings {
            writeln!(io::stderr(), "  WARNING: {warning}")?;
        }
        if self.problems.is_empty() {
            if 0 < self.rule_files {
                writeln!(io::stdout(), "  SUCCESS: {} rule files found", self.rule_files)?;
            }
            let name = &self.name;
            writeln!(io::stdout(), " SUCCESS: {name} is valid prometheus config file syntax")?;
        } else {
            writeln!(io::stderr(), "  FAILED: {}", self.problems.join("\n"))?;
        }
        writeln!(io::stdout())?;
        for lint in &self.lints {
            writeln!(io::stderr(), "  FAILED: {lint}")?;
        }
        self.rules.iter().try_for_each(Checked::print)
    }

    fn print_json(&self) -> io::Result<()> {
        let rules: Vec<_> = self.rules.iter().map(Checked::to_json).collect();
        let report = json!({
            "file": self.name,
            "errors": self.problems,
            "warnings": self.warnings,
            "lints": self.lints,
            "rule_files": rules,
        });
        writeln!(io::stdout(), "{report}")
    }
}
