//! Input that wants to make the parser slow, large or wrong.

use proptest::prelude::*;
use skopos_core::{HistogramSample, LabelSet as _};
use skopos_exposition::{
    ClassicHistograms, CreatedLines, Entry, Error, Parser, ParserOptions, RecoveringParser,
    TextFormat, families, lint,
};

const FORMATS: [TextFormat; 2] = [TextFormat::Prometheus, TextFormat::OpenMetrics];

/// Reads everything that can be read; gives how many samples there were.
fn read_all(format: TextFormat, page: &[u8], options: ParserOptions) -> Result<usize, Error> {
    let mut parser = Parser::new(format, page, options);
    let mut samples = 0;
    while let Some(entry) = parser.next()? {
        if let Entry::Series(mut sample) = entry {
            samples += 1;
            assert!(
                page.windows(sample.series().len().max(1)).any(|w| w.starts_with(sample.series()))
            );
            drop(sample.owned_labels());
            drop(sample.exemplar());
            let _ = sample.start_timestamp();
        }
    }
    Ok(samples)
}

#[test]
fn many_samples_without_created_lines_are_looked_through_once() {
    let mut page = String::from("# TYPE a counter\n");
    for i in 0..100_000 {
        page.push_str(&format!("a_total{{x=\"{i}\"}} 1\n"));
    }
    page.push_str("# EOF\n");
    let options = ParserOptions::default().with_created_lines(CreatedLines::StartTimestamps);
    let mut parser = Parser::new(TextFormat::OpenMetrics, page.as_bytes(), options);
    let mut samples = 0;
    while let Some(entry) = parser.next().unwrap() {
        if let Entry::Series(mut sample) = entry {
            assert_eq!(sample.start_timestamp(), None);
            samples += 1;
        }
    }
    assert_eq!(samples, 100_000);
}

#[test]
fn unfinished_strings_are_looked_through_once() {
    let page = "a{b=\"".repeat(200_000);
    for format in FORMATS {
        let error = read_all(format, page.as_bytes(), ParserOptions::default()).unwrap_err();
        assert_eq!(error.line(), 1);
        assert!((11..=12).contains(&error.column()), "{error}");
    }
}

#[test]
fn a_line_may_have_very_many_labels() {
    let labels: Vec<String> = (0..100_000).rev().map(|i| format!("l{i:06}=\"\\n\"")).collect();
    let page = format!("a{{{}}} 1\n", labels.join(","));
    let mut parser = Parser::new(TextFormat::Prometheus, page.as_bytes(), ParserOptions::default());
    let Some(Entry::Series(mut sample)) = parser.next().unwrap() else { panic!("no sample") };
    let labels = sample.labels();
    assert_eq!(labels.len(), 100_001);
    assert_eq!(labels.value("l000000"), Some("\n"));
}

#[test]
fn very_many_buckets_may_stand_in_any_order() {
    let mut page = String::from("# TYPE h histogram\n");
    for i in (0..100_000).rev() {
        page.push_str(&format!("h_bucket{{le=\"{i}\"}} {i}\n"));
    }
    let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    let mut parser = Parser::new(TextFormat::Prometheus, page.as_bytes(), options);
    assert!(matches!(parser.next(), Ok(Some(Entry::Type { .. }))));
    let Ok(Some(Entry::Histogram(entry))) = parser.next() else { panic!("no histogram") };
    let HistogramSample::Integer(histogram) = entry.histogram() else { panic!("of floats") };
    assert_eq!((histogram.count, histogram.custom_values.len()), (99_999, 100_000));
    assert!(matches!(parser.next(), Ok(None)));
}

#[test]
fn a_page_of_line_feeds_is_no_recursion() {
    let page = "\n".repeat(2_000_000);
    assert_eq!(read_all(TextFormat::Prometheus, page.as_bytes(), ParserOptions::default()), Ok(0));
}

#[test]
fn very_many_metrics_of_one_family_are_linted() {
    let mut page = String::from("# HELP a A.\n# TYPE a gauge\n");
    for i in 0..50_000 {
        page.push_str(&format!("a{{x=\"{i}\"}} 1\n"));
    }
    assert_eq!(lint(page.as_bytes()).unwrap(), []);
}

/// Bytes with much of what the formats are made of.
fn pages() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(vec![
            "# TYPE ",
            "# HELP ",
            "# UNIT ",
            "# EOF\n",
            "counter",
            "histogram",
            "\n",
            " ",
            "{",
            "}",
            "\"",
            "\\",
            ",",
            "=",
            "a",
            "a_bucket",
            "a_created",
            "le",
            "1",
            "-1.5e3",
            "NaN",
            " # {",
            "0x1p3",
            "é",
            "\t",
            "\0",
            "a{b=\"c\"} 1\n",
            "a_total 1 2 # {x=\"y\"} 3 4\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 1..4),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_panics(page in pages()) {
        for format in FORMATS {
            let plain = read_all(format, &page, ParserOptions::default());
            let options = ParserOptions::default()
                .with_type_and_unit_labels(true)
                .with_created_lines(CreatedLines::StartTimestamps);
            let other = read_all(format, &page, options);
            prop_assert_eq!(plain.as_ref().err(), other.as_ref().err());
            let options = options.with_classic_histograms(ClassicHistograms::Both);
            let other = read_all(format, &page, options);
            prop_assert_eq!(plain.as_ref().err(), other.as_ref().err());
            prop_assert_eq!(families(format, &page).is_ok(), plain.is_ok());
        }
        let _ = lint(&page);
    }
}

/// Entries as text, and the errors.
fn recover(format: TextFormat, page: &[u8]) -> (Vec<String>, Vec<Error>) {
    let mut parser = RecoveringParser::new(format, page, ParserOptions::default());
    let mut entries = Vec::new();
    while let Some(entry) = parser.next() {
        entries.push(show(entry));
    }
    (entries, parser.take_errors())
}

/// Entries as text up to the first error.
fn strict(format: TextFormat, page: &[u8]) -> (Vec<String>, Option<Error>) {
    let mut parser = Parser::new(format, page, ParserOptions::default());
    let mut entries = Vec::new();
    loop {
        match parser.next() {
            Ok(Some(entry)) => entries.push(show(entry)),
            Ok(None) => return (entries, None),
            Err(error) => return (entries, Some(error)),
        }
    }
}

fn show(entry: Entry<'_, '_>) -> String {
    match entry {
        Entry::Series(mut sample) => {
            let labels = sample.labels().to_labels();
            assert_eq!(sample.owned_labels(), labels);
            let (value, exemplar) = (sample.value().to_bits(), sample.exemplar());
            format!("{} {labels} {value:x} {:?} {exemplar:?}", sample.offset(), sample.timestamp())
        }
        entry => format!("{entry:?}"),
    }
}

#[test]
fn all_errors_of_a_page_are_found_with_their_places() {
    let page = b"a 1\n}\n# TYPE b wrong\nb{c=\"d\"} 2\nb{c} 3\n\nb 0x1\nend 5\n";
    let (entries, errors) = recover(TextFormat::Prometheus, page);
    assert_eq!(entries.len(), 3);
    let places: Vec<_> = errors.iter().map(|e| (e.line(), e.column(), e.near())).collect();
    let expected = [(2, 1, "}"), (3, 9, "# TYPE b wrong"), (5, 4, "b{c} 3"), (7, 3, "b 0x1")];
    assert_eq!(places, expected);
}

#[test]
fn only_so_many_errors_are_kept() {
    let page = "}\n".repeat(300_000);
    let options = ParserOptions::default();
    let mut parser =
        RecoveringParser::new(TextFormat::Prometheus, page.as_bytes(), options).with_error_limit(7);
    assert!(parser.next().is_none());
    assert_eq!((parser.errors().len(), parser.error_count()), (7, 300_000));
    assert_eq!(parser.errors()[6].line(), 7);
}

/// Lines of which most are wrong, some of them only just.
fn wrong_lines() -> impl Strategy<Value = Vec<u8>> {
    let start = proptest::sample::select(vec![
        "a",
        "a ",
        "a:b{",
        "a{b=\"c\"",
        "a{b=\"c\",",
        "a { b = \"c\"",
        "a{b",
        "a{b=",
        "a{b=\"",
        "{\"a\"",
        "{",
        "",
        "# EOF",
        "# ",
        "#",
        "# HELP a",
        "# TYPE a",
        "\n",
    ]);
    let middle = proptest::sample::select(vec![
        "", "}", "} ", "}{", "\"", "\"}", "\"} ", "=", "\n", "\0", "é", "\\n\"} ", ",}", " b ",
    ]);
    let end = proptest::sample::select(vec![
        "1",
        " 1",
        "1 2",
        " 1 2 ",
        " x",
        "1e999",
        "NaN",
        "1 # {a=\"b\"} 1",
        "1 # {a=\"b",
        "1 # {a} 1",
        "1\r",
        "1_0",
        " 1 {",
        "1 x",
        "",
    ]);
    let line = (start, middle, end, proptest::option::weighted(0.1, any::<u8>())).prop_map(
        |(start, middle, end, byte)| {
            let mut line = [start, middle, end].concat().into_bytes();
            line.extend(byte);
            line.push(b'\n');
            line
        },
    );
    proptest::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn errors_that_are_only_counted_are_those_that_are_told(page in wrong_lines()) {
        for format in FORMATS {
            let options = ParserOptions::default();
            let read = |limit| {
                let mut parser =
                    RecoveringParser::new(format, &page, options).with_error_limit(limit);
                let mut entries = Vec::new();
                while let Some(entry) = parser.next() {
                    entries.push(show(entry));
                }
                (entries, parser.error_count())
            };
            prop_assert_eq!(read(0), read(usize::MAX));
        }
    }

    #[test]
    fn recovering_is_strict_up_to_the_first_error(page in pages()) {
        for format in FORMATS {
            let (entries, error) = strict(format, &page);
            let (recovered, errors) = recover(format, &page);
            prop_assert_eq!(&recovered[..entries.len()], &entries[..]);
            prop_assert_eq!(errors.first(), error.as_ref());
            if error.is_none() {
                prop_assert_eq!(recovered, entries);
            }
            // A string may bring an error to a line behind that of the next one.
            if !page.contains(&b'"') {
                prop_assert!(errors.is_sorted_by_key(Error::line));
            }
        }
    }
}
