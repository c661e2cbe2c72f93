//! The group in whole programs, one after the other, all with the flags of Prometheus.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::RULES;
use crate::load::{Shape, each_series, rule_file, value};

/// Ends a program that was started, whatever happens.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn run(shape: Shape, seconds: u64, programs: &[&str]) -> Result<(), Box<dyn Error>> {
    let target = serve_page()?;
    let folder = std::env::temp_dir().join(format!("rule_group_{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("rules.yml"), rule_file(shape, RULES, "5s"))?;
    let config = format!(
        "global:\n  scrape_interval: 5s\n  scrape_timeout: 5s\nrule_files: [rules.yml]\n\
         scrape_configs:\n- job_name: load\n  honor_labels: true\n  static_configs:\n  \
         - targets: ['{target}']\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config)?;
    for (i, program) in programs.iter().enumerate() {
        measure(&folder, i, program, seconds)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Serves the series at a port of its own; at each request they have gone on.
fn serve_page() -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let scrapes = AtomicU64::new(0);
    let mut names = Vec::new();
    each_series(&mut |number, [(_, name), instance, job, path]| {
        let pairs = [instance, job, path].map(|(name, value)| format!("{name}=\"{value}\""));
        names.push((number, format!("{name}{{{}}}", pairs.join(","))));
    });
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let scrapes = scrapes.fetch_add(1, Ordering::Relaxed);
            let mut page = String::with_capacity(12 << 20);
            for (number, name) in &names {
                // Writing into a `String` cannot fail.
                let _ = writeln!(page, "{name} {}", value(*number, scrapes));
            }
            // A program that ends early is not served.
            let _ = answer(stream, &page);
        }
    });
    Ok(address)
}

fn answer(mut stream: TcpStream, page: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request)?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        page.len()
    )?;
    stream.write_all(page.as_bytes())
}

fn measure(folder: &Path, i: usize, program: &str, seconds: u64) -> Result<(), Box<dyn Error>> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut words = program.split_whitespace();
    let child = Command::new(words.next().ok_or("no program")?)
        .args(words)
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg(format!("--storage.tsdb.path={}", folder.join(format!("data-{i}")).display()))
        .arg("--storage.tsdb.retention.time=2h")
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let running = Running(child);
    println!("{program}");
    let mut last = String::new();
    let mut before = processor_seconds(running.0.id());
    for _ in 0..seconds * 4 {
        thread::sleep(Duration::from_millis(250));
        let Ok(metrics) = get(port, "/metrics") else { continue };
        let of_group = |name: &str| {
            let line = metrics.lines().find(|line| line.starts_with(name))?;
            line.rsplit(' ').next().map(str::to_owned)
        };
        let at = of_group("prometheus_rule_group_last_evaluation_timestamp_seconds{");
        let at = at.unwrap_or_default();
        if at == last || at == "0" {
            continue;
        }
        last = at;
        let now = processor_seconds(running.0.id());
        println!(
            "  {} s for {} samples; {:.2} s of processor time since the one before",
            of_group("prometheus_rule_group_last_duration_seconds{").unwrap_or_default(),
            of_group("prometheus_rule_group_last_evaluation_samples{").unwrap_or_default(),
            now - before,
        );
        before = now;
    }
    Ok(())
}

fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Seconds that a process and its threads have run, from `/proc`; 0 where there is none.
fn processor_seconds(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let ticks = text.rsplit(") ").next().into_iter().flat_map(|rest| {
        rest.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok())
    });
    ticks.sum::<f64>() / 100.0
}
