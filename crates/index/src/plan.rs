//! From a filter to the series: in which order, and by which way of access.
//!
//! Each condition becomes a step. With `P` the predicate of its matcher, `U` the union of the lists
//! of all values in `P`, and `presence` the series that carry the label at all, there are four cases,
//! since a missing label is an empty value:
//!
//! | operator | `P` accepts `""` | series |
//! |---|---|---|
//! | positive | no | those in `U` |
//! | positive | yes | all but `presence − U` |
//! | negative | no | all but `U` |
//! | negative | yes | those in `presence − U` |
//!
//! Steps that select come before those that drop, lookups before scans, small before large: a list is
//! as large as what it is made of, so that the series of a metric, which lie side by side, are small.

use std::sync::Arc;

use crate::dictionary::{Dictionary, Scan, Source};
use crate::explain::{Action, ExplainedStep, Explanation, Strategy};
use crate::filter::{Condition, Filter, Predicate};
use crate::set::IdSet;

/// A filter's steps over one index, in the order of execution.
pub(crate) struct Plan<'f, S: Source> {
    source: &'f S,
    steps: Vec<Step<'f, S::Dictionary>>,
}

struct Step<'f, D: Dictionary> {
    condition: &'f Condition,
    dictionary: Option<D>,
    action: Action,
    access: Access<'f, D::List>,
    /// No more series than these have a value in the predicate.
    at_most: u64,
    /// How long it takes to go through the lists of the values in the predicate.
    weight: u64,
}

/// No more values than these are tested before the order of the steps is known.
const FEW_VALUES: usize = 64;
/// A value is tested then only if a lookup has so many series for each.
const SERIES_A_TEST: u64 = 128;

/// How the values in the predicate are found.
enum Access<'f, L> {
    /// The list of the only value.
    One(L),
    /// The lists of these values.
    Lists(Vec<L>),
    /// Every value of the label is in.
    Presence,
    /// The values that the scans visit are tested. Invariant: no value is visited twice.
    Scans(Vec<Scan<'f>>),
    /// The same, and it was done: these are the lists of those that passed.
    Tested { scans: Vec<Scan<'f>>, lists: Vec<L>, looked_at: usize },
}

/// What a step did.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// How many values were looked at.
    looked_at: usize,
    /// How many of them are in the predicate.
    matched: usize,
    /// Series were looked at instead.
    by_labels: bool,
}

impl<'f, S: Source> Plan<'f, S> {
    pub(crate) fn new(source: &'f S, filter: &'f Filter) -> Result<Self, S::Error> {
        let mut steps = Vec::with_capacity(filter.conditions().len());
        for condition in filter.conditions() {
            let step = Step::new(condition, source.dictionary(condition.name())?)?;
            if step.at_most == 0 && step.action == Action::Intersect {
                // Nothing has such a value, so nothing else has to be asked.
                return Ok(Self { source, steps: vec![step] });
            }
            steps.push(step);
        }
        Step::test_few(&mut steps)?;
        // Stable, so that equal steps keep the order in which they were asked.
        steps.sort_by_key(|step| (step.action, step.access.is_test(), step.weight));
        Ok(Self { source, steps })
    }

    /// The series that all steps leave.
    pub(crate) fn run(&self) -> Result<Arc<IdSet>, S::Error> {
        // Two lists meet without either of them becoming a set.
        if let [one, other, rest @ ..] = self.steps.as_slice()
            && let Some(selected) = one.both(other)?
        {
            return self.observe(rest, Some(selected), |_, _, _| {});
        }
        self.observe(&self.steps, None, |_, _, _| {})
    }

    /// Runs the plan and tells what each step did.
    pub(crate) fn explain(&self) -> Result<Explanation, S::Error> {
        let mut steps = Vec::with_capacity(self.steps.len());
        let selected = self.observe(&self.steps, None, |step, tally, left| {
            steps.push(step.explain(tally, left.len()));
        })?;
        Ok(Explanation::new(steps, selected.len()))
    }

    /// Runs `steps` on what others have selected.
    fn observe(
        &self,
        steps: &[Step<'f, S::Dictionary>],
        mut selected: Option<Arc<IdSet>>,
        mut observer: impl FnMut(&Step<'f, S::Dictionary>, Tally, &IdSet),
    ) -> Result<Arc<IdSet>, S::Error> {
        if let Some(none) = selected.take_if(|selected| selected.is_empty()) {
            return Ok(none);
        }
        for step in steps {
            let (left, tally) = step.run(self.source, selected)?;
            observer(step, tally, &left);
            if left.is_empty() {
                return Ok(left);
            }
            selected = Some(left);
        }
        selected.map_or_else(|| self.source.all(), Ok)
    }
}

impl<'f, D: Dictionary> Step<'f, D> {
    fn new(condition: &'f Condition, dictionary: Option<D>) -> Result<Self, D::Error> {
        let action = match (condition.op().is_negative(), condition.predicate().accepts("")) {
            (false, false) => Action::Intersect,
            (false, true) => Action::SubtractRest,
            (true, false) => Action::Subtract,
            (true, true) => Action::IntersectRest,
        };
        let (access, at_most) = match &dictionary {
            None => (Access::Lists(Vec::new()), 0),
            Some(dictionary) => Access::new(condition.predicate(), dictionary)?,
        };
        let weight = match &dictionary {
            None => 0,
            Some(dictionary) => access.weight(dictionary, at_most)?,
        };
        Ok(Self { condition, dictionary, action, access, at_most, weight })
    }

    /// Tests values now where they are few beside the series of any lookup: how many series they have
    /// then decides when their step is run.
    fn test_few(steps: &mut [Self]) -> Result<(), D::Error> {
        let selects = |step: &&Self| step.action == Action::Intersect;
        let lookups = steps.iter().filter(selects).filter(|step| !step.access.is_test());
        let Some(least) = lookups.map(|step| step.at_most).min() else { return Ok(()) };
        let most = usize::try_from(least / SERIES_A_TEST).unwrap_or(usize::MAX).min(FEW_VALUES);
        for step in steps.iter_mut().filter(|step| step.action == Action::Intersect) {
            let (Access::Scans(scans), Some(dictionary)) = (&mut step.access, &step.dictionary)
            else {
                continue;
            };
            let values = scans.iter().map(|scan| dictionary.values_within(scan));
            if values.sum::<Option<usize>>().is_none_or(|values| most < values) {
                continue;
            }
            let (mut lists, mut looked_at) = (Vec::new(), 0);
            for scan in scans.iter() {
                looked_at += dictionary.scan(scan, |value, list| {
                    if step.condition.predicate().accepts(value) {
                        lists.push(list);
                    }
                })?;
            }
            step.at_most = 0;
            for list in &lists {
                step.at_most += dictionary.list_len(*list)?;
            }
            step.access = Access::Tested { scans: std::mem::take(scans), lists, looked_at };
            step.weight = step.access.weight(dictionary, step.at_most)?;
        }
        Ok(())
    }

    /// What this step and another one leave, if both are lookups of one value.
    fn both(&self, other: &Self) -> Result<Option<Arc<IdSet>>, D::Error> {
        if (self.action, other.action) != (Action::Intersect, Action::Intersect) {
            return Ok(None);
        }
        match (&self.dictionary, &self.access, &other.dictionary, &other.access) {
            (Some(one), Access::One(list), Some(other), Access::One(longer)) => {
                one.both(*list, other, *longer).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What this step leaves of `selected`, which stands for all series if it is `None`.
    fn run(
        &self,
        source: &impl Source<Error = D::Error>,
        selected: Option<Arc<IdSet>>,
    ) -> Result<(Arc<IdSet>, Tally), D::Error> {
        let mut tally = Tally::default();
        let Some(dictionary) = &self.dictionary else {
            let left = match (self.action, selected) {
                (Action::Intersect | Action::IntersectRest, _) => Arc::default(),
                (Action::Subtract | Action::SubtractRest, Some(selected)) => selected,
                (Action::Subtract | Action::SubtractRest, None) => source.all()?,
            };
            return Ok((left, tally));
        };
        let left = match self.action {
            Action::Intersect => self.union(dictionary, selected.as_ref(), &mut tally)?,
            Action::IntersectRest => {
                let kept = within_presence(dictionary, selected)?;
                let dropped = self.union(dictionary, Some(&kept), &mut tally)?;
                minus(kept, &dropped)
            }
            Action::Subtract => {
                let kept = selected.map_or_else(|| source.all(), Ok)?;
                let dropped = self.union(dictionary, Some(&kept), &mut tally)?;
                minus(kept, &dropped)
            }
            // Whatever value there is is in the predicate, and so is none.
            Action::SubtractRest if matches!(self.access, Access::Presence) => {
                selected.map_or_else(|| source.all(), Ok)?
            }
            // No value is in the predicate, so that nothing with the label is left.
            Action::SubtractRest if matches!(&self.access, Access::Lists(lists) if lists.is_empty()) =>
            {
                let kept = selected.map_or_else(|| source.all(), Ok)?;
                minus(kept, &*dictionary.presence()?)
            }
            Action::SubtractRest => {
                let kept = selected.map_or_else(|| source.all(), Ok)?;
                let present = within_presence(dictionary, Some(Arc::clone(&kept)))?;
                let spared = self.union(dictionary, Some(&present), &mut tally)?;
                minus(kept, &minus(present, &spared))
            }
        };
        Ok((left, tally))
    }

    /// The series with a value in the predicate; of those in `within` only, if it is given.
    fn union(
        &self,
        dictionary: &D,
        within: Option<&Arc<IdSet>>,
        tally: &mut Tally,
    ) -> Result<Arc<IdSet>, D::Error> {
        match &self.access {
            Access::Presence => within_presence(dictionary, within.cloned()),
            Access::One(list) => {
                *tally = Tally { looked_at: 1, matched: 1, by_labels: false };
                dictionary.union(&[*list], within)
            }
            Access::Lists(lists) => {
                let count = lists.len();
                *tally = Tally { looked_at: count, matched: count, by_labels: false };
                dictionary.union(lists, within)
            }
            Access::Tested { lists, looked_at, .. } => {
                *tally = Tally { looked_at: *looked_at, matched: lists.len(), by_labels: false };
                dictionary.union(lists, within)
            }
            Access::Scans(scans) => {
                let predicate = self.condition.predicate();
                let accepts = |value: &str| predicate.accepts(value);
                if let Some(within) = within
                    && let Some(tested) = dictionary.test(within, scans, accepts)?
                {
                    let matched = usize::try_from(tested.series.len()).unwrap_or(usize::MAX);
                    *tally = Tally { looked_at: tested.looked_at, matched, by_labels: true };
                    return Ok(Arc::new(tested.series));
                }
                let mut lists = Vec::new();
                for scan in scans {
                    tally.looked_at += dictionary.scan(scan, |value, list| {
                        debug_assert!(scan.wants(value), "a scan visits what was asked for");
                        // Looking into a short list is cheaper than running a regular expression.
                        if within.is_none_or(|within| !dictionary.surely_misses(list, within))
                            && predicate.accepts(value)
                        {
                            lists.push(list);
                        }
                    })?;
                }
                tally.matched = lists.len();
                dictionary.union(&lists, within)
            }
        }
    }

    fn explain(&self, tally: Tally, left: u64) -> ExplainedStep {
        let strategy = match &self.access {
            _ if tally.by_labels => Strategy::Labels,
            Access::One(_) | Access::Lists(_) => Strategy::Lookup,
            Access::Presence => Strategy::Presence,
            Access::Scans(scans) | Access::Tested { scans, .. } => match scans.as_slice() {
                [Scan { prefix: "", .. }] => Strategy::Scan,
                _ => Strategy::Ranges,
            },
        };
        ExplainedStep {
            matcher: self.condition.matcher().clone(),
            action: self.action,
            strategy,
            texts: match &self.access {
                Access::Scans(scans) | Access::Tested { scans, .. } => {
                    scans.iter().flat_map(Scan::texts).collect()
                }
                _ => Vec::new(),
            },
            values_looked_at: tally.looked_at,
            values_matched: tally.matched,
            estimated_series: self.at_most,
            series_left: left,
        }
    }
}

fn within_presence<D: Dictionary>(
    dictionary: &D,
    within: Option<Arc<IdSet>>,
) -> Result<Arc<IdSet>, D::Error> {
    let presence = dictionary.presence()?;
    Ok(match within {
        None => presence,
        Some(within) => IdSet::and_shared(&within, &presence),
    })
}

fn minus(kept: Arc<IdSet>, dropped: &IdSet) -> Arc<IdSet> {
    if dropped.is_empty() { kept } else { Arc::new(kept.and_not(dropped)) }
}

impl<'f, L: Copy> Access<'f, L> {
    /// The way to the predicate's values, and how many series they have at most.
    fn new<D: Dictionary<List = L>>(
        predicate: &'f Predicate,
        dictionary: &D,
    ) -> Result<(Self, u64), D::Error> {
        Ok(match predicate {
            Predicate::Any | Predicate::Present => (Self::Presence, dictionary.series_count()),
            Predicate::Literals(values) if values.len() == 1 => match dictionary.get(&values[0])? {
                None => (Self::Lists(Vec::new()), 0),
                Some(list) => (Self::One(list), dictionary.list_len(list)?),
            },
            Predicate::Literals(values) => {
                let mut lists = Vec::with_capacity(values.len().min(dictionary.value_count()));
                let mut at_most = 0;
                for value in values.iter() {
                    if let Some(list) = dictionary.get(value)? {
                        at_most += dictionary.list_len(list)?;
                        lists.push(list);
                    }
                }
                (Self::Lists(lists), at_most)
            }
            Predicate::Pattern(pattern) => {
                (Self::Scans(pattern.scans().collect()), dictionary.series_count())
            }
        })
    }

    /// How long it takes to go through the lists, in numbers.
    fn weight<D: Dictionary<List = L>>(
        &self,
        dictionary: &D,
        at_most: u64,
    ) -> Result<u64, D::Error> {
        let lists = match self {
            Self::One(list) => std::slice::from_ref(list),
            Self::Lists(lists) | Self::Tested { lists, .. } => lists,
            Self::Presence | Self::Scans(_) => return Ok(at_most),
        };
        lists.iter().map(|list| dictionary.list_weight(*list)).sum()
    }

    /// Whether values have to be tested.
    fn is_test(&self) -> bool {
        matches!(self, Self::Scans(_))
    }
}
