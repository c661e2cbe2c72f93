//! The table of layers: which crate may know which.

use super::Findings;
use crate::workspace::Package;

/// Each package with those that it may depend on; an edge that is not here does not exist.
///
/// A new edge is a decision of its own: change `docs/architecture.md` in the same commit.
const ALLOWED: &[(&str, &[&str])] = &[
    // Layer 0: the vocabulary, and one meaning of a regular expression.
    ("skopos-core", &[]),
    ("skopos-regex", &[]),
    // Layer 1: know layer 0 and nothing of each other.
    ("skopos-chunk", &["skopos-core"]),
    ("skopos-exposition", &["skopos-core"]),
    ("skopos-index", &["skopos-core", "skopos-regex"]),
    ("skopos-promql", &["skopos-core", "skopos-regex"]),
    ("skopos-relabel", &["skopos-core", "skopos-regex"]),
    ("skopos-rules", &["skopos-core", "skopos-regex"]),
    ("skopos-template", &["skopos-core", "skopos-regex"]),
    // Layer 2: compose layer 1.
    ("skopos-scrape", &["skopos-core", "skopos-exposition", "skopos-relabel"]),
    ("skopos-tsdb", &["skopos-chunk", "skopos-core", "skopos-index"]),
    // Layer 3: everything.
    ("skopos-server", PRODUCT),
    ("skopos", PRODUCT),
    // Beside the product.
    ("skopos-testkit", &["skopos-core"]),
    ("xtask", &[]),
    ("skopos-bench", PRODUCT),
];

const PRODUCT: &[&str] = &[
    "skopos-chunk",
    "skopos-core",
    "skopos-exposition",
    "skopos-index",
    "skopos-promql",
    "skopos-regex",
    "skopos-relabel",
    "skopos-rules",
    "skopos-scrape",
    "skopos-server",
    "skopos-template",
    "skopos-tsdb",
];

/// Packages whose tests may reach no further than their code does, but for the test kit.
const TEST_KIT: &str = "skopos-testkit";

pub(super) fn check(packages: &[Package], findings: &mut Findings) {
    for package in packages {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package.name) else {
            findings.errors.push(format!(
                "{}: not in the table of layers (crates/xtask/src/tidy/layers.rs)",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            if !allowed.contains(&dependency.as_str()) {
                findings.errors.push(format!("{} must not depend on {dependency}", package.name));
            }
        }
        for dependency in &package.dev_dependencies {
            if dependency != TEST_KIT && !allowed.contains(&dependency.as_str()) {
                findings.errors.push(format!(
                    "{}: its tests must not depend on {dependency}; they belong to a layer above",
                    package.name
                ));
            }
        }
    }
    for (name, _) in ALLOWED {
        if packages.iter().all(|package| package.name != *name) {
            findings
                .errors
                .push(format!("{name}: in the table of layers, but not in the workspace"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Package {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Package {
            name: name.to_owned(),
            dependencies: set(dependencies),
            dev_dependencies: set(dev_dependencies),
            folder: std::path::PathBuf::new(),
        }
    }

    #[track_caller]
    fn check_one(package: Package, expected: Option<&str>) {
        let mut findings = Findings::default();
        let name = package.name.clone();
        check(&[package], &mut findings);
        let of_package =
            findings.errors.iter().find(|e| !e.contains("but not in") && e.contains(&name));
        assert_eq!(of_package.map(String::as_str), expected);
    }

    #[test]
    fn only_the_edges_of_the_table_pass() {
        check_one(package("skopos-promql", &["skopos-core"], &["skopos-testkit"]), None);
        check_one(
            package("skopos-promql", &["skopos-index"], &[]),
            Some("skopos-promql must not depend on skopos-index"),
        );
        check_one(
            package("skopos-chunk", &[], &["skopos-tsdb"]),
            Some(
                "skopos-chunk: its tests must not depend on skopos-tsdb; \
                 they belong to a layer above",
            ),
        );
        check_one(
            package("skopos-new", &[], &[]),
            Some("skopos-new: not in the table of layers (crates/xtask/src/tidy/layers.rs)"),
        );
    }
}
