//! Alerts as an evaluation hands them to a notifier.

use skopos_core::{Labels, Timestamp};

use crate::alert::Alert;

/// An alert to send to Alertmanagers, as [`GroupState::evaluate`](crate::GroupState::evaluate) gives it
/// when it is due: when it begins to fire, when it resolves, and again while either is remembered.
///
/// ```
/// use skopos_core::{Labels, Timestamp};
/// use skopos_rules::Notification;
///
/// let labels = Labels::from_pairs([("alertname", "Down"), ("instance", "db-1")]);
/// let t = Timestamp::from_millis;
/// let mut notification = Notification::new(labels, t(60_000), t(300_000));
/// notification.annotations = vec![("summary".into(), "db-1 is down".into())];
/// assert!(!notification.is_resolved);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Notification {
    /// The labels, without the external ones.
    pub labels: Labels,
    /// The annotations, in the order of names.
    pub annotations: Vec<(String, String)>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ceased to fire, or will be taken to have ceased if it is not sent again.
    pub ends_at: Timestamp,
    /// Whether it ceased to fire.
    pub is_resolved: bool,
    /// Where the expression can be seen.
    pub generator_url: String,
}

impl Notification {
    /// An alert that fires, without annotations and without a place to see its expression.
    #[must_use]
    pub fn new(labels: Labels, starts_at: Timestamp, ends_at: Timestamp) -> Self {
        let (annotations, generator_url) = (Vec::new(), String::new());
        Self { labels, annotations, starts_at, ends_at, is_resolved: false, generator_url }
    }
}

pub(crate) fn notifications(
    due: Vec<Alert>,
    query: &str,
    external_url: &str,
) -> impl Iterator<Item = Notification> {
    let generator_url = if due.is_empty() {
        String::new()
    } else {
        format!("{external_url}/graph?g0.expr={}&g0.tab=1", query_escape(query))
    };
    due.into_iter().map(move |alert| Notification {
        starts_at: alert.fired_at.unwrap_or(alert.active_at),
        ends_at: alert.resolved_at.or(alert.valid_until).unwrap_or(alert.active_at),
        is_resolved: alert.resolved_at.is_some(),
        labels: alert.labels,
        annotations: alert.annotations,
        generator_url: generator_url.clone(),
    })
}

/// A text as it stands in the query of a URL.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
