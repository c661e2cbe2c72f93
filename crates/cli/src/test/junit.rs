//! Results of tests in the XML format of JUnit, as build servers read it.

use std::fmt::Write as _;

use super::rules::FileReport;

/// The document: a suite a file, a case a test.
pub(super) fn document(reports: &[FileReport]) -> String {
    let mut out = String::from("<testsuites>");
    for report in reports {
        suite(&mut out, report);
    }
    out.push_str("</testsuites>\n");
    out
}

fn suite(out: &mut String, report: &FileReport) {
    let cases = report.result.as_deref().unwrap_or_default();
    let failures: usize = cases.iter().map(|case| case.failures.len()).sum();
    let (tests, errors) = match &report.result {
        Ok(cases) => (cases.len(), 0),
        Err(_) => (1, 1),
    };
    let name = escape(&report.name);
    let _ = write!(
        out,
        "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
         errors=\"{errors}\" skipped=\"0\">"
    );
    for case in cases {
        let _ = write!(out, "<testcase name=\"{}\">", escape(&case.name));
        for failure in &case.failures {
            let _ = write!(out, "<failure>{}</failure>", escape(&failure.to_string()));
        }
        out.push_str("</testcase>");
    }
    if let Err(error) = &report.result {
        let error = escape(error);
        let _ = write!(out, "<testcase name=\"unknown\"><error>{error}</error></testcase>");
    }
    out.push_str("</testsuite>");
}

/// A text between tags or in quotes; what XML cannot hold becomes a replacement character.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\t' => out.push_str("&#x9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_escapes_what_it_shows() {
        let broken = FileReport { name: "a<b>.yml".into(), result: Err("x & \"y\"\u{1}".into()) };
        assert_eq!(
            document(&[broken]),
            "<testsuites><testsuite name=\"a&lt;b&gt;.yml\" tests=\"1\" failures=\"0\" errors=\"1\" \
             skipped=\"0\"><testcase name=\"unknown\"><error>x &amp; &#34;y&#34;\u{fffd}</error>\
             </testcase></testsuite></testsuites>\n"
        );
    }
}
