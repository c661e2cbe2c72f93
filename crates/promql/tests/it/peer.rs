//! Trees by `serde` beside those of a real Prometheus, which is older than the language here.
//!
//! `SKOPOS_PEERS` names the folder that the program is in; without it the test is skipped.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use skopos_promql::{ParseOptions, parse};

use crate::conformance::{report, text_of, vectors};

/// What later versions have added to the shape.
const ADDED: [&str; 6] =
    ["anchored", "fillValues", "offsetExpr", "rangeExpr", "smoothed", "stepExpr"];

struct Peer {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself, and may still be writing.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Peer {
    fn start(program: &Path) -> Self {
        let folder =
            std::env::temp_dir().join(format!("skopos-promql-peer-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("prometheus.yml"), "").expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let process = Command::new(program)
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--enable-feature=promql-experimental-functions")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let peer = Self { process, address, folder };
        let answers = (0..600).any(|_| {
            #[expect(clippy::disallowed_methods, reason = "another program is waited for")]
            std::thread::sleep(Duration::from_millis(50));
            peer.tree("up").is_some()
        });
        assert!(answers, "prometheus does not answer");
        peer
    }

    /// The tree of a query, if it is one to the peer.
    fn tree(&self, query: &str) -> Option<Value> {
        let mut form = "query=".to_owned();
        for byte in query.bytes() {
            let _ = write!(form, "%{byte:02x}");
        }
        let mut stream = TcpStream::connect(self.address).ok()?;
        let request = format!(
            "POST /api/v1/parse_query HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (_, body) = answer.split_once("\r\n\r\n")?;
        let answer: Value = serde_json::from_str(body).ok()?;
        (answer["status"] == "success").then(|| answer["data"].clone())
    }
}

/// Removes what the peer does not know.
fn without_added(tree: &mut Value) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(without_added),
        Value::Object(entries) => {
            entries.retain(|name, _| !ADDED.contains(&name.as_str()));
            entries.values_mut().for_each(without_added);
        }
        _ => {}
    }
}

#[test]
fn trees_are_those_of_a_real_prometheus() {
    let Some(peers) = std::env::var_os("SKOPOS_PEERS").map(PathBuf::from) else {
        eprintln!("skipped: SKOPOS_PEERS is not set");
        return;
    };
    let program = peers.join("prometheus");
    if !program.is_file() {
        eprintln!("skipped: there is no prometheus in {}", peers.display());
        return;
    }
    let files = ["promql/parse.json", "promql/parse_random.json"];
    let Some(files) = files.map(vectors).into_iter().collect::<Option<Vec<_>>>() else { return };
    let peer = Peer::start(&program);
    let (mut compared, mut differences) = (0, Vec::new());
    for case in files.iter().flat_map(|file| file["cases"].as_array().expect("cases")) {
        let query = text_of(case);
        let Ok(expr) = parse(&query, &ParseOptions::all()) else { continue };
        let Some(mut theirs) = peer.tree(&query) else { continue };
        let mut ours = serde_json::to_value(&expr).expect("a tree is written");
        without_added(&mut ours);
        without_added(&mut theirs);
        compared += 1;
        if ours != theirs {
            differences.push(format!("{query}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    report(compared, &differences);
}
