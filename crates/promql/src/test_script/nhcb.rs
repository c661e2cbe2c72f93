//! Classic histograms as native ones with custom buckets, for `load_with_nhcb`.

use std::collections::BTreeMap;
use std::sync::Arc;

use skopos_core::histogram::CUSTOM_BUCKETS_SCHEMA;
use skopos_core::{FloatHistogram, Labels, Span};

use super::load::Loaded;

/// What is known of one histogram at one time.
#[derive(Default)]
struct Collected {
    /// Bounds with the observations up to them.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

/// The native histograms of a block's classic ones, by series and time.
pub(super) fn convert(
    series: &[Loaded],
    step: i64,
) -> Result<Vec<(Labels, i64, FloatHistogram)>, String> {
    let mut collected: BTreeMap<(Labels, i64), Collected> = BTreeMap::new();
    for one in series {
        let Some(name) = one.labels.metric_name() else { continue };
        let Some((base, part @ ("bucket" | "count" | "sum"))) = name.rsplit_once('_') else {
            continue;
        };
        let bound = match part {
            "bucket" => match one.labels.get("le").and_then(|le| le.parse::<f64>().ok()) {
                Some(bound) if !bound.is_nan() => bound,
                _ => continue,
            },
            _ => 0.0,
        };
        let mut builder = one.labels.to_builder();
        builder.set("__name__", base).remove("le");
        let labels = builder.finish();
        for (t, v) in one.floats(step) {
            if skopos_core::is_stale_nan(v) {
                continue;
            }
            let histogram = collected.entry((labels.clone(), t)).or_default();
            match part {
                "bucket" => histogram.buckets.push((bound, v)),
                "count" => histogram.count = Some(v),
                _ => histogram.sum = v,
            }
        }
    }
    collected
        .into_iter()
        .filter(|(_, c)| !c.buckets.is_empty() || c.count.is_some())
        .map(|((labels, t), c)| Ok((labels, t, native(c)?)))
        .collect()
}

fn native(mut collected: Collected) -> Result<FloatHistogram, String> {
    collected.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let highest = collected.buckets.last().map_or(0.0, |(_, count)| *count);
    let count = collected.count.unwrap_or(highest);
    if collected.buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        collected.buckets.push((f64::INFINITY, count));
    }
    let mut below = 0.0;
    let mut filled: Vec<f64> = Vec::new();
    for (bound, upto) in &collected.buckets {
        let own = upto - below;
        if own < 0.0 {
            return Err(format!("bucket {bound} has fewer observations than the one below"));
        }
        filled.push(own);
        below = *upto;
    }
    if below != count {
        return Err(format!("buckets hold {below} observations, but the count is {count}"));
    }
    let bounds: Vec<f64> =
        collected.buckets.iter().map(|(bound, _)| *bound).filter(|b| b.is_finite()).collect();
    let length = u32::try_from(filled.len()).map_err(|e| e.to_string())?;
    let mut h = FloatHistogram {
        schema: CUSTOM_BUCKETS_SCHEMA,
        count,
        sum: collected.sum,
        positive_spans: vec![Span { offset: 0, length }],
        positive_buckets: filled,
        custom_values: Arc::from(bounds),
        ..FloatHistogram::default()
    };
    crate::histogram::compact(&mut h);
    Ok(h)
}
