//! Whether a counter was reset between two histograms of a series.

use skopos_core::{FloatHistogram, ResetHint};

use super::layout::{
    Side, above_threshold, bounds_match, common_bounds, expand, onto_bounds, reduced, zero_count_at,
};

/// Whether `current` cannot have come from `previous` by observing more.
pub(crate) fn detect_reset(current: &FloatHistogram, previous: &FloatHistogram) -> bool {
    match current.reset_hint {
        ResetHint::Reset => return true,
        ResetHint::NotReset => return false,
        // A gauge is compared as a counter here; who asks warns of it.
        ResetHint::Gauge | ResetHint::Unknown => {}
    }
    if current.count < previous.count
        || current.uses_custom_buckets() != previous.uses_custom_buckets()
    {
        return true;
    }
    if current.uses_custom_buckets() {
        return custom_buckets_fell(current, previous);
    }
    if previous.schema < current.schema || current.zero_threshold < previous.zero_threshold {
        return true;
    }
    let (zero_count, threshold) = zero_count_at(previous, current.zero_threshold);
    if threshold != current.zero_threshold || current.zero_count < zero_count {
        return true;
    }
    let side_fell = |now: Side, then: Side| {
        fell(
            above_threshold(&now, current.schema, threshold),
            above_threshold(&then, current.schema, threshold),
        )
    };
    let to = current.schema;
    side_fell(
        expand(&current.positive_spans, &current.positive_buckets),
        reduced(&previous.positive_spans, &previous.positive_buckets, previous.schema, to),
    ) || side_fell(
        expand(&current.negative_spans, &current.negative_buckets),
        reduced(&previous.negative_spans, &previous.negative_buckets, previous.schema, to),
    )
}

fn custom_buckets_fell(current: &FloatHistogram, previous: &FloatHistogram) -> bool {
    let now = expand(&current.positive_spans, &current.positive_buckets);
    let then = expand(&previous.positive_spans, &previous.positive_buckets);
    if bounds_match(&current.custom_values, &previous.custom_values) {
        return fell(&now, &then);
    }
    let bounds = common_bounds(&current.custom_values, &previous.custom_values);
    let mut grown = vec![0.0; bounds.len() + 1];
    let mut before = grown.clone();
    onto_bounds(&now, &current.custom_values, &bounds, |at, count| grown[at] += count);
    onto_bounds(&then, &previous.custom_values, &bounds, |at, count| before[at] += count);
    grown.iter().zip(&before).any(|(now, then)| now < then)
}

/// Whether a bucket of `then` holds less in `now`, or is gone.
fn fell(now: &[(i32, f64)], then: &[(i32, f64)]) -> bool {
    let mut rest = now.iter().peekable();
    then.iter().any(|(index, before)| {
        while rest.next_if(|(i, _)| i < index).is_some() {}
        match rest.peek() {
            Some((i, count)) if i == index => count < before,
            _ => *before != 0.0,
        }
    })
}
