//! Looking again and again at the places that targets come from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Weak;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::pool::Pool;
use crate::config::Job;
use crate::discovery::{Discovery, FileDiscovery, TargetGroup};

/// What was found of a job's targets.
pub(super) struct Found {
    fixed: Vec<TargetGroup>,
    files: Vec<FileDiscovery>,
    /// The groups of each file, as they were when it could be read last.
    by_file: BTreeMap<PathBuf, Vec<TargetGroup>>,
}

impl Found {
    /// What the configuration itself says.
    pub(super) fn new(job: &Job) -> Self {
        let mut found = Self { fixed: Vec::new(), files: Vec::new(), by_file: BTreeMap::new() };
        for discovery in &job.discoveries {
            match discovery {
                Discovery::File(file) => found.files.push(file.clone()),
                Discovery::Static(groups) => found.fixed.extend(groups.iter().cloned()),
            }
        }
        found
    }

    /// Reads the files; returns whether they say something else than before.
    pub(super) async fn read(&mut self) -> bool {
        if self.files.is_empty() {
            return false;
        }
        let files = self.files.clone();
        let read =
            spawn_blocking(move || files.iter().flat_map(FileDiscovery::read).collect::<Vec<_>>());
        let Ok(read) = read.await else { return false };
        let mut by_file = BTreeMap::new();
        for (path, groups) in read {
            let groups = groups.or_else(|error| {
                tracing::error!(%error, "error reading file");
                // What it said before still holds.
                self.by_file.get(&path).cloned().ok_or(error)
            });
            by_file.extend(groups.ok().map(|groups| (path, groups)));
        }
        let is_news = by_file != self.by_file;
        self.by_file = by_file;
        is_news
    }

    /// All groups.
    pub(super) fn groups(&self) -> Vec<&TargetGroup> {
        self.fixed.iter().chain(self.by_file.values().flatten()).collect()
    }

    /// Whether it makes sense to look again.
    pub(super) fn may_change(&self) -> bool {
        !self.files.is_empty()
    }
}

/// Looks again and again, until the pool is gone or stops it.
pub(super) async fn watch(pool: Weak<Pool>, mut found: Found) {
    loop {
        let Some(pause) = pool.upgrade().map(|pool| {
            let refresh = found.files.iter().map(FileDiscovery::refresh_interval).min();
            let looking = pool.shared().options.discovery_interval;
            refresh.unwrap_or(looking).min(looking)
        }) else {
            return;
        };
        sleep(pause).await;
        if found.read().await
            && let Some(pool) = pool.upgrade()
        {
            pool.sync(&found.groups()).await;
        }
    }
}
