//! What one Alertmanager is still to get: a queue, its batches, and the count of what became of them.
//!
//! There is no connection and no timer here; whoever has them asks for a batch, sends it, and says how
//! that went.

use crate::postable::{PostableAlert, PostableAlerts};
use crate::queue::NotificationQueue;

/// The alerts that wait for one Alertmanager.
///
/// As in Prometheus, the oldest give way where there is no room, a request has a bounded number of
/// alerts, and a batch that could not be delivered is dropped: rules send again what still fires, and what
/// resolved lately.
///
/// ```
/// use skopos_core::{Labels, Timestamp};
/// use skopos_rules::{Notification, Outbox, PostableAlert};
///
/// let alert = |name| {
///     let (labels, t) = (Labels::from_pairs([("alertname", name)]), Timestamp::from_millis(0));
///     PostableAlert::new(Notification::new(labels, t, t), &Labels::empty())
/// };
/// let mut outbox = Outbox::new(3, 2);
/// outbox.extend(["a", "b", "c", "d"].map(alert));
/// let batch = outbox.next_batch().expect("alerts wait");
/// assert_eq!(batch.len(), 2);
/// outbox.delivered(batch.len());
/// let batch = outbox.next_batch().expect("one more waits");
/// assert_eq!(batch[0].labels().get("alertname"), Some("d"));
/// outbox.failed(batch.len());
/// assert_eq!(outbox.next_batch(), None);
///
/// let counts = outbox.counts();
/// assert_eq!((counts.sent, counts.errors, counts.dropped), (3, 1, 2));
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    waiting: NotificationQueue<PostableAlert>,
    /// Invariant: above 0, for requests without alerts would never end.
    batch_size: usize,
    sent: u64,
    errors: u64,
}

/// What became of alerts so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboxCounts {
    /// How many were in a request, whether that was accepted or not.
    pub sent: u64,
    /// How many were in a request that failed.
    pub errors: u64,
    /// How many never arrived: those of requests that failed, and those that found no room.
    pub dropped: u64,
}

impl Outbox {
    /// An empty one in which `capacity` alerts may wait, of which a request has at most `batch_size`, or
    /// one if that is 0.
    #[must_use]
    pub fn new(capacity: usize, batch_size: usize) -> Self {
        let waiting = NotificationQueue::new(capacity);
        Self { waiting, batch_size: batch_size.max(1), sent: 0, errors: 0 }
    }

    /// Takes an alert behind the others; the oldest is dropped if there is no room.
    pub fn push(&mut self, alert: PostableAlert) {
        self.waiting.push(alert);
    }

    /// Takes the alerts for one request out, the oldest first; nothing if none wait.
    pub fn next_batch(&mut self) -> Option<PostableAlerts> {
        let batch = self.waiting.take(self.batch_size);
        (!batch.is_empty()).then(|| batch.into())
    }

    /// Counts a batch of so many alerts that was accepted.
    pub fn delivered(&mut self, alerts: usize) {
        self.sent = self.sent.saturating_add(alerts as u64);
    }

    /// Counts a batch of so many alerts that was not: they are dropped.
    pub fn failed(&mut self, alerts: usize) {
        self.delivered(alerts);
        self.errors = self.errors.saturating_add(alerts as u64);
    }

    /// What became of the alerts so far.
    #[must_use]
    pub fn counts(&self) -> OutboxCounts {
        let Self { sent, errors, .. } = *self;
        OutboxCounts { sent, errors, dropped: errors.saturating_add(self.waiting.dropped()) }
    }

    /// The alerts that wait.
    #[must_use]
    pub fn waiting(&self) -> &NotificationQueue<PostableAlert> {
        &self.waiting
    }
}

/// As if each were pushed.
impl Extend<PostableAlert> for Outbox {
    fn extend<I: IntoIterator<Item = PostableAlert>>(&mut self, alerts: I) {
        self.waiting.extend(alerts);
    }
}

#[cfg(test)]
mod tests {
    use skopos_core::{Labels, Timestamp};

    use super::*;
    use crate::notification::Notification;

    /// Pushes so many alerts and takes all batches.
    #[track_caller]
    fn check(capacity: usize, batch_size: usize, pushed: usize, batches: &[usize], dropped: u64) {
        let t = Timestamp::from_millis(0);
        let alert = PostableAlert::new(Notification::new(Labels::empty(), t, t), &Labels::empty());
        let mut outbox = Outbox::new(capacity, batch_size);
        outbox.extend(std::iter::repeat_n(alert, pushed));
        let taken: Vec<usize> =
            std::iter::from_fn(|| outbox.next_batch()).map(|batch| batch.len()).collect();
        assert_eq!(taken, batches);
        taken.iter().for_each(|count| outbox.delivered(*count));
        let sent = batches.iter().sum::<usize>() as u64;
        assert_eq!(outbox.counts(), OutboxCounts { sent, errors: 0, dropped });
    }

    #[test]
    fn batches_are_as_large_as_allowed() {
        check(10_000, 256, 0, &[], 0);
        check(10_000, 256, 256, &[256], 0);
        check(10_000, 256, 600, &[256, 256, 88], 0);
        check(300, 256, 600, &[256, 44], 300);
        check(3, 0, 2, &[1, 1], 0);
        check(0, 256, 2, &[], 2);
    }
}
