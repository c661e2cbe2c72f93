//! Two operands that both have series: which met which, and what came of it.

use std::ops::Range;

use hashbrown::HashMap;
use skopos_core::Labels;

use super::asking::{Given, Valued};
use super::cause::{Cause, CauseKind, Compared, changes};
use super::explain::{Descent, MAX_TOLD};
use super::part::{Binary, Matching, Part};

/// How many series are looked at for the most similar one.
const MAX_COMPARED: usize = 10_000;

impl Descent<'_, '_> {
    /// Why an operator gives nothing for operands that give something, if that can be seen.
    pub(super) fn pairing(
        &self,
        part: &Part,
        binary: &Binary,
        left: &Given,
        right: &Given,
    ) -> Option<Cause> {
        let Some(matching) = binary.matching.as_ref() else {
            if !binary.filters() {
                return None;
            }
            let pairs = with_scalar(left, right);
            return Some(self.compared(part, binary, pairs));
        };
        let (pairs, alone) = meet(matching, left, right);
        match &*binary.operator {
            "unless" => {
                let (l, r) = pairs.first()?;
                let (left, right) = (l.0.clone(), r.0.clone());
                let span = self.operator_span(part, binary);
                return Some(Cause::new(&span, CauseKind::Excluded { left, right }));
            }
            "and" | "or" if !pairs.is_empty() => return None,
            _ if pairs.is_empty() => {
                let kind = no_partner(binary, matching, alone.first()?, right)?;
                return Some(Cause::new(&self.operator_span(part, binary), kind));
            }
            _ => {}
        }
        if !binary.filters() {
            return None;
        }
        let pair = |(l, r): (Valued, Valued)| Compared { series: l.0, left: l.1, right: r.1 };
        Some(self.compared(part, binary, pairs.into_iter().map(pair).collect()))
    }

    /// The comparison that holds, of one pair.
    pub(super) fn held(
        &self,
        part: &Part,
        binary: &Binary,
        left: &Given,
        right: &Given,
    ) -> Option<Cause> {
        let pairs = match &binary.matching {
            None => with_scalar(left, right),
            Some(matching) => {
                let (pairs, _) = meet(matching, left, right);
                let pair =
                    |(l, r): (Valued, Valued)| Compared { series: l.0, left: l.1, right: r.1 };
                pairs.into_iter().map(pair).collect()
            }
        };
        let kept = pairs.into_iter().filter(|pair| holds(&binary.operator, pair)).collect();
        let cause = self.compared(part, binary, kept);
        match &cause.kind {
            CauseKind::Comparison { compared, .. } if compared.is_empty() => None,
            _ => Some(cause),
        }
    }

    fn compared(&self, part: &Part, binary: &Binary, mut pairs: Vec<Compared>) -> Cause {
        pairs.sort_by(|a, b| a.distance().total_cmp(&b.distance()));
        let more = pairs.len().saturating_sub(MAX_TOLD);
        pairs.truncate(MAX_TOLD);
        let is_missing = |value: Option<f64>| value.is_some_and(f64::is_nan);
        let mut because = Vec::new();
        if pairs.iter().any(|pair| is_missing(pair.left)) {
            because.extend(self.missing_scalar(&binary.left));
        }
        if pairs.iter().any(|pair| is_missing(pair.right)) {
            because.extend(self.missing_scalar(&binary.right));
        }
        let operator = binary.operator.clone();
        let kind = CauseKind::Comparison { operator, compared: pairs, more, because };
        Cause::new(&self.operator_span(part, binary), kind)
    }

    /// The operator with its right operand: what was asked of the left one.
    fn operator_span(&self, part: &Part, binary: &Binary) -> Range<usize> {
        let (from, to) = (binary.left.span.end, binary.right.span.end);
        match self.asking.expr.get(from..to) {
            Some(text) if !text.trim().is_empty() => to - text.trim_start().len()..to,
            _ => part.span.clone(),
        }
    }
}

fn holds(operator: &str, pair: &Compared) -> bool {
    let (Some(left), Some(right)) = (pair.left, pair.right) else { return false };
    match operator {
        "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    }
}

/// Pairs of a vector's series with a scalar.
fn with_scalar(left: &Given, right: &Given) -> Vec<Compared> {
    let value = |given: &Given| given.series.first().and_then(|(_, value)| *value);
    if left.is_scalar {
        let scalar = value(left);
        let pair = |(series, value): &Valued| Compared {
            series: series.clone(),
            left: scalar,
            right: *value,
        };
        return right.series.iter().map(pair).collect();
    }
    let scalar = value(right);
    let pair =
        |(series, value): &Valued| Compared { series: series.clone(), left: *value, right: scalar };
    left.series.iter().map(pair).collect()
}

/// The pairs that meet, and the series on the left that meet none.
fn meet(matching: &Matching, left: &Given, right: &Given) -> (Vec<(Valued, Valued)>, Vec<Valued>) {
    let key = |labels: &Labels| labels.filtered(|name| matching.compares(name));
    let mut by_key: HashMap<Labels, Vec<&Valued>> = HashMap::new();
    for series in &right.series {
        by_key.entry(key(&series.0)).or_default().push(series);
    }
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    let mut met = hashbrown::HashSet::new();
    for series in &left.series {
        let key = key(&series.0);
        match by_key.get(&key) {
            Some(partners) => {
                pairs.extend(partners.iter().map(|partner| (series.clone(), (*partner).clone())));
                met.insert(key);
            }
            None => match matching.fill_right {
                Some(fill) => pairs.push((series.clone(), (key, Some(fill)))),
                None => alone.push(series.clone()),
            },
        }
    }
    if let Some(fill) = matching.fill_left {
        for (key, partners) in by_key.into_iter().filter(|(key, _)| !met.contains(key)) {
            pairs.extend(partners.into_iter().map(|p| ((key.clone(), Some(fill)), p.clone())));
        }
    }
    (pairs, alone)
}

/// How a series differs from the one on the right that it is most similar to.
fn no_partner(
    binary: &Binary,
    matching: &Matching,
    (left, _): &Valued,
    right: &Given,
) -> Option<CauseKind> {
    let candidates = right.series.iter().take(MAX_COMPARED).map(|(labels, _)| {
        let differing = changes(left, labels, |name| matching.compares(name));
        (labels, differing)
    });
    let (nearest, differing) = candidates.min_by_key(|(_, differing)| differing.len())?;
    Some(CauseKind::NoPartner {
        operator: binary.operator.clone(),
        left: left.clone(),
        right: nearest.clone(),
        differing,
    })
}
