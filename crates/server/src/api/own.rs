//! The page of the server's own metrics.

use skopos_core::labels::METRIC_NAME;
use skopos_core::{Labels, MetricType};
use skopos_exposition::{FamilySample, OutputFormat, encode};

use super::Api;
use crate::lifecycle::Phase;
use crate::meter::{Family, Page};
use crate::process::Process;

/// The page in the given format, families in the order of names; those without samples are left out.
pub(crate) fn page(api: &Api, format: OutputFormat) -> Vec<u8> {
    let mut page = Page::default();
    collect(api, &mut page);
    api.meters.collect(&mut page);
    api.parts.collect(&mut page);
    page.families.sort_by_key(|family| family.name);
    let families: Vec<_> =
        page.families.iter().filter(|family| !family.samples.is_empty()).map(to_family).collect();
    let mut text = String::new();
    if let Err(error) = encode(format, &families, &mut text) {
        tracing::error!(%error, "the server's own metrics cannot be written");
    }
    text.into_bytes()
}

fn to_family(family: &Family) -> skopos_exposition::Family {
    let mut out = skopos_exposition::Family::new(family.name, family.metric_type);
    out.help = Some(family.help.into());
    out.samples = family
        .samples
        .iter()
        .map(|reading| {
            let name = format!("{}{}", family.name, reading.suffix);
            let own = reading.labels.iter().map(|(name, value)| (*name, value.as_str()));
            let labels = Labels::from_pairs(own.chain([(METRIC_NAME, name.as_str())]));
            FamilySample::new(labels, reading.v)
        })
        .collect();
    out
}

/// Adds what the API itself knows.
fn collect(api: &Api, page: &mut Page) {
    let help = "A metric with a constant '1' value labeled by the version that runs and the version \
                of Prometheus whose API it has.";
    let build = page.family("prometheus_build_info", help, MetricType::Gauge);
    let labels = vec![
        ("revision", concat!("skopos-", env!("CARGO_PKG_VERSION")).to_owned()),
        ("version", crate::COMPATIBLE_VERSION.to_owned()),
    ];
    build.push(labels, 1.0);
    let ready = if api.lifecycle.phase() == Phase::Ready { 1.0 } else { 0.0 };
    page.gauge(
        "prometheus_ready",
        "Whether Prometheus startup was fully completed and the server is ready for normal operation.",
        ready,
    );
    let free = api.permits.available_permits();
    page.gauge(
        "prometheus_engine_queries",
        "The current number of queries being executed or waiting.",
        api.max_queries.saturating_sub(free) as f64,
    );
    page.gauge(
        "prometheus_engine_queries_concurrent_max",
        "The max number of concurrent queries.",
        api.max_queries as f64,
    );
    let (well, since) = api.parts.config_state();
    page.gauge(
        "prometheus_config_last_reload_successful",
        "Whether the last configuration reload attempt was successful.",
        f64::from(u8::from(well)),
    );
    page.gauge(
        "prometheus_config_last_reload_success_timestamp_seconds",
        "Timestamp of the last successful configuration reload.",
        since.as_seconds(),
    );
    if let Some(process) = Process::read() {
        collect_process(&process, page);
    }
}

fn collect_process(process: &Process, page: &mut Page) {
    let cpu = "Total user and system CPU time spent in seconds.";
    page.counter("process_cpu_seconds_total", cpu, process.cpu_seconds);
    for (name, help, v) in [
        ("process_max_fds", "Maximum number of open file descriptors.", process.max_fds),
        ("process_open_fds", "Number of open file descriptors.", process.open_fds),
        ("process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes),
        (
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            process.start_seconds,
        ),
        ("process_threads", "Number of threads of the process.", process.threads),
        ("process_virtual_memory_bytes", "Virtual memory size in bytes.", process.virtual_bytes),
    ] {
        page.gauge(name, help, v);
    }
}
