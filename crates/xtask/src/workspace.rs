//! What the chores know of the workspace: where it is, its packages, its source files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One package of the workspace with its edges to other packages of it.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Normal and build dependencies within the workspace.
    pub(crate) dependencies: BTreeSet<String>,
    /// Dev-dependencies within the workspace.
    pub(crate) dev_dependencies: BTreeSet<String>,
    /// The package's folder.
    pub(crate) folder: PathBuf,
}

/// The root of the workspace.
pub(crate) fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).context("xtask lies two folders below the root")?;
    Ok(root.to_owned())
}

/// The packages of the workspace, as cargo sees them.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root()?)
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    packages.iter().map(|package| read_package(package, &names)).collect()
}

fn read_package(package: &Value, names: &BTreeSet<&str>) -> Result<Package> {
    let edges = |dev: bool| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().into_iter().flatten();
        all.filter(|d| (d["kind"] == "dev") == dev)
            .filter_map(|d| d["name"].as_str())
            .filter(|name| names.contains(name))
            .map(str::to_owned)
            .collect()
    };
    let manifest = package["manifest_path"].as_str().context("a package has a manifest")?;
    let folder = Path::new(manifest).parent().context("a manifest lies in a folder")?;
    Ok(Package {
        name: package["name"].as_str().context("a package has a name")?.to_owned(),
        dependencies: edges(false),
        dev_dependencies: edges(true),
        folder: folder.to_owned(),
    })
}

/// A Rust source file of the workspace, its path relative to the root.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Whether the file holds tests, benches or examples rather than the product.
    pub(crate) fn is_test(&self) -> bool {
        let parts: Vec<&str> = self.path.iter().filter_map(|part| part.to_str()).collect();
        let in_folder =
            parts.iter().any(|p| matches!(*p, "tests" | "examples" | "fuzz" | "testkit"));
        in_folder || self.path.ends_with("tests.rs") || parts.first() == Some(&"benches")
    }
}

/// All Rust files below `crates`, `benches` and `fuzz`.
pub(crate) fn sources() -> Result<Vec<Source>> {
    let root = root()?;
    let mut sources = Vec::new();
    for top in ["crates", "benches", "fuzz"] {
        collect(&root, &root.join(top), &mut sources)?;
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "corpus" | "artifacts") {
                collect(root, &path, sources)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
            sources.push(Source { path: path.strip_prefix(root)?.to_owned(), text });
        }
    }
    Ok(())
}
