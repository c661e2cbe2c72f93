//! From a scraped series' labels to a stored one's: target labels, relabeling, limits.

use skopos_core::labels::METRIC_NAME;
use skopos_core::text::{Quoted, is_legacy_label_name, is_legacy_metric_name};
use skopos_core::{Labels, LabelsBuilder};
use skopos_exposition::SeriesLabels;
use skopos_relabel::NameScheme;

use crate::config::{Job, Limits};
use crate::error::{Error, ErrorKind};

/// What is put before a scraped label that a target label takes the name of.
const EXPORTED: &str = "exported_";

/// The labels to store, or nothing if rules drop the series.
pub(super) fn labels_of(
    job: &Job,
    target: &Labels,
    scraped: &SeriesLabels<'_>,
) -> Result<Option<Labels>, Error> {
    if let Some(name) = scraped.duplicate_name() {
        return Err(Error::new(
            ErrorKind::Page,
            format!("label name {} is not unique: invalid sample", Quoted(name)),
        ));
    }
    let mut builder = LabelsBuilder::new();
    for (name, value) in scraped.iter() {
        builder.set(name, value);
    }
    if job.honor_labels {
        // A scraped label without a value still keeps the target's away.
        let is_free = |name: &str| scraped.iter().all(|(scraped, _)| scraped != name);
        for (name, value) in target.iter().filter(|(name, _)| is_free(name)) {
            builder.set(name, value);
        }
    } else {
        set_target_labels(&mut builder, target);
    }
    if !skopos_relabel::apply(&job.metric_relabel, &mut builder) {
        return Ok(None);
    }
    let labels = builder.finish();
    if labels.is_empty() {
        return Ok(None);
    }
    check(&labels, job.name_validation, &job.limits)?;
    Ok(Some(labels))
}

/// Sets the target's labels, and moves scraped ones with their names aside.
fn set_target_labels(builder: &mut LabelsBuilder, target: &Labels) {
    let mut moved: Vec<(&str, String)> = Vec::new();
    for (name, value) in target {
        if let Some(scraped) = builder.get(name) {
            moved.push((name, scraped.to_owned()));
        }
        builder.set(name, value);
    }
    moved.sort_by_key(|(name, _)| name.len());
    for (name, value) in moved {
        let mut name = format!("{EXPORTED}{name}");
        while builder.get(&name).is_some() {
            name.insert_str(0, EXPORTED);
        }
        builder.set(&name, &value);
    }
}

fn check(labels: &Labels, scheme: NameScheme, limits: &Limits) -> Result<(), Error> {
    let Some(metric) = labels.metric_name() else {
        return Err(Error::new(
            ErrorKind::Page,
            format!("missing metric name ({METRIC_NAME} label)"),
        ));
    };
    let is_valid = match scheme {
        NameScheme::Legacy => {
            is_legacy_metric_name(metric)
                && labels.iter().all(|(name, _)| is_legacy_label_name(name))
        }
        NameScheme::Utf8 => labels.iter().all(|(name, _)| !name.is_empty()),
    };
    if !is_valid {
        return Err(Error::new(
            ErrorKind::Page,
            format!("invalid metric name or label names: {labels}"),
        ));
    }
    check_limits(labels, metric, limits)
}

fn check_limits(labels: &Labels, metric: &str, limits: &Limits) -> Result<(), Error> {
    let exceeds = |number: usize, limit: u64| limit != 0 && limit < number as u64;
    let error = |message| Err(Error::new(ErrorKind::Limit, message));
    let metric = short(metric);
    let (count, limit) = (labels.len(), limits.labels);
    if exceeds(count, limit) {
        return error(format!(
            "label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {limit})"
        ));
    }
    for (name, value) in labels {
        let limit = limits.label_name_length;
        if exceeds(name.len(), limit) {
            let (name, length) = (short(name), name.len());
            return error(format!(
                "label_name_length_limit exceeded (metric: {metric}, label name: {name}, \
                 length: {length}, limit: {limit})"
            ));
        }
        let limit = limits.label_value_length;
        if exceeds(value.len(), limit) {
            let (name, shown, length) = (short(name), Quoted(short(value)), value.len());
            return error(format!(
                "label_value_length_limit exceeded (metric: {metric}, label name: {name}, \
                 value: {shown}, length: {length}, limit: {limit})"
            ));
        }
    }
    Ok(())
}

/// The first fifty characters.
fn short(text: &str) -> &str {
    text.char_indices().nth(50).map_or(text, |(end, _)| &text[..end])
}
