//! The state of targets as it is shown.

use std::time::Duration;

use skopos_core::{Labels, Timestamp};

use crate::cycle::{FamilyMetadata, Outcome};
use crate::target::Target;

/// How a target's last scrape went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It failed.
    Down,
    /// There was none yet.
    #[default]
    Unknown,
    /// It succeeded.
    Up,
}

impl Health {
    /// The word that the HTTP API has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Up => "up",
        }
    }
}

/// A job with its targets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolStatus {
    /// The job's name.
    pub job: String,
    /// Targets that are scraped, by URL.
    pub active: Vec<TargetStatus>,
    /// Targets that rules dropped; as many of them as are kept.
    pub dropped: Vec<DroppedTarget>,
    /// How many were dropped.
    pub dropped_count: usize,
}

/// A target that is scraped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TargetStatus {
    /// The job's name.
    pub job: String,
    /// The labels before relabeling.
    pub discovered_labels: Labels,
    /// The labels of its series.
    pub labels: Labels,
    /// Where its page is.
    pub url: String,
    /// How often it is scraped.
    pub interval: Duration,
    /// How long a scrape may take.
    pub timeout: Duration,
    /// How the last scrape went.
    pub health: Health,
    /// Why it failed; empty if it did not.
    pub last_error: String,
    /// When it was, if there was one.
    pub last_scrape: Option<Timestamp>,
    /// How long it took.
    pub last_scrape_duration: Duration,
}

/// A target that rules dropped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DroppedTarget {
    /// The job's name.
    pub job: String,
    /// The labels before relabeling.
    pub discovered_labels: Labels,
}

/// What a target says of its metric families.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TargetMetadata {
    /// The job's name.
    pub job: String,
    /// The labels of the target's series.
    pub labels: Labels,
    /// Its families, by name.
    pub families: Vec<FamilyMetadata>,
}

/// What the last scrape left.
#[derive(Clone, Debug, Default)]
pub(super) struct LastScrape {
    health: Health,
    error: String,
    at: Option<Timestamp>,
    duration: Duration,
}

impl LastScrape {
    pub(super) fn set(&mut self, at: Timestamp, outcome: &Outcome) {
        self.at = Some(at);
        self.duration = outcome.duration;
        match &outcome.error {
            Some(error) => {
                self.health = Health::Down;
                self.error = describe(error);
            }
            None => {
                self.health = Health::Up;
                self.error.clear();
            }
        }
    }

    pub(super) fn status(&self, job: &str, target: &Target, discovered: &Labels) -> TargetStatus {
        TargetStatus {
            job: job.into(),
            discovered_labels: discovered.clone(),
            labels: target.labels().clone(),
            url: target.url().into(),
            interval: target.interval(),
            timeout: target.timeout(),
            health: self.health,
            last_error: self.error.clone(),
            last_scrape: self.at,
            last_scrape_duration: self.duration,
        }
    }
}

/// The error, with its place in the page where it has one.
fn describe(error: &crate::Error) -> String {
    match (error.line(), error.column()) {
        (Some(line), Some(column)) => format!("{error} (line {line}, column {column})"),
        _ => error.to_string(),
    }
}
