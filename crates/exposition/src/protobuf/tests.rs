//! What the vectors do not show: places of errors, mixed families, hostile sizes.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use skopos_core::LabelSet as _;

use super::*;

/// A field with bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn page(families: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families {
        out.push(u8::try_from(family.len()).unwrap());
        out.extend_from_slice(family);
    }
    out
}

/// What is read, a line for each entry, and the error with its byte.
fn read(page: &[u8], options: ParserOptions) -> Vec<String> {
    let mut parser = ProtobufParser::new(page, options);
    let mut lines = Vec::new();
    loop {
        lines.push(match parser.next() {
            Ok(None) => return lines,
            Ok(Some(Entry::Series(mut sample))) => {
                let value = sample.value();
                format!("{} {value}", sample.labels().to_labels())
            }
            Ok(Some(Entry::Histogram(mut entry))) => {
                format!("{} histogram", entry.labels().to_labels())
            }
            Ok(Some(Entry::Type { name, metric_type })) => format!("# {name} {metric_type}"),
            Ok(Some(_)) => continue,
            Err(error) => format!("{error} at {}:{}", error.line(), error.offset()),
        });
    }
}

#[track_caller]
fn check(page: &[u8], expected: &[&str]) {
    assert_eq!(read(page, ParserOptions::default()), expected);
}

#[test]
fn errors_have_the_byte_and_no_line() {
    let bad_label = [field(1, b"m"), field(4, &field(1, &field(1, b"\xff")))].concat();
    check(&page(&[bad_label]), &["# m counter", "invalid label name: \u{fffd} at 0:8"]);
    check(b"\x03\x0a\x09x", &["unexpected EOF at 0:4"]);
    check(
        b"\x02\x0a",
        &["clientpb: insufficient length of buffer, expected at least 3 bytes, got 2 bytes at 0:0"],
    );
}

#[test]
fn a_family_may_have_histograms_of_both_kinds() {
    let classic = field(4, &field(7, &[8, 1]));
    let native = field(
        4,
        &[field(1, &[field(1, b"a"), field(2, b"b")].concat()), field(7, &[56, 2])].concat(),
    );
    let family = [field(1, b"h"), vec![24, 4], classic.clone(), native, classic].concat();
    let count = [
        r#"{__name__="h_count"} 1"#,
        r#"{__name__="h_sum"} 0"#,
        r#"{__name__="h_bucket", le="+Inf"} 1"#,
    ];
    let mut expected = vec!["# h histogram"];
    expected.extend(count);
    expected.push(r#"{__name__="h", a="b"} histogram"#);
    expected.extend(count);
    check(&page(&[family]), &expected);
}

#[test]
fn labels_are_in_name_order_with_the_bound_in_its_place() {
    let labels = [("zone", "z"), ("Area", "x"), ("__name__", "other")];
    let labels: Vec<u8> = labels
        .iter()
        .flat_map(|(n, v)| field(1, &[field(1, n.as_bytes()), field(2, v.as_bytes())].concat()))
        .collect();
    let bucket = |bound: f64| field(3, &[&[0x11][..], &bound.to_le_bytes()].concat());
    let histogram = field(7, &[bucket(1.0), bucket(2.0)].concat());
    let family = [field(1, b"h"), vec![24, 4], field(4, &[labels, histogram].concat())].concat();
    let page = page(&[family]);
    let mut parser = ProtobufParser::new(&page, ParserOptions::default());
    let mut seen = Vec::new();
    while let Some(entry) = parser.next().unwrap() {
        if let Entry::Series(mut sample) = entry {
            let series = String::from_utf8_lossy(sample.series()).into_owned();
            assert_eq!(sample.raw_name().len(), sample.raw_name().trim().len());
            assert_eq!(sample.labels().duplicate_name(), Some("__name__"));
            let raw: Vec<String> = sample.raw_labels().map(|(n, v)| format!("{n}={v}")).collect();
            seen.push((series, raw.join(" ")));
        }
    }
    let separated = |text: &str| text.replace('|', "\u{fffd}");
    let expected = [
        ("|Area|xh_countother|zone|z", "Area=x __name__=other zone=z"),
        ("|Area|xh_sumother|zone|z", "Area=x __name__=other zone=z"),
        ("|Area|xh_bucketother|le|1.0|zone|z", "Area=x __name__=other le=1.0 zone=z"),
        ("|Area|xh_bucketother|le|2.0|zone|z", "Area=x __name__=other le=2.0 zone=z"),
        ("|Area|xh_bucketother|le|+Inf|zone|z", "Area=x __name__=other le=+Inf zone=z"),
    ];
    let expected: Vec<_> = expected.iter().map(|(s, l)| (separated(s), (*l).to_string())).collect();
    assert_eq!(seen, expected);
}

#[test]
fn spans_without_buckets_are_refused_whatever_they_claim() {
    let span = field(12, &[16, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    let family = [field(1, b"h"), vec![24, 4], field(4, &field(7, &span))].concat();
    check(
        &page(&[family]),
        &[
            "# h histogram",
            "histogram \"h\": positive side: spans require 4294967295 buckets, have 0 at 0:8",
        ],
    );
}

#[test]
fn empty_buckets_are_left_out() {
    let side = |spans: &[(i32, u32)], deltas: &[i64]| {
        let mut spans: Vec<_> =
            spans.iter().map(|&(offset, length)| skopos_core::Span { offset, length }).collect();
        let mut deltas = deltas.to_vec();
        native::compact_deltas(&mut spans, &mut deltas);
        (spans.iter().map(|s| (s.offset, s.length)).collect::<Vec<_>>(), deltas)
    };
    assert_eq!(side(&[(0, 0)], &[]), (vec![], vec![]));
    assert_eq!(side(&[(3, 2), (0, 1)], &[1, 0, 0]), (vec![(3, 3)], vec![1, 0, 0]));
    assert_eq!(side(&[(1, 5)], &[0, 2, -2, 0, 3]), (vec![(2, 1), (2, 1)], vec![2, 1]));
    assert_eq!(side(&[(1, 1), (-2, 1)], &[1, 1]), (vec![(1, 1), (-2, 1)], vec![1, 1]));
}

#[test]
fn a_name_that_is_missing_is_missed_where_its_family_begins() {
    let page = b"\x13\x0a\x02up\x18\x01\x22\x0b\x12\x09\x09\0\0\0\0\0\0\xf0\x3f\x02\x22\x00";
    let mut parser = ProtobufParser::new(page, ParserOptions::default());
    let error = loop {
        match parser.next() {
            Ok(entry) => assert!(entry.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!((error.to_string().contains("invalid metric name"), error.offset()), (true, 21));
}
