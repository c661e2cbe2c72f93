//! Starting, asking and ending programs.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Response, escape};

/// How long anything may take before the test fails: generous, since machines are slow at times.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `attempt` again and again until it gives something.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the test waits for another process")]
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
    listener.local_addr().expect("a bound listener has an address")
}

/// A program of the peers, if they are installed.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where peers are")]
pub(crate) fn peer(name: &str) -> Option<PathBuf> {
    let path = std::env::var("SKOPOS_PEERS").ok().map(|folder| Path::new(&folder).join(name));
    let found = path.filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no {name} in the folder that SKOPOS_PEERS names");
    }
    found
}

/// A running server that speaks Prometheus' HTTP API; it ends with the value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts `skopos serve` with a configuration file and waits until it is ready.
    #[track_caller]
    pub(crate) fn skopos(folder: &Path, config: &str) -> Self {
        Self::skopos_with(folder, config, &[])
    }

    /// The same with more arguments.
    #[track_caller]
    pub(crate) fn skopos_with(folder: &Path, config: &str, arguments: &[&str]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_skopos"));
        command.arg("serve").arg("--web.enable-lifecycle").args(arguments);
        Self::start(command, folder, config, address)
    }

    /// Starts the real Prometheus in the same way.
    #[track_caller]
    pub(crate) fn prometheus(program: &Path, folder: &Path, config: &str) -> Self {
        Self::prometheus_with(program, folder, config, &[])
    }

    /// The same with more arguments.
    #[track_caller]
    pub(crate) fn prometheus_with(
        program: &Path,
        folder: &Path,
        config: &str,
        arguments: &[&str],
    ) -> Self {
        let address = free_address();
        let mut command = Command::new(program);
        command.arg("--web.enable-lifecycle").arg("--enable-feature=promql-per-step-stats");
        command.args(arguments);
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        Self::start(command, folder, config, address)
    }

    #[track_caller]
    fn start(mut command: Command, folder: &Path, config: &str, address: SocketAddr) -> Self {
        let file = folder.join("prometheus.yml");
        fs::write(&file, config).expect("the folder is writable");
        let log = folder.join(format!("{}.log", address.port()));
        let output = fs::File::create(&log).expect("the folder is writable");
        let errors = output.try_clone().expect("a file can be shared");
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = command.spawn().expect("the program starts");
        let mut server = Self { child, address, log };
        eventually("the server to be ready", || {
            if let Ok(Some(status)) = server.child.try_wait() {
                panic!("the server ended with {status}:\n{}", server.log());
            }
            http::request(address, "GET", "/-/ready").ok().filter(|r| r.status == 200)
        });
        server
    }

    /// What the program printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        self.request("GET", path)
    }

    #[track_caller]
    pub(crate) fn request(&self, method: &str, path: &str) -> Response {
        http::request(self.address, method, path)
            .unwrap_or_else(|e| panic!("{path}: {e}\n{}", self.log()))
    }

    /// The `data` of a successful answer.
    #[track_caller]
    pub(crate) fn data(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        let mut json = response.json();
        assert_eq!(json["status"], "success", "{path}: {json}");
        json["data"].take()
    }

    /// The result of an instant query, now or at a time in seconds.
    #[track_caller]
    pub(crate) fn query(&self, query: &str, time: Option<f64>) -> Value {
        let time = time.map(|t| format!("&time={t}")).unwrap_or_default();
        self.data(&format!("/api/v1/query?query={}{time}", escape(query)))["result"].take()
    }

    /// The values of an instant query as numbers.
    #[track_caller]
    pub(crate) fn values(&self, query: &str) -> Vec<f64> {
        let result = self.query(query, None);
        let samples = result.as_array().expect("a vector");
        samples.iter().map(|s| s["value"][1].as_str().unwrap().parse().unwrap()).collect()
    }

    /// Sends a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(status.success(), "the process takes a signal");
    }

    /// Ends the server with SIGTERM and waits for it.
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = eventually("the server to end", || {
            self.child.try_wait().expect("a child can be waited for")
        });
        (status, self.log())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
