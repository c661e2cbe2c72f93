//! What the planner asks of an index, be it in memory or a file.

use std::sync::Arc;

use memchr::memmem::Finder;

use crate::set::IdSet;

/// Names, each with a dictionary of its values.
pub(crate) trait Source {
    /// Why a lookup fails; [`Infallible`](std::convert::Infallible) in memory.
    type Error;
    /// The dictionary of one name; a reference or a cheap handle.
    type Dictionary: Dictionary<Error = Self::Error>;

    /// All series.
    fn all(&self) -> Result<Arc<IdSet>, Self::Error>;

    /// The dictionary of a label name, if some series carries it.
    fn dictionary(&self, name: &str) -> Result<Option<Self::Dictionary>, Self::Error>;
}

/// The values of one label name in byte order, each with the list of its series.
///
/// No value is empty, no list is empty, and no series is in two lists.
pub(crate) trait Dictionary {
    /// Why a lookup fails.
    type Error;
    /// The place of a value's list: small, and cheap to copy.
    type List: Copy;

    /// How many values there are.
    fn value_count(&self) -> usize;

    /// How many series carry the label, at most.
    fn series_count(&self) -> u64;

    /// The series that carry the label.
    fn presence(&self) -> Result<Arc<IdSet>, Self::Error>;

    /// The list of a value.
    fn get(&self, value: &str) -> Result<Option<Self::List>, Self::Error>;

    /// Visits the values that the scan asks for, in order; returns how many it looked at.
    fn scan(
        &self,
        scan: &Scan<'_>,
        visit: impl FnMut(&str, Self::List),
    ) -> Result<usize, Self::Error>;

    /// How many series a list has.
    fn list_len(&self, list: Self::List) -> Result<u64, Self::Error>;

    /// How long it takes to go through a list, in numbers.
    fn list_weight(&self, list: Self::List) -> Result<u64, Self::Error> {
        self.list_len(list)
    }

    /// How many values are in the scan's range, if that is known without looking at them.
    fn values_within(&self, _scan: &Scan<'_>) -> Option<usize> {
        None
    }

    /// Whether no series of the list is in `within`, where that is cheap to say; `false` otherwise.
    fn surely_misses(&self, _list: Self::List, _within: &IdSet) -> bool {
        false
    }

    /// The series of all `lists` (of those in `within` only, if it is given).
    fn union(
        &self,
        lists: &[Self::List],
        within: Option<&Arc<IdSet>>,
    ) -> Result<Arc<IdSet>, Self::Error>;

    /// The series that are in a list of this label and in a longer one of another label.
    fn both(
        &self,
        list: Self::List,
        other: &Self,
        longer: Self::List,
    ) -> Result<Arc<IdSet>, Self::Error> {
        let series = self.union(&[list], None)?;
        other.union(&[longer], Some(&series))
    }

    /// The series of `within` that have an accepted value among those that the scans ask for, told from
    /// the labels of each; `None` where visiting the values is less work, or labels are not at hand.
    fn test(
        &self,
        _within: &IdSet,
        _scans: &[Scan<'_>],
        _accepts: impl Fn(&str) -> bool,
    ) -> Result<Option<Tested>, Self::Error> {
        Ok(None)
    }
}

/// Series that were tested by their own labels.
pub(crate) struct Tested {
    /// Those that passed.
    pub(crate) series: IdSet,
    /// How many were looked at.
    pub(crate) looked_at: usize,
}

/// Which values a scan visits: those that have all three. Empty texts ask for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) contains: &'a str,
    pub(crate) suffix: &'a str,
}

impl Scan<'_> {
    /// Whether the scan asks for the value.
    pub(crate) fn wants(&self, value: &str) -> bool {
        // Comparing with nothing is a call all the same, and on some machines a slow one.
        (self.prefix.is_empty() || value.starts_with(self.prefix))
            && (self.suffix.is_empty() || value.ends_with(self.suffix))
            && (self.contains.is_empty() || value.contains(self.contains))
    }

    /// The scan made ready to search for its texts; the prefix is left out.
    pub(crate) fn sweep(&self) -> Sweep<'_> {
        let needle = (!self.contains.is_empty()).then(|| Finder::new(self.contains));
        Sweep { needle, suffix: self.suffix }
    }

    /// What it asks for.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        let texts = [self.prefix, self.contains, self.suffix].into_iter();
        texts.filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

/// What a scan looks for within its range of values.
pub(crate) struct Sweep<'a> {
    needle: Option<Finder<'a>>,
    suffix: &'a str,
}

impl<'a> Sweep<'a> {
    /// What values have to contain.
    pub(crate) fn needle(&self) -> Option<&Finder<'a>> {
        self.needle.as_ref()
    }

    /// Whether the value has the end that it has to have.
    pub(crate) fn ends(&self, value: &str) -> bool {
        self.suffix.is_empty() || value.ends_with(self.suffix)
    }
}
