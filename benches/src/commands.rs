//! The program's commands, one module each.

use std::path::Path;

pub mod parse;

/// A file's name without its folder, as benchmarks are named by it.
pub(crate) fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
