//! The laws of [`Ingest`] and [`Appender`](skopos_core::Appender).

use std::sync::atomic::{AtomicBool, Ordering};

use skopos_core::{
    ErrorKind, Ingest, Labels, Sample, Selection, SeriesSource, TimeRange, is_stale_nan, stale_nan,
};

use super::source::collect;

/// A time that every sink should accept as the first.
const START: i64 = 1_700_000_000_000;

/// Checks the laws of writing on fresh, empty stores that `open` gives.
///
/// # Panics
///
/// If one of them is broken.
#[track_caller]
pub fn ingest<S: Ingest + SeriesSource>(open: impl Fn() -> S) {
    nothing_is_seen_before_the_commit(&open());
    a_dropped_batch_leaves_no_trace(&open());
    references_name_the_same_series(&open());
    a_bad_sample_spoils_only_itself(&open());
    markers_keep_their_bits(&open());
    a_commit_is_seen_whole(&open());
}

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "law"), ("i", &format!("{i:03}"))])
}

fn everything(store: &dyn SeriesSource) -> Vec<(Labels, Vec<Sample>)> {
    let selection = Selection::new([], TimeRange::ALL).sorted();
    let mut answer = collect(store, &selection).expect("the store can be read");
    answer.retain(|(_, samples)| !samples.is_empty());
    answer
}

#[track_caller]
fn nothing_is_seen_before_the_commit<S: Ingest + SeriesSource>(store: &S) {
    let mut appender = store.appender();
    let sample = Sample::new(START, 1.0);
    appender.append(None, &labels(0), sample).expect("a first sample is taken");
    assert_eq!(everything(store), [], "before the commit nothing is seen");
    appender.commit().expect("the commit succeeds");
    assert_eq!(everything(store), [(labels(0), vec![sample])], "after the commit all of it");
}

#[track_caller]
fn a_dropped_batch_leaves_no_trace<S: Ingest + SeriesSource>(store: &S) {
    for explicit in [false, true] {
        let mut appender = store.appender();
        appender.append(None, &labels(1), Sample::new(START + 5, 1.0)).expect("taken");
        if explicit {
            appender.rollback();
        } else {
            drop(appender);
        }
        assert_eq!(everything(store), [], "a batch that was given up leaves nothing");
    }
    let mut appender = store.appender();
    let earlier = Sample::new(START, 2.0);
    appender.append(None, &labels(1), earlier).expect("an abandoned sample is not a newest one");
    appender.commit().expect("the commit succeeds");
    assert_eq!(everything(store), [(labels(1), vec![earlier])]);
}

#[track_caller]
fn references_name_the_same_series<S: Ingest + SeriesSource>(store: &S) {
    let mut appender = store.appender();
    let a = appender.append(None, &labels(0), Sample::new(START, 0.0)).expect("taken");
    let b = appender.append(None, &labels(1), Sample::new(START, 1.0)).expect("taken");
    appender.commit().expect("the commit succeeds");
    assert_ne!(a, b, "different series, different references");

    let mut appender = store.appender();
    let again = appender.append(Some(b), &labels(1), Sample::new(START + 1, 1.0)).expect("taken");
    assert_eq!(again, b, "a known reference stays");
    let found = appender.append(None, &labels(0), Sample::new(START + 1, 0.0)).expect("taken");
    assert_eq!(found, a, "the labels lead to the known reference");
    let far = skopos_core::SeriesRef(std::num::NonZeroU64::MAX);
    appender.append(Some(far), &labels(2), Sample::new(START, 2.0)).expect("the labels decide");
    appender.commit().expect("the commit succeeds");
    let answer = everything(store);
    let lengths: Vec<(Labels, usize)> = answer.into_iter().map(|(l, s)| (l, s.len())).collect();
    assert_eq!(lengths, [(labels(0), 2), (labels(1), 2), (labels(2), 1)]);
}

#[track_caller]
fn a_bad_sample_spoils_only_itself<S: Ingest + SeriesSource>(store: &S) {
    let mut appender = store.appender();
    appender.append(None, &labels(0), Sample::new(START, 1.0)).expect("taken");
    appender.commit().expect("the commit succeeds");

    let mut appender = store.appender();
    let mut refused = |sample, why| {
        let error = appender.append(None, &labels(0), sample).expect_err("a bad sample is refused");
        assert_eq!(error.kind(), why, "and the error says why: {error}");
    };
    refused(Sample::new(START - 1, 1.0), ErrorKind::OutOfOrder);
    refused(Sample::new(START, 2.0), ErrorKind::Duplicate);
    appender.append(None, &labels(0), Sample::new(START, 1.0)).expect("the same again is no error");
    let error = appender.append(None, &Labels::empty(), Sample::new(START, 1.0));
    assert_eq!(error.map_err(|e| e.kind()), Err(ErrorKind::Invalid), "a series needs labels");
    appender.append(None, &labels(0), Sample::new(START + 1, 2.0)).expect("taken");
    appender.commit().expect("the commit succeeds");
    let samples = vec![Sample::new(START, 1.0), Sample::new(START + 1, 2.0)];
    assert_eq!(everything(store), [(labels(0), samples)], "the good ones are there, once");
}

#[track_caller]
fn markers_keep_their_bits<S: Ingest + SeriesSource>(store: &S) {
    let odd = [stale_nan(), f64::NAN, -0.0, f64::INFINITY, f64::from_bits(0x7ff8_0000_0000_dead)];
    let mut appender = store.appender();
    let samples: Vec<Sample> = (START..).zip(odd).map(|(t, v)| Sample::new(t, v)).collect();
    for sample in &samples {
        appender.append(None, &labels(0), *sample).expect("taken");
    }
    appender.commit().expect("the commit succeeds");
    let answer = everything(store);
    assert_eq!(answer, [(labels(0), samples)], "values come back bit for bit");
    assert!(is_stale_nan(answer[0].1[0].v), "the staleness marker among them");
}

/// One thread commits batches over many series while others read: each reader sees all of a batch.
#[track_caller]
fn a_commit_is_seen_whole<S: Ingest + SeriesSource>(store: &S) {
    const SERIES: usize = 64;
    const BATCHES: i64 = 100;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let lengths: Vec<usize> =
                        everything(store).iter().map(|(_, samples)| samples.len()).collect();
                    assert!(
                        lengths.is_empty()
                            || (lengths.len() == SERIES
                                && lengths.iter().all(|n| *n == lengths[0])),
                        "a reader sees half of a commit: {lengths:?}"
                    );
                }
            });
        }
        scope.spawn(|| {
            // Also when an expectation fails, or the readers would wait for ever.
            let _done = SetOnDrop(&done);
            for batch in 0..BATCHES {
                let mut appender = store.appender();
                for i in 0..SERIES {
                    let sample = Sample::new(START + batch, batch as f64);
                    appender.append(None, &labels(i), sample).expect("taken");
                }
                appender.commit().expect("the commit succeeds");
            }
        });
    });
    let answer = everything(store);
    assert_eq!(answer.len(), SERIES);
    assert!(answer.iter().all(|(_, s)| i64::try_from(s.len()) == Ok(BATCHES)));
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
