//! Alerts as an Alertmanager takes them: labelled for the outside, and written as JSON.
//!
//! Nothing here sends; the body of a request is made, and somebody else has the connection.

use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::Arc;

use skopos_core::{Labels, LabelsBuilder, Timestamp};

use crate::notification::Notification;

/// An alert with the labels under which one receiver gets it.
///
/// The labels are made in Prometheus' order: those of the alert, the external labels where it has none
/// of the name, relabeling for all receivers, relabeling for this one. What relabels is the caller's:
/// it changes labels and says whether the alert stays.
///
/// Cloning and relabeling share everything but the labels.
///
/// ```
/// use skopos_core::{Labels, LabelsBuilder, Timestamp};
/// use skopos_rules::{Notification, PostableAlert};
///
/// let labels = Labels::from_pairs([("alertname", "Down"), ("team", "a")]);
/// let t = Timestamp::from_millis;
/// let notification = Notification::new(labels, t(0), t(240_000));
///
/// let external = Labels::from_pairs([("region", "eu"), ("team", "other")]);
/// let alert = PostableAlert::new(notification, &external);
/// assert_eq!(alert.labels().to_string(), r#"{alertname="Down", region="eu", team="a"}"#);
///
/// let without_region = |labels: &mut LabelsBuilder| {
///     labels.remove("region");
///     true
/// };
/// let for_one = alert.relabeled(without_region).expect("it stays");
/// assert_eq!(for_one.labels().to_string(), r#"{alertname="Down", team="a"}"#);
/// assert!(alert.relabeled(|labels| labels.get("team") == Some("b")).is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PostableAlert {
    labels: Labels,
    /// Its labels are those from before.
    rest: Arc<Notification>,
}

impl PostableAlert {
    /// The alert with the external labels that it has none of, or an empty value.
    #[must_use]
    pub fn new(notification: Notification, external_labels: &Labels) -> Self {
        let mut labels = notification.labels.to_builder();
        for (name, value) in external_labels {
            if labels.get(name).is_none_or(str::is_empty) {
                labels.set(name, value);
            }
        }
        Self { labels: labels.finish(), rest: Arc::new(notification) }
    }

    /// The alert after `relabel`; nothing if that gives `false`, which drops it.
    #[must_use]
    pub fn relabeled(&self, relabel: impl FnOnce(&mut LabelsBuilder) -> bool) -> Option<Self> {
        let mut labels = self.labels.to_builder();
        let stays = relabel(&mut labels);
        stays.then(|| Self { labels: labels.finish(), rest: Arc::clone(&self.rest) })
    }

    /// The labels as they are sent.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Everything else, with the labels that the rule gave.
    #[must_use]
    pub fn notification(&self) -> &Notification {
        &self.rest
    }
}

/// Alerts for one request: what Alertmanager's API version 2 calls `postableAlerts`.
///
/// ```
/// use skopos_core::{Labels, Timestamp};
/// use skopos_rules::{Notification, PostableAlert, PostableAlerts};
///
/// let labels = Labels::from_pairs([("alertname", "Down"), ("job", "a<b")]);
/// let t = Timestamp::from_millis;
/// let mut notification = Notification::new(labels, t(1_500), t(241_500));
/// notification.annotations = vec![("summary".into(), "down".into())];
/// notification.generator_url = "http://mon:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1".into();
///
/// let alert = PostableAlert::new(notification, &Labels::empty());
/// let alerts: PostableAlerts = [alert].into_iter().collect();
/// assert_eq!(
///     alerts.to_json(),
///     concat!(
///         r#"[{"annotations":{"summary":"down"},"endsAt":"1970-01-01T00:04:01.500Z","#,
///         r#""startsAt":"1970-01-01T00:00:01.500Z","#,
///         r#""generatorURL":"http://mon:9090/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","#,
///         r#""labels":{"alertname":"Down","job":"a\u003cb"}}]"#,
///     )
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PostableAlerts(Vec<PostableAlert>);

impl PostableAlerts {
    /// The media type of the body.
    pub const CONTENT_TYPE: &str = "application/json";

    /// The path below an Alertmanager's own at which it takes them.
    pub const PATH: &str = "/api/v2/alerts";

    /// The body of the request, to the byte as Prometheus writes it: what has a meaning in HTML is
    /// escaped, and times have three decimals. Times outside of the years 0 to 9999 are taken for the
    /// nearest within.
    ///
    /// Linear in the size of the alerts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::from("[");
        for (i, alert) in self.0.iter().enumerate() {
            json.push_str(if i == 0 { "{\"annotations\":" } else { ",{\"annotations\":" });
            let Notification { annotations, ends_at, starts_at, generator_url, .. } = &*alert.rest;
            write_object(&mut json, annotations.iter().map(|(name, text)| (&**name, &**text)));
            json.push_str(",\"endsAt\":");
            write_time(&mut json, *ends_at);
            json.push_str(",\"startsAt\":");
            write_time(&mut json, *starts_at);
            // Without a place to see the expression, the key is not there.
            if !generator_url.is_empty() {
                json.push_str(",\"generatorURL\":");
                write_string(&mut json, generator_url);
            }
            json.push_str(",\"labels\":");
            write_object(&mut json, alert.labels.iter());
            json.push('}');
        }
        json.push(']');
        json
    }
}

impl FromIterator<PostableAlert> for PostableAlerts {
    fn from_iter<I: IntoIterator<Item = PostableAlert>>(alerts: I) -> Self {
        Self(alerts.into_iter().collect())
    }
}

impl From<Vec<PostableAlert>> for PostableAlerts {
    fn from(alerts: Vec<PostableAlert>) -> Self {
        Self(alerts)
    }
}

impl Deref for PostableAlerts {
    type Target = [PostableAlert];

    fn deref(&self) -> &[PostableAlert] {
        &self.0
    }
}

fn write_object<'a>(json: &mut String, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    json.push('{');
    for (i, (name, value)) in pairs.enumerate() {
        if 0 < i {
            json.push(',');
        }
        write_string(json, name);
        json.push(':');
        write_string(json, value);
    }
    json.push('}');
}

/// A text as Go's `encoding/json` writes it.
fn write_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            // The last two, JavaScript once took for ends of lines.
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing into memory cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

/// The first and the last millisecond that four digits of a year can name.
const TIMES: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

/// A time in quotes, by RFC 3339 with exactly three decimals.
fn write_time(json: &mut String, t: Timestamp) {
    let millis = t.as_millis().clamp(TIMES.0, TIMES.1);
    let (days, millis) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    // Writing into memory cannot fail.
    let _ = write!(
        json,
        "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z\""
    );
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
///
/// Years are counted from March, so that the day that comes and goes is the last one.
fn civil(days: i64) -> (i64, i64, i64) {
    /// From 1 March of the year 0 to 1970.
    const BEFORE: i64 = 719_468;
    const DAYS_OF_400_YEARS: i64 = 146_097;
    let days = days + BEFORE;
    let (cycle, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // The months from March on have 31, 30, 31, 30, 31 days, again and again.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (cycle * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check_string(text: &str, expected: &str) {
        let mut json = String::new();
        write_string(&mut json, text);
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn strings_are_escaped_as_prometheus_does() {
        check_string("", r#""""#);
        check_string("a<b>&c", r#""a\u003cb\u003e\u0026c""#);
        check_string(
            "\"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}",
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\u{7f}\"",
        );
        check_string("é\u{2028}\u{2029}\u{1f600}", "\"é\\u2028\\u2029\u{1f600}\"");
    }

    #[track_caller]
    fn check_time(millis: i64, expected: &str) {
        let mut json = String::new();
        write_time(&mut json, Timestamp::from_millis(millis));
        assert_eq!(json, format!("\"{expected}\""));
    }

    #[test]
    fn times_have_three_decimals() {
        check_time(0, "1970-01-01T00:00:00.000Z");
        check_time(-1, "1969-12-31T23:59:59.999Z");
        check_time(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check_time(4_107_542_399_999, "2100-02-28T23:59:59.999Z");
        check_time(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
        check_time(i64::MAX, "9999-12-31T23:59:59.999Z");
        check_time(i64::MIN, "0000-01-01T00:00:00.000Z");
    }

    #[test]
    fn without_annotations_and_url_the_first_is_empty_and_the_other_is_not_there() {
        let t = Timestamp::from_millis(0);
        let alert = PostableAlert::new(Notification::new(Labels::empty(), t, t), &Labels::empty());
        let alerts = PostableAlerts::from(vec![alert.clone(), alert]);
        let one = r#"{"annotations":{},"endsAt":"1970-01-01T00:00:00.000Z","startsAt":"1970-01-01T00:00:00.000Z","labels":{}}"#;
        assert_eq!(alerts.to_json(), format!("[{one},{one}]"));
        assert_eq!(PostableAlerts::default().to_json(), "[]");
    }

    proptest! {
        #[test]
        fn times_are_those_of_the_calendar(millis in TIMES.0..=TIMES.1) {
            let mut json = String::new();
            write_time(&mut json, Timestamp::from_millis(millis));
            let time = jiff::Timestamp::from_millisecond(millis);
            // The far ends of the range are only ours.
            if let Ok(time) = time {
                prop_assert_eq!(json, format!("\"{time:.3}\""));
            }
        }

        #[test]
        fn what_is_written_can_be_read(text in any::<String>()) {
            let mut json = String::new();
            write_string(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
