//! Work on several threads whose results are taken in order on one.
//!
//! The thread that takes works along, so that nothing waits where no other thread can be had. Threads
//! run ahead of the one that takes by a few pieces of work and no more, which bounds memory.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use hashbrown::HashMap;

use super::Result;

/// So many items are one piece of work at most.
const MOST: usize = 16;
/// So many pieces of work a thread may be ahead.
const AHEAD: usize = 2;

/// Calls `take` with what `work` makes of each of `count` items, in order and on this thread.
///
/// Each thread has its own scratch. After an error nothing more is taken.
pub(super) fn in_order<S, T: Send>(
    threads: usize,
    count: usize,
    scratch: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<()> {
    let size = count.div_ceil(threads.max(1) * 4).clamp(1, MOST);
    let piece = |scratch: &mut S, at: usize| -> Vec<T> {
        (at * size..count.min((at + 1) * size)).map(|i| work(scratch, i)).collect()
    };
    let queue = Queue::new(count.div_ceil(size), threads * AHEAD);
    thread::scope(|scope| {
        for _ in 1..threads.min(queue.pieces) {
            // Without another thread this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, || {
                let _stop = Stop { queue: &queue, always: false };
                let mut scratch = scratch();
                while let Some(at) = queue.work() {
                    queue.put(at, piece(&mut scratch, at));
                }
            });
        }
        let _stop = Stop { queue: &queue, always: true };
        let mut scratch = scratch();
        loop {
            match queue.next() {
                Next::End => return Ok(()),
                Next::Take(all) => all.into_iter().try_for_each(&mut take)?,
                Next::Work(at) => queue.put(at, piece(&mut scratch, at)),
            }
        }
    })
}

/// Pieces of work that are to be done, and those that are done.
struct Queue<T> {
    pieces: usize,
    ahead: usize,
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// The next piece to work on.
    next: usize,
    /// The next piece to take.
    taken: usize,
    done: HashMap<usize, Vec<T>>,
    stopped: bool,
}

/// What the thread that takes does next.
enum Next<T> {
    End,
    Take(Vec<T>),
    Work(usize),
}

impl<T> Queue<T> {
    fn new(pieces: usize, ahead: usize) -> Self {
        let state = State { next: 0, taken: 0, done: HashMap::new(), stopped: false };
        Self { pieces, ahead, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A piece of work, as soon as there is one; `None` where none will be.
    fn work(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next == self.pieces {
                return None;
            }
            if let Some(at) = self.begin(&mut state) {
                return Some(at);
            }
            state = self.wait(state);
        }
    }

    fn next(&self) -> Next<T> {
        let mut state = self.lock();
        loop {
            let taken = state.taken;
            if let Some(all) = state.done.remove(&taken) {
                state.taken += 1;
                self.changed.notify_all();
                return Next::Take(all);
            }
            if taken == self.pieces || state.stopped {
                return Next::End;
            }
            if let Some(at) = self.begin(&mut state) {
                return Next::Work(at);
            }
            state = self.wait(state);
        }
    }

    fn begin(&self, state: &mut State<T>) -> Option<usize> {
        let at = state.next;
        (at < self.pieces && at < state.taken + self.ahead).then(|| {
            state.next += 1;
            at
        })
    }

    fn put(&self, at: usize, all: Vec<T>) {
        self.lock().done.insert(at, all);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'q>(&self, state: MutexGuard<'q, State<T>>) -> MutexGuard<'q, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stops all threads when it is dropped: always, or if its own one panics.
struct Stop<'q, T> {
    queue: &'q Queue<T>,
    always: bool,
}

impl<T> Drop for Stop<'_, T> {
    fn drop(&mut self) {
        if self.always || thread::panicking() {
            self.queue.lock().stopped = true;
            self.queue.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;
    use crate::eval::execution;

    #[test]
    fn results_come_in_order_from_any_number_of_threads() {
        for threads in [1, 2, 3, 8, 100] {
            for count in [0, 1, 5, 1000] {
                let mut taken = Vec::new();
                let work = |calls: &mut usize, i: usize| {
                    *calls += 1;
                    i * i
                };
                in_order(
                    threads,
                    count,
                    || 0,
                    work,
                    |v| {
                        taken.push(v);
                        Ok(())
                    },
                )
                .unwrap();
                assert_eq!(taken, (0..count).map(|i| i * i).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn after_an_error_nothing_is_taken() {
        let mut taken = 0;
        let result = in_order(
            3,
            10_000,
            || (),
            |(), i| i,
            |i| {
                if i == 77 {
                    return Err(execution("no more"));
                }
                taken += 1;
                Ok(())
            },
        );
        assert_eq!(result.unwrap_err().to_string(), "no more");
        assert_eq!(taken, 77);
    }
}
