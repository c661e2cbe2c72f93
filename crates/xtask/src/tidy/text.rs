//! Checks on the text of a source file.

use super::Findings;
use crate::workspace::Source;

/// A longer file makes a stranger lose his way.
const FILE_LIMIT: usize = 800;
/// From here on a file is worth a second look.
const FILE_SIGNAL: usize = 600;
/// A longer function does more than one thing.
const FUNCTION_LIMIT: usize = 120;
/// From here on a function is worth a second look.
const FUNCTION_SIGNAL: usize = 100;

pub(super) fn check(source: &Source, findings: &mut Findings) {
    let path = source.path.display().to_string();
    if source.path.starts_with("crates/xtask/src/tidy/text.rs") {
        // This file names what it looks for.
        return;
    }
    if !source.text.starts_with("//!") && !source.path.ends_with("tests.rs") {
        findings.errors.push(format!("{path}: starts without a module doc (//!)"));
    }
    check_lines(source, &path, findings);
    if !source.is_test() {
        check_sizes(source, &path, findings);
    }
}

fn check_lines(source: &Source, path: &str, findings: &mut Findings) {
    let lines: Vec<&str> = source.text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let number = at + 1;
        let code = line.trim();
        if code.starts_with("//") {
            continue;
        }
        let mut error = |what: &str| findings.errors.push(format!("{path}:{number}: {what}"));
        if code.starts_with("#[allow(") || code.starts_with("#![allow(") {
            error("use #[expect(…, reason = \"…\")] instead of allow");
        }
        if is_expectation(code) && !attribute(&lines[at..]).contains("reason") {
            error("an expectation needs a reason");
        }
        if code.starts_with("#[ignore") || code.starts_with("#[should_panic") {
            error("a test runs and asserts; neither ignore nor should_panic");
        }
        let begins = lines[..at].last().is_none_or(|l| l.trim_end().ends_with(['{', '}', ';']));
        if begins && code.starts_with("matches!(") && code.ends_with(");") {
            error("a bare matches! asserts nothing");
        }
        if code.contains("unsafe {")
            && !lines[at.saturating_sub(4)..at].iter().any(|l| l.contains("SAFETY:"))
        {
            error("an unsafe block needs a SAFETY comment");
        }
    }
}

fn is_expectation(code: &str) -> bool {
    code.starts_with("#[expect(") || code.starts_with("#![expect(")
}

/// The text of the attribute that begins with the first of `lines`.
fn attribute(lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines.iter().take(12) {
        text.push_str(line);
        if line.trim_end().ends_with(")]") {
            break;
        }
    }
    text
}

fn check_sizes(source: &Source, path: &str, findings: &mut Findings) {
    let code = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let n = code.lines().count();
    if FILE_LIMIT < n {
        findings.errors.push(format!("{path}: {n} lines without tests; the limit is {FILE_LIMIT}"));
    } else if FILE_SIGNAL < n {
        findings.signals.push(format!("{path}: {n} lines without tests"));
    }
    for (name, line, n) in functions(code) {
        if FUNCTION_LIMIT < n {
            findings.errors.push(format!(
                "{path}:{line}: fn {name} has {n} lines; the limit is {FUNCTION_LIMIT}"
            ));
        } else if FUNCTION_SIGNAL < n {
            findings.signals.push(format!("{path}:{line}: fn {name} has {n} lines"));
        }
    }
}

/// Name, line and length of each function; rustfmt closes a function at its own indentation.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let Some(name) = function_name(line.trim_start()) else { continue };
        let closing = format!("{}}}", " ".repeat(indentation));
        let body = lines[at..].iter().position(|l| *l == closing);
        if let Some(n) = body.filter(|_| !line.ends_with(';')) {
            found.push((name, at + 1, n + 1));
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    for word in words.by_ref() {
        match word {
            "fn" => break,
            "const" | "async" | "unsafe" => {}
            _ if word.starts_with("pub") || word == "super)" || word == "crate)" => {}
            _ => return None,
        }
    }
    let name = words.next()?;
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expected: &[&str]) {
        let source = Source { path: "crates/a/src/lib.rs".into(), text: text.to_owned() };
        let mut findings = Findings::default();
        check(&source, &mut findings);
        assert_eq!(findings.errors, expected);
    }

    #[test]
    fn what_is_untidy_is_found_at_its_line() {
        check_text("//! Docs.\nfn a() {}\n", &[]);
        check_text("fn a() {}\n", &["crates/a/src/lib.rs: starts without a module doc (//!)"]);
        check_text(
            "//! Docs.\n#[expect(dead_code)]\nfn a() {}\n",
            &["crates/a/src/lib.rs:2: an expectation needs a reason"],
        );
        check_text(
            "//! Docs.\n#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nfn a() {}\n",
            &[],
        );
        check_text(
            "//! Docs.\n#[ignore]\nfn a() {\n    matches!(1, 1);\n}\n",
            &[
                "crates/a/src/lib.rs:2: a test runs and asserts; neither ignore nor should_panic",
                "crates/a/src/lib.rs:4: a bare matches! asserts nothing",
            ],
        );
    }

    #[test]
    fn long_functions_are_found() {
        let long = format!("//! Docs.\npub(crate) fn long() {{\n{}}}\n", "    x();\n".repeat(130));
        check_text(&long, &["crates/a/src/lib.rs:2: fn long has 132 lines; the limit is 120"]);
    }
}
