//! What needs no engine; causes are tested where there is one, with the program `skopos rules why`.

use skopos_core::Timestamp;

use super::part::{Aggregation, Matching, Part, PartKind, Side};
use super::selection::nearest_values;
use super::text::rfc3339;

#[test]
fn times_are_written_in_utc() {
    for (millis, expected) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_826_530_250, "2000-02-29T12:15:30.250Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (253_402_300_799_000, "9999-12-31T23:59:59Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
    ] {
        assert_eq!(rfc3339(Timestamp::from_millis(millis)), expected);
    }
    let beyond = Timestamp::from_millis(253_402_300_800_000);
    assert_eq!(rfc3339(beyond), beyond.to_string());
    assert_eq!(rfc3339(Timestamp::MAX), Timestamp::MAX.to_string());
}

#[test]
fn similar_values_come_first() {
    let values = ["web-10", "db-1", "web-2", "web-1", "web-1", "cache", "queue"];
    let (nearest, more) = nearest_values(values.into_iter(), "web-1");
    assert_eq!(nearest[..3], ["web-1", "web-10", "web-2"]);
    assert_eq!((nearest.len(), more), (5, 1));
    assert_eq!(nearest_values([].into_iter(), "x"), (vec![], 0));
}

#[test]
fn operators_keep_labels_or_not() {
    let operand = || Part::new(0..1, "x", PartKind::Number(1.0));
    let mut by = Aggregation::new("sum", operand());
    assert!(!by.keeps("job"));
    by.grouping = vec!["job".into()];
    assert!(by.keeps("job") && !by.keeps("instance"));
    by.without = true;
    assert!(!by.keeps("job") && by.keeps("instance"));
    assert!(Aggregation::new("topk", operand()).keeps("job"));

    let mut matching = Matching { labels: vec!["job".into()], on: true, ..Matching::default() };
    assert!(matching.takes("job", Side::Left) && !matching.takes("instance", Side::Left));
    matching.many = Some(Side::Left);
    matching.include = vec!["version".into()];
    assert!(matching.takes("instance", Side::Left) && !matching.takes("instance", Side::Right));
    assert!(matching.takes("version", Side::Right) && !matching.takes("version", Side::Left));
    assert!(!Matching::default().compares("__name__") && Matching::default().compares("job"));
}
