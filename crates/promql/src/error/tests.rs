//! Errors as people see them.

use crate::{ErrorKind, ParseOptions, Span, parse, parse_duration};

#[track_caller]
fn check(source: &str, expected: &str) {
    let error = parse(source, &ParseOptions::default()).expect_err("it is wrong");
    assert_eq!(error.render(source), expected);
}

#[test]
fn the_mark_stands_below_the_place() {
    check(
        "foo + \"a\"",
        "1:7: parse error: binary expression must contain only scalar and instant vector types\n  |\n\
         1 | foo + \"a\"\n  |       ^^^\n",
    );
    check(
        "\tfoo{\n\té=1}",
        "2:2: parse error: unexpected character inside braces: 'é'\n  |\n2 | \té=1}\n  | \t^^^^\n",
    );
    check(
        "sum(",
        "1:5: parse error: unclosed left parenthesis\n  |\n1 | sum(\n  |     ^\n  = a `)` is missing\n",
    );
    check("", "unknown position: parse error: no expression found in input\n  |\n1 | \n  | ^\n");
}

#[test]
fn places_have_lines_and_columns() {
    let error = parse("foo\n  bar", &ParseOptions::default()).expect_err("it is wrong");
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
    assert_eq!(error.span(), Span::new(6, 9));
    assert_eq!(error.message(), "unexpected identifier \"bar\"");
    assert_eq!(error.kind(), ErrorKind::Parse);
    let seam = skopos_core::Error::from(error.clone());
    assert_eq!(seam.kind(), skopos_core::ErrorKind::Invalid);
    assert_eq!(seam.to_string(), error.to_string());
}

#[test]
fn a_literal_has_no_place() {
    let error = parse_duration("5x").expect_err("it is none");
    assert_eq!((error.line(), error.column()), (None, None));
    assert_eq!(error.render("5x"), "unknown unit \"x\" in duration \"5x\"\n");
}
