//! What scrapes leave in a store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use skopos_core::{Labels, Sample, Timestamp, is_stale_nan};
use skopos_testkit::MemoryStore;

use super::{Outcome, Page, ScrapeCycle, ScrapeTime};
use crate::config::{ScrapeConfig, ScrapeDefaults};
use crate::error::{Error, ErrorKind};

/// A target that is scraped into a store.
struct Scraped {
    store: MemoryStore,
    cycle: ScrapeCycle,
}

impl Scraped {
    fn new(yaml: &str) -> Self {
        Self::with_labels(yaml, &[("instance", "i"), ("job", "j")])
    }

    fn with_labels(yaml: &str, target: &[(&str, &str)]) -> Self {
        let config: ScrapeConfig = serde_saphyr::from_str(&format!("job_name: j\n{yaml}")).unwrap();
        let job = config.resolve(&ScrapeDefaults::default(), Path::new("")).unwrap();
        let target = Labels::from_pairs(target.iter().copied());
        Self { store: MemoryStore::new(), cycle: ScrapeCycle::new(Arc::new(job), target) }
    }

    fn answer(&mut self, at: i64, answer: Result<Page<'_>, Error>) -> Outcome {
        let at = Timestamp::from_millis(at);
        let time = ScrapeTime { at, now: at, elapsed: &|| Duration::from_millis(250) };
        self.cycle.scrape(&self.store, time, answer)
    }

    fn scrape(&mut self, at: i64, page: &str) -> Outcome {
        self.answer(at, Ok(Page { body: page.as_bytes(), content_type: "text/plain" }))
    }

    fn fail(&mut self, at: i64) -> Outcome {
        self.answer(at, Err(Error::new(ErrorKind::Fetch, "connection refused")))
    }

    /// All series but the reports: labels and samples, `x` for staleness markers.
    fn stored(&self) -> Vec<String> {
        let series = self.store.series();
        let reports = ["up", "scrape_"];
        let is_report = |labels: &Labels| {
            reports.iter().any(|report| labels.metric_name().unwrap().starts_with(report))
        };
        series
            .iter()
            .filter(|labels| !is_report(labels))
            .map(|labels| format!("{labels} {}", show(&self.store.floats(labels))))
            .collect()
    }

    fn report(&self, name: &str) -> String {
        let labels = [("__name__", name), ("instance", "i"), ("job", "j")];
        show(&self.store.floats(&Labels::from_pairs(labels)))
    }
}

fn show(samples: &[Sample]) -> String {
    let shown = samples.iter().map(|sample| match sample.v {
        v if is_stale_nan(v) => format!("x@{}", sample.t),
        v => format!("{v}@{}", sample.t),
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(yaml: &str, page: &str, expected: &[&str]) {
    let mut scraped = Scraped::new(yaml);
    let outcome = scraped.scrape(1_000, page);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(scraped.stored(), expected);
}

#[track_caller]
fn check_error(yaml: &str, page: &str, expected: &str) {
    let mut scraped = Scraped::new(yaml);
    scraped.scrape(1_000, "old 1\n");
    let outcome = scraped.scrape(2_000, page);
    assert_eq!(outcome.error.unwrap().to_string(), expected);
    // Nothing of the page is there.
    assert_eq!(scraped.stored(), [r#"{__name__="old", instance="i", job="j"} 1@1000 x@2000"#]);
    assert_eq!(scraped.report("up"), "1@1000 0@2000");
}

#[test]
fn samples_get_the_targets_labels_and_the_scrapes_time() {
    check(
        "",
        "# HELP a help\n# TYPE a counter\na{x=\"1\"} 2\nb 3\n",
        &[
            r#"{__name__="a", instance="i", job="j", x="1"} 2@1000"#,
            r#"{__name__="b", instance="i", job="j"} 3@1000"#,
        ],
    );
}

#[test]
fn scraped_labels_are_moved_aside_unless_honored() {
    let page = "a{job=\"own\",exported_job=\"e\",instance=\"\"} 1\n";
    check(
        "",
        page,
        &[
            r#"{__name__="a", exported_exported_job="own", exported_job="e", instance="i", job="j"} 1@1000"#,
        ],
    );
    check("honor_labels: true", page, &[r#"{__name__="a", exported_job="e", job="own"} 1@1000"#]);
}

#[test]
fn rules_change_and_drop_series() {
    let yaml = "
metric_relabel_configs:
- {source_labels: [__name__], regex: 'b.*', action: drop}
- {source_labels: [job], target_label: copy}
- {regex: secret, action: labeldrop}
";
    let mut scraped = Scraped::new(yaml);
    let page = "a{secret=\"x\"} 1\nbad 2\n";
    let outcome = scraped.scrape(1_000, page);
    assert_eq!((outcome.scraped, outcome.post_relabeling, outcome.series_added), (2, 1, 1));
    let outcome = scraped.scrape(2_000, page);
    assert_eq!((outcome.scraped, outcome.post_relabeling, outcome.series_added), (2, 1, 0));
    assert_eq!(
        scraped.stored(),
        [r#"{__name__="a", copy="j", instance="i", job="j"} 1@1000 1@2000"#]
    );
}

#[test]
fn explicit_times_are_used_if_honored() {
    check("", "a 1 500\n", &[r#"{__name__="a", instance="i", job="j"} 1@500"#]);
    check(
        "honor_timestamps: false",
        "a 1 500\n",
        &[r#"{__name__="a", instance="i", job="j"} 1@1000"#],
    );
}

#[test]
fn vanished_series_become_stale() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\nb 2\n");
    scraped.scrape(2_000, "b 3\n");
    scraped.scrape(3_000, "b 4\na 5\n");
    assert_eq!(
        scraped.stored(),
        [
            r#"{__name__="a", instance="i", job="j"} 1@1000 x@2000 5@3000"#,
            r#"{__name__="b", instance="i", job="j"} 2@1000 3@2000 4@3000"#,
        ]
    );
}

#[test]
fn series_with_times_of_their_own_are_tracked_on_demand() {
    for (yaml, expected) in [("", "1@500"), ("track_timestamps_staleness: true", "1@500 x@2000")] {
        let mut scraped = Scraped::new(yaml);
        scraped.scrape(1_000, "a 1 500\n");
        scraped.scrape(2_000, "b 1 1500\n");
        assert_eq!(
            scraped.stored()[0],
            format!(r#"{{__name__="a", instance="i", job="j"}} {expected}"#)
        );
    }
}

#[test]
fn a_failed_scrape_is_an_empty_one() {
    let mut scraped = Scraped::new("extra_scrape_metrics: true");
    scraped.scrape(1_000, "a 1\n");
    let outcome = scraped.fail(2_000);
    assert_eq!(outcome.error.unwrap().to_string(), "connection refused");
    scraped.fail(3_000);
    scraped.scrape(4_000, "a 2\n");
    assert_eq!(scraped.stored(), [r#"{__name__="a", instance="i", job="j"} 1@1000 x@2000 2@4000"#]);
    assert_eq!(scraped.report("up"), "1@1000 0@2000 0@3000 1@4000");
    assert_eq!(scraped.report("scrape_samples_scraped"), "1@1000 0@2000 0@3000 1@4000");
    assert_eq!(
        scraped.report("scrape_duration_seconds"),
        "0.25@1000 0.25@2000 0.25@3000 0.25@4000"
    );
    assert_eq!(scraped.report("scrape_series_added"), "1@1000 0@2000 0@3000 0@4000");
    assert_eq!(scraped.report("scrape_timeout_seconds"), "10@1000 10@2000 10@3000 10@4000");
    assert_eq!(scraped.report("scrape_body_size_bytes"), "4@1000 0@2000 0@3000 4@4000");
    let outcome =
        scraped.answer(5_000, Err(Error::new(ErrorKind::Limit, "body size limit exceeded")));
    assert!(outcome.error.is_some());
    assert!(scraped.report("scrape_body_size_bytes").ends_with(" -1@5000"));
}

#[test]
fn an_empty_page_is_a_success() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\n");
    assert!(scraped.scrape(2_000, "").error.is_none());
    assert_eq!(scraped.report("up"), "1@1000 1@2000");
    assert_eq!(scraped.stored(), [r#"{__name__="a", instance="i", job="j"} 1@1000 x@2000"#]);
}

#[test]
fn a_broken_page_fails_its_scrape_alone() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\nb 1\n");
    let outcome = scraped.scrape(2_000, "a 2\nb two\n");
    let error = outcome.error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Page);
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
    assert!(error.to_string().starts_with("strconv.ParseFloat"), "{error}");
    scraped.scrape(3_000, "a 3\nb 3\n");
    assert_eq!(
        scraped.stored(),
        [
            r#"{__name__="a", instance="i", job="j"} 1@1000 3@3000"#,
            r#"{__name__="b", instance="i", job="j"} 1@1000 x@2000 3@3000"#,
        ]
    );
    assert_eq!(scraped.report("up"), "1@1000 0@2000 1@3000");
}

/// What Prometheus 3.5.3 stored for these pages.
#[test]
fn series_before_a_mistake_are_marked_one_scrape_later() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\nb 1\nd 1\n");
    scraped.scrape(2_000, "a 2\nb two\n");
    scraped.scrape(3_000, "c 1\n");
    assert_eq!(
        scraped.stored(),
        [
            r#"{__name__="a", instance="i", job="j"} 1@1000 x@3000"#,
            r#"{__name__="b", instance="i", job="j"} 1@1000 x@2000"#,
            r#"{__name__="c", instance="i", job="j"} 1@3000"#,
            r#"{__name__="d", instance="i", job="j"} 1@1000 x@2000"#,
        ]
    );
}

#[test]
fn a_page_of_unknown_type_needs_a_fallback() {
    let page = Page { body: b"a 1\n", content_type: "" };
    let mut scraped = Scraped::new("");
    let error = scraped.answer(1_000, Ok(page)).error.unwrap();
    assert_eq!(
        error.to_string(),
        "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
    );
    let mut scraped = Scraped::new("fallback_scrape_protocol: PrometheusText0.0.4");
    assert!(scraped.answer(1_000, Ok(page)).error.is_none());
    assert_eq!(scraped.stored().len(), 1);
}

#[test]
fn limits_fail_the_scrape() {
    check_error("sample_limit: 1", "a 1\nb 1\nc 1\n", "sample limit exceeded");
    check_error(
        "label_limit: 4",
        "a{b=\"1\",c=\"2\"} 1\n",
        "label_limit exceeded (metric: a, number of labels: 5, limit: 4)",
    );
    check_error(
        "label_name_length_limit: 10",
        "a{abcdefghijk=\"1\"} 1\n",
        "label_name_length_limit exceeded (metric: a, label name: abcdefghijk, length: 11, limit: 10)",
    );
    check_error(
        "label_value_length_limit: 5",
        "a{b=\"123456\"} 1\n",
        "label_value_length_limit exceeded (metric: a, label name: b, value: \"123456\", length: 6, limit: 5)",
    );
}

#[test]
fn over_the_sample_limit_samples_are_still_counted() {
    let mut scraped = Scraped::new("sample_limit: 1");
    let outcome = scraped.scrape(1_000, "a 1\nb 1\nc 1\n");
    assert_eq!((outcome.scraped, outcome.post_relabeling, outcome.series_added), (3, 3, 1));
    assert!(scraped.stored().is_empty());
}

#[test]
fn series_that_nobody_can_have_fail_the_scrape() {
    check_error("", "a{b=\"1\",b=\"2\"} 1\n", r#"label name "b" is not unique: invalid sample"#);
    check_error(
        "metric_relabel_configs: [{source_labels: [__name__, x], regex: 'a;', target_label: __name__, replacement: ''}]",
        "a 1\n",
        "missing metric name (__name__ label)",
    );
    check_error(
        "metric_name_validation_scheme: legacy",
        "{\"a.b\"} 1\n",
        r#"invalid metric name or label names: {__name__="a.b", instance="i", job="j"}"#,
    );
}

#[test]
fn samples_that_the_store_refuses_are_counted() {
    let mut scraped = Scraped::new("");
    let page = "a 1\na 2\nb 1 500\n";
    let outcome = scraped.scrape(1_000, page);
    assert!(outcome.error.is_none());
    assert_eq!((outcome.scraped, outcome.duplicates), (3, 1));
    let outcome = scraped.scrape(2_000, "a 1\nb 1 400\nc 1 700000\nb 7 500\n");
    assert!(outcome.error.is_none());
    assert_eq!((outcome.out_of_order, outcome.out_of_bounds, outcome.duplicates), (1, 1, 1));
    assert_eq!(outcome.post_relabeling, 4);
}

#[test]
fn the_end_marks_everything_stale() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\n");
    scraped.cycle.finish(&scraped.store, Timestamp::from_millis(2_000)).unwrap();
    assert_eq!(scraped.stored(), [r#"{__name__="a", instance="i", job="j"} 1@1000 x@2000"#]);
    assert_eq!(scraped.report("up"), "1@1000 x@2000");
    assert_eq!(scraped.report("scrape_series_added"), "1@1000 x@2000");
}

#[test]
fn a_target_that_came_back_elsewhere_is_not_marked() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "a 1\n");
    let mut other = Scraped::new("");
    std::mem::swap(&mut other.store, &mut scraped.store);
    other.scrape(3_000, "a 3\n");
    scraped.cycle.finish(&other.store, Timestamp::from_millis(2_000)).unwrap();
    assert_eq!(other.stored(), [r#"{__name__="a", instance="i", job="j"} 1@1000 3@3000"#]);
}

#[test]
fn metadata_is_kept_by_family() {
    let mut scraped = Scraped::new("");
    scraped.scrape(1_000, "# HELP a_total what\\nit is\n# TYPE a_total counter\na_total 1\n");
    let families = scraped.cycle.metadata();
    assert_eq!(families.len(), 1);
    assert_eq!(families[0].family, "a_total");
    assert_eq!(families[0].metadata.help, "what\nit is");
    assert_eq!(families[0].metadata.metric_type.as_str(), "counter");
    assert_eq!(scraped.store.metadata("a_total").unwrap().help, "what\nit is");
}

#[test]
fn openmetrics_pages_are_read_too() {
    let mut scraped = Scraped::new("");
    let body = b"# TYPE a counter\na_total 1 # {trace_id=\"x\"} 0.5\n# EOF\n";
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let outcome = scraped.answer(1_000, Ok(Page { body, content_type }));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(scraped.stored(), [r#"{__name__="a_total", instance="i", job="j"} 1@1000"#]);
}

#[test]
fn protobuf_pages_are_read_too_with_classic_histograms() {
    let mut scraped = Scraped::new("scrape_protocols: [PrometheusProto]");
    // A counter with a label, and a histogram with a native zero bucket and no classic ones.
    let body = b"\x1b\x0a\x01a\x18\x00\x22\x14\x0a\x07\x0a\x01b\x12\x02\xc3\xa9\x1a\x09\x09\0\0\0\0\0\0\x08\x40\
                 \x0d\x0a\x01h\x18\x04\x22\x06\x3a\x04\x08\x02\x38\x02";
    let content_type = "application/vnd.google.protobuf; encoding=delimited";
    let outcome = scraped.answer(1_000, Ok(Page { body, content_type }));
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.scraped, 4);
    let mut stored = scraped.stored();
    stored.sort();
    assert_eq!(
        stored,
        [
            r#"{__name__="a", b="é", instance="i", job="j"} 3@1000"#,
            r#"{__name__="h_bucket", instance="i", job="j", le="+Inf"} 2@1000"#,
            r#"{__name__="h_count", instance="i", job="j"} 2@1000"#,
            r#"{__name__="h_sum", instance="i", job="j"} 0@1000"#,
        ]
    );
    let outcome = scraped.answer(2_000, Ok(Page { body: &body[..9], content_type }));
    let error = outcome.error.unwrap().to_string();
    assert!(error.contains("insufficient length of buffer"), "{error}");
}

/// Answers of a target in a row: series that vanish, come back, change places and repeat, families whose
/// help and type change, pages that break off, are empty or fail.
fn answers() -> Vec<Option<String>> {
    let lines = [
        "# HELP a one\n",
        "# HELP a two\n",
        "# TYPE a counter\n",
        "# TYPE a gauge\n",
        "a{x=\"1\"} 1\n",
        "a{x=\"2\"} 22.5\n",
        "a{x=\"3\"} 3 2500\n",
        "# TYPE h histogram\n",
        "h_bucket{le=\"1\"} 4\n",
        "h_bucket{le=\"+Inf\"} 5\n",
        "# a comment\n",
        "dropped{y=\"z\"} 6\n",
        "b{y=\"\\\"\"} 7\n",
        "c{y = \"blank\"} 8\n",
        "d NaN\n",
    ];
    // A generator of the usual kind; only its high bits are looked at.
    let mut state = 1u64;
    let mut random = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut page = lines.to_vec();
    let mut answers = Vec::new();
    for _ in 0..400 {
        match random(8) {
            0 if page.len() > 1 => drop(page.remove(random(page.len()))),
            1 | 2 => page.insert(random(page.len() + 1), lines[random(lines.len())]),
            3 => {
                let (a, b) = (random(page.len()), random(page.len()));
                page.swap(a, b);
            }
            4 => page = lines.to_vec(),
            _ => {}
        }
        let text = page.concat().replace(" 4\n", &format!(" {}\n", random(1_000_000)));
        answers.push(match random(12) {
            0 => None,
            1 => Some(String::new()),
            2 => Some(format!("{text}}}\n")),
            3 => Some(text[..random(text.len())].to_owned()),
            _ => Some(text),
        });
    }
    answers
}

#[test]
fn a_known_layout_changes_nothing() {
    for yaml in [
        "metric_relabel_configs: [{source_labels: [__name__], regex: dropped, action: drop}]",
        "sample_limit: 9\ntrack_timestamps_staleness: true",
        "honor_timestamps: false",
    ] {
        let (mut warm, mut cold) = (Scraped::new(yaml), Scraped::new(yaml));
        for (round, answer) in answers().into_iter().enumerate() {
            let at = 1_000 * (1 + round as i64);
            cold.cycle.layout = skopos_exposition::Layout::new();
            let outcomes = [&mut warm, &mut cold].map(|scraped| match &answer {
                Some(page) => format!("{:?}", scraped.scrape(at, page)),
                None => format!("{:?}", scraped.fail(at)),
            });
            assert_eq!(outcomes[0], outcomes[1], "{answer:?}");
        }
        assert_eq!(warm.stored(), cold.stored());
        assert!(5 < warm.stored().len(), "{:?}", warm.stored());
        let metadata = |scraped: &Scraped| {
            let mut families = scraped.cycle.metadata();
            families.sort_by(|a, b| a.family.cmp(&b.family));
            families
        };
        assert_eq!(metadata(&warm), metadata(&cold));
    }
}
