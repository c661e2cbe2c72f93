//! What is built is what its text says, for the whole language.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use skopos_core::{MatchOp, Matcher, Timestamp};

use crate::ast::{BinaryOp, Expr};
use crate::build::{
    Arithmetic, Comparison, Grouping, Interval, Matching, Matrix, Pairing, Scalar, Selector, Trim,
    Vector, end, number, pi, range, seconds, selector, start, step, time,
};
use crate::options::ParseOptions;
use crate::parse::parse;
use crate::signature::Signature;

/// The tree without the places of its nodes, and with conditions in one order.
fn shape(expr: &Expr) -> String {
    let mut expr = expr.clone();
    expr.walk_mut(&mut |e| match e {
        Expr::Vector(v) => v.matchers.sort(),
        Expr::Matrix(m) => m.selector.matchers.sort(),
        _ => {}
    });
    let debug = format!("{expr:?}");
    let mut parts = debug.split("span: ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(part.len());
        out.push_str(&part[end..]);
    }
    // A checked operation between vectors and numbers has no matching, a set operation is many to many.
    out.replace("ManyToMany", "OneToOne")
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(
            &["", "up", "sum", "by", "inf", "fill", "a:b", "__name__", "x.y", "on"][..]
        )
        .prop_map(str::to_owned),
        "[a-z\"\\\\\n é0-9]{0,6}",
    ]
}

fn op() -> impl Strategy<Value = MatchOp> {
    use MatchOp::{Equal, NotEqual, NotRegex, Regex};
    proptest::sample::select(&[Equal, NotEqual, NotRegex, Regex][..])
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -3.0..3.0, Just(0.0), Just(-0.0), Just(f64::INFINITY)]
}

fn interval() -> impl Strategy<Value = Interval> {
    let leaf = prop_oneof![
        Just(Interval::step()),
        Just(Interval::range()),
        (0_u64..10_000_000).prop_map(|n| Duration::from_millis(n).into()),
        any::<Duration>().prop_map(Interval::from),
        (-1e9..1e9).prop_map(Interval::seconds),
    ];
    leaf.prop_recursive(4, 8, 2, |inner| {
        (inner.clone(), inner, 0..9).prop_map(|(a, b, op)| match op {
            0 => a + b,
            1 => a - b,
            2 => a * 2.5,
            3 => a / Interval::step(),
            4 => a % 7.0,
            5 => a.pow(b),
            6 => -a,
            7 => a.max_of(b),
            _ => a.min_of(b),
        })
    })
}

fn selectors() -> impl Strategy<Value = Selector> {
    let parts = (text(), text(), op(), text(), any::<Option<i64>>(), interval(), 0..6);
    parts.prop_map(|(name, label, op, value, at, offset, place)| {
        let value = if op.is_regex() { value.replace('\\', "") } else { value };
        let found = selector(&name).label(&label, op, &value);
        let found = match place {
            0 => found,
            1 => found.offset_ahead(offset),
            _ => found.offset(offset),
        };
        match at {
            Some(at) => found.at(Timestamp::from_millis(at)),
            None if place == 2 => found.at_start(),
            None if place == 3 => found.at_end(),
            None => found,
        }
    })
}

fn pairing() -> impl Strategy<Value = Pairing> {
    (text(), text(), value(), 0..8).prop_map(|(label, include, value, kind)| {
        let on = Matching::on([label.as_str()]);
        match kind {
            0 => Matching::default().pairing(),
            1 => on.pairing().fill(value),
            2 => on.group_left([include.as_str()]),
            3 => on.group_right([include.as_str(), "z"]).fill_right(value),
            4 => Matching::ignoring([label.as_str()]).group_left([]).fill_left(value),
            5 => Matching::default().pairing().fill_left(value).fill_right(1.0),
            6 => Matching::on([]).pairing().fill_right(value),
            _ => Matching::ignoring([label.as_str()]).pairing(),
        }
    })
}

fn vectors() -> impl Strategy<Value = Vector> {
    let leaf = prop_oneof![
        selectors().prop_map(Selector::vector),
        selectors().prop_map(Selector::smoothed),
        (selectors(), interval()).prop_map(|(s, range)| s.range(range).rate()),
        (selectors(), interval()).prop_map(|(s, range)| s.anchored_range(range).resets()),
        (selectors(), interval()).prop_map(|(s, range)| s.smoothed_range(range).increase()),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), 0..5).prop_map(|((a, b), op)| match op {
                0 => a + b,
                1 => a - b,
                2 => a * b,
                3 => a / b,
                _ => a % b,
            }),
            (two.clone(), pairing(), 0..4).prop_map(|((a, b), pairing, op)| match op {
                0 => a.arithmetic(Arithmetic::Atan2, pairing, b),
                1 => a.compare(Comparison::NotEqual, pairing, b),
                2 => a.compare_bool(Comparison::GreaterOrEqual, pairing, b),
                _ => a.trim(Trim::Below, pairing, b),
            }),
            (two, text(), 0..3).prop_map(|((a, b), label, op)| match op {
                0 => a.and(Matching::on([label.as_str()]), b),
                1 => a.or(Matching::ignoring([label.as_str()]), b),
                _ => a.unless(Matching::default(), b),
            }),
            (inner.clone(), value(), 0..6).prop_map(|(a, n, op)| match op {
                0 => number(n) / a.pow(n),
                1 => a.trim_with(Trim::Above, n),
                2 => number(n).compare_with_bool(Comparison::Less, a),
                3 => a.compare_with(Comparison::Equal, number(n).max_of(step())),
                4 => -(number(n) % a),
                _ => number(n).arithmetic_with(Arithmetic::Pow, a),
            }),
            (inner.clone(), value(), text(), 0..4).prop_map(|(a, n, label, op)| match op {
                0 => -a.quantile(n, &Grouping::by([label.as_str()])),
                1 => a.limit_ratio(n, &Grouping::without([label.as_str(), "b"])),
                2 => a.count_values(&label, &Grouping::default()),
                _ => a.sort_by_label_desc([label.as_str()]),
            }),
            (inner.clone(), text(), text()).prop_map(|(a, t, u)| a.label_replace(&t, &u, &t, &u)),
            (inner.clone(), text(), text()).prop_map(|(a, name, value)| {
                a.info_with([Matcher::new(name, MatchOp::NotEqual, value)])
            }),
            (inner, interval(), proptest::option::of(interval()), interval(), 0..3).prop_map(
                |(a, range, step, offset, place)| {
                    let subquery = a.subquery(range);
                    let subquery = match step {
                        Some(step) => subquery.step(step),
                        None => subquery,
                    };
                    let subquery = match place {
                        0 => subquery,
                        1 => subquery.offset(offset).at_start(),
                        _ => subquery.offset_ahead(offset).at(Timestamp::from_millis(-1)),
                    };
                    subquery.matrix().max_over_time()
                }
            ),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_built_prints_to_what_parses_to_it(built in vectors()) {
        let tree = built.0.expr.clone();
        let text = tree.to_string();
        match built.finish() {
            Ok(expr) => {
                prop_assert_eq!(shape(&expr), shape(&tree), "{}", &text);
                prop_assert_eq!(expr.to_string(), text);
                let pretty = parse(&expr.pretty(), &ParseOptions::all());
                prop_assert_eq!(pretty.map(|again| shape(&again)), Ok(shape(&tree)));
            }
            // What numbers make of durations is known in the end, as is the depth.
            Err(error) => {
                let message = error.message();
                let expected = ["division by zero", "modulo by zero", "nested more than"];
                prop_assert!(expected.iter().any(|e| message.contains(e)), "{}: {}", error, text);
            }
        }
    }
}

/// The functions of a tree.
fn functions(built: Vec<Vector>) -> BTreeSet<&'static str> {
    let mut names = BTreeSet::new();
    for vector in built {
        let expr = vector.finish().expect("a query");
        expr.walk(&mut |e| {
            if let Expr::Call(call) = e {
                names.insert(call.func.name);
            }
            true
        });
    }
    names
}

#[test]
fn every_function_can_be_built() {
    let foo = || selector("foo").vector();
    let ranged = || selector("foo").range(Duration::from_secs(1));
    let scalar =
        [end(), pi(), range(), start(), step(), time(), foo().scalar(), seconds(Duration::MAX)]
            .into_iter()
            .reduce(|a, b| a.max_of(b.min_of(1.0)))
            .expect("there are some");
    let mut built = functions(vec![
        scalar.vector(),
        foo().clamp(0.0, 1.0).clamp_max(1.0).clamp_min(1.0).round_to(5.0),
        foo().histogram_quantile(0.5),
        foo().histogram_quantiles("q", [0.5]),
        foo().histogram_fraction(0.0, 1.0),
        foo().info().sort_by_label([]).sort_by_label_desc(["a"]),
        foo().label_join("a", "", ["b"]).label_replace("a", "", "b", ""),
        ranged().double_exponential_smoothing(0.5, 0.5),
        ranged().predict_linear(1.0),
        ranged().quantile_over_time(0.5),
    ]);
    built.extend(Matrix::FUNCTIONS);
    built.extend(Vector::FUNCTIONS);
    let missing: Vec<&str> =
        Signature::all().iter().map(|s| s.name).filter(|name| !built.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_operator_can_be_built() {
    let foo = || selector("foo").vector();
    let by = Grouping::default();
    let aggregated = [
        foo().avg(&by),
        foo().bottomk(1.0, &by),
        foo().count(&by),
        foo().count_values("a", &by),
        foo().group(&by),
        foo().limitk(1.0, &by),
        foo().limit_ratio(1.0, &by),
        foo().max(&by),
        foo().min(&by),
        foo().quantile(1.0, &by),
        foo().stddev(&by),
        foo().stdvar(&by),
        foo().sum(&by),
        foo().topk(1.0, &by),
    ];
    let all: BTreeSet<&str> = aggregated
        .into_iter()
        .filter_map(|vector| match vector.finish() {
            Ok(Expr::Aggregate(e)) => Some(e.op.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(all.len(), 14);

    use Arithmetic::{Add, Atan2, Div, Mod, Mul, Pow, Sub};
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let mut ops: Vec<BinaryOp> = Vec::new();
    ops.extend([Add, Atan2, Div, Mod, Mul, Pow, Sub].map(BinaryOp::from));
    ops.extend([Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual].map(BinaryOp::from));
    ops.extend([Trim::Above, Trim::Below].map(BinaryOp::from));
    ops.extend([BinaryOp::And, BinaryOp::Or, BinaryOp::Unless]);
    let distinct: BTreeSet<&str> = ops.iter().map(|op| op.as_str()).collect();
    assert_eq!(distinct.len(), 18);
    let built = Scalar::from(1.0).arithmetic(Atan2, 2.0).finish().expect("a query");
    assert_eq!(built.to_string(), "1 atan2 2");
}

/// A chain of `n` links is there as a whole, `times` times, or refused.
#[track_caller]
fn check_chain(link: &str, times: usize, build: impl Fn(usize) -> Vector) {
    let mut refused = 0;
    for n in 1..300 {
        match build(n).finish() {
            Ok(expr) => {
                assert_eq!(expr.to_string().matches(link).count(), times * n, "{expr}");
            }
            Err(error) => {
                assert!(error.message().contains("nested more than"), "{error}");
                refused += 1;
            }
        }
    }
    assert!(0 < refused, "{link} can be nested without end");
}

#[test]
fn nothing_is_left_out_where_it_is_deep() {
    let foo = || selector("foo").vector();
    let second = Duration::from_secs(1);
    let links = |n: usize, link: fn(Vector) -> Vector| (0..n).fold(foo(), |v, _| link(v));
    check_chain("abs", 1, |n| links(n, Vector::abs));
    check_chain("-(", 1, |n| links(n, |v| -(v + number(1.0))));
    check_chain("sum", 1, |n| links(n, |v| v.sum(&Grouping::default())));
    check_chain("+", 1, |n| links(n, |v| v + number(1.0)));
    check_chain("^", 1, |n| links(n, |v| number(1.0).arithmetic_with(Arithmetic::Pow, v)));
    check_chain("[", 1, |n| (0..n).fold(foo(), |v, _| v.subquery(second).matrix().rate()));
    let intervals = |n: usize, link: fn(Interval) -> Interval| {
        let interval = (0..n).fold(Interval::seconds(7.0), |i, _| link(i));
        selector("foo").range(interval.clone()).rate()
            + selector("foo").offset(interval.clone()).vector()
            + foo().subquery(interval.clone()).step(interval).matrix().rate()
    };
    check_chain("max_of", 4, |n| intervals(n, |i| i.max_of(Interval::step())));
    check_chain("-(", 4, |n| intervals(n, |i| -(i + Interval::step())));
    check_chain("*", 4, |n| intervals(n, |i| i * Interval::step()));
    check_chain("^", 4, |n| intervals(n, |i| Interval::step().pow(i)));
}
