//! What is written reads back the same.

use proptest::prelude::*;
use skopos_core::text::is_legacy_metric_name;
use skopos_core::{Exemplar, Labels, MetricType, Timestamp};
use skopos_exposition::{
    EscapingScheme, Family, FamilySample, OutputFormat, TextFormat, encode, families,
};

fn encoded(output: OutputFormat, families: &[Family]) -> String {
    let mut page = String::new();
    encode(output, families, &mut page).unwrap();
    page
}

#[track_caller]
fn check(format: TextFormat, families: &[Family], expected: &str) {
    let output = OutputFormat::new(format, EscapingScheme::AllowUtf8);
    assert_eq!(encoded(output, families), expected);
}

fn sample(labels: &[(&str, &str)], value: f64) -> FamilySample {
    FamilySample::new(labels.iter().copied().collect(), value)
}

#[test]
fn a_counter_is_named_as_the_format_wants() {
    let mut hits = Family::new("hits_total", MetricType::Counter).with_help("a\\b\n\"c\"");
    hits.samples.push(sample(&[("__name__", "hits_total")], 1e6));
    let text = "# HELP hits_total a\\\\b\\n\"c\"\n# TYPE hits_total counter\nhits_total 1e+06\n";
    check(TextFormat::Prometheus, &[hits.clone()], text);
    let openmetrics =
        "# HELP hits a\\\\b\\n\\\"c\\\"\n# TYPE hits counter\nhits_total 1e+06\n# EOF\n";
    check(TextFormat::OpenMetrics, &[hits.clone()], openmetrics);
    hits.name = "hits".into();
    check(TextFormat::Prometheus, &[hits], text);
}

#[test]
fn a_counter_without_its_suffix_is_unknown_to_openmetrics() {
    let mut hits = Family::new("hits", MetricType::Counter);
    hits.samples.push(sample(&[("__name__", "hits")], 2.0));
    check(TextFormat::OpenMetrics, &[hits], "# TYPE hits unknown\nhits 2.0\n# EOF\n");
}

#[test]
fn names_beyond_ascii_are_quoted_or_escaped() {
    let mut family = Family::new("a.b", MetricType::Gauge);
    family.samples.push(sample(&[("__name__", "a.b"), ("c.d", "\""), ("e", "f")], -0.5));
    let text = "# TYPE \"a.b\" gauge\n{\"a.b\",\"c.d\"=\"\\\"\",e=\"f\"} -0.5\n";
    check(TextFormat::Prometheus, &[family.clone()], text);
    let output = OutputFormat::new(TextFormat::Prometheus, EscapingScheme::Underscores);
    let text = "# TYPE a_b gauge\na_b{c_d=\"\\\"\",e=\"f\"} -0.5\n";
    assert_eq!(encoded(output, &[family]), text);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let output = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
    let mut page = String::new();
    let refuse = |family: &Family, page: &mut String| {
        encode(output, [family], page).unwrap_err().to_string()
    };
    assert_eq!(refuse(&Family::default(), &mut page), "metric family has no name");
    let empty = Family::new("a", MetricType::Gauge);
    assert_eq!(refuse(&empty, &mut page), "metric family \"a\" has no samples");
    let mut nameless = empty;
    nameless.samples.push(sample(&[("b", "c")], 1.0));
    assert_eq!(refuse(&nameless, &mut page), "sample of metric family \"a\" has no name");
    let mut cut = Family::new("a\0b", MetricType::Gauge);
    cut.samples.push(sample(&[("__name__", "a\0b")], 1.0));
    assert_eq!(refuse(&cut, &mut page), "name of metric family \"a\\0b\" has a NUL");
    let escaped = OutputFormat::new(TextFormat::Prometheus, EscapingScheme::Underscores);
    page.clear();
    encode(escaped, [&cut], &mut page).unwrap();
    assert_eq!(page, "# TYPE a_b gauge\na_b 1\n");
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|v| if v.is_nan() {
            f64::from_bits(0x7ff8_0000_0000_0001)
        } else {
            v
        }),
        (0u32..1_000_000).prop_map(f64::from),
    ]
}

fn label_sets() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[a-z_.é\"\\\\][a-z0-9]{0,3}", "[ -~\\n\\\\\"é\\x00]{1,6}"), 0..4)
}

prop_compose! {
    fn samples(name: String)(
        labels in label_sets(),
        value in values(),
        millis in proptest::option::of(-1_000_000_000_000i64..4_000_000_000_000),
        exemplar in proptest::option::of(("[a-z0-9]{1,8}", values())),
    ) -> FamilySample {
        let pairs = labels.iter().map(|(n, v)| (n.as_str(), v.as_str()));
        let mut sample = FamilySample::new(
            pairs.chain([("__name__", name.as_str())]).collect(),
            value,
        );
        sample.timestamp = millis.map(Timestamp::from_millis);
        sample.exemplar = exemplar.map(|(id, value)| Exemplar {
            labels: Labels::from_pairs([("id", id)]),
            value,
            timestamp: None,
        });
        sample
    }
}

fn family_of(name: String) -> impl Strategy<Value = Family> {
    let sample_name = name.clone();
    let help = proptest::option::of("[ -~\\n\\\\\"é]{0,8}");
    let samples = proptest::collection::vec(samples(sample_name), 1..4);
    (help, samples).prop_map(move |(help, samples)| {
        let mut family = Family::new(name.clone(), MetricType::Gauge);
        family.help = help;
        family.samples = samples;
        family
    })
}

proptest! {
    /// A name that begins as escaped ones do cannot be told from one; Prometheus reads back code points
    /// of five digits at most.
    #[test]
    fn escaped_values_read_back_the_same(name in "[\\PC\\x00-\\x1f_.]{0,8}") {
        prop_assume!(!name.starts_with("U__") && name.chars().all(|c| c < '\u{10_0000}'));
        let escaped = EscapingScheme::Values.escape(&name);
        prop_assert!(escaped.is_empty() || is_legacy_metric_name(&escaped), "{}", escaped);
        prop_assert_eq!(EscapingScheme::Values.unescape(&escaped), name.as_str());
    }

    #[test]
    fn openmetrics_reads_back_the_same(mut family in "[a-z:][a-z0-9.]{0,5}".prop_flat_map(family_of)) {
        let output = OutputFormat::new(TextFormat::OpenMetrics, EscapingScheme::AllowUtf8);
        let page = encoded(output, std::slice::from_ref(&family));
        let mut read = families(TextFormat::OpenMetrics, page.as_bytes()).unwrap();
        for family in [&mut family, &mut read[0]] {
            normalize(family);
        }
        prop_assert_eq!(read, [family]);
    }

    #[test]
    fn prometheus_text_reads_back_the_same(mut family in "[a-z:][a-z0-9.]{0,5}".prop_flat_map(family_of)) {
        for sample in &mut family.samples {
            sample.exemplar = None;
            // The format has no times before the epoch.
            sample.timestamp = sample.timestamp.filter(|t| 0 <= t.as_millis());
        }
        // A text made of blanks reads as an empty one.
        if let Some(help) = family.help.as_mut().filter(|help| help.trim_matches(' ').is_empty()) {
            help.clear();
        }
        let output = OutputFormat::new(TextFormat::Prometheus, EscapingScheme::AllowUtf8);
        let page = encoded(output, std::slice::from_ref(&family));
        let mut read = families(TextFormat::Prometheus, page.as_bytes()).unwrap();
        for family in [&mut family, &mut read[0]] {
            normalize(family);
        }
        prop_assert_eq!(read, [family]);
    }
}

/// Makes the family comparable: NaN is not equal to itself, and names are strings as written.
fn normalize(family: &mut Family) {
    family.name = family.name.replace("\\\\", "\\");
    for sample in &mut family.samples {
        let exemplar = sample.exemplar.as_mut().map(|exemplar| &mut exemplar.value);
        for value in exemplar.into_iter().chain([&mut sample.value]) {
            if value.is_nan() {
                *value = 12345.0;
            }
        }
    }
}
