//! Scraping the real node_exporter, where it is installed.

use std::process::{Command, Stdio};

use crate::process::{Server, eventually, free_address, peer};

#[test]
fn the_real_node_exporter_is_scraped_without_loss() {
    let Some(program) = peer("prometheus-node-exporter") else { return };
    let address = free_address();
    let mut exporter = Command::new(program)
        .arg(format!("--web.listen-address={address}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("node_exporter starts");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs:\n  - job_name: node-exporter\n    static_configs:\n      \
         - targets: ['{address}']\n"
    );
    let server = Server::skopos(folder.path(), &config);
    eventually("the exporter to be up", || (server.values("up") == [1.0]).then_some(()));
    eventually("a second scrape", || {
        server.values("count_over_time(up[1m])").first().filter(|n| 3.0 <= **n).copied()
    });

    let scraped = server.values("scrape_samples_scraped")[0];
    let stored = server.values("count({job=\"node-exporter\"})")[0];
    // Beside the page's samples there are the five that the scrape itself reports.
    assert!((stored - scraped - 5.0).abs() < 0.5, "{scraped} samples, {stored} series");
    let idle = server.values(
        "100 - (avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])) * 100)",
    );
    assert!(idle.len() == 1 && (-5.0..=100.0).contains(&idle[0]), "{idle:?}");
    let memory =
        server.values("(1 - (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)) * 100");
    assert!(memory.len() == 1 && (0.0..=100.0).contains(&memory[0]), "{memory:?}");

    drop(server);
    exporter.kill().expect("node_exporter ends");
    exporter.wait().expect("node_exporter ended");
}
