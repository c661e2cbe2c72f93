//! Queries evaluated over a small fixed data set: whatever parses has an answer or an error within its
//! limits, and the answer of a range query is in order.

use std::sync::LazyLock;

use skopos_core::{Clock, ManualClock, QueryEngine, QueryRequest, QueryValue, Timestamp};
use skopos_promql::series_desc::parse_series_description;
use skopos_promql::{Engine, EngineOptions, ParseOptions, Table};

/// A sample every 30 seconds.
const SERIES: [&str; 14] = [
    "x{a=\"1\"} 0+10x9 3+1x9",
    "x{a=\"2\",b=\"c\"} 1 NaN Inf -Inf stale _ 0 -0 1e308 1e308 5e-324x9",
    "y{a=\"1\"} 1x19",
    "y{a=\"2\"} 2x4 _x10 5x4",
    "b{a=\"1\",le=\"0.5\"} 0+1x19",
    "b{a=\"1\",le=\"1\"} 0+3x19",
    "b{a=\"1\",le=\"+Inf\"} 0+4x19",
    "b{a=\"2\",le=\"?\"} 1x19",
    "h{a=\"1\"} {{schema:0 sum:5 count:4 buckets:[1 2 1]}}+{{schema:0 sum:2 count:3 buckets:[1 1 1]}}x19",
    "h{a=\"2\"} {{schema:2 sum:-5 count:4 z_bucket:1 z_bucket_w:0.01 offset:-3 buckets:[1] n_buckets:[1 0 1]}}x19",
    "n{a=\"1\"} {{schema:-53 sum:5 count:4 custom_values:[1 2 5] buckets:[1 2 1]}}x9",
    "n{a=\"2\"} {{schema:-53 sum:5 count:4 custom_values:[1 3] buckets:[1 2 1]}}x9",
    "m 1 {{schema:0 sum:1 count:1 buckets:[1]}} 4 {{schema:-53 sum:1 count:1 custom_values:[1] buckets:[1]}}",
    "target_info{a=\"1\",job=\"j\",instance=\"i\"} 1x19",
];

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::new();
    for line in SERIES {
        let series = parse_series_description(line).expect("it is a series");
        series.push_to(table.columns_mut(&series.labels), 0, 30_000);
    }
    table
});

/// Time goes on whenever somebody looks, so that the limit of time is always the same.
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let now = self.0.now();
        self.0.set(now + 1);
        now
    }
}

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let [choice, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let options = EngineOptions::default()
        .with_parse(ParseOptions::all())
        .with_max_samples(5_000)
        .with_clock(Ticking(ManualClock::new(Timestamp::from_millis(0))))
        .with_timeout(10_000)
        .with_delayed_name_removal(choice & 1 != 0)
        .with_start_timestamps(choice & 2 != 0);
    let engine = Engine::new(&*TABLE, options);
    let at = Timestamp::from_millis;
    if engine.check(text).is_err() {
        return;
    }
    let _ = engine.query(&QueryRequest::instant(text, at(500_000)));
    let (start, end, step) = match choice >> 2 & 7 {
        0 => (0, 600_000, 30_000),
        1 => (600_000, 600_000, 1),
        2 => (-100_000, 900_000, 45_001),
        3 => (300_000, 300_200, 7),
        4 => (i64::MIN, i64::MIN + 10, 5),
        5 => (i64::MAX - 10, i64::MAX, 5),
        6 => (i64::MIN, i64::MAX, i64::MAX),
        _ => (100, 0, 10),
    };
    let Ok(output) = engine.query(&QueryRequest::range(text, at(start), at(end), step)) else {
        return;
    };
    let QueryValue::Matrix(series) = &output.value else {
        unreachable!("a range query gives a matrix")
    };
    assert!(series.windows(2).all(|pair| pair[0].labels < pair[1].labels), "{text}");
    for one in series {
        assert!(one.floats.windows(2).all(|pair| pair[0].t < pair[1].t), "{text}");
        assert!(one.histograms.windows(2).all(|pair| pair[0].0 < pair[1].0), "{text}");
    }
}
