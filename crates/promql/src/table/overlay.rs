//! One source above another, for what-if questions about stored data.

use std::cmp::Ordering;

use skopos_core::{Error, Labels, Selection, Series, SeriesSet, SeriesSource};

/// Two sources as one: of a series that both have, the one above counts, whole.
///
/// A replay of rules writes into a table above the stored series and reads both; what was recorded
/// at the time is hidden by what is recorded now. Selections cost those of both sources.
///
/// ```
/// use skopos_core::{Labels, QueryEngine, QueryRequest, QueryValue, Sample, Timestamp};
/// use skopos_promql::{Engine, EngineOptions, Overlay, Table};
///
/// let series = |name: &str, v: f64| {
///     Table::from_iter([(Labels::from_pairs([("__name__", name)]), vec![Sample::new(0, v)])])
/// };
/// let mut above = series("a", 10.0);
/// above.columns_mut(&Labels::from_pairs([("__name__", "c")])).push(0, 30.0);
/// let engine = Engine::new(Overlay::new(series("a", 1.0), above), EngineOptions::default());
/// let request = QueryRequest::instant("{__name__=~'.+'}", Timestamp::from_millis(0));
/// let QueryValue::Vector(vector) = engine.query(&request)?.value else { unreachable!() };
/// let values: Vec<String> = vector.iter().map(|sample| format!("{:?}", sample.value)).collect();
/// assert_eq!(values, ["Float(10.0)", "Float(30.0)"]);
/// # Ok::<(), skopos_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Overlay<B, A> {
    below: B,
    above: A,
}

impl<B, A> Overlay<B, A> {
    /// `above` over `below`.
    #[must_use]
    pub fn new(below: B, above: A) -> Self {
        Self { below, above }
    }

    /// The source below.
    pub fn below(&self) -> &B {
        &self.below
    }

    /// The source above.
    pub fn above(&self) -> &A {
        &self.above
    }
}

/// The series come in the order of their labels.
impl<B: SeriesSource, A: SeriesSource> SeriesSource for Overlay<B, A> {
    fn select<'a>(&'a self, selection: &Selection) -> Result<Box<dyn SeriesSet<'a> + 'a>, Error> {
        let sorted = selection.clone().sorted();
        let mut left = match selection.limit() {
            0 => usize::MAX,
            limit => limit,
        };
        let mut below = Ahead::new(self.below.select(&sorted)?);
        let mut above = Ahead::new(self.above.select(&sorted)?);
        let mut warnings = Vec::new();
        let mut series = Vec::new();
        while left != 0 {
            let Some(next) = next(&mut below, &mut above)? else { break };
            series.push(next);
            left -= 1;
        }
        warnings.extend(below.set.warnings());
        warnings.extend(above.set.warnings());
        Ok(Box::new(Merged { series: series.into_iter(), warnings }))
    }
}

/// The next series in the order of labels.
fn next<'a>(
    below: &mut Ahead<'a>,
    above: &mut Ahead<'a>,
) -> Result<Option<Box<dyn Series + 'a>>, Error> {
    let order = match (below.peek()?, above.peek()?) {
        (None, None) => return Ok(None),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(below), Some(above)) => below.cmp(above),
    };
    if order == Ordering::Equal {
        below.next = None;
    }
    let from = if order == Ordering::Less { below } else { above };
    Ok(from.next.take().map(|(_, series)| series))
}

/// A set of which the next series is known.
struct Ahead<'a> {
    set: Box<dyn SeriesSet<'a> + 'a>,
    next: Option<(Labels, Box<dyn Series + 'a>)>,
    ended: bool,
}

impl<'a> Ahead<'a> {
    fn new(set: Box<dyn SeriesSet<'a> + 'a>) -> Self {
        Self { set, next: None, ended: false }
    }

    fn peek(&mut self) -> Result<Option<&Labels>, Error> {
        if self.next.is_none() && !self.ended {
            match self.set.advance()? {
                Some(series) => self.next = Some((series.labels().to_labels(), series)),
                None => self.ended = true,
            }
        }
        Ok(self.next.as_ref().map(|(labels, _)| labels))
    }
}

struct Merged<'a> {
    series: std::vec::IntoIter<Box<dyn Series + 'a>>,
    warnings: Vec<String>,
}

impl<'a> SeriesSet<'a> for Merged<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, Error> {
        Ok(self.series.next())
    }

    fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}

#[cfg(test)]
mod tests {
    use skopos_testkit::conformance;

    use super::*;
    use crate::table::Table;

    #[test]
    fn an_overlay_keeps_the_laws_of_reading() {
        for split in 0..3 {
            conformance::series_source(|fixture| {
                let part = |above: bool| -> Table {
                    let all = fixture.series.iter().enumerate();
                    let chosen = all.filter(|(i, _)| (i % 3 < split) == above);
                    chosen.map(|(_, (labels, s))| (labels.clone(), s.clone())).collect()
                };
                Overlay::new(part(false), part(true))
            });
        }
    }
}
