//! Runs of consecutive numbers, and the algebra of ascending lists of them.

/// All numbers from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u16,
    pub(crate) last: u16,
}

impl Run {
    pub(super) fn of(low: u16) -> Self {
        Self { first: low, last: low }
    }

    pub(super) fn len(self) -> u32 {
        u32::from(self.last - self.first) + 1
    }
}

/// How many numbers there are.
pub(super) fn len(runs: &[Run]) -> u32 {
    runs.iter().map(|run| run.len()).sum()
}

/// The run that has the number, or where one would have to be inserted.
pub(super) fn find(runs: &[Run], low: u16) -> Result<usize, usize> {
    let at = runs.partition_point(|run| run.last < low);
    match runs.get(at) {
        Some(run) if run.first <= low => Ok(at),
        _ => Err(at),
    }
}

/// Returns whether it was not there.
pub(super) fn insert(runs: &mut Vec<Run>, low: u16) -> bool {
    let Err(at) = find(runs, low) else { return false };
    let extends = at.checked_sub(1).filter(|before| runs[*before].last + 1 == low);
    let precedes = runs.get(at).is_some_and(|run| run.first - 1 == low);
    match (extends, precedes) {
        (Some(before), true) => {
            runs[before].last = runs[at].last;
            runs.remove(at);
        }
        (Some(before), false) => runs[before].last = low,
        (None, true) => runs[at].first = low,
        (None, false) => runs.insert(at, Run::of(low)),
    }
    true
}

/// Returns whether it was there.
pub(super) fn remove(runs: &mut Vec<Run>, low: u16) -> bool {
    let Ok(at) = find(runs, low) else { return false };
    let Run { first, last } = runs[at];
    match (first == low, last == low) {
        (true, true) => drop(runs.remove(at)),
        (true, false) => runs[at].first = low + 1,
        (false, true) => runs[at].last = low - 1,
        (false, false) => {
            runs[at].last = low - 1;
            runs.insert(at + 1, Run { first: low + 1, last });
        }
    }
    true
}

/// What both lists have, of which the first has few runs: the rest is copied and not looked at.
pub(super) fn and_few(few: &[Run], mut many: &[Run]) -> Vec<Run> {
    let mut both = Vec::new();
    for run in few {
        many = &many[many.partition_point(|other| other.last < run.first)..];
        let inside = &many[..many.partition_point(|other| other.first <= run.last)];
        let at = both.len();
        both.extend_from_slice(inside);
        // Those at the ends may reach out.
        if let [first, ..] = &mut both[at..] {
            first.first = first.first.max(run.first);
        }
        if let [.., last] = &mut both[at..] {
            last.last = last.last.min(run.last);
        }
    }
    both
}

/// What both lists have.
pub(super) fn and(mut a: impl Iterator<Item = Run>, mut b: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut both = Vec::new();
    let (mut x, mut y) = (a.next(), b.next());
    while let (Some(one), Some(other)) = (x, y) {
        let (first, last) = (one.first.max(other.first), one.last.min(other.last));
        if first <= last {
            both.push(Run { first, last });
        }
        if one.last <= other.last {
            x = a.next();
        } else {
            y = b.next();
        }
    }
    both
}

/// What the first list has and the second has not.
pub(super) fn and_not(a: impl Iterator<Item = Run>, mut b: impl Iterator<Item = Run>) -> Vec<Run> {
    let mut rest = Vec::new();
    let mut other = b.next();
    for Run { first, last } in a {
        // In 32 bits, so that it can stand behind the last number.
        let mut from = u32::from(first);
        while let Some(run) = other {
            if last < run.first {
                break;
            }
            if from < u32::from(run.first) {
                rest.push(Run { first: from as u16, last: run.first - 1 });
            }
            from = from.max(u32::from(run.last) + 1);
            if last < run.last {
                break;
            }
            other = b.next();
        }
        if from <= u32::from(last) {
            rest.push(Run { first: from as u16, last });
        }
    }
    rest
}

/// The runs of ascending numbers.
pub(super) fn of_array(array: &[u16]) -> impl Iterator<Item = Run> {
    let consecutive = array.chunk_by(|a, b| *a + 1 == *b);
    consecutive.map(|ids| Run { first: ids[0], last: ids[ids.len() - 1] })
}

/// Joins runs that overlap or touch; they must be sorted by their first number.
pub(super) fn join(runs: &mut Vec<Run>) {
    runs.dedup_by(|run, before| {
        let joins = u32::from(run.first) <= u32::from(before.last) + 1;
        if joins {
            before.last = before.last.max(run.last);
        }
        joins
    });
}
