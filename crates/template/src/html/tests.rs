//! Escaping of pages, by the languages in them.

use crate::{ErrorKind, HtmlTemplate, Limits, Map, NoFunctions, Value};

fn run(text: &str) -> Result<String, crate::Error> {
    let data = Value::Map(Map::of_texts([
        ("html", "<b a=\"1\">&amp;'</b>"),
        ("url", "javascript:alert(1)"),
        ("path", "/a b?c=d&e"),
        ("css", "expre\\73 sion(1)"),
        ("word", "title"),
        ("empty", ""),
    ]));
    let out = HtmlTemplate::parse("t", text, &NoFunctions, &Limits::default())?
        .execute(&data, &NoFunctions)?;
    Ok(String::from_utf8(out).unwrap())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(run(text).map_err(|error| error.to_string()), Ok(expected.to_owned()), "{text}");
}

#[track_caller]
fn check_error(text: &str, kind: ErrorKind, expected: &str) {
    let error = run(text).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, expected), "{text}");
}

#[test]
fn text_and_attributes() {
    check("{{ .html }}", "&lt;b a=&#34;1&#34;&gt;&amp;amp;&#39;&lt;/b&gt;");
    check("a < b <i>{{ .word }}</i>", "a &lt; b <i>title</i>");
    check("<i title={{ .empty }}>", "<i title=ZgotmplZ>");
    check("<input {{ .word }}>", "<input title>");
    check("<input {{ .url }}=1>", "<input ZgotmplZ=1>");
    check("<!DOCTYPE html><!-- {{ .html }} --><p>", "<!DOCTYPE html><p>");
}

#[test]
fn urls() {
    check("<a href='{{ .url }}'>", "<a href='#ZgotmplZ'>");
    check("<a href='{{ .path }}'>", "<a href='/a%20b?c=d&amp;e'>");
    check("<a href='/?q={{ .path }}'>", "<a href='/?q=%2fa%20b%3fc%3dd%26e'>");
    check("<img srcset='{{ .word }} 1x, {{ .url }} 2x'>", "<img srcset='title 1x, #ZgotmplZ 2x'>");
}

#[test]
fn scripts_and_styles() {
    check(
        "<script>f({{ .word }}, '{{ .html }}')</script>",
        "<script>f(\"title\", '\\u003cb a=\\u00221\\u0022\\u003e\\u0026amp;\\u0027\\u003c\\/b\\u003e')</script>",
    );
    check(
        "<script>a = /{{ .path }}/ // gone\nb</script>",
        "<script>a = /\\/a b\\?c=d\\u0026e/ \nb</script>",
    );
    check(
        "<script>`${ {{ .word }} } {{ .word }}`</script>",
        "<script>`${ \"title\" } title`</script>",
    );
    check(
        "<style>a { b: {{ .css }}; c: {{ .word }} }</style>",
        "<style>a { b: ZgotmplZ; c: title }</style>",
    );
    check(
        "<b style=\"background: url('{{ .path }}')\">",
        "<b style=\"background: url('/a%20b?c=d&amp;e')\">",
    );
}

#[test]
fn templates_are_escaped_for_each_context() {
    let text = r#"{{ define "x" }}{{ .path }}{{ end }}{{ template "x" . }} <a href="/?{{ template "x" . }}">"#;
    check(text, r#"/a b?c=d&amp;e <a href="/?%2fa%20b%3fc%3dd%26e">"#);
}

#[test]
fn errors_are_those_of_go() {
    check_error(
        "<a href=\"{{ if .a }}/?{{ end }}{{ .b }}\">",
        ErrorKind::Escape,
        "html/template:t:1:34: {{.b}} appears in an ambiguous context within a URL",
    );
    check_error(
        "<script>",
        ErrorKind::Escape,
        "html/template:t: ends in a non-text context: {stateJS delimNone urlPartNone jsCtxRegexp [] attrNone elementScript <nil>}",
    );
    check_error(
        "{{ template \"no\" }}",
        ErrorKind::Escape,
        "html/template:t:1:12: no such template \"no\"",
    );
    check_error(
        "<b {{ if .a }}a=\"{{ end }}>",
        ErrorKind::Escape,
        "html/template:t:1:9: {{if}} branches end in different contexts: {stateAttr delimDoubleQuote urlPartNone jsCtxRegexp [] attrNone elementNone <nil>}, {stateTag delimNone urlPartNone jsCtxRegexp [] attrNone elementNone <nil>}",
    );
}

#[test]
fn what_would_not_end_is_refused() {
    let kind = |text: &str| run(text).map_err(|error| error.kind());
    let ranges = format!("{}x{}", "{{ range .html }}".repeat(60), "{{ end }}".repeat(60));
    assert_eq!(kind(&ranges), Err(ErrorKind::Limit));
    let recursive = r#"{{ define "u" }}${`{{ template "u" }}{{ end }}<script>`{{ template "u" }}"#;
    assert_eq!(kind(recursive), Err(ErrorKind::Limit));
    let by_name = r#"{{ define "u" }}{{ tmpl "u" . }}{{ end }}{{ tmpl "u" . }}"#;
    assert_eq!(kind(by_name), Err(ErrorKind::Limit));
    let quotes = format!("<script>{}</script>", "''".repeat(400_000));
    assert_eq!(kind(&quotes), Ok(quotes.clone()));
    let escapes = format!("<style>a:'{}'</style>", "\\a".repeat(400_000));
    assert_eq!(kind(&escapes), Ok(escapes.clone()));
}
