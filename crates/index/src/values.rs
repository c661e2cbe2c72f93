//! The values of one label name: a dictionary in byte order, with each value's series.
//!
//! Values lie in leaves of a few kilobytes: the texts of a leaf are one string, so that a search for
//! a text in all values is a sweep over memory, and neither a value nor a list of one series needs
//! an allocation. Leaves are changed in place, split when they are full and joined when they are not.

use std::convert::Infallible;
use std::sync::Arc;

use crate::dictionary::{Dictionary, Scan};
use crate::list::List;
use crate::set::IdSet;

mod leaf;

pub(crate) use self::leaf::Key;
use self::leaf::Leaf;

/// Ids from here on are not given out: a slot needs the bit.
pub(crate) const MAX_ID: u32 = 1 << 31;

/// What is known of one label name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// Invariant: the union of all lists.
    presence: Arc<IdSet>,
    /// Invariant: no leaf is empty; values ascend within and across leaves.
    #[expect(
        clippy::vec_box,
        reason = "new leaves move those behind them, of which there are many"
    )]
    leaves: Vec<Box<Leaf>>,
    /// The head of each leaf's first value: most searches are decided by these.
    heads: Vec<u64>,
    count: usize,
    /// Of the values with several series. Those in `vacant` are not in use.
    lists: Vec<List>,
    vacant: Vec<u32>,
    /// Where the last change was: the next one is most often there too. It may be anywhere.
    last: Place,
}

/// A value's leaf, and its position there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    leaf: usize,
    at: usize,
}

/// Where the series of a value are: the only one's id, or the number of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(u32);

impl Slot {
    fn single(id: u32) -> Self {
        Self(id)
    }

    fn list(number: u32) -> Self {
        Self(number | MAX_ID)
    }
}

/// The series of a value.
pub(crate) enum Series<'a> {
    One(u32),
    List(&'a List),
}

impl Values {
    pub(crate) fn insert(&mut self, value: &str, id: u32) {
        Arc::make_mut(&mut self.presence).insert(id);
        match self.locate_near(value) {
            Ok(place) => {
                let slot = self.leaves[place.leaf].slot(place.at);
                let slot = self.with(slot, id);
                self.leaves[place.leaf].set_slot(place.at, slot);
                self.last = place;
            }
            Err(place) => {
                self.count += 1;
                self.last = self.add(place, value, Slot::single(id));
            }
        }
    }

    pub(crate) fn remove(&mut self, value: &str, id: u32) {
        let Ok(Place { leaf, at }) = self.locate(value) else { return };
        Arc::make_mut(&mut self.presence).remove(id);
        match self.without(self.leaves[leaf].slot(at), id) {
            Some(slot) => self.leaves[leaf].set_slot(at, slot),
            None => {
                self.count -= 1;
                self.leaves[leaf].remove(at);
                self.tidy(leaf);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn shared_presence(&self) -> &Arc<IdSet> {
        &self.presence
    }

    pub(crate) fn has(&self, value: &str) -> bool {
        self.slot(value).is_some()
    }

    /// Where the series of a value are, if some have it.
    pub(crate) fn slot(&self, value: &str) -> Option<Slot> {
        self.slot_by(Key::of(value), value)
    }

    /// The same for who has the value's key at hand.
    pub(crate) fn slot_by(&self, key: Key, value: &str) -> Option<Slot> {
        let leaf = self.leaves.get(self.leaf_by(key.head, value))?;
        leaf.position(key.tag, value).map(|at| leaf.slot(at))
    }

    /// The values with their slots, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Slot)> {
        self.leaves.iter().flat_map(|leaf| leaf.iter())
    }

    /// The values that start with `prefix`, ascending.
    pub(crate) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&str, Slot)> {
        let Place { leaf, at } = self.first_from(prefix);
        let leaves = self.leaves[leaf.min(self.leaves.len())..].iter();
        let values = leaves.flat_map(|leaf| leaf.iter()).skip(at);
        // Comparing with nothing is a call all the same, and on some machines a slow one.
        let has_prefix = move |value: &str| prefix.is_empty() || value.starts_with(prefix);
        values.take_while(move |(value, _)| has_prefix(value))
    }

    /// How many series have the slot's value.
    pub(crate) fn series_of(&self, slot: Slot) -> u64 {
        match self.series(slot) {
            Series::One(_) => 1,
            Series::List(list) => list.len(),
        }
    }

    /// Whether some series of the slot's value is in the set.
    pub(crate) fn meets(&self, slot: Slot, set: &IdSet) -> bool {
        match self.series(slot) {
            Series::One(id) => set.contains(id),
            Series::List(List::Few(ids)) => ids.iter().any(|id| set.contains(*id)),
            Series::List(List::Many(ids)) => !ids.is_disjoint(set),
        }
    }

    /// How many series of the slot's value are in the set.
    pub(crate) fn count_in(&self, slot: Slot, set: &IdSet) -> u64 {
        match self.series(slot) {
            Series::One(id) => u64::from(set.contains(id)),
            Series::List(List::Few(ids)) => {
                ids.iter().filter(|id| set.contains(**id)).count() as u64
            }
            Series::List(List::Many(ids)) => ids.and(set).len(),
        }
    }

    /// Gives every list its smallest form, and returns memory that was held for growth.
    pub(crate) fn seal(&mut self) {
        Arc::make_mut(&mut self.presence).seal();
        self.lists.iter_mut().for_each(List::seal);
        self.lists.shrink_to_fit();
        self.leaves.iter_mut().for_each(|leaf| leaf.shrink());
        self.leaves.shrink_to_fit();
        self.heads.shrink_to_fit();
    }

    /// The heap memory behind the texts and their order.
    pub(crate) fn text_bytes(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| size_of::<Leaf>() + leaf.text_bytes());
        self.leaves.capacity() * size_of::<usize>()
            + self.heads.capacity() * size_of::<u64>()
            + leaves.sum::<usize>()
    }

    /// The heap memory behind the sets and lists of series, and their places.
    pub(crate) fn posting_bytes(&self) -> usize {
        let vacant = self.vacant.capacity() * size_of::<u32>();
        let lists = self.lists.iter().map(List::heap_bytes).sum::<usize>();
        let slots = self.leaves.iter().map(|leaf| leaf.slot_bytes()).sum::<usize>();
        self.presence.heap_bytes()
            + slots
            + vacant
            + self.lists.capacity() * size_of::<List>()
            + lists
    }

    pub(crate) fn series(&self, slot: Slot) -> Series<'_> {
        if slot.0 < MAX_ID {
            Series::One(slot.0)
        } else {
            Series::List(&self.lists[(slot.0 - MAX_ID) as usize])
        }
    }

    /// The slot with the id added.
    fn with(&mut self, slot: Slot, id: u32) -> Slot {
        if MAX_ID <= slot.0 {
            self.lists[(slot.0 - MAX_ID) as usize].insert(id);
            return slot;
        }
        if slot.0 == id {
            return slot;
        }
        let list = List::of_two(slot.0, id);
        if let Some(number) = self.vacant.pop() {
            self.lists[number as usize] = list;
            return Slot::list(number);
        }
        self.lists.push(list);
        // Each list has two series at least, of which there are fewer than 2³¹.
        Slot::list((self.lists.len() - 1) as u32)
    }

    /// The slot with the id removed, if an id is left.
    fn without(&mut self, slot: Slot, id: u32) -> Option<Slot> {
        if slot.0 < MAX_ID {
            return (slot.0 != id).then_some(slot);
        }
        let number = slot.0 - MAX_ID;
        let list = &mut self.lists[number as usize];
        list.remove(id);
        let Some(only) = list.single() else { return Some(slot) };
        *list = List::Few(Vec::new());
        self.vacant.push(number);
        if self.vacant.len() == self.lists.len() {
            (self.vacant, self.lists) = (Vec::new(), Vec::new());
        }
        Some(Slot::single(only))
    }

    /// The leaf that the value would be in.
    fn leaf_of(&self, value: &str) -> usize {
        self.leaf_by(leaf::head(value.as_bytes()), value)
    }

    fn leaf_by(&self, wanted: u64, value: &str) -> usize {
        if self.leaves.len() < 2 {
            return 0;
        }
        let mut after = self.heads.partition_point(|head| *head < wanted);
        if self.heads.get(after) == Some(&wanted) {
            let same = self.heads[after..].partition_point(|head| *head == wanted);
            let same = &self.leaves[after..after + same];
            after += same.partition_point(|leaf| leaf.starts_by(value));
        }
        after.saturating_sub(1)
    }

    /// The value's place, or where it would have to be inserted.
    fn locate(&self, value: &str) -> Result<Place, Place> {
        let leaf = self.leaf_of(value);
        match self.leaves.get(leaf) {
            None => Err(Place::default()),
            Some(values) => match values.find(value) {
                Ok(at) => Ok(Place { leaf, at }),
                Err(at) => Err(Place { leaf, at }),
            },
        }
    }

    /// The same, with a look at the place of the last change first.
    fn locate_near(&self, value: &str) -> Result<Place, Place> {
        let near = self.leaves.get(self.last.leaf).and_then(|leaf| leaf.get(self.last.at));
        if near == Some(value) { Ok(self.last) } else { self.locate(value) }
    }

    /// The place of the first value that is not below `value`; it may be behind a leaf's last.
    fn first_from(&self, value: &str) -> Place {
        if value.is_empty() {
            return Place::default();
        }
        self.locate(value).unwrap_or_else(|place| place)
    }

    /// The place behind the last value that starts with `prefix` or is below it.
    fn end_of(&self, prefix: &str) -> Place {
        if prefix.is_empty() {
            let leaf = self.leaves.len().saturating_sub(1);
            return Place { leaf, at: self.leaves.last().map_or(0, |leaf| leaf.len()) };
        }
        let is_before = |value: &str| {
            let head = &value.as_bytes()[..value.len().min(prefix.len())];
            head <= prefix.as_bytes()
        };
        let after = self.leaves.partition_point(|leaf| is_before(leaf.first()));
        let leaf = after.saturating_sub(1);
        let at = self.leaves.get(leaf).map_or(0, |values| values.partition_point(is_before));
        Place { leaf, at }
    }

    /// Inserts a value and returns its place.
    fn add(&mut self, Place { leaf, at }: Place, value: &str, slot: Slot) -> Place {
        let leaves = self.leaves.len();
        let Some(values) = self.leaves.get_mut(leaf) else {
            self.add_leaf(leaf, Leaf::of(value, slot));
            return Place::default();
        };
        if values.has_room(value) {
            values.insert(at, value, slot);
            self.note(leaf);
            return Place { leaf, at };
        }
        if leaf + 1 == leaves && at == values.len() {
            // Values that arrive in order fill their leaves.
            values.shrink();
            self.add_leaf(leaf + 1, Leaf::of(value, slot));
            return Place { leaf: leaf + 1, at: 0 };
        }
        let mut rest = values.split();
        let place = match at.checked_sub(values.len()) {
            Some(at) => {
                rest.insert(at, value, slot);
                Place { leaf: leaf + 1, at }
            }
            None => {
                values.insert(at, value, slot);
                Place { leaf, at }
            }
        };
        self.note(leaf);
        self.add_leaf(leaf + 1, rest);
        place
    }

    fn add_leaf(&mut self, at: usize, leaf: Leaf) {
        self.heads.insert(at, leaf::head(leaf.first().as_bytes()));
        self.leaves.insert(at, Box::new(leaf));
    }

    fn remove_leaf(&mut self, at: usize) {
        self.heads.remove(at);
        self.leaves.remove(at);
    }

    /// Notes the leaf's first value, which may have changed.
    fn note(&mut self, leaf: usize) {
        self.heads[leaf] = leaf::head(self.leaves[leaf].first().as_bytes());
    }

    /// Drops the leaf if it is empty, or joins it with the next one if both are small.
    fn tidy(&mut self, leaf: usize) {
        if self.leaves[leaf].len() == 0 {
            self.remove_leaf(leaf);
            return;
        }
        self.note(leaf);
        if let [this, next, ..] = &mut self.leaves[leaf..]
            && this.can_join(next)
        {
            this.append(next);
            self.remove_leaf(leaf + 1);
        }
    }
}

impl Dictionary for &Values {
    type Error = Infallible;
    type List = Slot;

    fn value_count(&self) -> usize {
        self.count
    }

    fn series_count(&self) -> u64 {
        self.presence.len()
    }

    fn presence(&self) -> Result<Arc<IdSet>, Infallible> {
        Ok(Arc::clone(&self.presence))
    }

    fn get(&self, value: &str) -> Result<Option<Slot>, Infallible> {
        Ok(self.slot(value))
    }

    fn scan(
        &self,
        scan: &Scan<'_>,
        mut visit: impl FnMut(&str, Slot),
    ) -> Result<usize, Infallible> {
        let (from, to) = (self.first_from(scan.prefix), self.end_of(scan.prefix));
        let mut looked_at = 0;
        let sweep = scan.sweep();
        for (leaf, number) in self.leaves.iter().zip(0..).take(to.leaf + 1).skip(from.leaf) {
            let first = if number == from.leaf { from.at } else { 0 };
            let end = if number == to.leaf { to.at } else { leaf.len() };
            if first < end {
                looked_at += end - first;
                leaf.sweep(first..end, &sweep, &mut visit);
            }
        }
        Ok(looked_at)
    }

    fn values_within(&self, scan: &Scan<'_>) -> Option<usize> {
        let (from, to) = (self.first_from(scan.prefix), self.end_of(scan.prefix));
        if to <= from {
            return Some(0);
        }
        let leaves = &self.leaves[from.leaf..to.leaf];
        Some(leaves.iter().map(|leaf| leaf.len()).sum::<usize>() + to.at - from.at)
    }

    fn list_weight(&self, list: Slot) -> Result<u64, Infallible> {
        Ok(match self.series(list) {
            Series::One(_) => 1,
            Series::List(List::Few(ids)) => ids.len() as u64,
            Series::List(List::Many(set)) => set.weight(),
        })
    }

    fn list_len(&self, list: Slot) -> Result<u64, Infallible> {
        Ok(self.series_of(list))
    }

    fn surely_misses(&self, list: Slot, within: &IdSet) -> bool {
        match self.series(list) {
            Series::One(id) => !within.contains(id),
            Series::List(List::Few(ids)) => !ids.iter().any(|id| within.contains(*id)),
            Series::List(List::Many(_)) => false,
        }
    }

    fn union(&self, lists: &[Slot], within: Option<&Arc<IdSet>>) -> Result<Arc<IdSet>, Infallible> {
        if lists.len() == self.count {
            return Ok(match within {
                None => Arc::clone(&self.presence),
                Some(within) => IdSet::and_shared(within, &self.presence),
            });
        }
        if let [slot] = lists
            && let Series::List(List::Many(set)) = self.series(*slot)
        {
            return Ok(match within {
                None => Arc::clone(set),
                Some(within) => Arc::new(set.and(within)),
            });
        }
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for slot in lists {
            match self.series(*slot) {
                Series::One(id) => few.push(id),
                Series::List(List::Few(ids)) => few.extend_from_slice(ids),
                Series::List(List::Many(set)) => many.push(&**set),
            }
        }
        if let Some(within) = within {
            few.retain(|id| within.contains(*id));
        }
        let few = IdSet::from_unsorted(few);
        if many.is_empty() {
            return Ok(Arc::new(few));
        }
        let many = match (within, many.as_slice()) {
            (None, [one]) if few.is_empty() => (*one).clone(),
            (None, _) => return Ok(Arc::new(IdSet::union(many.into_iter().chain([&few])))),
            (Some(within), _) => within.and_any(&many),
        };
        Ok(Arc::new(if few.is_empty() { many } else { IdSet::union([&many, &few]) }))
    }
}
