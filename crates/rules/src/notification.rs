//! Alerts as a notifier sends them.

use skopos_core::{Labels, Timestamp};

use crate::alert::Alert;

/// An alert to send to an Alertmanager.
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
