//! What the planner asks of an index file.

use std::ops::RangeInclusive;
use std::sync::Arc;

use memchr::memmem;

use crate::block::View;
use crate::block::gather::gather;
use crate::block::labels;
use crate::block::list::List;
use crate::block::table::{Name, Place, Table, Walk};
use crate::dictionary::{Dictionary, Scan, Source, Tested};
use crate::error::Error;
use crate::set::IdSet;

/// Lists shorter than this are looked into before a value is tested.
const SHORT: usize = 32;
/// Lists from this length on are decoded once and remembered.
pub(super) const LONG: usize = 512;
/// A walk goes from one place to another one that is so many bytes ahead; further ones are looked up.
const NEAR: u32 = 1024;
/// More ids than these are put in order as sets.
const MOST_LISTED: usize = 32 << 10;
/// Where only one of so many ids can be left, each is looked up.
const SPARSE: u64 = 8;
/// Testing a series takes as long as visiting so many values, where no prefix spares tests.
const PLAIN_TEST: u64 = 2;
/// The same, where values are found by what they contain.
const SEARCHED: u64 = 64;

/// The values of one label name.
pub(super) struct Values<'a> {
    view: View<'a>,
    table: Table<'a>,
    name: &'a Name,
}

impl<'a> Source for View<'a> {
    type Error = Error;
    type Dictionary = Values<'a>;

    fn all(&self) -> Result<Arc<IdSet>, Error> {
        if let Some(all) = self.found.all.get() {
            return Ok(Arc::clone(all));
        }
        let list = self.all_list(&self.table()?)?;
        let all = || Arc::new(list.to_set());
        Ok(Arc::clone(self.found.all.get_or_init(all)))
    }

    fn dictionary(&self, name: &str) -> Result<Option<Values<'a>>, Error> {
        let table = self.table()?;
        // The empty name is the key of all series, and no label.
        let found = table.name(name).filter(|_| !name.is_empty());
        Ok(found.map(|name| Values { view: *self, table, name }))
    }
}

impl<'a> Values<'a> {
    /// All values with their lists, in order.
    pub(super) fn lists(&self) -> impl Iterator<Item = Result<(&'a str, List<'a>), Error>> {
        self.table.walk(self.name).map(|entry| {
            let entry = entry?;
            Ok((self.table.text(entry.value)?, self.view.list(&self.table, entry.place)?))
        })
    }

    /// All values with the places of their lists, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = Result<(&'a str, Place), Error>> {
        self.table.walk(self.name).map(|entry| {
            let entry = entry?;
            Ok((self.table.text(entry.value)?, entry.place))
        })
    }

    /// Whether a series of the list is in `series`, all of which are in the range.
    pub(super) fn meets(
        &self,
        place: Place,
        series: &IdSet,
        range: &RangeInclusive<u32>,
    ) -> Result<bool, Error> {
        let list = self.list(place)?;
        let near = list.between(*range.start(), *range.end());
        Ok(if near.len() < LONG {
            near.iter().any(|id| series.contains(id))
        } else {
            !self.view.set(place, list).is_disjoint(series)
        })
    }

    /// All values, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = Result<&'a str, Error>> {
        self.table.walk(self.name).map(|entry| self.table.text(entry?.value))
    }

    /// The number of the first list, by which the label is known.
    pub(super) fn number(&self) -> u32 {
        self.table.first_number(self.name)
    }

    /// The list at a place.
    pub(super) fn list(&self, place: Place) -> Result<List<'a>, Error> {
        self.view.list(&self.table, place)
    }

    /// Visits the values from `from` on as long as they have the scan's prefix.
    fn walk(
        &self,
        scan: &Scan<'_>,
        walk: Walk<'a>,
        mut visit: impl FnMut(&str, Place),
    ) -> Result<usize, Error> {
        let (prefix, suffix) = (scan.prefix.as_bytes(), scan.suffix.as_bytes());
        let contains = (!scan.contains.is_empty()).then(|| memmem::Finder::new(scan.contains));
        let mut looked_at = 0;
        for entry in walk {
            let entry = entry?;
            // Comparing with nothing is a call all the same, and on some machines a slow one.
            if !prefix.is_empty() && !entry.value.starts_with(prefix) {
                break;
            }
            looked_at += 1;
            let wanted = (suffix.is_empty() || entry.value.ends_with(suffix))
                && contains.as_ref().is_none_or(|text| text.find(entry.value).is_some());
            if wanted {
                visit(self.table.text(entry.value)?, entry.place);
            }
        }
        Ok(looked_at)
    }

    /// Visits the values that contain a text: it is searched in the bytes of all entries at once.
    fn search(
        &self,
        scan: &Scan<'_>,
        (start, packed): (u32, &[u8]),
        mut visit: impl FnMut(&str, Place),
    ) -> Result<usize, Error> {
        let finder = memmem::Finder::new(scan.contains);
        let mut walk = self.table.walk(self.name);
        let mut looked_at = 0;
        let mut from = 0;
        while let Some(hit) = packed.get(from..).and_then(|rest| finder.find(rest)) {
            // The contents are shorter than 4 GiB.
            let place = start.saturating_add((from + hit) as u32);
            if NEAR < place.saturating_sub(walk.place()) {
                walk = self.table.walk_at_place(self.name, place);
            }
            let mut holding = None;
            while walk.place() <= place {
                let Some(entry) = walk.next() else { break };
                holding = Some(entry?);
            }
            // What was found may also stand in the number of the entry before, or across two.
            if let Some(entry) = holding {
                looked_at += 1;
                let value = self.table.text(entry.value)?;
                if scan.wants(value) {
                    visit(value, entry.place);
                }
            }
            // A text that begins in this entry can reach into the next one only by accident.
            from = (walk.place().saturating_sub(start) as usize).max(from + hit + 1);
        }
        Ok(looked_at)
    }
}

impl<'a> Dictionary for Values<'a> {
    type Error = Error;
    type List = Place;

    fn value_count(&self) -> usize {
        self.table.value_count(self.name) as usize
    }

    fn series_count(&self) -> u64 {
        let present = self.name.presence.get().map(|presence| presence.len());
        // Its lists are not counted for an estimate.
        present.or_else(|| Some(self.view.all_list(&self.table).ok()?.len() as u64)).unwrap_or(0)
    }

    fn presence(&self) -> Result<Arc<IdSet>, Error> {
        if let Some(presence) = self.name.presence.get() {
            return Ok(Arc::clone(presence));
        }
        let mut ids = Vec::new();
        for item in self.lists() {
            ids.extend(item?.1.iter());
        }
        let all = self.view.all()?;
        // No series is in two lists of a name, so that as many as there are are all.
        let presence =
            if ids.len() as u64 == all.len() { all } else { Arc::new(IdSet::from_unsorted(ids)) };
        Ok(Arc::clone(self.name.presence.get_or_init(|| presence)))
    }

    fn get(&self, value: &str) -> Result<Option<Place>, Error> {
        Ok(self.table.find(self.name, value)?.map(|entry| entry.place))
    }

    fn scan(&self, scan: &Scan<'_>, visit: impl FnMut(&str, Place)) -> Result<usize, Error> {
        if scan.prefix.is_empty()
            && !scan.contains.is_empty()
            && let Some(packed) = self.table.packed(self.name)
        {
            return self.search(scan, packed, visit);
        }
        self.walk(scan, self.table.walk_from(self.name, scan.prefix.as_bytes()), visit)
    }

    fn list_len(&self, place: Place) -> Result<u64, Error> {
        Ok(self.list(place)?.len() as u64)
    }

    fn surely_misses(&self, place: Place, within: &IdSet) -> bool {
        // A list that cannot be read is not passed over.
        let list = self.list(place);
        list.is_ok_and(|list| list.len() < SHORT && !list.iter().any(|id| within.contains(id)))
    }

    fn union(&self, lists: &[Place], within: Option<&Arc<IdSet>>) -> Result<Arc<IdSet>, Error> {
        if within.is_none() && 1 < lists.len() && lists.len() == self.value_count() {
            return self.presence();
        }
        if let ([place], None) = (lists, within) {
            let list = self.list(*place)?;
            return Ok(if list.len() < LONG {
                Arc::new(list.to_set())
            } else {
                self.view.set(*place, list)
            });
        }
        let (mut long, mut short) = (Vec::new(), Vec::new());
        for place in lists {
            let list = self.list(*place)?;
            if list.len() < LONG {
                short.push(list);
                continue;
            }
            long.push(self.view.set(*place, list));
        }
        let mut sets = match (within, long.as_slice()) {
            (None, _) | (_, []) => long,
            (Some(within), [one]) => vec![IdSet::and_shared(within, one)],
            (Some(within), several) => vec![Arc::new(within.and_any(several))],
        };
        if !short.is_empty() {
            sets.push(Arc::new(union_of_short(&short, within)));
        }
        Ok(match sets.as_slice() {
            [] => Arc::default(),
            [one] => Arc::clone(one),
            _ => Arc::new(IdSet::union(sets.iter().map(|set| &**set))),
        })
    }

    fn both(&self, place: Place, other: &Self, longer: Place) -> Result<Arc<IdSet>, Error> {
        let list = self.list(place)?;
        if LONG <= list.len() {
            let series = self.view.set(place, list);
            return other.union(&[longer], Some(&series));
        }
        let other_list = self.view.list(&self.table, longer)?;
        let list = list.within(other_list);
        let ids: Vec<u32> = if other_list.len() < LONG {
            other_list.common(&list.iter().collect::<Vec<_>>())
        } else {
            let set = self.view.set(longer, other_list);
            list.iter().filter(|id| set.contains(*id)).collect()
        };
        Ok(Arc::new(IdSet::from_ascending(&ids)))
    }

    fn test(
        &self,
        within: &IdSet,
        scans: &[Scan<'_>],
        accepts: impl Fn(&str) -> bool,
    ) -> Result<Option<Tested>, Error> {
        let visits = scans.iter().map(|scan| {
            let values = u64::from(self.table.count_with_prefix(self.name, scan.prefix.as_bytes()));
            match (scan.prefix, scan.contains) {
                ("", "") => values / PLAIN_TEST,
                ("", _) => values / SEARCHED,
                _ => values,
            }
        });
        if visits.sum::<u64>() <= within.len() {
            return Ok(None);
        }
        labels::test(self.view, self.table.name_text(self.name)?, within, scans, accepts)
    }
}

/// The ids of short lists; of those in `within` only, if it is given.
fn union_of_short(lists: &[List<'_>], within: Option<&Arc<IdSet>>) -> IdSet {
    let total = lists.iter().map(List::len).sum::<usize>();
    let Some(within) = within else {
        return if total <= MOST_LISTED {
            IdSet::from_ascending(&gather(lists))
        } else {
            let mut ids = Vec::with_capacity(total);
            lists.iter().for_each(|list| ids.extend(list.iter()));
            IdSet::from_unsorted(ids)
        };
    };
    if MOST_LISTED < total || within.len().saturating_mul(SPARSE) < total as u64 {
        let mut ids = Vec::new();
        lists.iter().for_each(|list| ids.extend(list.iter().filter(|id| within.contains(*id))));
        return IdSet::from_unsorted(ids);
    }
    // Putting ids in order takes less than looking each one up.
    IdSet::from_ascending(&gather(lists)).and(within)
}
