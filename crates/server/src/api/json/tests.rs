//! Tests of the JSON writer.

use proptest::prelude::*;
use skopos_core::text::{FloatStyle, format_float};
use skopos_core::{FloatHistogram, Labels, Span, Timestamp};

use super::Json;

#[track_caller]
fn check(write: impl FnOnce(&mut Json), expected: &str) {
    let mut json = Json::new();
    write(&mut json);
    assert_eq!(json.as_str(), expected);
}

#[test]
fn strings_are_escaped_for_html() {
    check(
        |j| {
            j.string("a<b>&\"\\\n\u{1}\u{2028}é");
        },
        r#""a\u003cb\u003e\u0026\"\\\n\u0001\u2028é""#,
    );
}

#[test]
fn serialized_values_are_written_as_go_does() {
    let text = "a<b>&\"\\/\n\r\t\u{8}\u{c}\u{1}\u{7f}\u{2028}é";
    let numbers = [0.5, -0.0, 5.0, 1e21, 1.5e-7, f64::NAN];
    check(
        |j| {
            j.serialize(&(text, numbers)).unwrap();
        },
        concat!(
            r#"["a\u003cb\u003e\u0026\"\\/\n\r\t\u0008\u000c\u0001"#,
            "\u{7f}",
            r#"\u2028é",[0.5,-0,5,1e+21,1.5e-7,null]]"#
        ),
    );
}

#[test]
fn labels_are_not_escaped_for_html() {
    let labels = Labels::from_pairs([("expr", "a<b\t"), ("__name__", "x")]);
    check(
        |j| {
            j.labels(&labels);
        },
        r#"{"__name__":"x","expr":"a<b\t"}"#,
    );
    check(
        |j| {
            j.labels(&Labels::empty());
        },
        "{}",
    );
}

#[test]
fn timestamps_have_three_decimals_or_none() {
    for (millis, expected) in [
        (1_435_781_451_781, "1435781451.781"),
        (1_435_781_451_070, "1435781451.070"),
        (5_000, "5"),
        (-1, "-0.001"),
        (-5_500, "-5.500"),
        (0, "0"),
    ] {
        check(
            |j| {
                j.timestamp(Timestamp::from_millis(millis));
            },
            expected,
        );
    }
}

#[test]
fn instants_are_rfc_3339() {
    let at = |millis| Some(Timestamp::from_millis(millis));
    check(
        |j| {
            j.instant(None);
        },
        "\"0001-01-01T00:00:00Z\"",
    );
    check(
        |j| {
            j.instant(at(1_435_781_451_780));
        },
        "\"2015-07-01T20:10:51.78Z\"",
    );
    check(
        |j| {
            j.instant(at(0));
        },
        "\"1970-01-01T00:00:00Z\"",
    );
    check(
        |j| {
            j.instant(Some(Timestamp::MAX));
        },
        "\"0001-01-01T00:00:00Z\"",
    );
}

#[test]
fn values_have_the_shortest_digits() {
    for (v, expected) in [
        (0.0, "\"0\""),
        (-0.0, "\"-0\""),
        (1e-7, "\"1e-07\""),
        (1e21, "\"1e+21\""),
        (1e20, "\"100000000000000000000\""),
        (0.1, "\"0.1\""),
        (-1.5, "\"-1.5\""),
        (f64::NAN, "\"NaN\""),
        (f64::INFINITY, "\"+Inf\""),
        (f64::NEG_INFINITY, "\"-Inf\""),
    ] {
        check(
            |j| {
                j.value(v);
            },
            expected,
        );
    }
}

#[test]
fn numbers_are_go_json_numbers() {
    for (v, expected) in [
        (1e-7, "1e-7"),
        (1e-10, "1e-10"),
        (1e21, "1e+21"),
        (0.000_123, "0.000123"),
        (f64::NAN, "0"),
        (12.5, "12.5"),
    ] {
        check(
            |j| {
                j.number(v);
            },
            expected,
        );
    }
}

#[test]
fn histograms_leave_empty_buckets_out() {
    let histogram = FloatHistogram {
        count: 12.0,
        sum: 18.4,
        zero_count: 2.0,
        zero_threshold: 0.001,
        positive_spans: vec![Span { offset: 0, length: 2 }, Span { offset: 1, length: 2 }],
        positive_buckets: vec![1.0, 2.0, 0.0, 1.0],
        ..FloatHistogram::default()
    };
    check(
        |j| {
            j.histogram(&histogram);
        },
        r#"{"count":"12","sum":"18.4","buckets":[[3,"-0.001","0.001","2"],[0,"0.5","1","1"],[0,"1","2","2"],[0,"8","16","1"]]}"#,
    );
    check(
        |j| {
            j.histogram(&FloatHistogram::default());
        },
        r#"{"count":"0","sum":"0"}"#,
    );
}

proptest! {
    #[test]
    fn fast_floats_agree_with_the_plain_writer(v: f64) {
        let mut json = Json::new();
        json.value(v);
        prop_assert_eq!(json.as_str(), format!("\"{}\"", format_float(v, FloatStyle::Api)));
    }

    #[test]
    fn fast_floats_agree_on_everyday_numbers(whole in -1_000_000_i64..1_000_000, part in 0_u32..1000) {
        let v = whole as f64 + f64::from(part) / 1000.0;
        let mut json = Json::new();
        json.value(v);
        prop_assert_eq!(json.as_str(), format!("\"{}\"", format_float(v, FloatStyle::Api)));
    }

    #[test]
    fn strings_read_back(text: String) {
        let mut json = Json::new();
        json.string(&text);
        let read: String = serde_json::from_str(json.as_str()).unwrap();
        prop_assert_eq!(&read, &text);
    }
}
