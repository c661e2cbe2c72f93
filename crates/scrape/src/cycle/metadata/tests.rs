//! Which metrics a family has, and what is news.

use skopos_core::{Labels, Metadata, MetricType};

use super::{MetadataCache, is_part_of};

#[test]
fn families_have_their_types_suffixes() {
    use MetricType::{Counter, Gauge, GaugeHistogram, Histogram, Info, Summary};
    for (name, family, metric_type, expected) in [
        ("a", "a", Gauge, true),
        ("ab", "a", Gauge, false),
        ("a_total", "a_total", Counter, true),
        ("a_total", "a", Counter, true),
        ("a_bucket", "a", Histogram, true),
        ("a_count", "a", Summary, true),
        ("a_bucket", "a", Summary, false),
        ("a_gsum", "a", GaugeHistogram, true),
        ("a_info", "a", Info, true),
        ("b", "a", Gauge, false),
    ] {
        assert_eq!(
            is_part_of(name, family, metric_type),
            expected,
            "{name} {family} {metric_type}"
        );
    }
}

#[test]
fn news_are_told_for_new_series_and_changes() {
    let mut cache = MetadataCache::default();
    let labels = Labels::from_pairs([("__name__", "a")]);
    let gauge = |m: &mut Metadata| super::super::set(&mut m.metric_type, MetricType::Gauge);
    assert_eq!(cache.news_of(&labels, true), None);
    cache.set("a", 1, gauge);
    assert!(cache.news_of(&labels, false).is_some());
    cache.forget(1);
    cache.set("a", 2, gauge);
    assert!(cache.news_of(&labels, false).is_none());
    assert!(cache.news_of(&labels, true).is_some());
    cache.forget(12);
    assert_eq!(cache.families().len(), 1);
    cache.forget(13);
    assert_eq!(cache.families().len(), 0);
}
