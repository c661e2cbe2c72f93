//! Label sets: the view that crosses every seam, and the one owned form.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use triomphe::{Arc, HeaderSlice};

use crate::text::{Quoted, is_legacy_label_name};

mod packed;
#[cfg(test)]
mod tests;

pub use self::packed::{Iter, LabelsPacker};

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";
/// The label of a classic histogram bucket's upper bound.
pub const BUCKET_BOUND: &str = "le";
/// The label of a summary's quantile.
pub const QUANTILE: &str = "quantile";
/// The label that names an alert.
pub const ALERT_NAME: &str = "alertname";
/// The label that tells an alert's state in the series `ALERTS`.
pub const ALERT_STATE: &str = "alertstate";
/// The label of a target's address.
pub const INSTANCE: &str = "instance";
/// The label of a scrape job.
pub const JOB: &str = "job";

/// A view of a label set, of whatever layout.
///
/// # Laws
///
/// * `visit` gives each label once, in ascending byte order of names, and the same at every call.
/// * An empty value is the same as an absent label; implementations give none.
/// * Overridden methods agree with what the default ones would say.
///
/// ```
/// use skopos_core::LabelSet;
///
/// let pairs: &[(&str, &str)] = &[("a", "1"), ("b", "2")];
/// let mut names = Vec::new();
/// pairs.visit(&mut |name, _value| names.push(name));
/// assert_eq!(names, ["a", "b"]);
/// ```
pub trait LabelSet {
    /// Calls `visitor` with the name and the value of each label, in name order.
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str));

    /// The value of the label `name`, if it is there. Linear unless overridden.
    fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        let mut found = None;
        self.visit(&mut |n, v| {
            if n == name {
                found = Some(v);
            }
        });
        found
    }

    /// The owned form. Builds it unless overridden; [`Labels`] only counts a reference.
    fn to_labels(&self) -> Labels {
        let mut packed = LabelsPacker::new();
        self.visit(&mut |name, value| _ = packed.push(name, value));
        packed.finish()
    }
}

impl<L: LabelSet + ?Sized> LabelSet for &L {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        (**self).visit(visitor);
    }

    fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        (**self).value(name)
    }

    fn to_labels(&self) -> Labels {
        (**self).to_labels()
    }
}

/// Pairs in ascending order of names, each name once.
impl LabelSet for [(&str, &str)] {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        for (name, value) in self.iter().filter(|(_, value)| !value.is_empty()) {
            visitor(name, value);
        }
    }
}

/// Pairs in ascending order of names, each name once.
impl<const N: usize> LabelSet for [(&str, &str); N] {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        self.as_slice().visit(visitor);
    }
}

/// An owned label set: immutable, sorted by name, without empty values.
///
/// One allocation, shared by its clones; equality and hashing look at one contiguous string.
/// Reading a label is linear in the size of the set, which in practice beats a search. How many there
/// are is known.
///
/// ```
/// use skopos_core::Labels;
///
/// let labels = Labels::from_pairs([("method", "GET"), ("__name__", "requests_total"), ("gone", "")]);
/// assert_eq!(labels.len(), 2);
/// assert_eq!(labels.metric_name(), Some("requests_total"));
/// let names: Vec<&str> = labels.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["__name__", "method"]);
/// ```
#[derive(Clone, Default, Eq)]
pub struct Labels {
    /// Invariant: made by [`LabelsPacker`]; names ascending and distinct, no empty value. Before that
    /// stands how many labels there are; nothing where there is none.
    packed: Option<Arc<HeaderSlice<u32, str>>>,
}

impl Labels {
    /// The empty label set.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A label set from pairs in any order. Of a repeated name the last value counts, and an empty
    /// value removes the label.
    ///
    /// O(n log n) in the number of pairs, linear where they are sorted already.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().collect();
        // Those of one name stay in their order.
        pairs.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        let mut packed = LabelsPacker::new();
        for of_one_name in pairs.chunk_by(|(a, _), (b, _)| a.as_ref() == b.as_ref()) {
            if let Some((name, value)) = of_one_name.last() {
                packed.push(name.as_ref(), value.as_ref());
            }
        }
        packed.finish()
    }

    /// A label set from pairs in ascending order of names, each name once; empty values are left out.
    ///
    /// Costs one allocation. Pairs in another order make a set that is not equal to the right one;
    /// builds with debug assertions panic then.
    ///
    /// ```
    /// # use skopos_core::Labels;
    /// let labels = Labels::from_sorted_pairs([("a", "1"), ("b", ""), ("c", "3")]);
    /// assert_eq!(labels, Labels::from_pairs([("c", "3"), ("a", "1")]));
    /// ```
    #[inline]
    pub fn from_sorted_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut packed = LabelsPacker::new();
        for (name, value) in pairs {
            packed.push(name, value);
        }
        packed.finish()
    }

    /// A set that [`LabelsPacker`] packed, of so many labels.
    #[inline]
    fn new(packed: &str, len: usize) -> Self {
        debug_assert_eq!(Iter::new(packed).count(), len, "labels must be counted");
        if packed.is_empty() {
            return Self { packed: None };
        }
        let len = u32::try_from(len).expect("labels are fewer than four thousand million");
        Self { packed: Some(Arc::from_header_and_str(len, packed)) }
    }

    #[inline]
    fn packed(&self) -> &str {
        self.packed.as_deref().map_or("", |packed| &packed.slice)
    }

    /// Whether both are clones of one set.
    #[inline]
    fn is_clone(&self, other: &Self) -> bool {
        match (&self.packed, &other.packed) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }

    /// The labels in name order.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self.packed())
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packed.as_deref().map_or(0, |packed| packed.header as usize)
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_none()
    }

    /// The value of the label `name`, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The value of `__name__`, if it is there.
    #[must_use]
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME)
    }

    /// The labels for whose names `keep` holds.
    ///
    /// ```
    /// # use skopos_core::Labels;
    /// let labels = Labels::from_pairs([("a", "1"), ("b", "2")]);
    /// assert_eq!(labels.filtered(|name| name != "a").to_string(), r#"{b="2"}"#);
    /// ```
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        if self.iter().all(|(name, _)| keep(name)) {
            return self.clone();
        }
        let mut packed = LabelsPacker::new();
        for (name, value) in self.iter().filter(|(name, _)| keep(name)) {
            packed.push(name, value);
        }
        packed.finish()
    }

    /// The labels without `__name__`.
    #[must_use]
    pub fn without_metric_name(&self) -> Self {
        self.filtered(|name| name != METRIC_NAME)
    }

    /// A builder that starts from these labels.
    #[must_use]
    pub fn to_builder(&self) -> LabelsBuilder {
        LabelsBuilder { labels: self.iter().map(|(n, v)| (n.into(), v.into())).collect() }
    }

    /// Bytes of heap memory behind the set; clones share them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        // The allocation holds a count of references before that of the labels, in whole words.
        let packed = self.packed.as_deref();
        packed.map_or(0, |packed| size_of::<usize>() + size_of_val(packed))
    }
}

/// Clones are told without a look at the labels.
impl PartialEq for Labels {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.is_clone(other) || self.packed() == other.packed()
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.packed().hash(state);
    }
}

impl LabelSet for Labels {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        for (name, value) in self {
            visitor(name, value);
        }
    }

    fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.get(name)
    }

    fn to_labels(&self) -> Labels {
        self.clone()
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Pair by pair, names before values; a prefix comes first. Prometheus orders series in this way.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_clone(other) {
            return Ordering::Equal;
        }
        packed::compare(self.packed(), other.packed())
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `{a="1", b="2"}`, names quoted where they must be.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, (name, value)) in self.iter().enumerate() {
            if 0 < i {
                f.write_str(", ")?;
            }
            if is_legacy_label_name(name) {
                f.write_str(name)?;
            } else {
                Quoted(name).fmt(f)?;
            }
            write!(f, "={}", Quoted(value))?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Collects labels in any order.
///
/// ```
/// use skopos_core::Labels;
///
/// let mut builder = Labels::from_pairs([("job", "api"), ("zone", "a")]).to_builder();
/// builder.set("instance", "host:9090").remove("zone");
/// assert_eq!(builder.finish().to_string(), r#"{instance="host:9090", job="api"}"#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    /// Invariant: names ascending and distinct, no empty value.
    labels: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// A builder without labels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.position(name) {
            Ok(at) if value.is_empty() => drop(self.labels.remove(at)),
            Ok(at) => self.labels[at].1 = value.into(),
            Err(_) if value.is_empty() => {}
            Err(at) => self.labels.insert(at, (name.into(), value.into())),
        }
        self
    }

    /// Removes a label, if it is there.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// Keeps the labels for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) -> &mut Self {
        self.labels.retain(|(name, value)| keep(name, value));
        self
    }

    /// The value of a label, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.position(name).ok().map(|at| self.labels[at].1.as_str())
    }

    /// The labels so far, in name order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The finished label set.
    #[must_use]
    pub fn finish(&self) -> Labels {
        let mut packed = LabelsPacker::new();
        for (name, value) in self.iter() {
            packed.push(name, value);
        }
        packed.finish()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.labels.binary_search_by(|(n, _)| n.as_str().cmp(name))
    }
}

/// What a builder holds, in name order.
impl LabelSet for LabelsBuilder {
    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a str, &'a str)) {
        for (name, value) in self.iter() {
            visitor(name, value);
        }
    }

    fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.get(name)
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self::from_pairs(pairs)
    }
}
