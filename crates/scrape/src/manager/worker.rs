//! The loop of one target.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use skopos_core::Timestamp;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

use super::snapshot::LastScrape;
use super::{Shared, headers};
use crate::client::{Answer, Fetch, FetchRequest};
use crate::config::Job;
use crate::cycle::{Page, ScrapeCycle, ScrapeTime, lock};
use crate::error::Error;
use crate::target::Target;

/// What a loop shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on.
    Run,
    /// End, and give the cycle back to go on with.
    HandOver,
    /// End, and mark the series as stale when it is sure that nobody goes on.
    Retire,
}

/// What a loop is made of.
pub(super) struct Assignment {
    pub(super) shared: Arc<Shared>,
    pub(super) job: Arc<Job>,
    pub(super) target: Target,
    pub(super) client: Arc<dyn Fetch>,
    /// None while a scrape is being stored.
    pub(super) cycle: Option<ScrapeCycle>,
    /// Why the job's targets are not scraped, if they are not.
    pub(super) refusal: Arc<Mutex<Option<Error>>>,
    pub(super) last: Arc<Mutex<LastScrape>>,
}

/// A running loop, seen from outside.
#[derive(Debug)]
pub(super) struct Worker {
    order: watch::Sender<Order>,
    /// Ends when the loop has; gives the cycle back if there is somebody to go on.
    handle: JoinHandle<Option<ScrapeCycle>>,
}

impl Worker {
    pub(super) fn start(assignment: Assignment) -> Self {
        let (order, orders) = watch::channel(Order::Run);
        let handle = tokio::spawn(assignment.run(orders));
        Self { order, handle }
    }

    /// Ends the loop and returns its cycle, after the scrape that is under way.
    pub(super) async fn hand_over(self) -> Option<ScrapeCycle> {
        self.order.send_replace(Order::HandOver);
        self.handle.await.ok().flatten()
    }

    /// Ends the loop after the scrape that is under way; markers follow in the background.
    pub(super) async fn retire(self) {
        self.order.send_replace(Order::Retire);
        // A loop that panicked has ended, too.
        let _ = self.handle.await;
    }

    /// Waits for the loop, which was told to end otherwise.
    pub(super) async fn join(self) {
        let _ = self.handle.await;
    }
}

/// Why a loop ended.
enum End {
    Order(Order),
    Shutdown,
}

impl Assignment {
    async fn run(self, mut orders: watch::Receiver<Order>) -> Option<ScrapeCycle> {
        let mut shutdown = self.shared.shutdown.clone();
        let offset = self.target.offset(self.shared.clock.now(), self.shared.options.offset_seed);
        let mut state = LoopState { assignment: self, ticks: None, aligned: Timestamp::MIN };
        let end = tokio::select! {
            end = ended(&mut orders, &mut shutdown) => end,
            () = sleep(offset) => {
                state.begin();
                state.scrape_until_ended(&mut orders, &mut shutdown).await
            }
        };
        match end {
            End::Shutdown | End::Order(Order::Run) => None,
            End::Order(Order::HandOver) => state.assignment.cycle,
            End::Order(Order::Retire) => {
                // The cycle may have been handed over, and know series before its first scrape here.
                if state.ticks.is_none() {
                    state.begin();
                }
                let has_series =
                    state.assignment.cycle.as_ref().is_some_and(ScrapeCycle::has_series);
                if let Some(ticks) = state.ticks.filter(|_| has_series) {
                    tokio::spawn(mark_stale(state.assignment, ticks, shutdown));
                }
                None
            }
        }
    }
}

/// Waits for an order to end.
async fn ended(orders: &mut watch::Receiver<Order>, shutdown: &mut watch::Receiver<bool>) -> End {
    tokio::select! {
        _ = shutdown.wait_for(|is_ending| *is_ending) => End::Shutdown,
        order = orders.wait_for(|order| *order != Order::Run) => match order {
            Ok(order) => End::Order(*order),
            // The worker was dropped.
            Err(_) => End::Shutdown,
        },
    }
}

struct LoopState {
    assignment: Assignment,
    /// The target's times; none before its first.
    ticks: Option<Interval>,
    /// The last time at which a scrape was due.
    aligned: Timestamp,
}

impl LoopState {
    fn begin(&mut self) {
        let mut ticks = interval(self.assignment.target.interval());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.ticks = Some(ticks);
        self.aligned = self.assignment.shared.clock.now();
    }

    async fn scrape_until_ended(
        &mut self,
        orders: &mut watch::Receiver<Order>,
        shutdown: &mut watch::Receiver<bool>,
    ) -> End {
        loop {
            if let Some(ticks) = &mut self.ticks {
                tokio::select! {
                    biased;
                    end = ended(orders, shutdown) => return end,
                    _ = ticks.tick() => {}
                }
            }
            let at = self.due_time();
            // Orders wait for the scrape; only the end of everything does not wait for a page.
            let answer = tokio::select! {
                biased;
                _ = shutdown.wait_for(|is_ending| *is_ending) => return End::Shutdown,
                answer = self.assignment.fetch() => answer,
            };
            self.assignment.store(at, answer).await;
        }
    }

    /// The time of the scrape that begins now: when it was due, if that is only just past.
    fn due_time(&mut self) -> Timestamp {
        let now = self.assignment.shared.clock.now();
        let interval = self.assignment.target.interval();
        let tolerance = self.assignment.shared.options.timestamp_tolerance.min(interval / 100);
        self.aligned = align(self.aligned, now, millis(interval));
        if !tolerance.is_zero() && now - self.aligned <= millis(tolerance) {
            self.aligned
        } else {
            now
        }
    }
}

/// The last of the times `interval` apart, counted from `aligned`, that is not after `now`.
fn align(aligned: Timestamp, now: Timestamp, interval: i64) -> Timestamp {
    let since = now.as_millis().saturating_sub(aligned.as_millis());
    if since < interval || interval <= 0 { aligned } else { now.saturating_sub(since % interval) }
}

impl Assignment {
    async fn fetch(&self) -> Fetched {
        let start = Instant::now();
        let refusal = lock(&self.refusal).clone();
        let answer = match refusal {
            Some(error) => Err(error),
            None => self.client.fetch(&self.request()).await,
        };
        Fetched { start, answer }
    }

    /// Stores what was fetched, on a thread that may block.
    async fn store(&mut self, at: Timestamp, fetched: Fetched) {
        // The semaphore is never closed.
        let Ok(_permit) = self.shared.stores.acquire().await else { return };
        let Some(mut cycle) = self.cycle.take() else { return };
        let shared = Arc::clone(&self.shared);
        let last = Arc::clone(&self.last);
        let stored = spawn_blocking(move || {
            let elapsed = || fetched.start.elapsed();
            let time = ScrapeTime { at, now: shared.clock.now(), elapsed: &elapsed };
            let page = match &fetched.answer {
                Ok(answer) => Ok(Page { body: &answer.body, content_type: &answer.content_type }),
                Err(error) => Err(error.clone()),
            };
            let outcome = cycle.scrape(&*shared.sink, time, page);
            if let Some(error) = &outcome.error {
                tracing::debug!(%error, "scrape failed");
            }
            lock(&last).set(at, &outcome);
            cycle
        });
        match stored.await {
            Ok(cycle) => self.cycle = Some(cycle),
            Err(error) => {
                // The sink panicked. What the cycle knew is lost with it; the next scrape begins anew.
                tracing::error!(%error, url = self.target.url(), "storing a scrape broke");
                let cycle = ScrapeCycle::new(Arc::clone(&self.job), self.target.labels().clone());
                self.cycle = Some(cycle.with_timeout(self.target.timeout()));
            }
        }
    }

    fn request(&self) -> FetchRequest {
        let timeout = self.target.timeout();
        FetchRequest {
            url: self.target.url().into(),
            unix_socket: self.target.unix_socket().map(String::from),
            headers: headers(&self.job, &self.shared.options.user_agent, timeout),
            timeout,
            body_size_limit: self.job.limits.body_size,
        }
    }
}

/// What came of asking, and when it began.
struct Fetched {
    start: Instant,
    answer: Result<Answer, Error>,
}

/// Marks the series of a target as stale, with the time of the scrape that would have been next,
/// when a target that came back would have been scraped again.
async fn mark_stale(
    mut assignment: Assignment,
    mut ticks: Interval,
    mut shutdown: watch::Receiver<bool>,
) {
    let interval = assignment.target.interval();
    let waiting = async {
        ticks.tick().await;
        let at = assignment.shared.clock.now();
        ticks.tick().await;
        sleep(interval / 10).await;
        at
    };
    let at = tokio::select! {
        _ = shutdown.wait_for(|is_ending| *is_ending) => return,
        at = waiting => at,
    };
    let marked = spawn_blocking(move || {
        let sink = Arc::clone(&assignment.shared.sink);
        assignment.cycle.as_mut().map_or(Ok(()), |cycle| cycle.finish(&*sink, at))
    });
    match marked.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "staleness markers were not stored"),
        Err(error) => tracing::error!(%error, "storing staleness markers broke"),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    //! Times of scrapes.

    use skopos_core::Timestamp;

    use super::align;

    #[test]
    fn due_times_follow_from_the_first() {
        let at = |aligned, now| {
            let (aligned, now) = (Timestamp::from_millis(aligned), Timestamp::from_millis(now));
            align(aligned, now, 1_000).as_millis()
        };
        assert_eq!(at(500, 500), 500);
        assert_eq!(at(500, 1_499), 500);
        assert_eq!(at(500, 1_502), 1_500);
        assert_eq!(at(500, 9_700), 9_500);
        // The clock was set back.
        assert_eq!(at(500, 100), 500);
    }
}
