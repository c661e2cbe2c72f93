//! The endpoints that show what is scraped and where alerts go.

use std::collections::{BTreeMap, BTreeSet};

use skopos_core::Metadata;
use skopos_promql::format_duration;

use super::json::Json;
use super::param;
use super::reply::{Failure, Notes};
use super::selector::{self, Conditions};
use super::{Api, Call};
use crate::view::ActiveTarget;

/// `GET /targets`.
pub(super) fn targets(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let pool = call.url.value("scrapePool");
    let state = call.url.value("state").to_lowercase();
    let shown = |kind: &str| matches!(state.as_str(), "" | "any") || state == kind;
    let (show_active, show_dropped) = (shown("active"), shown("dropped"));
    let in_pool = |name: &str| pool.is_empty() || pool == name;
    let targets = api.parts.targets();
    let active = targets.active.iter().filter(|target| show_active && in_pool(&target.pool));
    json.raw("{\"activeTargets\":").array(active, |json, target| write_active(api, json, target));
    let dropped = targets.dropped.iter().filter(|target| show_dropped && in_pool(&target.pool));
    json.raw(",\"droppedTargets\":").array(dropped, |json, target| {
        json.raw("{\"discoveredLabels\":").labels(&target.discovered_labels);
        json.raw(",\"scrapePool\":").string(&target.pool).raw("}");
    });
    json.raw(",\"droppedTargetCounts\":");
    if show_dropped {
        write_counts(json, &targets.dropped_counts);
    } else {
        json.raw("null");
    }
    json.raw("}");
    Ok(Notes::none())
}

fn write_active(api: &Api, json: &mut Json, target: &ActiveTarget) {
    json.raw("{\"discoveredLabels\":").labels(&target.discovered_labels);
    json.raw(",\"labels\":").labels(&target.labels);
    json.raw(",\"scrapePool\":").string(&target.pool);
    json.raw(",\"scrapeUrl\":").string(&target.url);
    json.raw(",\"globalUrl\":").string(&api.place.global_url(&target.url));
    json.raw(",\"lastError\":").string(&target.last_error);
    json.raw(",\"lastScrape\":").instant(target.last_scrape);
    json.raw(",\"lastScrapeDuration\":").number(target.last_duration);
    json.raw(",\"health\":").string(target.health);
    json.raw(",\"scrapeInterval\":").string(&format_duration(target.interval));
    json.raw(",\"scrapeTimeout\":").string(&format_duration(target.timeout)).raw("}");
}

fn write_counts(json: &mut Json, counts: &BTreeMap<String, usize>) {
    json.raw("{");
    for (i, (pool, count)) in counts.iter().enumerate() {
        json.raw(if i == 0 { "" } else { "," }).string(pool).raw(":").display(count);
    }
    json.raw("}");
}

/// `GET /scrape_pools`.
pub(super) fn pools(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    json.raw("{\"scrapePools\":").strings(api.parts.pools()).raw("}");
    Ok(Notes::none())
}

/// `GET /alertmanagers`.
pub(super) fn alertmanagers(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let (active, dropped) = api.parts.alertmanagers();
    let write = |json: &mut Json, url: String| {
        json.raw("{\"url\":").string(&url).raw("}");
    };
    json.raw("{\"activeAlertmanagers\":").array(active, write);
    json.raw(",\"droppedAlertmanagers\":").array(dropped, write).raw("}");
    Ok(Notes::none())
}

/// `GET /metadata`: type, unit and help by metric, over all targets.
pub(super) fn metadata(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = optional_number(call, "limit")?;
    let per_metric = optional_number(call, "limit_per_metric")?.filter(|limit| *limit != 0);
    let metric = call.form.value("metric");
    let mut found: BTreeMap<String, BTreeSet<Entry>> = BTreeMap::new();
    for (_, families) in api.parts.metadata() {
        for (name, metadata) in families {
            if !metric.is_empty() && metric != name {
                continue;
            }
            let entries = found.entry(name).or_default();
            if per_metric.is_none_or(|limit| entries.len() < limit) {
                entries.insert(Entry::from(metadata));
            }
        }
    }
    json.raw("{");
    for (i, (name, entries)) in found.iter().take(limit.unwrap_or(usize::MAX)).enumerate() {
        json.raw(if i == 0 { "" } else { "," }).string(name).raw(":");
        json.array(entries, |json, Entry { metric_type, unit, help }| {
            json.raw("{\"type\":").string(metric_type).raw(",\"unit\":").string(unit);
            json.raw(",\"help\":").string(help).raw("}");
        });
    }
    json.raw("}");
    Ok(Notes::none())
}

/// Metadata that can be ordered, so that each is shown once and always in the same place.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    metric_type: &'static str,
    unit: String,
    help: String,
}

impl From<Metadata> for Entry {
    fn from(metadata: Metadata) -> Self {
        let Metadata { metric_type, unit, help } = metadata;
        Self { metric_type: metric_type.as_str(), unit, help }
    }
}

/// `GET /targets/metadata`: type, unit and help by target and metric.
pub(super) fn target_metadata(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = optional_number(call, "limit")?.unwrap_or(usize::MAX);
    let conditions = match call.form.value("match_target") {
        "" => None,
        text => {
            let matchers = selector::parse(text).map_err(|e| e.of_parameter("match_target"))?;
            Some(Conditions::new(&matchers)?)
        }
    };
    let metric = call.form.value("metric");
    let mut found = Vec::new();
    for (labels, families) in api.parts.metadata() {
        // As in Prometheus, the limit is looked at between targets.
        if limit <= found.len() {
            break;
        }
        if conditions.as_ref().is_some_and(|conditions| !conditions.hold(&labels)) {
            continue;
        }
        let wanted = families.into_iter().filter(|(name, _)| metric.is_empty() || metric == name);
        found.extend(wanted.map(|(name, metadata)| (labels.clone(), name, metadata)));
    }
    json.array(&found, |json, (labels, name, metadata)| {
        json.raw("{\"target\":").labels(labels);
        if metric.is_empty() {
            json.raw(",\"metric\":").string(name);
        }
        json.raw(",\"type\":").string(metadata.metric_type.as_str());
        json.raw(",\"help\":").string(&metadata.help);
        json.raw(",\"unit\":").string(&metadata.unit).raw("}");
    });
    Ok(Notes::none())
}

/// An optional number; a negative one is as good as none.
fn optional_number(call: &Call, name: &'static str) -> Result<Option<usize>, Failure> {
    match call.form.value(name) {
        "" => Ok(None),
        text => match param::integer(text) {
            Ok(number) => Ok(usize::try_from(number).ok()),
            Err(_) => Err(Failure::bad_data(format!("{name} must be a number"))),
        },
    }
}
