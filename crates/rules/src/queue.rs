//! What waits to be sent: bounded, so that a receiver that is gone costs no more than its queue.

use std::collections::VecDeque;

/// A queue that drops the oldest where there is no room, and counts what it dropped.
///
/// Alerts that still fire come again, so that the newest ones are worth the most.
///
/// ```
/// use skopos_rules::NotificationQueue;
///
/// let mut queue = NotificationQueue::new(3);
/// queue.extend(["a", "b", "c", "d"]);
/// assert_eq!((queue.len(), queue.dropped()), (3, 1));
/// assert_eq!(queue.take(2), ["b", "c"]);
/// assert_eq!(queue.take(2), ["d"]);
/// assert!(queue.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct NotificationQueue<T> {
    /// Invariant: no longer than `capacity`. The oldest first.
    waiting: VecDeque<T>,
    capacity: usize,
    dropped: u64,
}

impl<T> NotificationQueue<T> {
    /// An empty queue for so many; with room for none, everything is dropped.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { waiting: VecDeque::new(), capacity, dropped: 0 }
    }

    /// Adds one behind the others.
    pub fn push(&mut self, item: T) {
        if self.waiting.len() < self.capacity {
            self.waiting.push_back(item);
            return;
        }
        self.dropped += 1;
        if self.waiting.pop_front().is_some() {
            self.waiting.push_back(item);
        }
    }

    /// Takes the oldest out, at most so many: a batch.
    pub fn take(&mut self, count: usize) -> Vec<T> {
        let count = count.min(self.waiting.len());
        self.waiting.drain(..count).collect()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many may wait.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many were dropped because there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Those that wait, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter()
    }
}

/// As if each were pushed.
impl<T> Extend<T> for NotificationQueue<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(capacity: usize, pushed: u32, left: &[u32], dropped: u64) {
        let mut queue = NotificationQueue::new(capacity);
        queue.extend(0..pushed);
        assert_eq!(queue.iter().copied().collect::<Vec<_>>(), left);
        assert_eq!(
            (queue.len(), queue.dropped(), queue.capacity()),
            (left.len(), dropped, capacity)
        );
        assert_eq!(queue.take(usize::MAX), left);
        assert!(queue.is_empty());
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        check(3, 0, &[], 0);
        check(3, 3, &[0, 1, 2], 0);
        check(3, 5, &[2, 3, 4], 2);
        check(1, 5, &[4], 4);
        check(0, 5, &[], 5);
    }
}
