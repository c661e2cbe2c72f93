//! Where the golden vectors are.
//!
//! They are reference data beside the project. The variable `SKOPOS_CONFORMANCE` names their folder;
//! without it the tests that need them say that they were skipped, and with it a missing file fails.

use std::path::PathBuf;

/// The path of a file or folder of vectors, or `None` (said on standard error) if no folder is named.
///
/// # Panics
///
/// If the folder is named and the file is not in it: a check that silently checks nothing is worse
/// than none.
///
/// ```
/// if let Some(path) = skopos_testkit::vectors::path("vectors/README.md") {
///     assert!(path.is_file());
/// }
/// ```
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the seam where tests read the environment")]
#[expect(clippy::panic, reason = "a test without its data must fail")]
pub fn path(relative: &str) -> Option<PathBuf> {
    let Ok(folder) = std::env::var("SKOPOS_CONFORMANCE") else {
        eprintln!("skipped: SKOPOS_CONFORMANCE is not set, so {relative} was not checked");
        return None;
    };
    let path = PathBuf::from(folder).join(relative);
    if !path.exists() {
        panic!("SKOPOS_CONFORMANCE is set, but {} is missing", path.display());
    }
    Some(path)
}

/// The text of a file of vectors; as [`path()`].
///
/// # Panics
///
/// As [`path()`], and if the file is not readable text.
#[must_use]
pub fn text(relative: &str) -> Option<String> {
    let path = path(relative)?;
    Some(std::fs::read_to_string(path).expect("vectors are readable text"))
}
