//! The parser's own promises, beside those that it shares with Prometheus'.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use skopos_core::{HistogramSample, LabelSet as _};

use super::*;
use crate::ErrorKind;

mod owned;
mod pages;

/// Samples as `offset series labels value`, and the error.
fn read(format: TextFormat, page: &[u8]) -> (Vec<String>, Option<Error>) {
    let mut parser = Parser::new(format, page, ParserOptions::default());
    let mut samples = Vec::new();
    loop {
        match parser.next() {
            Ok(Some(Entry::Series(mut sample))) => {
                let series = String::from_utf8_lossy(sample.series()).into_owned();
                let (offset, value) = (sample.offset(), sample.value());
                let labels = sample.labels().to_labels();
                assert_eq!(sample.owned_labels(), labels);
                samples.push(alloc::format!("{offset} {series} {labels} {value}"));
            }
            Ok(Some(_)) => {}
            Ok(None) => return (samples, None),
            Err(error) => return (samples, Some(error)),
        }
    }
}

#[track_caller]
fn check(page: &str, expected: &[&str]) {
    let (samples, error) = read(TextFormat::Prometheus, page.as_bytes());
    assert_eq!((samples, error), (expected.iter().map(ToString::to_string).collect(), None));
}

#[track_caller]
fn check_error(format: TextFormat, page: &[u8], kind: ErrorKind, place: (usize, usize, usize)) {
    let error = read(format, page).1.expect("the page is wrong");
    assert_eq!((error.kind(), (error.line(), error.column(), error.offset())), (kind, place));
}

#[test]
fn offsets_are_those_of_the_lines() {
    check(
        "\n# note\na 1\n\nb{c=\"d\"} 2",
        &[r#"8 a {__name__="a"} 1"#, r#"13 b{c="d"} {__name__="b", c="d"} 2"#],
    );
}

#[test]
fn an_empty_value_is_no_label_and_the_last_of_a_name_counts() {
    check(r#"a{b="",c="1",c="2"} 1"#, &[r#"0 a{b="",c="1",c="2"} {__name__="a", c="2"} 1"#]);
}

#[test]
fn escapes_are_resolved_where_they_are() {
    check(
        r#"{"a\"b","c\\d"="e\nf\q"} 1"#,
        &[r#"0 {"a\"b","c\\d"="e\nf\q"} {__name__="a\"b", "c\\d"="e\nf\\q"} 1"#],
    );
}

#[test]
fn both_paths_read_the_same_line() {
    // The first is read fast; two blanks before the label's name are for the careful path.
    check(
        "a{b=\"c\"} 1\na{  b=\"c\"} 1\n",
        &[r#"0 a{b="c"} {__name__="a", b="c"} 1"#, r#"11 a{  b="c"} {__name__="a", b="c"} 1"#],
    );
}

#[test]
fn errors_tell_their_place() {
    let (prometheus, openmetrics) = (TextFormat::Prometheus, TextFormat::OpenMetrics);
    check_error(prometheus, b"a 1\nb{c} 1\n", ErrorKind::Syntax, (2, 4, 7));
    check_error(prometheus, b"a x\n", ErrorKind::Number, (1, 3, 2));
    check_error(prometheus, b"{\"a\xff\"} 1\n", ErrorKind::Encoding, (1, 4, 3));
    check_error(openmetrics, b"a 1\n", ErrorKind::Syntax, (2, 1, 4));
    check_error(openmetrics, b"a 1 x\n", ErrorKind::Number, (1, 5, 4));
}

#[test]
fn a_count_far_below_its_buckets_wraps_as_in_prometheus() {
    let page = b"# TYPE h histogram\nh_bucket{le=\"1\"} 9223372036854774784\nh_sum 1\nh_count 2\n";
    let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    let mut parser = Parser::new(TextFormat::Prometheus, page, options);
    let mut deltas = Vec::new();
    while let Some(entry) = parser.next().unwrap() {
        let Entry::Histogram(entry) = entry else { continue };
        let HistogramSample::Integer(histogram) = entry.histogram() else { continue };
        deltas.extend_from_slice(&histogram.positive_buckets);
    }
    assert_eq!(deltas, [9_223_372_036_854_774_784, 2_050]);
}

#[test]
fn errors_tell_what_was_expected() {
    let check = |format: TextFormat, page: &[u8], expected: &str| {
        let error = read(format, page).1.expect("the page is wrong");
        let page = String::from_utf8_lossy(page);
        assert_eq!(error.expected(), expected, "{page:?}: {error}");
        assert_ne!((error.line(), error.column()), (0, 0), "{page:?}");
    };
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let pages: [(&[u8], &str); 13] = [
            (b"}\n", "a valid start token"),
            (b"a{b} 1\n", "equal"),
            (b"a{b=c} 1\n", "label value"),
            (b"a{=\"c\"} 1\n", "label name"),
            (b"a{b=\"c\"}\n", "value"),
            (b"a one\n", "float"),
            (b"a 1e999\n", "float of 64 bits"),
            (b"# TYPE a b\n", "metric type"),
            (b"# HELP \n", "metric name"),
            (b"{} 1\n", "metric name"),
            (b"a{\"b\"} 1\n", "label name with a value"),
            (b"a{b=\"\xff\"} 1\n", "UTF-8"),
            (b"# HELP a \xff\n", "UTF-8"),
        ];
        for (page, expected) in pages {
            check(format, page, expected);
        }
    }
    check(TextFormat::Prometheus, b"a 1 x\n", "timestamp or new record");
    check(TextFormat::Prometheus, b"a 1 99999999999999999999\n", "integer of 64 bits");
    check(TextFormat::Prometheus, b"a 1 2 3\n", "next entry after timestamp");
    check(TextFormat::OpenMetrics, b"a{b=\"c\"=\"d\"} 1\n", "comma or brace close");
    check(TextFormat::OpenMetrics, b"a 1\n", "# EOF");
    check(TextFormat::OpenMetrics, b"# EOF\na 1\n", "end of the page");
    check(TextFormat::OpenMetrics, b"a 1 NaN\n# EOF\n", "finite timestamp");
    check(
        TextFormat::OpenMetrics,
        b"# UNIT a seconds\n# EOF\n",
        "unit that the metric's name ends with",
    );
}

#[test]
fn bytes_outside_utf8_in_a_comment_hurt_nobody() {
    let (samples, error) = read(TextFormat::Prometheus, b"# \xff\na{b=\"\xc3\xa9\"} 1\n");
    assert_eq!((samples.len(), error), (1, None));
    assert!(samples[0].ends_with("{__name__=\"a\", b=\"é\"} 1"), "{samples:?}");
}

#[test]
fn after_an_error_there_is_nothing() {
    let mut parser = Parser::new(TextFormat::Prometheus, b"}\na 1\n", ParserOptions::default());
    assert!(parser.next().is_err());
    assert!(matches!(parser.next(), Ok(None)));
}

#[test]
fn after_an_error_there_is_no_histogram_of_what_came_before() {
    let options = ParserOptions::default().with_classic_histograms(ClassicHistograms::Native);
    let page = b"# TYPE h histogram\nh_count 1\n}\n";
    let mut parser = Parser::new(TextFormat::Prometheus, page, options);
    assert!(matches!(parser.next(), Ok(Some(Entry::Type { .. }))));
    assert!(parser.next().is_err());
    assert!(matches!(parser.next(), Ok(None)));
}

/// All that a page gives, read by `scanner`, as text.
fn read_by(scanner: Scanner, format: TextFormat, page: &[u8]) -> Vec<String> {
    let options = ParserOptions::default().with_created_lines(CreatedLines::StartTimestamps);
    let mut parser = Parser::new(format, page, options);
    parser.index = Index::new(scanner, format, page.len());
    show(parser)
}

/// All that a parser gives, as text.
fn show(mut parser: Parser<'_>) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        let shown = match parser.next() {
            Ok(None) => return seen,
            Err(error) => alloc::format!("{error:?}"),
            Ok(Some(Entry::Series(mut sample))) => {
                let start = sample.start_timestamp();
                let labels = alloc::format!("{:?}", sample.labels().iter().collect::<Vec<_>>());
                assert_eq!(sample.raw_labels().len(), sample.raw_labels().count());
                let raw: Vec<_> = sample.raw_labels().collect();
                let exemplar: Vec<_> = sample.raw_exemplar_labels().collect();
                let value = sample.value().to_bits();
                alloc::format!(
                    "{} {:?} {} {raw:?} {labels} {value:x} {:?} {exemplar:?} {:?} {start:?}",
                    sample.offset(),
                    String::from_utf8_lossy(sample.series()),
                    sample.raw_name(),
                    sample.timestamp(),
                    sample.exemplar(),
                )
            }
            Ok(Some(entry)) => alloc::format!("{entry:?}"),
        };
        seen.push(shown);
    }
}

#[track_caller]
fn check_scanners(page: &[u8]) {
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        let expected = read_by(Scanner::Bytewise, format, page);
        for scanner in Scanner::all() {
            assert_eq!(read_by(scanner, format, page), expected, "{scanner:?}");
        }
    }
}

/// Lines of a page, most of them right.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let usual = proptest::sample::select(alloc::vec![
        "# TYPE a counter\n",
        "# HELP a Odd \" and { braces.\n",
        "a 1\n",
        "a_total{b=\"c\",d=\"e f,}{=\"} 1.5e+06\n",
        "a_created{b=\"c\",d=\"e f,}{=\"} 1703980800.123\n",
        "a{} -3 1704067200123\n",
        "a{b=\"c\",} 17 1.5 # {x=\"y\",z=\"\"} 0.25 3\n",
        "a_total 2 # {} 1\n",
        "a:b{l=\"\u{e9}\"} 16561.348133776486\n",
        "a{b=\"\\n\"} +Inf\n",
        "a{b=\"c\", d=\"e\"} 9007199254740993\n",
        "a{b=\"raw\nfeed\"} 0\n",
        "a{b=\"c\"}{d=\"e\"} 1\n",
        "a{b:c=\"d\"} 1\n",
        "{\"a\",b=\"c\"} NaN\n",
        "\n",
        "# EOF\n",
    ])
    .prop_map(|line| line.as_bytes().to_vec());
    let long = (0..300usize, any::<bool>()).prop_map(|(n, closed)| {
        let end = if closed { "\"} 1\n" } else { "\n" };
        alloc::format!("{}{{l=\"{}{end}", "n".repeat(n / 4 + 1), "v".repeat(n)).into_bytes()
    });
    let labels = (1..60usize).prop_map(|n| {
        let labels: Vec<_> = (0..n).map(|i| alloc::format!("l{i}=\"\"")).collect();
        alloc::format!("many{{{}}} {n}\n", labels.join(",")).into_bytes()
    });
    let odd = "[a-c0-2_:{}=,\" #\\\\.eE+-]{0,12}\n?".prop_map(String::into_bytes);
    let braces = "[a-c]{1,2}(\\{[ab]=\"[c}]\"\\})?[}{ ]{0,3}(\\{[ab]=\"c\"\\})?[}{ ]{0,2}[0-9]{1,3}[ }]?[0-9]{0,2}\n"
        .prop_map(String::into_bytes);
    prop_oneof![12 => usual, 3 => long, 1 => labels, 2 => odd, 2 => braces]
}

proptest! {
    #[test]
    fn all_scanners_agree(lines in proptest::collection::vec(lines(), 0..120), cut in 0..8usize) {
        let mut page = lines.concat();
        page.truncate(page.len().saturating_sub(cut));
        check_scanners(&page);
    }

    #[test]
    fn all_scanners_agree_on_changed_bytes(
        lines in proptest::collection::vec(lines(), 1..12),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut page = lines.concat();
        page.push(b'\n');
        for (place, byte) in changes {
            let at = place.index(page.len());
            page[at] = byte;
        }
        check_scanners(&page);
    }
}

#[test]
fn a_brace_is_no_space() {
    for line in
        ["e}}0", "e}} 0", "a{b=\"c\"}{}5", "a{b=\"c\"}{} 5", "a{}{}7 8", "a{}}{7 8", "{}{}1"]
    {
        check_scanners(alloc::format!("a 1\n{line}\nb 2\n").as_bytes());
    }
}

/// Small enough for an interpreter that looks for undefined behaviour.
#[test]
fn scanners_agree_on_a_small_page() {
    check_scanners(
        b"# TYPE a counter\na{b=\"c\",d=\"e f,}{=\"} 1.5e+06\na_total 2 # {x=\"y\"} 1\n\
          a{b=\"raw\nfeed\"} 0\na{b=\"\\n\"} +Inf\na:b{l=\"\xc3\xa9\"} 1 2\n# EOF\n",
    );
}

/// More lines end in a block than are appended at once.
#[test]
fn scanners_agree_on_short_lines() {
    for lines in [
        "a 1\n",
        "a}{1\n",
        "a{}{1}\n",
        "a 1\nb{c\n",
        "\n",
        "\n\na 1\n#\n",
        "#\n\n\n\n\n\na{b=\"\"} 1\n",
        "a\n",
    ] {
        for count in [1, 7, 8, 9, 16, 33, 64, 100, 3000] {
            let page = [lines.repeat(count).as_bytes(), b"a{b=\"c\"} 1\n"].concat();
            check_scanners(&page);
        }
    }
}

#[test]
fn usual_lines_are_read_by_the_index() {
    let page = b"a{b=\"c\",d=\"\"} 1\nb 2 3\n# TYPE c counter\nc{e=\"f\"} 4\n";
    let mut parser = Parser::new(TextFormat::Prometheus, page, ParserOptions::default());
    if parser.index.is_bytewise() {
        return;
    }
    for expected in [Some(2), Some(0), None, Some(1)] {
        let entry = parser.next().expect("the page is right").expect("it goes on");
        let is_sample = matches!(entry, Entry::Series(_));
        let (start, end) = parser.line.label_marks;
        assert_eq!(is_sample.then_some((end - start) / 2), expected);
    }
}

#[test]
fn a_layout_knows_no_string_that_ends_with_nul() {
    let page = b"a{b=\"c\"\0\0} 1\na 2\n".to_vec();
    check_layout(&[page.clone(), page]);
}

#[test]
fn a_layout_knows_exemplars_by_their_shape_alone() {
    let page = |tails: &[&[u8]]| {
        let lines =
            tails.iter().zip(0..).map(|(tail, at)| [format!("m{at} 1").as_bytes(), tail].concat());
        let mut page = lines.collect::<Vec<_>>().join(&b"\n"[..]);
        page.extend_from_slice(b"\n# EOF\n");
        page
    };
    let usual: &[u8] = b" # {trace_id=\"0123456789abcdef\",b=\"x\"} 1.5 1.25";
    let others: [&[u8]; 17] = [
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} 25e-01 1704067200.770",
        b" 12.5 # {trace_id=\"fedcba9876543210\",b=\"{\"} -1",
        b" # {trace_id=\"fedcba987654321\\\"\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba987654321\n\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba987654321\0\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba98765432\xc3\xa4\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba987654321\xff\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba98765\",c=\"\",b=\"y\"} 1",
        b" # {trace_id=\"fedcba987654321=\",c=\"y\"} 1",
        b" # {trace_id=\"fedcba987654321=\",b=\"y\",} 1",
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} ",
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} 1 ",
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} 1 +Inf",
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} 1 2 3",
        b" # {trace_id=\"fedcba9876543210\",b=\"y\"} NaN 123456789012345678901234567890",
        b" # {} 1",
        b"",
    ];
    for other in others {
        let last = page(&[usual, usual, usual, usual]);
        check_layout(&[last.clone(), page(&[usual, other, usual, other]), last.clone(), last]);
    }
}

/// As in Prometheus, whose lexer passes NUL where a text may go on.
#[test]
fn a_text_with_nul_behind_its_line_feed_has_that_too() {
    let page = b"# HELP a b\n\0# EOF\n".to_vec();
    let mut parser = Parser::new(TextFormat::OpenMetrics, &page, ParserOptions::default());
    let entry = parser.next().expect("the page is right");
    assert!(matches!(&entry, Some(Entry::Help { help, .. }) if help == "b\n"), "{entry:?}");
    check_layout(&[b"# HELP a b\n# EOF\n".to_vec(), page]);
}

#[test]
fn lines_behind_something_that_is_not_utf8_are_read() {
    let line = "a{b=\"c\u{e9}\",d=\"e\"} 1\n";
    let page = [b"b{b=\"\xff\"} 1\n", line.repeat(500).as_bytes()].concat();
    let mut parser = RecoveringParser::new(TextFormat::Prometheus, &page, ParserOptions::default());
    let mut count = 0;
    while let Some(entry) = parser.next() {
        let Entry::Series(mut sample) = entry else { continue };
        let labels = sample.owned_labels();
        assert_eq!(labels.to_string(), "{__name__=\"a\", b=\"c\u{e9}\", d=\"e\"}");
        count += 1;
    }
    assert_eq!((count, parser.error_count()), (500, 1));
}

/// Reads one page after the other by one layout, each as the parser without one does.
#[track_caller]
fn check_layout(pages: &[Vec<u8>]) {
    for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
        for created in [CreatedLines::Series, CreatedLines::StartTimestamps] {
            let options = ParserOptions::default().with_created_lines(created);
            for scanner in Scanner::all() {
                let mut layout = Layout::new();
                for page in pages {
                    let mut warm = Parser::with_layout(format, page, options, &mut layout);
                    warm.index = Index::new(scanner, format, page.len());
                    assert_eq!(show(warm), show(Parser::new(format, page, options)));
                }
            }
        }
    }
}

/// The series of a page by slot, and the slots of the last page that the parser told of.
fn slots(layout: &mut Layout, page: &[u8]) -> Vec<(String, Option<usize>)> {
    let options = ParserOptions::default();
    let mut parser = Parser::with_layout(TextFormat::Prometheus, page, options, layout);
    let mut slots = Vec::new();
    while let Ok(Some(entry)) = parser.next() {
        let Entry::Series(sample) = entry else { continue };
        assert_eq!(sample.slot(), slots.len());
        slots.push((String::from_utf8_lossy(sample.series()).into_owned(), sample.known_slot()));
    }
    slots
}

#[test]
fn a_layout_follows_lines_that_come_and_go() {
    let mut layout = Layout::new();
    let known = |layout: &mut Layout, page: &str| -> Vec<Option<usize>> {
        slots(layout, page.as_bytes()).into_iter().map(|(_, known)| known).collect()
    };
    let tail = "z 1                                   \n";
    let page = |lines: &[&str]| alloc::format!("{}{tail}", lines.concat());
    let (a, b, c) = ("a 1\n", "# TYPE b gauge\nb{c=\"d\"} 22.5\n", "b{c=\"e\"} 3 17\n");
    assert_eq!(known(&mut layout, &page(&[a, b, c])), [None; 4]);
    assert_eq!(known(&mut layout, &page(&[a, b, c]))[..3], [Some(0), Some(1), Some(2)]);
    assert_eq!(known(&mut layout, &page(&[b, a, c]))[..3], [Some(1), None, Some(2)]);
    assert_eq!(
        known(&mut layout, &page(&[b, "new 1\n", a, c]))[..4],
        [Some(0), None, Some(1), Some(2)]
    );
    assert_eq!(known(&mut layout, &page(&[b]))[..1], [Some(0)]);
    assert_eq!(known(&mut layout, &page(&[b, c]))[..2], [Some(0), None]);
}

#[test]
fn a_layout_knows_unusual_lines_too() {
    let page = |value: &str| {
        let lines = [
            "# a comment\n",
            "# HELP a A \\n help.\n",
            "# TYPE a gauge\n",
            "a{b=\"c\\n\\\"\"} 1\n",
            "\n\n",
            "a{b = \"c\", d=\"e\",} 1\n",
            "{\"a.b\",c=\"d\"} 1\n",
            "{c=\"d\",\"a\\\"b\"} 1 1704067200770\n",
            "a{b=\"f\ng\"} NaN\n",
            "a{} 12345678901234567890 17\n",
        ];
        let padding = "z{a=\"                                             \"} 1\n".repeat(4);
        alloc::format!("{}{padding}", lines.concat()).replace(" 1\n", &alloc::format!(" {value}\n"))
    };
    let mut layout = Layout::new();
    for value in ["1", "2", "31", "1.5"] {
        let page = page(value);
        let known = slots(&mut layout, page.as_bytes());
        let all: Vec<_> = known.iter().map(|(_, known)| *known).collect();
        let right: Vec<_> =
            if value == "1" { [None; 10].into() } else { (0..10).map(Some).collect() };
        assert_eq!(all, right, "{known:?}");
    }
    check_layout(&["1", "2", "31", "1.5"].map(|value| page(value).into_bytes()));
    let units = "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n# EOF\n";
    let padded = units.replace(" 1\n", &alloc::format!(" 1\na{{b=\"{}\"}} 1\n", "c".repeat(200)));
    check_layout(&[padded.clone().into_bytes(), padded.into_bytes()]);
}

#[test]
fn a_page_that_breaks_off_is_not_remembered() {
    let mut layout = Layout::new();
    let padding = " ".repeat(32);
    let right = alloc::format!("a 1\nb 2\nc 3{padding}\n");
    slots(&mut layout, right.as_bytes());
    slots(&mut layout, b"a 1\n}\n");
    assert!(slots(&mut layout, right.as_bytes()).iter().all(|(_, known)| known.is_none()));
}

proptest! {
    #[test]
    fn a_layout_changes_nothing(
        first in proptest::collection::vec(lines(), 0..40),
        edits in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0..4usize, lines()), 0..12,
        ),
        bytes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut second = first.clone();
        for (place, how, line) in edits {
            let at = place.index(second.len() + 1);
            match how {
                0 => second.insert(at, line),
                1 if at < second.len() => drop(second.remove(at)),
                2 if at < second.len() => second[at] = line,
                // Another value of the same series.
                _ if at < second.len() => {
                    let text = String::from_utf8_lossy(&second[at]).replace(" 1", " 123456789.5");
                    second[at] = text.into_bytes();
                }
                _ => {}
            }
        }
        let mut pages = [first.concat(), second.concat(), second.concat(), first.concat()];
        for (place, byte) in bytes {
            let page = &mut pages[2];
            if !page.is_empty() {
                let at = place.index(page.len());
                page[at] = byte;
            }
        }
        check_layout(&pages);
    }
}

#[test]
fn work_is_linear_whatever_the_page() {
    const LEN: usize = 40_000;
    for (name, page) in pages::hostile_pages(LEN) {
        for format in [TextFormat::Prometheus, TextFormat::OpenMetrics] {
            for created in [CreatedLines::Series, CreatedLines::StartTimestamps] {
                let options = ParserOptions::default().with_created_lines(created);
                work::take();
                let mut parser = RecoveringParser::new(format, &page, options);
                while let Some(entry) = parser.next() {
                    if let Entry::Series(mut sample) = entry {
                        let _ = sample.start_timestamp();
                    }
                }
                let work = work::take();
                assert!(work <= 8 * page.len() + 8_192, "{name}, {format:?}: {work}");
            }
        }
    }
}
