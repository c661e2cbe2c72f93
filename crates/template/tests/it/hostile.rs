//! Templates that ask for too much: an error, quickly, on a small stack.

use proptest::prelude::*;
use skopos_template::{ErrorKind, Limits, NoFunctions, Template, Value};

/// Runs `text` with the default limits and gives the kind of its error.
fn run(text: &str) -> Result<Vec<u8>, ErrorKind> {
    Template::parse("t", text, &NoFunctions, &Limits::default())
        .and_then(|template| template.execute(&Value::Nil, &NoFunctions))
        .map_err(|error| error.kind())
}

#[track_caller]
fn check(text: &str, expected: ErrorKind) {
    assert_eq!(run(text), Err(expected), "{}", &text[..text.len().min(60)]);
}

#[test]
fn recursion_ends() {
    check(r#"{{ define "r" }}{{ template "r" . }}{{ end }}{{ template "r" . }}"#, ErrorKind::Limit);
    let branches = "{{ if true }}".repeat(90);
    let ends = "{{ end }}".repeat(90);
    let text = format!(
        r#"{{{{ define "r" }}}}{branches}{{{{ template "r" . }}}}{ends}{{{{ end }}}}{{{{ template "r" . }}}}"#
    );
    check(&text, ErrorKind::Limit);
    let parens = format!("{}1{}", "(".repeat(90), ")".repeat(90));
    let text = format!(
        r#"{{{{ define "r" }}}}{{{{ template "r" {parens} }}}}{{{{ end }}}}{{{{ template "r" . }}}}"#
    );
    check(&text, ErrorKind::Limit);
}

#[test]
fn nesting_is_bounded_while_parsing() {
    check(&"{{ if true }}".repeat(50_000), ErrorKind::Syntax);
    check(&format!("{{{{ {}", "(".repeat(100_000)), ErrorKind::Syntax);
    check(&format!("{{{{ if 1 }}}}{}", "{{ else if 1 }}".repeat(50_000)), ErrorKind::Syntax);
}

#[test]
fn loops_end() {
    check("{{ range 1000000000 }}{{ end }}", ErrorKind::Limit);
    check("{{ range 1000000000 }}{{ range 1000000000 }}x{{ end }}{{ end }}", ErrorKind::Limit);
    check(r#"{{ range 9999 }}{{ printf "%1000000d" 1 }}{{ end }}"#, ErrorKind::Limit);
}

#[test]
fn texts_stop_growing() {
    let doubling = r#"{{ $x := "x" }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}"#;
    check(doubling, ErrorKind::Limit);
    let quietly =
        r#"{{ $x := "xxxxxxxx" }}{{ range 99999 }}{{ $y := printf "%1000000s" $x }}{{ end }}"#;
    check(quietly, ErrorKind::Limit);
    let verbs = "%1000000[1]d".repeat(1000);
    check(&format!("{{{{ $x := printf \"{verbs}\" 1 }}}}"), ErrorKind::Limit);
}

#[test]
fn a_text_that_is_too_long_is_refused() {
    check(&"x".repeat(2 << 20), ErrorKind::Limit);
}

proptest! {
    #[test]
    fn no_text_panics(text in r#"(\{\{|\}\}|-| |\$x|:=|=|\.|a|"|'|`|\(|\)|\||,|[0-9]|if|end|range|else|with|define|template|block|printf|index|len|nil|true|/\*|\*/|é){0,40}"#) {
        // Any outcome will do that is one.
        let outcome = run(&text);
        prop_assert!(outcome.is_ok() || outcome.is_err());
    }

    #[test]
    fn no_format_panics(format in "[%#0+ .*\\[\\]0-9a-zA-Z!é-]{0,12}", int in any::<i64>(), float in any::<f64>()) {
        let text = format!("{{{{ printf {format:?} {int} {float:?} \"é\" true nil }}}}");
        prop_assert!(run(&text).is_ok() || !text.is_empty());
    }

    #[test]
    fn plain_text_stays(text in "[^{}]{0,60}") {
        prop_assert_eq!(run(&text), Ok(text.into_bytes()));
    }
}
