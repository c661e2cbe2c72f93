//! How much work texts are, counted in tokens.

use crate::complete::complete;
use crate::hover::hover;
use crate::lexer::TOKENS;
use crate::options::ParseOptions;
use crate::parse::parse;
use crate::recover::parse_recovering;

/// How many tokens are read for it.
fn tokens(work: impl FnOnce()) -> usize {
    let before = TOKENS.get();
    work();
    TOKENS.get() - before
}

/// No byte is read more than a few times, however long the text.
#[track_caller]
fn check(name: &str, part: &str, work: impl Fn(&str)) {
    for n in [10, 1000, 20_000] {
        let text = part.repeat(n);
        let read = tokens(|| work(&text));
        assert!(
            read <= 3 * text.len() + 10,
            "{name} {part:?}: {read} tokens, {} bytes",
            text.len()
        );
    }
}

#[test]
fn the_work_is_linear_in_the_text() {
    let options = ParseOptions::all();
    for part in [
        "(",
        "-",
        "a + ",
        "a ",
        "f(",
        "f(a, ",
        "f(a,",
        "foo{",
        "foo{a=\"b\", ",
        "x[",
        "x[5m:",
        "[5m:]",
        "(1,",
        "[",
        "{a=)",
        "a[(",
        "\"",
        "'a",
        "`",
        "by ",
        "sum by (",
        "sum by (a, ",
        "x{}+",
        "a & ",
        "on (a",
        "x offset ",
        "x @ ",
        "!",
        "=~",
        "#",
        "# a\n",
        "{",
        "}",
        ")",
        "]",
        "1 + ) ",
        "fill (",
        "fill ",
        "1e",
        "5m5",
        "\\",
        "\u{fffd}",
        "é",
        "x[max_of(",
        "x[1 + ",
        "x offset (",
        "x[5m] ",
        "and on (x) group_left (",
        "\n",
        "a:b ",
        "{\"",
        "sum(rate(foo{job=\"a\"}[5m])) by (x) / ",
    ] {
        check("parse", part, |text| drop(parse(text, &options)));
        check("recover", part, |text| drop(parse_recovering(text, &options)));
        check("complete", part, |text| drop(complete(text, text.len(), &options)));
        check("hover", part, |text| drop(hover(text, text.len() / 2, &options)));
    }
}
