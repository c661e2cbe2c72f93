//! The program's commands, one module each.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

pub mod block_index;
pub mod chunks;
pub mod index;
pub mod ingest;
pub mod parse;
pub mod parse_protobuf;
pub mod promql;
pub mod promql_table;
pub mod query;
pub mod record;
pub mod xor;

/// A file's name without its folder, as benchmarks are named by it.
pub(crate) fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A file's lines, without empty ones and those that start with `#`.
pub(crate) fn lines(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Into::into).collect())
}
