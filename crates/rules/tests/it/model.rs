//! The state machine of alerts beside a table of its transitions, on arbitrary histories.

use proptest::prelude::*;
use skopos_core::{
    Error, ErrorKind, Labels, ManualClock, QueryValue, SampleValue, Timestamp, VectorSample,
};
use skopos_rules::{AlertState, Evaluator, Group, GroupDefaults, GroupState, Rule};

use crate::doubles::{Dollars, Scripted, Store};

const MINUTE: i64 = 60_000;
const INSTANCES: usize = 3;

/// What an instance is doing, by the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Absent,
    /// Since when.
    Pending(i64),
    /// Since when it is active, and since when it fires.
    Firing(i64, i64),
    /// As it fires, and since when only because it is kept.
    Kept(i64, i64, i64),
    /// Since when.
    Resolved(i64),
}

use State::{Absent, Firing, Kept, Pending, Resolved};

#[derive(Clone, Copy, Debug)]
struct Settings {
    hold: i64,
    keep: i64,
}

/// The table: a row for each state and for whether the condition holds.
fn next(state: State, present: bool, t: i64, settings: Settings) -> State {
    let Settings { hold, keep } = settings;
    match (state, present) {
        (Absent | Resolved(_), true) if hold == 0 => Firing(t, t),
        (Absent | Resolved(_), true) => Pending(t),
        (Absent | Pending(_), false) => Absent,
        (Pending(since), true) if hold <= t - since => Firing(since, t),
        (Pending(since), true) => Pending(since),
        (Firing(since, fired) | Kept(since, fired, _), true) => Firing(since, fired),
        (Firing(since, fired), false) if 0 < keep => Kept(since, fired, t),
        (Firing(..), false) => Resolved(t),
        (Kept(since, fired, kept), false) if t - kept < keep => Kept(since, fired, kept),
        (Kept(..), false) => Resolved(t),
        (Resolved(at), false) if 15 * MINUTE < t - at => Absent,
        (Resolved(at), false) => Resolved(at),
    }
}

/// What the outside sees of an instance: its state, since when, and whether it is sent.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    instance: usize,
    state: AlertState,
    active_at: i64,
    kept_since: Option<i64>,
}

/// The instances by the table, and when each was last sent.
struct Model {
    settings: Settings,
    states: [State; INSTANCES],
    sent: [Option<i64>; INSTANCES],
}

impl Model {
    /// Evaluates; what is seen, and the instances that are sent.
    fn step(&mut self, present: [bool; INSTANCES], t: i64) -> (Vec<Seen>, Vec<usize>) {
        let (mut seen, mut due) = (Vec::new(), Vec::new());
        for (i, present) in present.into_iter().enumerate() {
            let before = self.states[i];
            let state = next(before, present, t, self.settings);
            if matches!(before, Absent | Resolved(_)) && matches!(state, Pending(_) | Firing(..)) {
                self.sent[i] = None;
            }
            self.states[i] = state;
            seen.extend(see(i, state));
            let resent = self.sent[i].is_none_or(|sent| sent + MINUTE < t);
            let is_due = match state {
                Absent | Pending(_) => false,
                Firing(..) | Kept(..) => resent,
                Resolved(at) => resent || self.sent[i].is_some_and(|sent| sent < at),
            };
            if is_due {
                self.sent[i] = Some(t);
                due.push(i);
            }
        }
        (seen, due)
    }
}

fn see(instance: usize, state: State) -> Option<Seen> {
    let (state, active_at, kept_since) = match state {
        Absent | Resolved(_) => return None,
        Pending(since) => (AlertState::Pending, since, None),
        Firing(since, _) => (AlertState::Firing, since, None),
        Kept(since, _, kept) => (AlertState::Firing, since, Some(kept)),
    };
    Some(Seen { instance, state, active_at, kept_since })
}

/// One evaluation: which instances the condition holds for, or nothing where the query fails.
type Moment = Option<[bool; INSTANCES]>;

fn name(instance: usize) -> String {
    format!("i{instance}")
}

/// An engine that answers by a history of a moment a minute.
fn engine(history: Vec<Moment>) -> Scripted {
    Scripted::new(move |_, t| {
        let Some(moment) = history[(t.as_millis() / MINUTE) as usize] else {
            return Err(Error::new(ErrorKind::Execution, "no answer"));
        };
        let present = (0..INSTANCES).filter(|i| moment[*i]).map(|i| VectorSample {
            labels: Labels::from_pairs([("instance", name(i))]),
            t,
            value: SampleValue::Float(i as f64),
        });
        Ok(QueryValue::Vector(present.collect()))
    })
}

fn instance_of(labels: &Labels) -> usize {
    let name = labels.get("instance").unwrap();
    (0..INSTANCES).find(|i| self::name(*i) == name).unwrap()
}

proptest! {
    #[test]
    fn alerts_go_by_the_table(
        history in prop::collection::vec(
            prop::option::weighted(0.95, prop::array::uniform3(prop::bool::weighted(0.6))),
            1..60,
        ),
        hold in prop::sample::select(vec![0, MINUTE, 3 * MINUTE]),
        keep in prop::sample::select(vec![0, MINUTE, 5 * MINUTE]),
    ) {
        let mut rule = Rule::alerting("A", "expr");
        (rule.hold, rule.keep_firing_for) = (hold, keep);
        let mut group = Group::new("g");
        group.rules.push(rule);
        let engine = engine(history.clone());
        let mut state =
            GroupState::new(&group, "f", GroupDefaults::default(), &engine, false).unwrap();
        let settings = Settings { hold, keep };
        let mut model =
            Model { settings, states: [Absent; INSTANCES], sent: [None; INSTANCES] };
        let (store, clock) = (Store::default(), ManualClock::default());
        let evaluator = Evaluator::new(&engine, &Dollars, &store, &clock);
        for (i, moment) in history.iter().enumerate() {
            let t = i as i64 * MINUTE;
            let outcome = state.evaluate(Timestamp::from_millis(t), &evaluator);
            let Some(present) = moment else {
                prop_assert_eq!(outcome.failed_rules, 1);
                prop_assert!(outcome.notifications.is_empty());
                continue;
            };
            let (expected, due) = model.step(*present, t);
            let view = state.view();
            let seen: Vec<Seen> = view.rules[0]
                .alerts
                .iter()
                .map(|alert| Seen {
                    instance: instance_of(&alert.labels),
                    state: alert.state,
                    active_at: alert.active_at.as_millis(),
                    kept_since: alert.keep_firing_since.map(Timestamp::as_millis),
                })
                .collect();
            prop_assert_eq!(&seen, &expected, "at minute {}", i);
            let sent: Vec<usize> =
                outcome.notifications.iter().map(|sent| instance_of(&sent.labels)).collect();
            prop_assert_eq!(sent, due, "at minute {}", i);
        }
    }
}
