use super::*;

#[track_caller]
fn check_error(pattern: &str, kind: ErrorKind, quoted: &str, offset: Option<usize>) {
    let error = parse(pattern, Flags::default()).map(|_| ()).expect_err("a mistake");
    assert_eq!((error.kind(), error.expression(), error.offset()), (kind, quoted, offset));
}

#[test]
fn errors_quote_and_locate_the_mistake() {
    check_error("ab**", ErrorKind::InvalidRepeatOp, "**", Some(2));
    check_error("a|*", ErrorKind::MissingRepeatArgument, "*", Some(2));
    check_error("é(a", ErrorKind::MissingParen, "é(a", None);
    check_error("é)a", ErrorKind::UnexpectedParen, "é)a", Some(2));
    check_error("a[b", ErrorKind::MissingBracket, "[b", Some(1));
    check_error("a[é-b]", ErrorKind::InvalidCharRange, "é-b", Some(2));
    check_error(r"a\8b", ErrorKind::InvalidEscape, r"\8", Some(1));
    check_error(r"ab\", ErrorKind::TrailingBackslash, "", Some(2));
    check_error("a{1001}b", ErrorKind::InvalidRepeatSize, "{1001}", Some(1));
    check_error("(?:a{100}){11}", ErrorKind::InvalidRepeatSize, "{11}", Some(10));
    check_error("x(?P<a-b>c)", ErrorKind::InvalidNamedCapture, "(?P<a-b>", Some(1));
    check_error("x(?=y)", ErrorKind::InvalidPerlOp, "(?=", Some(1));
    check_error(r"\p{Grek}", ErrorKind::InvalidCharRange, r"\p{Grek}", Some(0));
}

#[test]
fn limits_hold_without_building_what_exceeds_them() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(999), Flags::default()).is_ok());
    let error = parse(&nested(1000), Flags::default()).expect_err("too deep");
    assert_eq!(error.kind(), ErrorKind::NestingDepth);
    let open = "(".repeat(1 << 20);
    let error = parse(&open, Flags::default()).expect_err("never closed");
    assert_eq!(error.kind(), ErrorKind::MissingParen);
    let many = format!("(?:{}){{1000}}", "x".repeat(4000));
    let error = parse(&many, Flags::default()).expect_err("four million instructions");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn braces_without_counts_are_literal() {
    for pattern in ["{", "a{", "a{1", "a{,2}", "a{01}", "a{-1}", "{foo}", "a{1,2,3}", "a{1,x}"] {
        let parsed = parse(pattern, Flags::default()).expect("valid");
        assert!(
            matches!(&parsed.node, Node::Literal { text, fold: false } if text == pattern),
            "{pattern}: {:?}",
            parsed.node
        );
    }
}
