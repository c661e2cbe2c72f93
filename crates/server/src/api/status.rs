//! The endpoints that show the server itself.

use skopos_promql::format_duration;

use super::json::Json;
use super::param;
use super::reply::{Failure, Notes};
use super::{Api, Call};
use crate::place;
use crate::process::Process;

/// The most entries that the lists of `/status/tsdb` may have.
const MAX_ENTRIES: usize = 10_000;

/// `GET /status/buildinfo`.
pub(super) fn build(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    write_build(api, json);
    Ok(Notes::none())
}

/// Appends what was built; also the answer of `/version`.
///
/// Clients ask for the version to know what a server can do, so the version of Prometheus whose API
/// this is comes first.
pub(crate) fn write_build(_: &Api, json: &mut Json) {
    json.raw("{\"version\":").string(crate::COMPATIBLE_VERSION);
    json.raw(",\"revision\":").string(concat!("skopos-", env!("CARGO_PKG_VERSION")));
    json.raw(",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\"}");
}

/// `GET /status/config`.
pub(super) fn config(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    json.raw("{\"yaml\":").string(&api.parts.config_yaml()).raw("}");
    Ok(Notes::none())
}

/// `GET /status/flags`.
pub(super) fn flags(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    json.raw("{");
    for (i, (name, value)) in api.flags.iter().enumerate() {
        json.raw(if i == 0 { "" } else { "," }).string(name).raw(":").string(value);
    }
    json.raw("}");
    Ok(Notes::none())
}

/// `GET /notifications`: what people should know of the server's state.
pub(super) fn notifications(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let (well, since) = api.parts.config_state();
    let failed = (!well).then_some("Configuration reload has failed.");
    json.array(failed, |json, text| {
        json.raw("{\"text\":").string(text).raw(",\"date\":").instant(Some(since));
        json.raw(",\"active\":true}");
    });
    Ok(Notes::none())
}

/// `GET /status/runtimeinfo`. What only Go has is 0 or empty.
pub(super) fn runtime(api: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let (config_well, config_time) = api.parts.config_state();
    let directory = std::env::current_dir();
    let directory = directory.map_or_else(|_| String::new(), |d| d.display().to_string());
    let threads = Process::read().map_or(0.0, |process| process.threads);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    json.raw("{\"startTime\":").instant(Some(api.started));
    json.raw(",\"CWD\":").string(&directory);
    json.raw(",\"hostname\":").string(&place::host_name());
    json.raw(",\"serverTime\":").instant(Some(api.clock.now()));
    json.raw(",\"reloadConfigSuccess\":").display(config_well);
    json.raw(",\"lastConfigTime\":").instant(Some(config_time));
    json.raw(",\"corruptionCount\":0,\"goroutineCount\":").number(threads);
    json.raw(",\"GOMAXPROCS\":").display(cores);
    json.raw(",\"GOMEMLIMIT\":0,\"GOGC\":\"\",\"GODEBUG\":\"\",\"storageRetention\":");
    json.string(&format_duration(api.retention)).raw("}");
    Ok(Notes::none())
}

/// `GET /status/tsdb`.
pub(super) fn head(api: &Api, call: &Call, json: &mut Json) -> Result<Notes, Failure> {
    let limit = match call.form.value("limit") {
        "" => 10,
        text => match param::integer(text).ok().and_then(|n| usize::try_from(n).ok()) {
            Some(limit @ 1..=MAX_ENTRIES) => limit,
            Some(1..) => return Err(Failure::bad_data("limit must not exceed 10000")),
            _ => return Err(Failure::bad_data("limit must be a positive number")),
        },
    };
    let head = api.parts.head(limit);
    let (min, max) = match head.times {
        Some((min, max)) => (min.as_millis(), max.as_millis()),
        None => (i64::MAX, i64::MIN),
    };
    json.raw("{\"headStats\":{\"numSeries\":").display(head.series);
    json.raw(",\"numLabelPairs\":").display(head.label_pairs);
    json.raw(",\"chunkCount\":").display(head.chunks);
    json.raw(",\"minTime\":").display(min).raw(",\"maxTime\":").display(max).raw("}");
    for (key, entries) in [
        ("seriesCountByMetricName", &head.series_by_metric),
        ("labelValueCountByLabelName", &head.values_by_label),
        ("memoryInBytesByLabelName", &head.bytes_by_label),
        ("seriesCountByLabelValuePair", &head.series_by_pair),
    ] {
        json.raw(",\"").raw(key).raw("\":").array(entries, |json, (name, value)| {
            json.raw("{\"name\":").string(name).raw(",\"value\":").display(value).raw("}");
        });
    }
    json.raw("}");
    Ok(Notes::none())
}

/// `GET /status/walreplay`: there is no log to replay, so that nothing is left of it.
pub(super) fn replay(_: &Api, _: &Call, json: &mut Json) -> Result<Notes, Failure> {
    json.raw("{\"min\":0,\"max\":0,\"current\":0}");
    Ok(Notes::none())
}
