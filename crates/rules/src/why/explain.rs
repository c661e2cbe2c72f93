//! The way down an expression without a result, to the parts that are to blame.
//!
//! Each part is asked for at most once on the way, besides what selectors need.

use skopos_core::{Error, Labels};

use super::asking::{Asking, fits, has_all};
use super::cause::{Cause, CauseKind};
use super::part::{Aggregation, Binary, Part, PartKind, Side};
use super::selection::nearest_values;

/// How many values or comparisons are told of.
pub(super) const MAX_TOLD: usize = 5;

/// Why an expression gives no series with the labels that are wanted; nothing if it does.
pub(super) fn absence(asking: &Asking<'_>, part: &Part, wanted: &Labels) -> Option<Cause> {
    let series = match asking.fitting(&part.text, wanted) {
        Ok(given) => given.series,
        Err(error) => return Some(failed(part, &error)),
    };
    if series.is_empty() {
        return Some(Descent { asking }.cause(part, wanted));
    }
    if series.iter().any(|(labels, _)| has_all(labels, wanted)) {
        return None;
    }
    let label = wanted.iter().map(|(name, _)| name);
    let label = label.into_iter().find(|name| series.iter().all(|(l, _)| l.get(name).is_none()));
    let label = label.unwrap_or_default();
    let taken = taken_away(part, label);
    let kind = CauseKind::LabelLost { label: label.to_owned(), taken_away: taken.is_some() };
    Some(Cause::new(&taken.unwrap_or(part).span, kind))
}

pub(super) fn failed(part: &Part, error: &Error) -> Cause {
    Cause::new(&part.span, CauseKind::Failed { error: error.to_string() })
}

/// The outermost part that takes a label away.
fn taken_away<'a>(part: &'a Part, label: &str) -> Option<&'a Part> {
    match &part.kind {
        PartKind::Aggregation(aggregation) if !aggregation.keeps(label) => Some(part),
        PartKind::Aggregation(Aggregation { operand, .. }) => taken_away(operand, label),
        PartKind::Binary(binary) => {
            let matching = binary.matching.as_ref().filter(|_| !binary.is_set());
            let loses = |side| matching.is_some_and(|m| !m.takes(label, side));
            if loses(Side::Left) && loses(Side::Right) {
                return Some(part);
            }
            taken_away(&binary.left, label).or_else(|| taken_away(&binary.right, label))
        }
        PartKind::Call { arguments, .. } | PartKind::Other(arguments) => {
            arguments.iter().find_map(|argument| taken_away(argument, label))
        }
        PartKind::Subquery(inner) | PartKind::Transparent(inner) => taken_away(inner, label),
        PartKind::Number(_) | PartKind::Selector(_) | PartKind::Text(_) => None,
    }
}

/// A walk down.
pub(super) struct Descent<'a, 'b> {
    pub(super) asking: &'b Asking<'a>,
}

impl Descent<'_, '_> {
    /// Why a part gives no series that fits what is wanted.
    pub(super) fn cause(&self, part: &Part, wanted: &Labels) -> Cause {
        let result = match &part.kind {
            PartKind::Aggregation(aggregation) => self.aggregation(part, aggregation, wanted),
            PartKind::Binary(binary) => self.binary(part, binary, wanted),
            PartKind::Call { function, arguments } => self.call(part, function, arguments, wanted),
            PartKind::Other(operands) => {
                self.operands(part, "expression", operands, wanted, wanted)
            }
            PartKind::Selector(selector) => self.selector(part, selector, wanted),
            PartKind::Subquery(inner) => self.operand(part, "subquery", inner, wanted, wanted),
            PartKind::Transparent(inner) => return self.cause(inner, wanted),
            PartKind::Number(_) | PartKind::Text(_) => self.dropped(part, "constant", wanted),
        };
        result.unwrap_or_else(|error| failed(part, &error))
    }

    /// Why a part gives nothing of which one operand must give something: of that, series that fit
    /// `within`.
    fn operand(
        &self,
        part: &Part,
        operator: &str,
        operand: &Part,
        wanted: &Labels,
        within: &Labels,
    ) -> Result<Cause, Error> {
        let given = match &operand.kind {
            PartKind::Selector(selector) if selector.range.is_some() => {
                let few = self.too_few(operator, operand, within)?;
                return few.map_or_else(|| self.dropped(part, operator, wanted), Ok);
            }
            PartKind::Subquery(inner) => self.asking.fitting(&inner.text, within)?,
            _ => self.asking.fitting(&operand.text, within)?,
        };
        match given.series.is_empty() {
            true => Ok(self.cause(operand, within)),
            false => self.dropped(part, operator, wanted),
        }
    }

    /// That a range holds no samples, or a single one where two are needed.
    fn too_few(
        &self,
        function: &str,
        operand: &Part,
        within: &Labels,
    ) -> Result<Option<Cause>, Error> {
        let counts = format!("count_over_time({})", operand.text);
        let counts = self.asking.fitting(&counts, within)?.series;
        let count = |(_, count): &(Labels, Option<f64>)| count.unwrap_or(0.0);
        let most = counts.into_iter().max_by(|a, b| count(a).total_cmp(&count(b)));
        Ok(match most {
            None => Some(self.cause(operand, within)),
            Some((series, Some(samples))) if samples < 2.0 => {
                let (function, samples) = (function.to_owned(), samples as u64);
                let kind = CauseKind::TooFewSamples { function, series, samples };
                Some(Cause::new(&operand.span, kind))
            }
            Some(_) => None,
        })
    }

    /// Why a part gives nothing, though it was given something.
    fn dropped(&self, part: &Part, operator: &str, wanted: &Labels) -> Result<Cause, Error> {
        let all = self.asking.ask(&part.text)?.series;
        for (label, value) in wanted {
            let values = || all.iter().filter_map(|(labels, _)| labels.get(label));
            if values().next().is_some() && values().all(|has| has != value) {
                let (found, _) = nearest_values(values(), value);
                let (label, wanted) = (label.to_owned(), value.to_owned());
                let kind = CauseKind::LabelValue { label, wanted, found };
                return Ok(Cause::new(&part.span, kind));
            }
        }
        Ok(Cause::new(&part.span, CauseKind::Dropped { operator: operator.to_owned() }))
    }

    fn aggregation(
        &self,
        part: &Part,
        aggregation: &Aggregation,
        wanted: &Labels,
    ) -> Result<Cause, Error> {
        let made = aggregation.made_label();
        let within = wanted.filtered(|name| aggregation.keeps(name) && made != Some(name));
        self.operand(part, &aggregation.operator, &aggregation.operand, wanted, &within)
    }

    fn call(
        &self,
        part: &Part,
        function: &str,
        arguments: &[Part],
        wanted: &Labels,
    ) -> Result<Cause, Error> {
        if let ("absent" | "absent_over_time", [argument]) = (function, arguments) {
            let present = match &argument.kind {
                PartKind::Selector(_) if function == "absent_over_time" => {
                    self.asking.ask(&format!("last_over_time({})", argument.text))?
                }
                PartKind::Subquery(inner) => self.asking.ask(&inner.text)?,
                _ => self.asking.ask(&argument.text)?,
            };
            if let Some((series, _)) = present.series.first() {
                let (series, count) = (series.clone(), present.series.len());
                let function = function.to_owned();
                let kind = CauseKind::AbsentOfSeries { function, series, count };
                return Ok(Cause::new(&argument.span, kind));
            }
            return self.dropped(part, function, wanted);
        }
        let made = match (function, arguments.get(1).map(|argument| &argument.kind)) {
            ("label_join" | "label_replace", Some(PartKind::Text(label))) => Some(&**label),
            _ => None,
        };
        let within = wanted.filtered(|name| made != Some(name));
        self.operands(part, function, arguments, wanted, &within)
    }

    /// Why a part gives nothing of which the first operand with series says how many it gives.
    fn operands(
        &self,
        part: &Part,
        operator: &str,
        operands: &[Part],
        wanted: &Labels,
        within: &Labels,
    ) -> Result<Cause, Error> {
        let constant = |p: &&Part| !matches!(p.kind, PartKind::Number(_) | PartKind::Text(_));
        for operand in operands.iter().filter(constant) {
            let is_range = match &operand.kind {
                PartKind::Selector(selector) => selector.range.is_some(),
                other => matches!(other, PartKind::Subquery(_)),
            };
            if is_range || !self.asking.ask(&operand.text)?.is_scalar {
                return self.operand(part, operator, operand, wanted, within);
            }
        }
        self.dropped(part, operator, wanted)
    }

    fn binary(&self, part: &Part, binary: &Binary, wanted: &Labels) -> Result<Cause, Error> {
        let matching = binary.matching.as_ref();
        let of = |side: Side| match matching {
            Some(_) if binary.is_set() && side == Side::Left => wanted.clone(),
            Some(_) if binary.operator == "or" => wanted.clone(),
            Some(m) if binary.is_set() => wanted.filtered(|name| m.compares(name)),
            Some(m) => wanted.filtered(|name| m.takes(name, side)),
            None => wanted.clone(),
        };
        let (left_wanted, right_wanted) = (of(Side::Left), of(Side::Right));
        let left = self.asking.fitting(&binary.left.text, &left_wanted)?;
        let right = self.asking.fitting(&binary.right.text, &right_wanted)?;
        let fill = |side| match (matching, side) {
            (Some(m), Side::Left) => m.fill_left,
            (Some(m), Side::Right) => m.fill_right,
            (None, _) => None,
        };
        let left_lacks = left.series.is_empty() && fill(Side::Left).is_none();
        let mut right_lacks = right.series.is_empty() && fill(Side::Right).is_none();
        if binary.operator == "unless" {
            right_lacks = false;
        }
        let left_cause = || self.cause(&binary.left, &left_wanted);
        let right_cause = || self.cause(&binary.right, &right_wanted);
        match (left_lacks, right_lacks) {
            (true, true) => {
                let causes = vec![left_cause(), right_cause()];
                let kind = match &*binary.operator {
                    "or" => CauseKind::Alternatives { causes },
                    _ => CauseKind::Operands { causes },
                };
                Ok(Cause::new(&part.span, kind))
            }
            (true, false) if binary.operator != "or" => Ok(left_cause()),
            (false, true) if binary.operator != "or" => Ok(right_cause()),
            _ => match self.pairing(part, binary, &left, &right) {
                Some(cause) => Ok(cause),
                None => self.dropped(part, &binary.operator, wanted),
            },
        }
    }

    /// Why a value of an operand is missing: `scalar` of anything but one series.
    pub(super) fn missing_scalar(&self, part: &Part) -> Option<Cause> {
        match &part.kind {
            PartKind::Call { function, arguments } if function == "scalar" => {
                let argument = arguments.first()?;
                let given = self.asking.ask(&argument.text).ok()?;
                given.series.is_empty().then(|| self.cause(argument, &Labels::empty()))
            }
            PartKind::Binary(Binary { left, right, .. }) => {
                self.missing_scalar(left).or_else(|| self.missing_scalar(right))
            }
            PartKind::Transparent(inner) => self.missing_scalar(inner),
            PartKind::Call { arguments, .. } => {
                arguments.iter().find_map(|argument| self.missing_scalar(argument))
            }
            _ => None,
        }
    }
}

/// The comparison that holds for the series that are wanted, if the expression is one at heart.
pub(super) fn condition(asking: &Asking<'_>, part: &Part, wanted: &Labels) -> Option<Cause> {
    match &part.kind {
        PartKind::Transparent(inner) => condition(asking, inner, wanted),
        PartKind::Binary(binary) if binary.operator == "or" => {
            let holds = |side: &Part| {
                let given = asking.fitting(&side.text, wanted).ok()?;
                given.series.iter().any(|(labels, _)| fits(labels, wanted)).then_some(())?;
                condition(asking, side, wanted)
            };
            holds(&binary.left).or_else(|| holds(&binary.right))
        }
        PartKind::Binary(binary) if binary.is_set() => condition(asking, &binary.left, wanted),
        PartKind::Binary(binary) if binary.filters() => {
            let left = asking.fitting(&binary.left.text, wanted).ok()?;
            let right = asking.fitting(&binary.right.text, wanted).ok()?;
            Descent { asking }.held(part, binary, &left, &right)
        }
        _ => None,
    }
}
