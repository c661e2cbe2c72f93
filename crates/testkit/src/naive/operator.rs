//! Operators between numbers and vectors.

use skopos_core::Labels;

use super::eval::{Element, Evaluator, Failure, Result, Value, with, without, without_name};
use super::expr::{Binary, Expr, Group, Kind, Matching};
use super::histogram::Histogram;

/// What an operator makes of two numbers.
pub(crate) fn scalars(evaluator: &Evaluator<'_>, op: &str, a: f64, b: f64) -> f64 {
    let (v, holds) = floats(evaluator, op, a, b);
    match holds {
        Some(holds) => f64::from(u8::from(holds)),
        None => v,
    }
}

/// The value, and for a comparison whether it holds; its value is the left one.
fn floats(evaluator: &Evaluator<'_>, op: &str, a: f64, b: f64) -> (f64, Option<bool>) {
    let (v, holds) = exact_floats(op, a, b);
    (evaluator.nudged(op, v), holds)
}

fn exact_floats(op: &str, a: f64, b: f64) -> (f64, Option<bool>) {
    match op {
        "+" => (a + b, None),
        "-" => (a - b, None),
        "*" => (a * b, None),
        "/" => (a / b, None),
        "%" => (a % b, None),
        "^" => (a.powf(b), None),
        // Where the quotient is too small for a float, its sign is lost.
        "atan2" if a != 0.0 && b < 0.0 && b.is_finite() && a / b == 0.0 => {
            (std::f64::consts::PI, None)
        }
        "atan2" => (a.atan2(b), None),
        "==" => (a, Some(a == b)),
        "!=" => (a, Some(a != b)),
        "<" => (a, Some(a < b)),
        "<=" => (a, Some(a <= b)),
        ">" => (a, Some(a > b)),
        _ => (a, Some(a >= b)),
    }
}

/// The same of any two values; nothing where the operator is not for them.
fn values(
    evaluator: &Evaluator<'_>,
    op: &str,
    a: &Value,
    b: &Value,
) -> Result<Option<(Value, Option<bool>)>> {
    let arithmetic = |h: Histogram| Some((h.compact().into(), None));
    Ok(match (a, b) {
        (Value::Float(a), Value::Float(b)) => {
            let (v, holds) = floats(evaluator, op, *a, *b);
            Some((Value::Float(v), holds))
        }
        (Value::Float(v), Value::Histogram(h)) | (Value::Histogram(h), Value::Float(v))
            if op == "*" =>
        {
            arithmetic(h.times(*v))
        }
        (Value::Histogram(h), Value::Float(v)) if op == "/" => arithmetic(h.over(*v)),
        (Value::Histogram(g), Value::Histogram(h)) => match op {
            "+" => g.plus(h)?.and_then(arithmetic),
            "-" => g.minus(h)?.and_then(arithmetic),
            "==" => Some((a.clone(), Some(g.equals(h)?))),
            "!=" => Some((a.clone(), Some(!g.equals(h)?))),
            _ => None,
        },
        _ => None,
    })
}

/// The vectors of an operator of which at least one operand is a vector.
pub(crate) fn vectors(
    evaluator: &Evaluator<'_>,
    binary: &Binary,
    times: &[i64],
) -> Result<Vec<Vec<Element>>> {
    let operand = |expr: &Expr| -> Result<Vec<Vec<Element>>> {
        if expr.kind() == Kind::Vector {
            return evaluator.vector(expr, times);
        }
        let numbers = evaluator.scalar(expr, times)?;
        Ok(numbers.into_iter().map(|v| vec![Element::new(Labels::empty(), v)]).collect())
    };
    let (left, right) = (operand(&binary.left)?, operand(&binary.right)?);
    let scalar = (binary.left.kind() == Kind::Scalar, binary.right.kind() == Kind::Scalar);
    let each = left.iter().zip(&right).map(|(left, right)| match (scalar, binary.op) {
        ((true, _), _) => beside_scalar(evaluator, binary, right, &left[0].value, true),
        ((_, true), _) => beside_scalar(evaluator, binary, left, &right[0].value, false),
        (_, "and" | "or" | "unless") => Ok(sets(binary, left, right)),
        _ => matched(evaluator, binary, left, right),
    });
    each.collect()
}

/// A vector and a number; a comparison keeps the vector's value on whichever side it stands.
fn beside_scalar(
    evaluator: &Evaluator<'_>,
    binary: &Binary,
    vector: &[Element],
    number: &Value,
    swapped: bool,
) -> Result<Vec<Element>> {
    let mut out = Vec::new();
    for element in vector {
        let value = &element.value;
        let (a, b) = if swapped { (number, value) } else { (value, number) };
        let nameless = || without_name(&element.labels);
        let Some(result) = values(evaluator, binary.op, a, b)? else { continue };
        match result {
            (v, None) => out.push(Element::new(nameless(), v)),
            (_, Some(holds)) if binary.returns_bool => {
                out.push(Element::new(nameless(), f64::from(u8::from(holds))));
            }
            (_, Some(true)) => out.push(element.clone()),
            (_, Some(false)) => {}
        }
    }
    Ok(out)
}

/// The labels that must be the same for two elements to match.
fn key(matching: &Matching, labels: &Labels) -> Labels {
    let listed = |name: &str| matching.labels.iter().any(|label| label == name);
    if matching.on {
        without(labels, |name| !listed(name))
    } else {
        without(labels, |name| name == "__name__" || listed(name))
    }
}

fn sets(binary: &Binary, left: &[Element], right: &[Element]) -> Vec<Element> {
    let keys = |side: &[Element]| -> Vec<Labels> {
        side.iter().map(|element| key(&binary.matching, &element.labels)).collect()
    };
    let (left_keys, right_keys) = (keys(left), keys(right));
    let mut out = Vec::new();
    for (element, key) in left.iter().zip(&left_keys) {
        if binary.op == "or" || right_keys.contains(key) == (binary.op == "and") {
            out.push(element.clone());
        }
    }
    for (element, key) in right.iter().zip(&right_keys) {
        if binary.op == "or" && !left_keys.contains(key) {
            out.push(element.clone());
        }
    }
    out
}

fn matched(
    evaluator: &Evaluator<'_>,
    binary: &Binary,
    left: &[Element],
    right: &[Element],
) -> Result<Vec<Element>> {
    if left.is_empty() || right.is_empty() {
        return Ok(Vec::new());
    }
    let group = binary.matching.group.as_ref();
    let swapped = group.is_some_and(|group| !group.many_is_left);
    let (many, one) = if swapped { (right, left) } else { (left, right) };
    let mut partners: Vec<(Labels, &Element)> = Vec::new();
    for element in one {
        let key = key(&binary.matching, &element.labels);
        if partners.iter().any(|(known, _)| *known == key) {
            return Err(Failure::Error("many-to-many matching not allowed"));
        }
        partners.push((key, element));
    }
    let mut out = Vec::new();
    let mut seen: Vec<(Labels, Labels)> = Vec::new();
    for element in many {
        let key = key(&binary.matching, &element.labels);
        let Some((_, partner)) = partners.iter().find(|(known, _)| *known == key) else { continue };
        let (a, b) = if swapped { (*partner, element) } else { (element, *partner) };
        let result = values(evaluator, binary.op, &a.value, &b.value)?;
        let Some((v, holds)) = result else { continue };
        let mut labels = result_labels(binary, element, partner, holds.is_none());
        if binary.returns_bool {
            labels = without_name(&labels);
        }
        let conflict = |(other, result): &(Labels, Labels)| {
            *other == key && (group.is_none() || *result == labels)
        };
        if seen.iter().any(conflict) {
            return Err(Failure::Error("multiple matches for labels"));
        }
        seen.push((key, labels.clone()));
        match holds {
            None => out.push(Element::new(labels, v)),
            Some(holds) if binary.returns_bool => {
                out.push(Element::new(labels, f64::from(u8::from(holds))));
            }
            Some(true) => out.push(Element::new(labels, v)),
            Some(false) => {}
        }
    }
    Ok(out)
}

/// The labels of what comes of a match.
fn result_labels(binary: &Binary, many: &Element, one: &Element, arithmetic: bool) -> Labels {
    let Matching { on, labels: listed, group } = &binary.matching;
    let mut labels = many.labels.clone();
    if arithmetic {
        labels = without_name(&labels);
    }
    let Some(Group { include, .. }) = group else {
        return without(&labels, |name| listed.iter().any(|label| label == name) != *on);
    };
    for name in include {
        labels = with(&labels, name, one.labels.get(name).unwrap_or_default());
    }
    labels
}
