//! The parser's own promises, beside those that it shares with Prometheus'.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use skopos_core::LabelSet as _;

use super::*;
use crate::ErrorKind;

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
