//! `skopos check rules`: whether rule files can be used, which rules collide, and what is advised against.

mod advice;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};
use skopos_promql::{Engine, EngineOptions, ParseOptions};
use skopos_rules::lint::Finding;
use skopos_rules::{
    LoadError, LoadOptions, Mistake, RuleFile, is_kubernetes, lint, load, load_kubernetes,
};
use skopos_template::AlertExpander;
use skopos_tsdb::{Head, HeadOptions};

pub(super) use self::advice::{Adviser, Choices, list};
use super::Output;
use crate::outcome::Outcome;

/// The name of what comes from standard input.
const STANDARD_INPUT: &str = "standard input";

/// Milliseconds between evaluations of groups that do not say; where nothing is evaluated, any will do.
const DEFAULT_INTERVAL: i64 = 60_000;

/// Check rule files, and PrometheusRule objects of Kubernetes.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  skopos check rules --lint=all --lint-fatal rules/*.yml
  skopos check rules --lint=extended --scrape-interval=30s rules/*.yml")]
pub(super) struct Arguments {
    /// Rule files; without any, standard input
    files: Vec<PathBuf>,
    /// What to advise against
    #[arg(long, value_enum, default_value_t)]
    lint: Lint,
    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    shared: Shared,
    /// Form of the output
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Lint {
    /// Everything that promtool advises against
    All,
    /// Rules of a file that have a name and labels in common
    #[default]
    DuplicateRules,
    /// What expressions, templates and groups give away too, with places and reasons
    Extended,
    /// Nothing
    None,
}

/// Choices that checks of rules and of configurations share.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Shared {
    /// Exit with code 3 if something is advised against
    #[arg(long)]
    pub(super) lint_fatal: bool,
    /// Pass over fields that are not known
    #[arg(long)]
    ignore_unknown_fields: bool,
    /// Accept functions that are experimental
    #[arg(long)]
    experimental_functions: bool,
    /// Accept hysteresis and debouncing under `x-skopos` (see `skopos rules export --help`)
    #[arg(long)]
    rule_extensions: bool,
}

/// What was found in one file.
#[derive(Debug)]
pub(super) struct Checked {
    name: String,
    /// One file; several for a text that holds Kubernetes objects.
    result: Result<Vec<RuleFile>, Vec<LoadError>>,
    lints: Vec<String>,
    /// What only `--lint=extended` tells.
    findings: Vec<Finding>,
    /// Whether that was asked for.
    extended: bool,
}

/// Which lints are on.
pub(super) enum Lints<'a> {
    None,
    Duplicates,
    Extended(&'a Adviser),
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        if self.choices.lint_list {
            io::stdout().write_all(list().as_bytes())?;
            return Ok(Outcome::Fine);
        }
        let adviser = self.choices.adviser(self.shared.parse_options())?;
        let lints = match self.lint {
            Lint::None => Lints::None,
            Lint::Extended => Lints::Extended(&adviser),
            _ if self.choices.names_any() => Lints::Extended(&adviser),
            Lint::All | Lint::DuplicateRules => Lints::Duplicates,
        };
        let mut files = Vec::new();
        for path in &self.files {
            if !path.exists() {
                bail!("path '{}' does not exist", path.display());
            }
            files.push((path.display().to_string(), read(path)?));
        }
        if files.is_empty() {
            let mut content = Vec::new();
            io::stdin().read_to_end(&mut content).context("cannot read standard input")?;
            files.push((STANDARD_INPUT.into(), content));
        }
        let mut worst = Outcome::Fine;
        for (name, content) in files {
            let checked = match is_kubernetes(&content) {
                true => check_with(load_kubernetes, &name, &content, self.shared, &lints),
                false => check_with(load_file, &name, &content, self.shared, &lints),
            };
            worst = worst.max(checked.outcome(self.shared.lint_fatal));
            match self.output {
                Output::Json => writeln!(io::stdout(), "{}", checked.to_json())?,
                Output::Text => checked.print()?,
            }
        }
        Ok(worst)
    }
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

impl Shared {
    pub(super) fn parse_options(self) -> ParseOptions {
        ParseOptions::default().with_experimental_functions(self.experimental_functions)
    }
}

/// Checks the content of one rule file.
pub(super) fn check(name: &str, content: &[u8], shared: Shared, lints: &Lints<'_>) -> Checked {
    check_with(load_file, name, content, shared, lints)
}

/// How a text becomes rule files.
type Load = fn(&[u8], &str, &LoadOptions<'_>) -> Result<Vec<RuleFile>, Vec<LoadError>>;

fn load_file(
    content: &[u8],
    name: &str,
    options: &LoadOptions<'_>,
) -> Result<Vec<RuleFile>, Vec<LoadError>> {
    load(content, name, options).map(|file| vec![file])
}

fn check_with(
    load: Load,
    name: &str,
    content: &[u8],
    shared: Shared,
    lints: &Lints<'_>,
) -> Checked {
    // Only the parser is asked; there are no series.
    let source = Head::new(HeadOptions::new());
    let engine_options = EngineOptions::default().with_parse(shared.parse_options());
    let engine = Engine::new(source, engine_options);
    let expander = AlertExpander::new();
    let mut options = LoadOptions::new(&engine, &expander);
    if shared.ignore_unknown_fields {
        options = options.ignore_unknown_fields();
    }
    if shared.rule_extensions {
        options = options.with_extensions(DEFAULT_INTERVAL);
    }
    let result = load(content, name, &options);
    let mut checked = Checked {
        name: name.into(),
        result,
        lints: Vec::new(),
        findings: Vec::new(),
        extended: matches!(lints, Lints::Extended(_)),
    };
    let files = checked.result.as_deref().unwrap_or_default();
    match lints {
        Lints::None => {}
        Lints::Duplicates => checked.lints = files.iter().filter_map(lint).collect(),
        Lints::Extended(adviser) => {
            let text = str::from_utf8(content).unwrap_or_default();
            checked.findings = files.iter().flat_map(|file| adviser.advise(file, text)).collect();
            let lines = checked.findings.iter().map(|finding| format!("{name}:{finding}"));
            checked.lints = lines.collect();
        }
    }
    checked
}

impl Checked {
    /// How much what was found weighs.
    pub(super) fn outcome(&self, lint_fatal: bool) -> Outcome {
        match &self.result {
            Err(_) => Outcome::Failed,
            Ok(_) if lint_fatal && !self.lints.is_empty() => Outcome::Lint,
            Ok(_) => Outcome::Fine,
        }
    }

    /// Prints what `promtool` prints.
    pub(super) fn print(&self) -> io::Result<()> {
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        writeln!(out, "Checking {}", self.name)?;
        let files = match &self.result {
            Ok(files) => files,
            Err(errors) => {
                writeln!(err, "  FAILED:")?;
                if !self.extended {
                    return errors.iter().try_for_each(|error| writeln!(err, "{error}"));
                }
                // Nobody expects the words of promtool here, who does not tell all places.
                let mut told: Vec<String> = errors.iter().map(|e| format!("{e:#}")).collect();
                told.dedup();
                return told.iter().try_for_each(|error| writeln!(err, "{error}"));
            }
        };
        if files.iter().any(|file| file.has_more_documents) {
            writeln!(err, "{}: only the first YAML document is read", self.name)?;
        }
        match self.lints.is_empty() {
            true => writeln!(out, "  SUCCESS: {} rules found", rule_count(files))?,
            false => writeln!(err, "  FAILED:\n{}", self.lints.join("\n"))?,
        }
        writeln!(out)
    }

    pub(super) fn to_json(&self) -> Json {
        let name = &self.name;
        match &self.result {
            Err(errors) => {
                let mut errors: Vec<Json> = errors.iter().flat_map(error_to_json).collect();
                // What cannot be read is told of twice.
                errors.dedup();
                json!({"file": name, "errors": errors})
            }
            Ok(files) => {
                let mut object =
                    json!({"file": name, "rules": rule_count(files), "lints": self.lints});
                if !self.findings.is_empty() {
                    object["findings"] = self.findings.iter().map(finding_to_json).collect();
                }
                object
            }
        }
    }
}

fn rule_count(files: &[RuleFile]) -> usize {
    files.iter().map(RuleFile::rule_count).sum()
}

/// An object for each mistake.
fn error_to_json(error: &LoadError) -> Vec<Json> {
    let object = |mistake: &Mistake| {
        let mut object = json!({"message": mistake.message()});
        if let Some(at) = mistake.position() {
            object["line"] = at.line.into();
            object["column"] = at.column.into();
        }
        let texts = [
            ("key", Some(mistake.key()).filter(|key| !key.is_empty())),
            ("group", error.group()),
            ("rule", error.rule()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                object[name] = text.into();
            }
        }
        object
    };
    match error.mistakes() {
        [] => vec![json!({"message": error.message()})],
        mistakes => mistakes.iter().map(object).collect(),
    }
}

fn finding_to_json(finding: &Finding) -> Json {
    let mut object = json!({
        "code": finding.code,
        "group": finding.group,
        "rule": finding.rule,
        "line": finding.position.line,
        "column": finding.position.column,
        "reason": finding.reason,
        "advice": finding.remedy,
    });
    if let Some(at) = finding.within {
        object["expressionLine"] = at.line.into();
        object["expressionColumn"] = at.column.into();
    }
    object
}
