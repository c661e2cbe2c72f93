//! Owned labels are those of the line, whatever lines stood before it.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use alloc::{format, vec};

use proptest::collection::vec as many;
use proptest::prelude::*;
use proptest::sample::select;
use skopos_core::Labels;

use super::super::*;

const TYPES: [&str; 3] = ["histogram", "summary", "counter"];

/// Labels whose names begin alike, or mean something.
fn label() -> impl Strategy<Value = String> {
    let names = vec![
        "a",
        "A",
        "_a",
        "le",
        "l",
        "quantile",
        "quantile_",
        "__name__",
        "abcdefg",
        "abcdefg0",
        "container_id",
        "container_image",
        "\"abcdefg=\"",
        "\"a=\"",
        "\"é\"",
        "zone",
    ];
    let values = prop_oneof![
        select(vec!["1", "1.0", "0.5", "+Inf", "é", "a\\nb", "a=", "", "}", ",b="])
            .prop_map(String::from),
        (0..70usize).prop_map(|len| "x".repeat(len)),
    ];
    (select(names), values).prop_map(|(name, value)| format!("{name}=\"{value}\""))
}

/// A metric's name and its labels, with the type of the metric.
fn series() -> impl Strategy<Value = (usize, String)> {
    let name = prop_oneof![Just("m".to_owned()), (1..70usize).prop_map(|len| "n".repeat(len))];
    let labels = many(label(), 0..7);
    (0..TYPES.len(), name, labels).prop_map(|(metric_type, name, labels)| match labels.len() {
        0 => (metric_type, name),
        _ => (metric_type, format!("{name}{{{}}}", labels.join(","))),
    })
}

/// The owned labels of a page's samples; of some only the sorted ones are looked at.
fn owned(page: &str, views: usize) -> Vec<Option<Labels>> {
    let mut parser = Parser::new(TextFormat::Prometheus, page.as_bytes(), ParserOptions::default());
    let mut all = Vec::new();
    while let Some(entry) = parser.next().expect("the page is right") {
        let Entry::Series(mut sample) = entry else { continue };
        let is_viewed = views & 1 << (all.len() % 16) != 0;
        let pairs = is_viewed.then(|| Labels::from_pairs(sample.labels().iter()));
        assert!(pairs.is_none_or(|pairs| pairs == sample.owned_labels()));
        all.push((!is_viewed).then(|| sample.owned_labels()));
    }
    all
}

#[test]
fn a_bound_is_told_from_a_name_that_begins_as_it() {
    let page =
        "# TYPE m summary\nm{quantile_=\"1\"} 1\nm{quantile=\"1\"} 1\nm{quantile_=\"1\"} 1\n";
    let labels: Vec<String> =
        owned(page, 0).into_iter().flatten().map(|labels| labels.to_string()).collect();
    assert_eq!(
        labels,
        [
            r#"{__name__="m", quantile_="1"}"#,
            r#"{__name__="m", quantile="1.0"}"#,
            r#"{__name__="m", quantile_="1"}"#
        ]
    );
}

proptest! {
    #[test]
    fn owned_labels_are_those_of_the_line(
        pool in many(series(), 1..6),
        picks in many((any::<proptest::sample::Index>(), 0..3usize), 1..40),
        views in any::<u16>(),
        rest in 0..200usize,
    ) {
        let picks: Vec<_> = picks.iter().map(|(at, edit)| (at.get(&pool), *edit)).collect();
        let mut page = String::new();
        let mut expected = Vec::new();
        for ((metric_type, series), edit) in picks {
            // Sometimes only the last value is another one.
            let series = match series.strip_suffix("\"}") {
                Some(series) if edit != 0 => format!("{series}{edit}\"}}"),
                _ => series.clone(),
            };
            let line = format!("# TYPE m {}\n{series} 1\n", TYPES[*metric_type]);
            expected.extend(owned(&line, 0));
            page.push_str(&line);
        }
        page.push_str(&format!("# HELP m {}\n", "x".repeat(rest)));
        let found = owned(&page, views.into());
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!(found.is_none() || found == expected, "{found:?} {expected:?}");
        }
        prop_assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn an_exemplars_labels_are_sorted_as_any() {
    let check = |labels: &str, expected: &str| {
        let page = format!("a_total 1 # {{{labels}}} 2\n# EOF\n");
        let mut parser =
            Parser::new(TextFormat::OpenMetrics, page.as_bytes(), ParserOptions::default());
        let Ok(Some(Entry::Series(sample))) = parser.next() else { panic!("no sample: {page}") };
        let exemplar = sample.exemplar().expect("there is one");
        assert_eq!(exemplar.labels.to_string(), expected, "{labels}");
        let pairs = Labels::from_pairs(sample.raw_exemplar_labels());
        assert_eq!(exemplar.labels, pairs, "{labels}");
    };
    check("", "{}");
    check(r#"a="1""#, r#"{a="1"}"#);
    check(r#"a="""#, "{}");
    check(r#"b="1",a="2""#, r#"{a="2", b="1"}"#);
    check(r#"a="1",b="2""#, r#"{a="1", b="2"}"#);
    check(r#"abcdefgh_b="1",abcdefgh_a="""#, r#"{abcdefgh_b="1"}"#);
    check(r#"abcdefgh_b="1",abcdefgh_a="2""#, r#"{abcdefgh_a="2", abcdefgh_b="1"}"#);
    check(r#"a="1",a="2""#, r#"{a="2"}"#);
    check(r#"c="1",b="2",a="3""#, r#"{a="3", b="2", c="1"}"#);
}
