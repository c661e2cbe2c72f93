//! How the values of other crates stand in the JSON form: label sets as objects, times as RFC 3339, values as
//! texts, since JSON has no NaN.

use serde::ser::{SerializeSeq as _, Serializer};
use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{Labels, Matcher, Timestamp};

use super::text::rfc3339;
use crate::alert::AlertState;
use crate::backtest::Incident;

pub(super) fn labels<S: Serializer>(labels: &Labels, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

pub(super) fn time<S: Serializer>(t: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*t))
}

pub(super) fn optional_time<S: Serializer>(
    t: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match t {
        Some(t) => time(t, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn state<S: Serializer>(state: &AlertState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

pub(super) fn float<S: Serializer>(v: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_float(*v, FloatStyle::Api))
}

pub(super) fn value<S: Serializer>(v: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match v {
        Some(v) => float(v, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn matcher<S: Serializer>(matcher: &Matcher, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(matcher)
}

pub(super) fn matchers<S: Serializer>(list: &[Matcher], serializer: S) -> Result<S::Ok, S::Error> {
    let mut texts = serializer.serialize_seq(Some(list.len()))?;
    for matcher in list {
        texts.serialize_element(&matcher.to_string())?;
    }
    texts.end()
}

pub(super) fn incident<S: Serializer>(
    incident: &Option<Incident>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Written<'a> {
        #[serde(serialize_with = "labels")]
        labels: &'a Labels,
        #[serde(serialize_with = "time")]
        pending_at: Timestamp,
        #[serde(serialize_with = "optional_time")]
        firing_at: Option<Timestamp>,
        #[serde(serialize_with = "optional_time")]
        over_at: Option<Timestamp>,
    }
    let Some(incident) = incident else { return serializer.serialize_none() };
    let Incident { pending_at, firing_at, over_at, .. } = *incident;
    let written = Written { labels: &incident.labels, pending_at, firing_at, over_at };
    serde::Serialize::serialize(&written, serializer)
}
