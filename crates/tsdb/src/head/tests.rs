//! Tests of what a head accepts, forgets and reports.

use std::time::Duration;

use skopos_core::{
    ErrorKind, Exemplar, Histogram, HistogramSample, Labels, MetricType, Sample, Selection,
    SeriesRef, SeriesSource, TimeRange, stale_nan,
};
use skopos_testkit::conformance::collect;

use super::*;

const MINUTE: i64 = 60_000;

fn labels(i: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("i", &i.to_string())])
}

fn write(head: &Head, series: usize, samples: &[(i64, f64)]) -> SeriesRef {
    let mut batch = head.appender();
    let mut reference = None;
    for (t, v) in samples {
        reference = Some(batch.append(reference, &labels(series), Sample::new(*t, *v)).unwrap());
    }
    batch.commit().unwrap();
    reference.unwrap()
}

fn read(head: &Head) -> Vec<(Labels, Vec<Sample>)> {
    collect(head, &Selection::new([], TimeRange::ALL).sorted()).unwrap()
}

#[track_caller]
fn check_refused(head: &Head, series: usize, t: i64, v: f64, expected: ErrorKind) {
    let mut batch = head.appender();
    let error = batch.append(None, &labels(series), Sample::new(t, v)).unwrap_err();
    assert_eq!(error.kind(), expected, "{error}");
}

#[test]
fn what_is_not_later_is_refused_with_its_reason() {
    let head = Head::new(HeadOptions::new());
    write(&head, 0, &[(10 * MINUTE, 1.0)]);
    check_refused(&head, 0, 10 * MINUTE - 1, 1.0, ErrorKind::OutOfOrder);
    check_refused(&head, 0, 10 * MINUTE, 2.0, ErrorKind::Duplicate);
    check_refused(&head, 0, 10 * MINUTE, stale_nan(), ErrorKind::Duplicate);
    check_refused(&head, 0, i64::MIN, 1.0, ErrorKind::OutOfBounds);
    check_refused(&head, 1, -50 * MINUTE - 1, 1.0, ErrorKind::OutOfBounds);
    write(&head, 1, &[(-50 * MINUTE, 1.0)]);
    let stats = head.stats();
    assert_eq!((stats.out_of_order, stats.duplicates, stats.out_of_bounds), (1, 2, 2));
    assert_eq!((stats.series, stats.samples_appended), (2, 2));
}

#[test]
fn duplicates_inside_a_batch_are_found() {
    let head = Head::new(HeadOptions::new());
    let mut batch = head.appender();
    let mut append = |t, v| batch.append(None, &labels(0), Sample::new(t, v)).map_err(|e| e.kind());
    let reference = append(1_000, 1.0).unwrap();
    assert_eq!(append(1_000, 1.0), Ok(reference));
    assert_eq!(append(1_000, 2.0), Err(ErrorKind::Duplicate));
    assert_eq!(append(999, 1.0), Err(ErrorKind::OutOfOrder));
    assert_eq!(append(1_001, f64::NAN), Ok(reference));
    assert_eq!(append(1_001, stale_nan()), Err(ErrorKind::Duplicate), "markers have their bits");
    batch.commit().unwrap();
    let samples = vec![Sample::new(1_000, 1.0), Sample::new(1_001, f64::NAN)];
    assert_eq!(read(&head), [(labels(0), samples)]);
}

#[test]
fn a_batch_given_up_leaves_no_series_and_no_label() {
    let head = Head::new(HeadOptions::new().with_max_series(1));
    for _ in 0..3 {
        let mut batch = head.appender();
        batch.append(None, &labels(0), Sample::new(0, 1.0)).unwrap();
        assert_eq!(head.stats().series, 1, "it is reserved");
        let all = Selection::new([], TimeRange::ALL);
        assert_eq!(head.label_names(&all).unwrap(), [""; 0], "but nobody sees it");
        drop(batch);
        assert_eq!(head.stats().series, 0);
    }
    assert_eq!(head.stats().series_created, 3);
    assert_eq!(head.stats().series_removed, 3);
}

#[test]
fn a_full_head_refuses_new_series_and_takes_known_ones() {
    let head = Head::new(HeadOptions::new().with_max_series(2));
    write(&head, 0, &[(0, 1.0)]);
    write(&head, 1, &[(0, 1.0)]);
    check_refused(&head, 2, 0, 1.0, ErrorKind::Limit);
    write(&head, 1, &[(1, 1.0)]);
    assert_eq!(head.stats().series, 2);
}

#[test]
fn the_batch_that_commits_later_samples_first_wins() {
    let head = Head::new(HeadOptions::new());
    write(&head, 0, &[(1_000, 1.0)]);
    let (mut slow, mut fast) = (head.appender(), head.appender());
    slow.append(None, &labels(0), Sample::new(2_000, 2.0)).unwrap();
    slow.append(None, &labels(0), Sample::new(3_000, 3.0)).unwrap();
    slow.append(None, &labels(0), Sample::new(4_000, 4.0)).unwrap();
    fast.append(None, &labels(0), Sample::new(3_000, 3.0)).unwrap();
    fast.commit().unwrap();
    slow.commit().unwrap();
    let samples = [(1_000, 1.0), (3_000, 3.0), (4_000, 4.0)].map(|(t, v)| Sample::new(t, v));
    assert_eq!(read(&head), [(labels(0), samples.to_vec())]);
    assert_eq!(head.stats().samples_overtaken, 1, "the same sample twice is no conflict");
}

#[test]
fn truncation_hides_drops_and_forgets() {
    let head = Head::new(HeadOptions::new());
    let old = write(&head, 0, &[(0, 1.0), (MINUTE, 1.0)]);
    let kept = write(&head, 1, &[(0, 1.0), (2 * MINUTE, 1.0)]);
    let truncation = head.truncate(Timestamp::from_millis(MINUTE + 1));
    assert_eq!(truncation, Truncation { chunks: 1, series: 1 });
    assert_eq!(read(&head), [(labels(1), vec![Sample::new(2 * MINUTE, 1.0)])]);
    let all = Selection::new([], TimeRange::ALL);
    assert_eq!(head.label_values("i", &all).unwrap(), ["1"]);
    assert_eq!(head.truncate(Timestamp::from_millis(0)), Truncation::default(), "never back");

    check_refused(&head, 0, MINUTE, 1.0, ErrorKind::OutOfBounds);
    let mut batch = head.appender();
    let sample = Sample::new(2 * MINUTE, 1.0);
    let again = batch.append(Some(old), &labels(0), sample).unwrap();
    assert_ne!(again, old, "the series is another one");
    assert_ne!(again, kept);
    batch.commit().unwrap();
    let stats = head.stats();
    assert_eq!((stats.series, stats.chunks, stats.truncations), (2, 2, 1));
    assert_eq!(stats.min_time, Some(Timestamp::from_millis(MINUTE + 1)));
}

#[test]
fn an_index_that_has_settled_is_sealed_and_goes_on() {
    let head = Head::new(HeadOptions::new());
    for i in 0..2_000 {
        write(&head, (i * 7) % 2_000, &[(MINUTE, i as f64)]);
    }
    let index_bytes = || head.memory().index_bytes;
    let (before, grown) = (read(&head), index_bytes());
    assert_eq!(head.truncate(Timestamp::from_millis(0)), Truncation::default());
    assert_eq!(index_bytes(), grown, "series came since the call before, of which there was none");

    let open = head.select(&Selection::new([], TimeRange::ALL)).unwrap();
    assert_eq!(head.truncate(Timestamp::from_millis(0)), Truncation::default());
    assert!(index_bytes() < grown, "{} bytes of {grown}", index_bytes());
    drop(open);
    assert_eq!(read(&head), before);

    // The sealed index takes series, forgets some, and is sealed again when that is over.
    for i in 2_000..2_100 {
        write(&head, i, &[(2 * MINUTE, 0.0)]);
    }
    assert_eq!(read(&head).len(), 2_100);
    assert_eq!(head.truncate(Timestamp::from_millis(2 * MINUTE)).series, 2_000);
    let kept = read(&head);
    assert_eq!(kept.len(), 100);
    let shrunk = index_bytes();
    head.truncate(Timestamp::from_millis(2 * MINUTE));
    head.truncate(Timestamp::from_millis(2 * MINUTE));
    assert!(index_bytes() <= shrunk && index_bytes() < grown / 2, "{} bytes", index_bytes());
    assert_eq!(read(&head), kept);
    write(&head, 0, &[(3 * MINUTE, 1.0)]);
    assert_eq!(read(&head).len(), 101);
}

#[test]
fn truncation_waits_for_open_batches() {
    let head = Head::new(HeadOptions::new());
    let reference = write(&head, 0, &[(0, 1.0)]);
    let mut batch = head.appender();
    batch.append(Some(reference), &labels(0), Sample::new(1, 1.0)).unwrap();
    batch.append(None, &labels(0), Sample::new(MINUTE, 1.0)).unwrap();
    assert_eq!(head.truncate(Timestamp::from_millis(2)), Truncation { chunks: 1, series: 0 });
    batch.commit().unwrap();
    assert_eq!(read(&head), [(labels(0), vec![Sample::new(MINUTE, 1.0)])]);
    assert_eq!(head.stats().samples_overtaken, 1);
    assert_eq!(write(&head, 0, &[(2 * MINUTE, 1.0)]), reference, "the series lived on");
}

#[test]
fn retention_bounds_the_memory() {
    let hour = Duration::from_secs(60 * 60);
    let head = Head::new(HeadOptions::new().with_retention(hour).with_chunk_range(hour / 4));
    let mut peak = 0;
    for round in 0..600 {
        for series in 0..5 {
            // Each hour other series.
            write(&head, series + 5 * (round / 60), &[(round as i64 * MINUTE, round as f64)]);
        }
        head.maintain();
        peak = peak.max(head.stats().series);
    }
    assert_eq!(peak, 10, "an hour's series, and those of the hour before");
    let oldest = read(&head).iter().map(|(_, samples)| samples[0].t.as_millis()).min();
    assert_eq!(oldest, Some((599 - 60) * MINUTE));
    let (stats, memory) = (head.stats(), head.memory());
    assert_eq!(stats.series_created - stats.series_removed, stats.series as u64);
    assert_eq!(memory.series, stats.series);
    assert!(memory.index_bytes < 20_000, "{memory:?}");
    head.truncate(Timestamp::from_millis(600 * MINUTE));
    let memory = head.memory();
    assert_eq!((memory.series, memory.chunk_bytes, memory.label_bytes), (0, 0, 0));
    assert_eq!((head.stats().chunks, head.stats().closed_chunk_bytes), (0, 0));
}

#[test]
fn a_reader_goes_on_with_what_it_saw() {
    let head = Head::new(HeadOptions::new());
    write(&head, 0, &[(0, 0.0)]);
    write(&head, 1, &[(0, 0.0)]);
    let mut set = head.select(&Selection::new([], TimeRange::ALL)).unwrap();
    for t in 1..300 {
        write(&head, 0, &[(t, 1.0)]);
        write(&head, 1, &[(t, 1.0)]);
        write(&head, 2, &[(t, 1.0)]);
    }
    let mut series = 0;
    while let Some(one) = set.advance().unwrap() {
        let mut columns = skopos_core::Columns::new();
        one.read_all(&mut columns).unwrap();
        assert_eq!(columns.timestamps, [0]);
        series += 1;
    }
    assert_eq!(series, 2);
}

#[test]
fn a_truncation_leaves_open_queries_what_they_see() {
    let head = Head::new(HeadOptions::new());
    write(&head, 0, &[(0, 0.0), (1, 1.0)]);
    write(&head, 1, &[(0, 0.0), (MINUTE, 1.0)]);
    let mut set = head.select(&Selection::new([], TimeRange::ALL).sorted()).unwrap();
    let nothing = Truncation::default();
    assert_eq!(head.truncate(Timestamp::from_millis(2)), nothing);
    assert_eq!(read(&head), [(labels(1), vec![Sample::new(MINUTE, 1.0)])], "hidden from new ones");
    let mut columns = skopos_core::Columns::new();
    set.advance().unwrap().unwrap().read_all(&mut columns).unwrap();
    assert_eq!(columns.timestamps, [0, 1]);
    drop(set);
    assert_eq!(head.maintain(), Truncation { chunks: 1, series: 1 }, "now they go");
    assert_eq!(head.stats().truncations, 1);
}

#[test]
fn metadata_is_kept_by_metric_while_it_has_series() {
    let head = Head::new(HeadOptions::new());
    let metadata = |help: &str| Metadata {
        metric_type: MetricType::Gauge,
        help: help.into(),
        unit: "".into(),
    };
    let mut batch = head.appender();
    let reference = batch.append(None, &labels(0), Sample::new(0, 1.0)).unwrap();
    batch.set_metadata(reference, &metadata("first")).unwrap();
    batch.set_metadata(reference, &metadata("second")).unwrap();
    let unknown = SeriesRef(std::num::NonZeroU64::MAX);
    let error = batch.set_metadata(unknown, &metadata("")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(head.metadata("m"), None, "not before the commit");
    batch.commit().unwrap();
    assert_eq!(head.metadata("m"), Some(metadata("second")));
    assert_eq!(head.all_metadata(), [("m".to_owned(), metadata("second"))]);

    let mut batch = head.appender();
    batch.set_metadata(reference, &metadata("third")).unwrap();
    batch.rollback();
    assert_eq!(head.metadata("m"), Some(metadata("second")));
    head.truncate(Timestamp::from_millis(1));
    assert_eq!(head.metadata("m"), None);
}

#[test]
fn histograms_are_refused_by_name_and_exemplars_dropped() {
    let head = Head::new(HeadOptions::new());
    let mut batch = head.appender();
    let histogram = HistogramSample::Integer(Histogram::default());
    let t = Timestamp::from_millis(0);
    let error = batch.append_histogram(None, &labels(0), t, &histogram).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("native histograms"), "{error}");
    let reference = batch.append(None, &labels(0), Sample::new(0, 1.0)).unwrap();
    assert!(batch.append_exemplar(reference, &Exemplar::default()).is_ok());
    batch.commit().unwrap();
    assert_eq!(head.stats().series, 1);
}

#[test]
fn limits_cut_sorted_answers() {
    let head = Head::new(HeadOptions::new());
    for i in [3, 1, 2] {
        write(&head, i, &[(0, 1.0)]);
    }
    let selection = Selection::new([], TimeRange::ALL).sorted().with_limit(2);
    let found = collect(&head, &selection).unwrap();
    let found: Vec<Labels> = found.into_iter().map(|(labels, _)| labels).collect();
    assert_eq!(found, [labels(1), labels(2)]);
}

#[test]
fn who_looks_at_the_newest_samples_alone_gets_them() {
    let head = Head::new(HeadOptions::new());
    write(&head, 0, &[(1_000, 1.0), (2_000, 2.0), (3_000, 3.0)]);
    let newest_of = |end: i64| {
        let range = TimeRange::new(Timestamp::from_millis(500), Timestamp::from_millis(end));
        let mut hints = skopos_core::SelectHints::default();
        hints.newest = true;
        Selection::new([], range).with_hints(hints)
    };
    let samples = |selection: &Selection| collect(&head, selection).unwrap().remove(0).1;
    assert_eq!(samples(&newest_of(9_000)), [Sample::new(3_000, 3.0)]);
    assert_eq!(samples(&newest_of(2_500)).last(), Some(&Sample::new(2_000, 2.0)));
    // What is written behind the reader does not show.
    let mut set = head.select(&newest_of(9_000)).unwrap();
    write(&head, 0, &[(4_000, 4.0)]);
    let mut columns = skopos_core::Columns::new();
    set.advance().unwrap().unwrap().read_all(&mut columns).unwrap();
    assert_eq!((columns.timestamps.last(), columns.values.last()), (Some(&3_000), Some(&3.0)));
}
