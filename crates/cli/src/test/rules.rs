//! `skopos test rules`: do rules do what their unit tests expect of them?

mod laboratory;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};
use skopos_core::Error;
use skopos_regex::Regex;
use skopos_rules::unit_test::{self, CaseReport, TestFile};
use skopos_rules::{LoadError, LoadOptions, RuleFile, load};

use self::laboratory::Workshop;
use super::{Output, junit};
use crate::outcome::Outcome;

/// Run unit tests of rules, in the format of `promtool test rules`.
///
/// A test file names rule files, series that go in, and the alerts and samples that must come out.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos test rules alerts.test.yml
  skopos test rules --run 'instance down' --diff tests/*.yml")]
pub(super) struct Arguments {
    /// The test files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only tests whose name matches the regular expression; may be repeated
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Show failures as what is missing (-) and what is too much (+)
    #[arg(long)]
    diff: bool,
    /// Pass over fields of rule files that are not known
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Accept hysteresis and debouncing under `x-skopos` (see `skopos rules export --help`); groups that
    /// do not say are made for the evaluation interval of the test file
    #[arg(long)]
    rule_extensions: bool,
    /// Accept functions that are experimental
    #[arg(long)]
    experimental_functions: bool,
    /// Also write the results to a file, in the XML format of JUnit
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Accepted as `promtool` accepts it; no feature changes how tests run (see
    /// --experimental-functions)
    #[arg(long, value_name = "FEATURE", value_delimiter = ',')]
    enable_feature: Vec<String>,
    /// The form of the result
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// What came of one file.
pub(super) struct FileReport {
    pub(super) name: String,
    /// The tests; or why there are none.
    pub(super) result: Result<Vec<CaseReport>, String>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let selected = match self.run.is_empty() {
            true => None,
            false => Some(Regex::new(&self.run.join("|")).context("--run")?),
        };
        let workshop = Workshop::new(self.experimental_functions);
        let mut reports = Vec::new();
        for path in &self.files {
            let name = path.display().to_string();
            let select = |name: &str| selected.as_ref().is_none_or(|regex| regex.is_match(name));
            let result = self.file(path, &workshop, &select);
            let report = FileReport { name, result };
            if self.output == Output::Text {
                report.print(self.diff)?;
            }
            reports.push(report);
        }
        if let Some(path) = &self.junit {
            let text = junit::document(&reports);
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.output == Output::Json {
            writeln!(io::stdout(), "{:#}", as_json(&reports))?;
        }
        let failed = reports.iter().any(FileReport::is_failed);
        Ok(if failed { Outcome::Failed } else { Outcome::Fine })
    }

    /// Runs the tests of one file; the error is why it has none.
    fn file(
        &self,
        path: &Path,
        workshop: &Workshop,
        select: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<CaseReport>, String> {
        let content = fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let file = unit_test::load(&content).map_err(|error| error.message().to_owned())?;
        let paths = resolve(&file, path.parent()).map_err(|error| format!("{error:#}"))?;
        if !file.tests.iter().any(|test| select(&test.name)) {
            return Ok(Vec::new());
        }
        let rules = self.rules(&file, &paths, workshop).map_err(|error| format!("{error:#}"))?;
        let rules = rules.as_ref().map(Vec::as_slice).map_err(Vec::as_slice);
        Ok(file.run(rules, workshop, select))
    }

    /// The rule files, or everything that is wrong with the first that cannot be loaded.
    fn rules(
        &self,
        test: &TestFile,
        paths: &[PathBuf],
        workshop: &Workshop,
    ) -> anyhow::Result<Result<Vec<RuleFile>, Vec<LoadError>>> {
        let mut options = LoadOptions::new(workshop.checker(), workshop.templates());
        if self.ignore_unknown_fields {
            options = options.ignore_unknown_fields();
        }
        if self.rule_extensions {
            options = options.with_extensions(test.evaluation_interval);
        }
        let mut files = Vec::new();
        for path in paths {
            let name = path.display().to_string();
            let content = fs::read(path).with_context(|| format!("cannot read {name}"))?;
            match load(&content, &name, &options) {
                Ok(file) => files.push(file),
                Err(errors) => return Ok(Err(errors)),
            }
        }
        Ok(Ok(files))
    }
}

/// The files that a test file's patterns stand for.
fn resolve(file: &TestFile, folder: Option<&Path>) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for pattern in &file.rule_files {
        let full = folder.unwrap_or(Path::new("")).join(pattern);
        let Some(full) = full.to_str() else { bail!("{} is not UTF-8", full.display()) };
        let before = paths.len();
        for path in glob::glob(full).with_context(|| full.to_owned())? {
            paths.push(path?);
        }
        if paths.len() == before {
            writeln!(io::stderr(), "  WARNING: no file match pattern {full}")?;
        }
    }
    Ok(paths)
}

impl FileReport {
    fn is_failed(&self) -> bool {
        match &self.result {
            Ok(cases) => cases.iter().any(|case| !case.failures.is_empty()),
            Err(_) => true,
        }
    }

    /// Every failure, in the words of `promtool`.
    fn failures(&self, diff: bool) -> Vec<String> {
        match &self.result {
            Ok(cases) => cases
                .iter()
                .flat_map(|case| &case.failures)
                .map(|failure| if diff { failure.diff() } else { failure.to_string() })
                .collect(),
            Err(error) => vec![error.clone()],
        }
    }

    fn print(&self, diff: bool) -> io::Result<()> {
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        if self.is_failed() {
            writeln!(err, "  FAILED:")?;
            for failure in self.failures(diff) {
                writeln!(err, "{failure}")?;
                writeln!(out)?;
            }
        } else {
            writeln!(out, "  SUCCESS")?;
        }
        writeln!(out)
    }
}

fn as_json(reports: &[FileReport]) -> Value {
    let case = |case: &CaseReport| {
        let failures: Vec<Value> = case
            .failures
            .iter()
            .map(|failure| {
                json!({
                    "message": failure.to_string(),
                    "expected": failure.expected,
                    "got": failure.got,
                })
            })
            .collect();
        json!({"name": case.name, "failures": failures})
    };
    let files: Vec<Value> = reports
        .iter()
        .map(|report| match &report.result {
            Ok(cases) => {
                let tests: Vec<Value> = cases.iter().map(case).collect();
                json!({"file": report.name, "tests": tests})
            }
            Err(error) => json!({"file": report.name, "error": error}),
        })
        .collect();
    Value::Array(files)
}

/// An error that is to be told without its kind.
fn invalid(message: String) -> Error {
    Error::new(skopos_core::ErrorKind::Invalid, message)
}
