//! `prometheus.yml`: reading it, checking it, and saying exactly what is wrong.
//!
//! Unknown and repeated keys are errors with file, line, column and the key, and so is every section
//! of Prometheus' that is not served here: a configuration is taken whole or not at all. Rule files
//! are found here, but read elsewhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};
use skopos_core::Labels;
use skopos_core::text::Quoted;
use skopos_relabel::Rule;
use skopos_scrape::{Job, ScrapeConfig, ScrapeDefaults};

use crate::error::{Error, ErrorKind};

mod alerting;
mod expand;
mod raw;
mod shown;
#[cfg(test)]
mod tests;

pub(crate) use self::alerting::Alertmanager;
use self::raw::{Document, ScrapeFile, Unsupported};

/// The text that is used where there is no file.
const EMBEDDED: &str = include_str!("config/embedded.yml");
/// The rules that go with it.
pub(crate) const EMBEDDED_RULES: &str = include_str!("config/embedded.rules.yml");
/// The name under which the embedded rules are shown.
pub(crate) const EMBEDDED_RULES_NAME: &str = "(embedded)/rules.yml";

/// A configuration, checked and complete.
///
/// ```
/// use skopos_server::Config;
///
/// let config = Config::parse("scrape_configs: [{job_name: api}]", "prometheus.yml")?;
/// assert_eq!(config.jobs()[0].name, "api");
/// # Ok::<(), skopos_server::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) evaluation_interval: Duration,
    pub(crate) rule_query_offset: Duration,
    pub(crate) external_labels: Labels,
    pub(crate) jobs: Vec<Job>,
    pub(crate) alertmanagers: Vec<Alertmanager>,
    pub(crate) alert_relabel: Vec<Rule>,
    /// Patterns of rule files, relative ones joined with the file's directory.
    rule_patterns: Vec<String>,
    /// The configuration as people see it.
    shown: String,
    /// What is odd and not wrong.
    warnings: Vec<String>,
    /// Whether the rules that are part of the program belong to it.
    pub(crate) embedded: bool,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// `Config` with everything that is wrong.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let text = read(path)?;
        Self::parse(&text, &name)
    }

    /// Checks the text of a file that is called `name`; other files are found relative to it.
    ///
    /// # Errors
    ///
    /// `Config` with everything that is wrong.
    pub fn parse(text: &str, name: &str) -> Result<Self, Error> {
        let document: Document = from_yaml(text, name)?;
        let mut check = Check::new(name);
        let config = check.document(document, text);
        Error::check(ErrorKind::Config, check.problems)?;
        Ok(config)
    }

    /// The configuration of a server without a file: it scrapes its own metrics at `address` and
    /// `path`.
    ///
    /// # Errors
    ///
    /// `Config` for what cannot stand in a configuration.
    pub fn embedded(address: &str, path: &str) -> Result<Self, Error> {
        let text = EMBEDDED.replace("localhost:9090", address).replace("/metrics", path);
        let config = Self::parse(&text, "(embedded)/prometheus.yml")?;
        Ok(Self { embedded: true, ..config })
    }

    /// The jobs that scrape.
    #[must_use]
    pub fn jobs(&self) -> &[Job] {
        &self.jobs
    }

    /// The files that the patterns of `rule_files` match now, in the order of patterns and names.
    ///
    /// # Errors
    ///
    /// `Config` for a directory that cannot be read.
    pub fn rule_files(&self) -> Result<Vec<PathBuf>, Error> {
        let mut files = Vec::new();
        for pattern in &self.rule_patterns {
            files.extend(matching_files(pattern)?);
        }
        Ok(files)
    }

    /// The labels of this server in the eyes of others, variables replaced.
    #[must_use]
    pub fn external_labels(&self) -> &Labels {
        &self.external_labels
    }

    /// What is odd and not wrong; sentences.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The configuration in force as YAML, secrets hidden.
    #[must_use]
    pub fn to_yaml(&self) -> &str {
        &self.shown
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::new(ErrorKind::Config, format!("{}: {e}", path.display())))
}

/// Reads YAML as strictly as Prometheus does; an empty text is an empty document.
pub(crate) fn from_yaml<T: DeserializeOwned + Default>(text: &str, name: &str) -> Result<T, Error> {
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::Error };
    let read: Result<Option<T>, _> = serde_saphyr::from_str_with_options(text, options);
    match read {
        Ok(document) => Ok(document.unwrap_or_default()),
        Err(error) => {
            let error = error.without_snippet();
            let message = error.to_string();
            let (message, _) = message.split_once(" at line ").unwrap_or((&message, ""));
            let place = match error.location() {
                Some(at) => format!("{name}:{}:{}", at.line(), at.column()),
                None => name.to_owned(),
            };
            Err(Error::new(ErrorKind::Config, format!("{place}: {message}")))
        }
    }
}

/// The files that a pattern matches, in the order of names; none where there are none.
fn matching_files(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    // `**` has no meaning of its own in Go's patterns.
    let mut single = pattern.to_owned();
    while single.contains("**") {
        single = single.replace("**", "*");
    }
    let invalid = |e: String| Error::new(ErrorKind::Config, format!("{pattern}: {e}"));
    let paths = glob::glob(&single).map_err(|e| invalid(e.to_string()))?;
    let mut files = Vec::new();
    for path in paths {
        files.push(path.map_err(|e| invalid(e.to_string()))?);
    }
    files.sort();
    Ok(files)
}

/// Collects what is wrong while a document becomes a configuration.
struct Check<'a> {
    name: &'a str,
    directory: PathBuf,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// The names of the jobs so far, those of other files included.
    names: BTreeSet<String>,
}

impl<'a> Check<'a> {
    fn new(name: &'a str) -> Self {
        let directory = Path::new(name).parent().unwrap_or(Path::new("")).to_owned();
        Self { name, directory, problems: Vec::new(), warnings: Vec::new(), names: BTreeSet::new() }
    }

    fn problem(&mut self, at: &Location, text: impl std::fmt::Display) {
        let (name, line, column) = (self.name, at.line(), at.column());
        self.problems.push(format!("{name}:{line}:{column}: {text}"));
    }

    fn document(&mut self, document: Document, text: &str) -> Config {
        self.refuse(document.unsupported());
        let written = document.global;
        let at = written.as_ref().map_or(Location::UNKNOWN, |global| global.referenced);
        let global = written.map(|global| global.value).unwrap_or_default();
        let defaults = global.defaults().unwrap_or_else(|problem| {
            self.problem(&at, problem);
            ScrapeDefaults::default()
        });
        self.refuse(global.unsupported());
        let external_labels = self.external_labels(&global.external_labels, &at);
        let rule_patterns = self.patterns(document.rule_files, "rule file");
        let mut jobs = self.jobs(document.scrape_configs, &defaults);
        for pattern in self.patterns(document.scrape_config_files, "scrape config file") {
            jobs.extend(self.scrape_files(&pattern, &defaults));
        }
        let (alertmanagers, alert_relabel) = self.alerting(document.alerting);
        Config {
            evaluation_interval: global.evaluation_interval(),
            rule_query_offset: global.rule_query_offset(),
            external_labels,
            jobs,
            alertmanagers,
            alert_relabel,
            rule_patterns,
            shown: shown::effective(text, &defaults, global.evaluation_interval()),
            warnings: std::mem::take(&mut self.warnings),
            embedded: false,
        }
    }

    fn refuse(&mut self, unsupported: Vec<Unsupported>) {
        for (name, at) in unsupported {
            self.problem(&at, format_args!("{name} is not supported by this version of skopos"));
        }
    }

    fn external_labels(&mut self, written: &raw::ExternalLabels, at: &Location) -> Labels {
        let mut missing = Vec::new();
        let mut pairs = Vec::new();
        for (name, value) in written.iter().flatten() {
            if name.is_empty() {
                self.problem(at, "external_labels: \"\" is not a valid label name");
            }
            pairs.push((name, expand::expand(value, environment, &mut missing)));
        }
        for name in missing {
            self.warnings.push(format!("external_labels: the environment has no variable {name}"));
        }
        Labels::from_pairs(pairs)
    }

    /// Checks patterns of files and joins relative ones with the directory.
    fn patterns(&mut self, written: Option<Vec<Spanned<String>>>, what: &str) -> Vec<String> {
        let mut patterns = Vec::new();
        for pattern in written.into_iter().flatten() {
            let text = &pattern.value;
            let before = text.find('*').map_or(text.len(), |at| at + 1);
            if text[before..].contains('/') {
                let quoted = Quoted(text);
                self.problem(&pattern.referenced, format_args!("invalid {what} path {quoted}"));
                continue;
            }
            let joined = self.directory.join(text).display().to_string();
            if !joined.contains(['*', '?', '[']) && !Path::new(&joined).exists() {
                self.warnings.push(format!("{what} {joined} does not exist"));
            }
            patterns.push(joined);
        }
        patterns
    }

    fn jobs(
        &mut self,
        written: Option<Vec<Spanned<Option<ScrapeConfig>>>>,
        defaults: &ScrapeDefaults,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        for Spanned { value, referenced: at, .. } in written.into_iter().flatten() {
            let Some(config) = value else {
                self.problem(&at, "empty or null scrape config section");
                continue;
            };
            match config.resolve(defaults, &self.directory) {
                Err(error) => self.problem(&at, error),
                Ok(job) if !self.names.insert(job.name.clone()) => {
                    let name = Quoted(&job.name);
                    let problem = format!("found multiple scrape configs with job name {name}");
                    self.problem(&at, problem);
                }
                Ok(job) => jobs.push(job),
            }
        }
        jobs
    }

    /// The jobs in the files that a pattern of `scrape_config_files` matches.
    fn scrape_files(&mut self, pattern: &str, defaults: &ScrapeDefaults) -> Vec<Job> {
        let mut jobs = Vec::new();
        let files = match matching_files(pattern) {
            Ok(files) => files,
            Err(error) => {
                self.problems.extend_from_slice(error.problems());
                return jobs;
            }
        };
        for file in files {
            let name = file.display().to_string();
            match read(&file).and_then(|text| from_yaml::<ScrapeFile>(&text, &name)) {
                Ok(document) => {
                    let mut check = Check::new(&name);
                    check.names = std::mem::take(&mut self.names);
                    jobs.extend(check.jobs(document.scrape_configs, defaults));
                    self.problems.append(&mut check.problems);
                    self.names = check.names;
                }
                Err(error) => self.problems.extend_from_slice(error.problems()),
            }
        }
        jobs
    }

    fn alerting(&mut self, written: Option<raw::Alerting>) -> (Vec<Alertmanager>, Vec<Rule>) {
        let written = written.unwrap_or_default();
        let mut alertmanagers = Vec::new();
        for config in written.alertmanagers.into_iter().flatten() {
            match config.value.resolve(&self.directory) {
                Ok(alertmanager) => alertmanagers.push(alertmanager),
                Err(error) => self.problem(&config.referenced, error),
            }
        }
        let Some(rules) = written.alert_relabel_configs else {
            return (alertmanagers, Vec::new());
        };
        let compiled = alerting::compile(&rules.value);
        (
            alertmanagers,
            compiled.unwrap_or_else(|error| {
                self.problem(&rules.referenced, error);
                Vec::new()
            }),
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "external labels may name the environment's variables"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
