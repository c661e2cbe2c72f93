//! Where targets come from: groups of them, listed in the configuration or in files.
//!
//! Files are read when asked; who asks, and how often, is the manager's business.

use std::path::{Path, PathBuf};
use std::time::Duration;

use skopos_core::Labels;
use skopos_core::text::Quoted;

use crate::config::RawGroup;
use crate::error::{Error, ErrorKind};
use crate::quantity::PromDuration;

#[cfg(test)]
mod tests;

/// Targets that were found together, with labels that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetGroup {
    source: String,
    targets: Vec<Labels>,
    labels: Labels,
}

impl TargetGroup {
    /// A group: its source's name, the labels of each target (`__address__` among them), and the
    /// labels that each target has unless it has its own.
    #[must_use]
    pub fn new(source: impl Into<String>, targets: Vec<Labels>, labels: Labels) -> Self {
        Self { source: source.into(), targets, labels }
    }

    /// The source's name, unique in its job.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The labels of each target.
    #[must_use]
    pub fn targets(&self) -> &[Labels] {
        &self.targets
    }

    /// The labels that the targets share.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }
}

/// A place that targets come from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Discovery {
    /// Files that are read again and again.
    File(FileDiscovery),
    /// The configuration itself.
    Static(Vec<TargetGroup>),
}

/// Files with target groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiscovery {
    patterns: Vec<PathBuf>,
    refresh_interval: Duration,
}

impl FileDiscovery {
    /// The files of `patterns`, whose last parts may have one `*`, relative to `directory`.
    ///
    /// # Errors
    ///
    /// `Config` for no pattern and for one that is no name of JSON or YAML files.
    pub fn new(
        patterns: &[String],
        refresh_interval: PromDuration,
        directory: &Path,
    ) -> Result<Self, Error> {
        if patterns.is_empty() {
            return Err(Error::config(
                "file service discovery config must contain at least one path name",
            ));
        }
        if let Some(wrong) = patterns.iter().find(|pattern| !is_file_pattern(pattern)) {
            let wrong = Quoted(wrong);
            return Err(Error::config(format!(
                "path name {wrong} is not valid for file discovery"
            )));
        }
        Ok(Self {
            patterns: patterns.iter().map(|pattern| directory.join(pattern)).collect(),
            refresh_interval: refresh_interval.get(),
        })
    }

    /// How long a file may go unread at most.
    #[must_use]
    pub fn refresh_interval(&self) -> Duration {
        self.refresh_interval
    }

    /// The files that are there, in order, each read now. Blocks on the file system.
    pub fn read(&self) -> impl Iterator<Item = (PathBuf, Result<Vec<TargetGroup>, Error>)> {
        let paths = self.patterns.iter().filter_map(|pattern| glob::glob(pattern.to_str()?).ok());
        let paths = paths.flatten().flatten();
        paths.map(|path| {
            let groups = read_file(&path);
            (path, groups)
        })
    }
}

/// `[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)`, from end to end.
fn is_file_pattern(pattern: &str) -> bool {
    let Some((stem, extension)) = pattern.rsplit_once('.') else { return false };
    let known = ["json", "yml", "yaml", "JSON", "YML", "YAML"].contains(&extension);
    let behind_star = stem.split_once('*').map_or("", |(_, behind)| behind);
    known && !behind_star.contains('/')
}

fn read_file(path: &Path) -> Result<Vec<TargetGroup>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::caused(ErrorKind::Fetch, format!("{}: {e}", path.display()), e))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let groups = parse(&text, is_json)
        .map_err(|message| Error::config(format!("{}: {message}", path.display())))?;
    let path = path.to_string_lossy();
    groups
        .into_iter()
        .enumerate()
        .map(|(i, group)| {
            let group = group.ok_or_else(|| {
                Error::config(format!("{path}: nil target group item found (index {i})"))
            })?;
            let mut group = group.resolve(format!("{path}:{i}"))?;
            group.labels = group.labels.to_builder().set("__meta_filepath", &path).finish();
            Ok(group)
        })
        .collect()
}

fn parse(text: &str, is_json: bool) -> Result<Vec<Option<RawGroup>>, String> {
    let groups: Option<Vec<Option<RawGroup>>> = if is_json {
        serde_json::from_str(text).map_err(|e| e.to_string())?
    } else if text.trim().is_empty() {
        None
    } else {
        serde_saphyr::from_str(text).map_err(|e| e.to_string())?
    };
    Ok(groups.unwrap_or_default())
}
