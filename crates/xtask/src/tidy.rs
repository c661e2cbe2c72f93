//! What no compiler checks: layers, module docs, sizes, suppressions, tests that cannot fail, lists.

mod layers;
mod lists;
mod text;

use anyhow::{Result, bail};

use crate::workspace;

/// What the checks found.
#[derive(Debug, Default)]
struct Findings {
    /// Each of these fails the chore.
    errors: Vec<String>,
    /// These are signals for a reader.
    signals: Vec<String>,
}

/// Runs all checks, prints what they found, and fails if there are errors.
pub(crate) fn run() -> Result<()> {
    let packages = workspace::packages()?;
    let sources = workspace::sources()?;
    let root = workspace::root()?;
    let mut findings = Findings::default();
    layers::check(&packages, &mut findings);
    for source in &sources {
        text::check(source, &mut findings);
    }
    lists::check(&root, &packages, &mut findings)?;
    for signal in &findings.signals {
        println!("signal: {signal}");
    }
    for error in &findings.errors {
        println!("error: {error}");
    }
    println!(
        "tidy: {} packages, {} source files, {} errors, {} signals",
        packages.len(),
        sources.len(),
        findings.errors.len(),
        findings.signals.len()
    );
    if !findings.errors.is_empty() {
        bail!("the workspace is not tidy");
    }
    Ok(())
}
