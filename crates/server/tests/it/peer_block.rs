//! A block whose index file we wrote, in the data directory of the real Prometheus.
//!
//! `SKOPOS_PEERS` names the directory that the programs are in; without it this test is skipped and says
//! so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use skopos_index::{BlockIndex, BlockIndexWriter};

use super::client::get;
use super::peer::{peer, program};

const SERIES: usize = 600;

/// Questions about the samples, at their time.
const QUESTIONS: &[&str] = &[
    "/api/v1/query?time=1700000060&query=count(%7B__name__%3D~%22.%2B%22%7D)",
    "/api/v1/query?time=1700000060&query=sort_desc(sum%20by(job)(generated))",
    "/api/v1/query?time=1700000060&query=generated%7Bjob%3D~%22job-1.*%22,pod!~%22.*7%22%7D",
    "/api/v1/query?time=1700000060&query=generated%7Bjob%3D%22job-3%22,zone%3D%22%22%7D",
    "/api/v1/query_range?start=1700000000&end=1700000060&step=60&query=sum(generated%7Bzone!%3D%22%22%7D)",
    "/api/v1/labels?start=1700000000&end=1700000060",
    "/api/v1/label/pod/values?start=1700000000&end=1700000060&match[]=%7Bjob%3D%22job-2%22%7D",
    "/api/v1/series?start=1700000000&end=1700000060&match[]=%7Bzone%3D%22a%22%7D",
];

/// A data directory with a block that promtool makes; returns the block.
fn make_block(promtool: &Path, folder: &Path) -> PathBuf {
    let mut page = String::from("# TYPE generated gauge\n");
    for i in 0..SERIES {
        let (job, pod) = (i % 13, i * 7919 % SERIES);
        let zone = if i % 5 == 0 { ",zone=\"a\"" } else { "" };
        for t in [1_700_000_000, 1_700_000_060] {
            page += &format!("generated{{job=\"job-{job}\",pod=\"pod-{pod:04}\"{zone}}} {i} {t}\n");
        }
    }
    page += "# EOF\n";
    let (source, data) = (folder.join("page.om"), folder.join("data"));
    fs::write(&source, page).unwrap();
    let output = Command::new(promtool)
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .args([&source, &data])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let entries = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path());
    let mut blocks: Vec<PathBuf> = entries.filter(|path| path.join("meta.json").exists()).collect();
    assert_eq!(blocks.len(), 1);
    blocks.remove(0)
}

/// The same series and chunks in an index file of ours.
fn write_again(file: &[u8]) -> Vec<u8> {
    let index = BlockIndex::new(file).unwrap();
    index.verify().unwrap();
    let symbols: Vec<&str> = index.symbols().unwrap().collect::<Result<_, _>>().unwrap();
    let mut writer = BlockIndexWriter::new(Vec::new(), symbols).unwrap();
    for id in index.all().unwrap().iter() {
        let series = index.series(id).unwrap();
        writer.add_series(series.labels(), series.chunks()).unwrap();
    }
    writer.finish().unwrap()
}

async fn answers(program: &Path, folder: &Path) -> Vec<(u16, String)> {
    let peer = peer(program.to_owned(), folder).await;
    let mut answers = Vec::new();
    for question in QUESTIONS {
        let answer = get(peer.address, question).await;
        answers.push((answer.status, answer.body));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_prometheus_reads_an_index_that_we_wrote() {
    let Some(program) = program() else { return };
    let promtool = program.with_file_name("promtool");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prometheus.yml"), "{}\n").unwrap();
    let index = make_block(&promtool, folder.path()).join("index");
    let before = answers(&program, folder.path()).await;
    let (theirs, ours) = (fs::read(&index).unwrap(), write_again(&fs::read(&index).unwrap()));
    assert!(ours.len() < theirs.len(), "the older writer's label indices are left out");
    fs::write(&index, ours).unwrap();
    let after = answers(&program, folder.path()).await;
    assert!(before.iter().all(|(status, _)| *status == 200), "{before:?}");
    assert!(before[0].1.contains(&format!("\"{SERIES}\"")), "{:?}", before[0]);
    for (question, (before, after)) in QUESTIONS.iter().zip(before.iter().zip(&after)) {
        assert!(before == after, "{question}\n  before {before:?}\n  after  {after:?}");
    }
}
