//! Lists that must stay complete: crates in the README, dependencies with their reasons, the top
//! level.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::Findings;
use crate::workspace::Package;

/// What may lie at the root beside dot-files.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "crates",
    "docs",
    "fuzz",
    "target",
];

pub(super) fn check(root: &Path, packages: &[Package], findings: &mut Findings) -> Result<()> {
    check_top_level(root, findings)?;
    check_crates(root, packages, findings)?;
    check_dependencies(root, findings)
}

fn check_top_level(root: &Path, findings: &mut Findings) -> Result<()> {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()) {
            findings.errors.push(format!("{name}: does not belong to the top level"));
        }
    }
    Ok(())
}

/// Every crate is explained in the README and has a section in the architecture.
fn check_crates(root: &Path, packages: &[Package], findings: &mut Findings) -> Result<()> {
    for document in ["README.md", "docs/architecture.md"] {
        let text = read(root, document)?;
        for package in packages {
            let folder = package.folder.file_name().unwrap_or_default().to_string_lossy();
            let is_crate = package.folder.parent().is_some_and(|p| p.ends_with("crates"));
            if is_crate && !text.contains(&format!("`{folder}`")) {
                findings.errors.push(format!("{document}: says nothing of the crate `{folder}`"));
            }
        }
    }
    Ok(())
}

/// Every dependency of the workspace has its reason in `docs/dependencies.md`, and no other has one.
fn check_dependencies(root: &Path, findings: &mut Findings) -> Result<()> {
    let reasons = read(root, "docs/dependencies.md")?;
    let named: Vec<&str> =
        reasons.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let manifest = read(root, "Cargo.toml")?;
    let dependencies = workspace_dependencies(&manifest);
    for dependency in &dependencies {
        if !named.contains(&dependency.as_str()) {
            findings.errors.push(format!("docs/dependencies.md: no reason for {dependency}"));
        }
    }
    for name in named {
        if !dependencies.iter().any(|dependency| dependency == name) {
            findings.errors.push(format!("docs/dependencies.md: {name} is not a dependency"));
        }
    }
    Ok(())
}

/// The names under `[workspace.dependencies]` that are not our own.
fn workspace_dependencies(manifest: &str) -> Vec<String> {
    let lines = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#') && !line.starts_with("skopos-"))
        .filter_map(|line| Some(line.split_once(" =")?.0.to_owned()))
        .collect()
}

fn read(root: &Path, name: &str) -> Result<String> {
    fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_the_manifest() {
        let manifest = "[workspace]\n[workspace.dependencies]\nskopos-core = { path = \"x\" }\n\
                        # Text.\nserde = \"1\"\nnom = { version = \"8\" }\n\n[profile.dev]\na = 1\n";
        assert_eq!(workspace_dependencies(manifest), ["serde", "nom"]);
    }
}
