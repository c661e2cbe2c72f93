//! The head through its interfaces: conformance, a naive model, and threads.

mod model;
mod threads;

use skopos_testkit::conformance;
use skopos_tsdb::{Head, HeadOptions};

#[test]
fn the_head_keeps_the_laws_of_writing() {
    conformance::ingest(|| Head::new(HeadOptions::new()));
}

#[test]
fn the_head_keeps_the_laws_of_reading() {
    conformance::series_source(|fixture| {
        let head = Head::new(HeadOptions::new());
        fixture.write_to(&head);
        head
    });
}

#[test]
fn answers_carry_lawful_label_sets() {
    use skopos_core::{Ingest, Labels, Sample, Selection, SeriesSource, TimeRange};

    let head = Head::new(HeadOptions::new());
    let labels = Labels::from_pairs([("__name__", "up"), ("job", "api")]);
    let mut batch = head.appender();
    batch.append(None, &labels, Sample::new(0, 1.0)).unwrap();
    batch.commit().unwrap();
    let mut set = head.select(&Selection::new([], TimeRange::ALL)).unwrap();
    let series = set.advance().unwrap().unwrap();
    conformance::label_set(series.labels(), &labels);
    assert_eq!(series.labels().value("job"), Some("api"));
}
