//! Where the vectors are.

use std::path::PathBuf;

use serde_json::Value;

/// The vectors in `file`, or `None` (and a word about it) where no vectors are at hand.
pub(crate) fn vectors(file: &str) -> Option<Value> {
    let path = folder()?.join("vectors").join(file);
    let text = std::fs::read_to_string(&path);
    assert!(text.is_ok(), "cannot read {}", path.display());
    Some(serde_json::from_str(&text.unwrap_or_default()).expect("vectors are JSON"))
}

/// The folder that `SKOPOS_CONFORMANCE` names.
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SKOPOS_CONFORMANCE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set");
    }
    folder
}

/// The text of a case; invalid UTF-8 becomes replacement characters, as a server would read it.
pub(crate) fn text_of(case: &Value) -> String {
    if let Some(text) = case["expr"].as_str() {
        return text.to_owned();
    }
    let hex = case["expr_hex"].as_str().expect("a case has a text");
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Fails with all differences at once.
#[track_caller]
pub(crate) fn report(checked: usize, failures: &[String]) {
    println!("{checked} cases, {} differences", failures.len());
    assert!(0 < checked, "no cases");
    let shown = failures.iter().take(60).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {checked} differ:\n{shown}", failures.len());
}
