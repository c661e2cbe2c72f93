//! What pages say of metric families: type, help, unit.

use hashbrown::HashMap;
use skopos_core::{Labels, Metadata, MetricType};

#[cfg(test)]
mod tests;

/// How many scrapes a family is remembered after its last.
const KEPT_PASSES: u64 = 10;

/// A family's name and what its target says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FamilyMetadata {
    /// The family's name as the page has it.
    pub family: String,
    /// Type, unit and help.
    pub metadata: Metadata,
}

/// The families of one target.
#[derive(Debug, Default)]
pub(crate) struct MetadataCache {
    families: HashMap<String, Known>,
    /// The family that metadata lines spoke of last.
    current: String,
    /// Whether this pass said something new of it: asked for every sample.
    is_news: bool,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Metadata,
    /// The last pass that spoke of it.
    seen: u64,
    /// The last pass that said something new.
    changed: u64,
}

impl MetadataCache {
    /// All families.
    pub(crate) fn families(&self) -> Vec<FamilyMetadata> {
        let families = self.families.iter();
        families
            .map(|(family, known)| FamilyMetadata {
                family: family.clone(),
                metadata: known.metadata.clone(),
            })
            .collect()
    }

    /// Notes what a line says of a family; `change` tells whether it is news.
    pub(super) fn set(
        &mut self,
        family: &str,
        pass: u64,
        change: impl FnOnce(&mut Metadata) -> bool,
    ) {
        if self.current != family {
            family.clone_into(&mut self.current);
        }
        let known = self.families.entry_ref(family).or_default();
        known.seen = pass;
        if change(&mut known.metadata) {
            known.changed = pass;
        }
        self.is_news = known.changed == pass;
    }

    /// What to tell of a sample's family, if the series or what is known of the family is new.
    #[inline]
    pub(super) fn news_of(&self, labels: &Labels, is_new: bool) -> Option<&Metadata> {
        if is_new || self.is_news { self.of_current(labels) } else { None }
    }

    fn of_current(&self, labels: &Labels) -> Option<&Metadata> {
        let known =
            self.families.get(self.current.as_str()).filter(|_| !self.current.is_empty())?;
        let name = labels.metric_name()?;
        is_part_of(name, &self.current, known.metadata.metric_type).then_some(&known.metadata)
    }

    /// Ends the lines about a family: nothing is said of the samples that follow.
    pub(super) fn end_family(&mut self) {
        self.current.clear();
        self.is_news = false;
    }

    /// Forgets families that pages have not spoken of for a while.
    pub(super) fn forget(&mut self, pass: u64) {
        self.families.retain(|_, known| pass <= known.seen + KEPT_PASSES);
        self.end_family();
    }
}

/// Whether a metric is one of the family's: its own name, or with one of the type's suffixes.
fn is_part_of(name: &str, family: &str, metric_type: MetricType) -> bool {
    let suffixes: &[&str] = match metric_type {
        MetricType::Counter => &["_total"],
        MetricType::GaugeHistogram => &["_bucket", "_gsum", "_gcount"],
        MetricType::Histogram => &["_bucket", "_sum", "_count"],
        MetricType::Info => &["_info"],
        MetricType::Summary => &["_sum", "_count"],
        _ => &[],
    };
    if !name.starts_with(family) {
        return false;
    }
    // Prometheus text has the suffix of these two in the family's name as well.
    let family = match metric_type {
        MetricType::Counter | MetricType::Info => strip(family, suffixes),
        _ => family,
    };
    strip(name, suffixes) == family
}

fn strip<'a>(name: &'a str, suffixes: &[&str]) -> &'a str {
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
