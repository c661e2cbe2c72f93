//! Pages that are made up, expanded by Go's `html/template` and by ours: the same output, the same errors.
//!
//! `SKOPOS_PEERS` names the folder of the program `gopeers` (`benches/go` has its source); without it these
//! tests are skipped and say so.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use skopos_template::{
    CallError, ErrorKind, Functions, HtmlTemplate, Limits, List, Map, Signature, Text, Type, Value,
};

/// How many pages are compared.
const PAGES: u64 = 5000;

fn gopeers() -> Option<PathBuf> {
    let folder = std::env::var_os("SKOPOS_PEERS").map(PathBuf::from);
    let program = folder.map(|folder| folder.join("gopeers")).filter(|program| program.is_file());
    if program.is_none() {
        println!("skipped: no gopeers in the folder that SKOPOS_PEERS names");
    }
    program
}

/// Text that moves the context, in all languages that there are.
const TEXTS: &[&str] = &[
    "<p>",
    "</p>",
    "<a href=\"",
    "<a href='",
    "<a href=",
    "\">",
    "'>",
    ">",
    "\"",
    "'",
    " ",
    "x",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title>",
    "<!--",
    "-->",
    "<!DOCTYPE html>",
    "<div ",
    "<div title=\"",
    "<div onclick=\"",
    "<div style=\"",
    "<img srcset=\"",
    "<img src=",
    "<meta content=\"0;url=",
    "<meta content=\"",
    "<script type=\"",
    "text/plain\">",
    "module\">",
    "<script type=text/x>",
    "javascript:",
    "?q=",
    "#",
    "/",
    "//",
    "/*",
    "*/",
    "\n",
    "`",
    "${",
    "}",
    "{",
    "\\",
    "\\'",
    "url(",
    "url(\"",
    ")",
    ";",
    "a:",
    "var x = ",
    "x++",
    "return ",
    ".return ",
    "/re[a",
    "]/",
    "&quot;",
    "&lt;x",
    "&amp",
    "&#39;",
    "< b",
    "<",
    "</",
    "=",
    "data-src=",
    "svg:href=\"",
    "on",
    "é\u{2028}",
    "<script",
    "#!",
    "\\3F ",
    "\\26",
    "1.",
    "=>",
    "</scr",
    "<title ",
    "http://x/",
    "mailto:a",
    ",",
    "2x, ",
    "@",
];

/// What is written, and how.
const VALUES: &[&str] = &[
    ".html",
    ".url",
    ".word",
    ".quote",
    ".empty",
    ".none",
    ".number",
    ".list",
    ".map",
    ".css",
    ".set",
    ".bad",
    ".truth",
    ".small",
    ".tag",
    "(safeHtml .html)",
    "(safeHtml .quote)",
    "1",
    "\"<\"",
    ".nan.x",
    ".js",
];

const FILTERS: &[&str] =
    &[" | html", " | urlquery", " | js", " | safeHtml", " | printf \"%s\"", " | print"];

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

fn piece(random: &mut Random, depth: usize, out: &mut String) {
    match random.below(if depth < 3 { 24 } else { 17 }) {
        0..=9 => out.push_str(random.pick(TEXTS)),
        10..=14 => {
            let filter = if random.below(4) == 0 { random.pick(FILTERS) } else { "" };
            out.push_str(&format!("{{{{ {}{filter} }}}}", random.pick(VALUES)));
        }
        15 => out.push_str("{{ html .html .quote }}"),
        16 => {
            let template = random.pick(&["a", "b", "c"]);
            // Go's recursion by name ends with the program.
            let may_recur = depth < 2 && random.below(3) == 0;
            let way = if may_recur { "tmpl" } else { "template" };
            out.push_str(&format!("{{{{ {way} \"{template}\" . }}}}"));
        }
        17 | 18 => out.push_str(&format!("<i>{{{{ {} }}}}</i>", random.pick(VALUES))),
        19 | 20 => {
            let otherwise = random.below(2) == 0;
            out.push_str(random.pick(&["{{ if .word }}", "{{ if .empty }}", "{{ with .word }}"]));
            pieces(random, depth + 1, out);
            if otherwise {
                out.push_str("{{ else }}");
                pieces(random, depth + 1, out);
            }
            out.push_str("{{ end }}");
        }
        21 | 22 => {
            out.push_str(random.pick(&["{{ range .list }}", "{{ range $i, $x := .map }}"]));
            pieces(random, depth + 1, out);
            if random.below(3) == 0 {
                out.push_str(random.pick(&["{{ break }}", "{{ if . }}{{ continue }}{{ end }}"]));
                pieces(random, depth + 1, out);
            }
            out.push_str("{{ end }}");
        }
        _ => out.push_str("{{ $v := .html }}{{ $v }}"),
    }
}

fn pieces(random: &mut Random, depth: usize, out: &mut String) {
    for _ in 0..random.below(5) {
        piece(random, depth, out);
    }
}

/// A page that is whole in most cases: what it opens, it closes.
fn page(seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut out = String::new();
    for name in ["a", "b", "c"] {
        out.push_str(&format!("{{{{ define \"{name}\" }}}}"));
        match random.below(3) {
            0 => pieces(&mut random, 2, &mut out),
            1 => out.push_str(&format!("{{{{ {} }}}}", random.pick(VALUES))),
            _ => out.push_str(random.pick(&["x", "<", "\"", "/", "{{ template \"b\" . }}", "?"])),
        }
        out.push_str("{{ end }}");
    }
    let (open, close) = [
        ("", ""),
        ("<a href=\"", "\">"),
        ("<a href=", ">"),
        ("<a title='", "'>"),
        ("<a onclick=\"", "\">"),
        ("<b style='", "'>"),
        ("<script>", "</script>"),
        ("<script>'", "'</script>"),
        ("<script>`", "`</script>"),
        ("<script>/", "/</script>"),
        ("<style>", "</style>"),
        ("<style>a{b:url(", ")}</style>"),
        ("<title>", "</title>"),
        ("<img srcset=\"", "\">"),
        ("<meta content=\"0; url=", "\">"),
        ("<p ", ">"),
        ("<script>/*", "*/</script>"),
    ][random.below(17)];
    out.push_str(open);
    for _ in 0..=random.below(5) {
        piece(&mut random, 0, &mut out);
    }
    out.push_str(close);
    out
}

fn data() -> Json {
    json!({
        "html": "<b class=\"x\">&amp;'</b><script>alert(1)</script>",
        "url": "javascript:alert(1)", "word": "title", "quote": "say \"hi\" \\ `there` ${x} +",
        "empty": "", "none": null, "number": 12.5, "small": 1e-9, "truth": true,
        "list": ["a", 1.5, null, "</script>"], "map": {"k<": "v'", "z": [1.0]},
        "css": "expre\\73 sion(1)", "set": "/a b 2x, javascript:x, /c,d 1.5x",
        "bad": "\u{0}\u{1}\u{7f}\u{2028}\u{fdd0}\u{fffe}", "tag": "onload", "js": "a\u{2029}b\u{8}\u{c}\t\r\n",
    })
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => Value::Float(number.as_f64().unwrap()),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => {
            let items = items.iter().map(|item| value(item).in_any()).collect();
            Value::List(List::new("[]interface {}", items).unwrap())
        }
        Json::Object(map) => {
            let entry =
                |(key, item): (&String, &Json)| (Text::from(key.as_str()), value(item).in_any());
            let entries = map.iter().map(entry);
            Value::Map(Map::new("map[string]interface {}", Value::Any(None), entries).unwrap())
        }
    }
}

struct SafeHtml;

impl Functions for SafeHtml {
    fn signature(&self, name: &str) -> Option<Signature> {
        (name == "safeHtml").then_some(Signature::fixed(&[Type::Text]))
    }

    fn call(&self, _name: &str, args: &[Value]) -> Result<Value, CallError> {
        match &args[0] {
            Value::Text(text) => Ok(Value::Text(text.clone().safe_html())),
            _ => Err(CallError::new("not a text")),
        }
    }
}

/// What Go makes of pages.
fn expanded_by_go(program: &PathBuf, pages: &[String]) -> Vec<Json> {
    let data = data();
    let lines = pages.iter().map(|page| json!({"template": page, "data": data}).to_string() + "\n");
    let lines: String = lines.collect();
    let mut child = Command::new(program)
        .arg("html-template")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "gopeers html-template failed");
    let answers = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    answers.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn pages_that_are_made_up_expand_as_in_go() {
    let Some(program) = gopeers() else { return };
    let pages: Vec<String> = (0..PAGES).map(page).collect();
    let theirs = expanded_by_go(&program, &pages);
    assert_eq!(theirs.len(), pages.len());
    let data = value(&data());
    let (mut written, mut refused, mut failures) = (0, 0, Vec::new());
    for (page, theirs) in pages.iter().zip(&theirs) {
        let ours = HtmlTemplate::parse("t", page, &SafeHtml, &Limits::default())
            .and_then(|template| template.execute(&data, &SafeHtml));
        let ours = match ours {
            Ok(out) => json!({"output": String::from_utf8_lossy(&out)}),
            Err(error) if error.kind() == ErrorKind::Limit => continue,
            Err(error) => json!({"error": error.to_string()}),
        };
        if ours == *theirs {
            *if ours.get("output").is_some() { &mut written } else { &mut refused } += 1;
        } else {
            failures.push(format!("{page}\n  ours {ours}\n  go's {theirs}"));
        }
    }
    println!("{written} written alike, {refused} refused alike, {} differ", failures.len());
    let shown = failures.len().min(20);
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures[..shown].join("\n\n"));
    assert!(written > PAGES / 4 && refused > PAGES / 20, "{written} written, {refused} refused");
}
