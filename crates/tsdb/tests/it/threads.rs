//! Writers, readers and truncations at the same time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use skopos_core::{
    Ingest, Labels, MatchOp, Matcher, Sample, Selection, SeriesRef, SeriesSource as _, TimeRange,
    Timestamp,
};
use skopos_testkit::conformance::collect;
use skopos_testkit::random::Random;
use skopos_tsdb::{Head, HeadOptions};

const WRITERS: usize = 3;
/// Series that a writer adds with each of its first batches.
const GROUP: usize = 8;
const GROUPS: i64 = 10;
const BATCHES: i64 = 400;
const STEP: i64 = 1_000;

fn labels(writer: usize, group: i64, i: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", "m".to_owned()),
        ("group", format!("{group:02}")),
        ("i", i.to_string()),
        ("writer", writer.to_string()),
    ])
}

/// In batch `b` each series of the groups 0 to `b` gets a sample at `b` steps.
fn write(head: &Head, writer: usize, progress: &AtomicI64) {
    let mut series: Vec<(Labels, Option<SeriesRef>)> = Vec::new();
    for batch in 0..BATCHES {
        if batch < GROUPS {
            series.extend((0..GROUP).map(|i| (labels(writer, batch, i), None)));
        }
        let mut appender = head.appender();
        for (labels, reference) in &mut series {
            let sample = Sample::new(batch * STEP, batch as f64);
            *reference = Some(appender.append(*reference, labels, sample).expect("in order"));
        }
        if batch % 7 == 3 {
            // What is given up is not seen, and does not stand in the way.
            let mut abandoned = head.appender();
            let sample = Sample::new(batch * STEP + 500, -1.0);
            abandoned.append(None, &labels(writer, 99, 0), sample).expect("in order");
            drop(abandoned);
        }
        appender.commit().expect("a commit succeeds");
        progress.store(batch, Ordering::Release);
    }
}

/// Every series of a writer ends with the same batch, and all groups begun until then are there.
/// Where the past is cut off, all of them may begin later than they did.
fn check(head: &Head, writer: usize, is_cut: bool) {
    let only = Matcher::equal("writer", writer.to_string());
    let answer = collect(head, &Selection::new([only], TimeRange::ALL).sorted());
    let answer = answer.expect("the head can be read");
    let Some(last) = answer.first().and_then(|(_, samples)| samples.last()) else { return };
    let last = last.t.as_millis() / STEP;
    let groups = usize::try_from(GROUPS.min(last + 1)).expect("not negative");
    assert_eq!(answer.len(), groups * GROUP, "all series of {last} batches");
    // The first series is of group 0.
    let begin = answer[0].1[0].t.as_millis() / STEP;
    assert!(is_cut || begin == 0);
    for (labels, samples) in &answer {
        let group: i64 = labels.get("group").and_then(|g| g.parse().ok()).expect("a group");
        let first = samples.first().map_or(-1, |s| s.t.as_millis() / STEP);
        assert_eq!(first, group.max(begin), "{labels} begins where all do");
        let expected: Vec<Sample> =
            (first..=last).map(|b| Sample::new(b * STEP, b as f64)).collect();
        assert_eq!(samples, &expected, "{labels} after {last} batches");
    }
}

/// How many batches each writer committed.
#[derive(Default)]
struct Progress([AtomicI64; WRITERS]);

impl Progress {
    fn least(&self) -> i64 {
        self.0.iter().map(|n| n.load(Ordering::Acquire)).min().unwrap_or(0)
    }

    fn is_done(&self) -> bool {
        self.least() == BATCHES
    }
}

/// Lets readers stop also when a writer panics.
struct FinishOnDrop<'a>(&'a AtomicI64);

impl Drop for FinishOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(BATCHES, Ordering::Release);
    }
}

fn run(is_cut: bool) -> Head {
    let (head, progress) = (Head::new(HeadOptions::new()), Progress::default());
    std::thread::scope(|scope| {
        let (head, progress) = (&head, &progress);
        for writer in 0..WRITERS {
            scope.spawn(move || {
                let _finish = FinishOnDrop(&progress.0[writer]);
                write(head, writer, &progress.0[writer]);
            });
        }
        for reader in 0..2 {
            scope.spawn(move || {
                while !progress.is_done() {
                    for writer in 0..WRITERS {
                        check(head, (writer + reader) % WRITERS, is_cut);
                    }
                }
            });
        }
        if is_cut {
            scope.spawn(move || {
                loop {
                    head.truncate(Timestamp::from_millis((progress.least() - 50) * STEP));
                    if progress.is_done() {
                        break;
                    }
                }
            });
        }
    });
    for writer in 0..WRITERS {
        check(&head, writer, is_cut);
    }
    head
}

#[test]
fn commits_are_seen_whole() {
    let stats = run(false).stats();
    // A series of group g misses the first g batches.
    let per_slot = GROUPS * BATCHES - GROUPS * (GROUPS - 1) / 2;
    let series = i64::try_from(WRITERS * GROUP).expect("small");
    assert_eq!(i64::try_from(stats.samples_appended), Ok(series * per_slot));
    assert_eq!(i64::try_from(stats.series), Ok(series * GROUPS));
    assert_eq!(stats.samples_overtaken, 0);
}

#[test]
fn commits_are_seen_whole_while_the_past_is_cut_off() {
    let head = run(true);
    assert!(0 < head.stats().truncations);
    head.truncate(Timestamp::MAX);
    let stats = head.stats();
    assert_eq!((stats.series, stats.chunks, stats.closed_chunk_bytes), (0, 0, 0));
}

/// Lets readers stop also when a writer panics.
struct LeaveOnDrop<'a>(&'a AtomicU64);

impl Drop for LeaveOnDrop<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is selected while series come and go has the labels that were asked for, and each set once.
fn select_while(head: &Head, is_running: impl Fn() -> bool) {
    let six = Matcher::new("i", MatchOp::Regex, "[0-4]|11");
    while is_running() {
        let selection = Selection::new([six.clone()], TimeRange::ALL).sorted();
        let answer = collect(head, &selection).expect("the head can be read");
        for (labels, samples) in &answer {
            let i = labels.get("i").expect("it is asked for");
            assert!(["0", "1", "2", "3", "4", "11"].contains(&i), "{labels}");
            assert!(samples.windows(2).all(|w| w[0].t < w[1].t), "{labels} ascends");
        }
        assert!(answer.windows(2).all(|w| w[0].0 < w[1].0), "each label set once, in order");
        let values = head.label_values("i", &selection).expect("the head can be read");
        assert!(values.windows(2).all(|w| w[0] < w[1]) && values.len() <= 6, "{values:?}");
    }
}

/// Threads that create, write, give up and forget the same few series, while others select them.
#[test]
fn threads_agree_on_the_same_series() {
    const THREADS: u64 = 4;
    const ROUNDS: i64 = 500;
    let head = Head::new(HeadOptions::new());
    let writers = AtomicU64::new(THREADS);
    std::thread::scope(|scope| {
        let (head, writers) = (&head, &writers);
        for _ in 0..2 {
            scope.spawn(move || select_while(head, || writers.load(Ordering::Acquire) != 0));
        }
        for seed in 0..THREADS {
            scope.spawn(move || {
                let _leave = LeaveOnDrop(writers);
                let mut random = Random::new(seed);
                let mut references: Vec<Option<SeriesRef>> = vec![None; 12];
                for round in 0..ROUNDS {
                    let mut batch = head.appender();
                    for _ in 0..random.below(20) {
                        let i = random.below(12) as usize;
                        let sample = Sample::new(round * 100 + random.below(30) as i64, 1.0);
                        // Others may have been faster: then it is out of order.
                        if let Ok(reference) = batch.append(references[i], &labels(0, 0, i), sample)
                        {
                            references[i] = Some(reference);
                        }
                    }
                    match random.below(4) {
                        0 => batch.rollback(),
                        _ => batch.commit().expect("a commit succeeds"),
                    }
                    if random.below(10) == 0 {
                        head.truncate(Timestamp::from_millis(round * 100));
                    }
                }
            });
        }
    });
    let answer = collect(&head, &Selection::new([], TimeRange::ALL)).expect("readable");
    let distinct: BTreeSet<&Labels> = answer.iter().map(|(labels, _)| labels).collect();
    assert_eq!(distinct.len(), answer.len(), "each label set once");
    for (labels, samples) in &answer {
        assert!(samples.windows(2).all(|w| w[0].t < w[1].t), "{labels} ascends");
    }
    let (stats, memory) = (head.stats(), head.memory());
    assert!(0 < stats.samples_appended, "{stats:?}");
    assert_eq!(stats.series, memory.series);
    assert_eq!(stats.series_created - stats.series_removed, stats.series as u64);
    assert_eq!(head.cardinality("i", 0).series, stats.series as u64);
    head.truncate(Timestamp::MAX);
    let stats = head.stats();
    assert_eq!((stats.series, stats.chunks, stats.closed_chunk_bytes), (0, 0, 0));
    // Before, how many were forgotten hangs on which thread was faster.
    assert_eq!(stats.series_removed, stats.series_created);
    assert_eq!(head.cardinality("i", 0).series, 0);
}
