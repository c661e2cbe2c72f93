//! Binary operators between series.

use std::sync::Arc;

use hashbrown::HashMap;
use skopos_core::{Labels, SampleValue};

use super::analysis::Key;
use super::column::{Bits, Column, Point, Series};
use super::element::{Outcome, apply, changes_metric, of_floats, of_scalars, takes_floats};
use super::merge::Merger;
use super::{
    Collected, Evaluator, Grid, Result, Sink, execution, is_metadata, not_typed, without_metadata,
};
use crate::ast::{BinaryOp, VectorMatchCardinality, VectorMatching};
use crate::plan::{Binary, Node};

/// Chains of operators longer than this are evaluated one by one and not within each other.
const LONG_CHAIN: usize = 16;

/// The left operand of an operator.
enum Left<'n, 'e> {
    Node(&'n Node),
    Scalar(Vec<f64>),
    Series(Collected<'e>),
}

/// The operators of a chain that leans to the left, the first one last, and its first operand.
fn chain(binary: &Binary) -> (Vec<&Binary>, &Node) {
    let mut chain = vec![binary];
    let mut first = &binary.lhs;
    while let Node::Binary(next) = first {
        chain.push(next);
        first = &next.lhs;
    }
    (chain, first)
}

impl Evaluator<'_> {
    /// An operator between two scalars.
    pub(super) fn scalar_binary(&self, binary: &Binary, grid: Grid) -> Result<Vec<f64>> {
        let (chain, first) = chain(binary);
        let mut left = self.scalar(first, grid)?;
        for next in chain.into_iter().rev() {
            let key = Key::of(next);
            left = if key == Key::of(binary) {
                self.scalars_joined(next, left, grid)?
            } else {
                self.observe_scalar(key, || self.scalars_joined(next, left, grid))?
            };
        }
        Ok(left)
    }

    fn scalars_joined(&self, binary: &Binary, mut left: Vec<f64>, grid: Grid) -> Result<Vec<f64>> {
        let right = self.scalar(&binary.rhs, grid)?;
        for (a, b) in left.iter_mut().zip(&right) {
            *a = of_scalars(binary.op, *a, *b);
        }
        Ok(left)
    }

    /// Hands the series of a binary operation to `sink`.
    pub(super) fn each_binary(
        &self,
        binary: &Binary,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let (mut chain, first) = chain(binary);
        if chain.len() <= LONG_CHAIN {
            return self.each_joined(binary, Left::Node(&binary.lhs), grid, sink);
        }
        chain.remove(0);
        let mut left = Left::Node(first);
        for next in chain.into_iter().rev() {
            left = if next.lhs_scalar && next.rhs_scalar {
                Left::Scalar(self.scalars_joined(next, self.left_scalar(left, grid)?, grid)?)
            } else {
                let mut joined = self.nothing_collected()?;
                let mut add = |series| joined.add(series);
                self.observe(Key::of(next), &mut add, |sink| {
                    self.each_joined(next, left, grid, sink)
                })?;
                Left::Series(joined)
            };
        }
        self.each_joined(binary, left, grid, sink)
    }

    fn each_joined(
        &self,
        binary: &Binary,
        left: Left<'_, '_>,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        if binary.lhs_scalar || binary.rhs_scalar {
            return self.each_with_scalar(binary, left, grid, sink);
        }
        let left = match left {
            Left::Node(node) => self.collect(node, grid)?,
            Left::Series(collected) => collected,
            Left::Scalar(_) => return Err(not_typed()),
        };
        let right = self.collect(&binary.rhs, grid)?;
        if binary.op.is_set() {
            return self.each_of_set(binary, &left.series, &right.series, grid, sink);
        }
        let out = self.merger()?;
        let mut join = Join::new(self, binary, grid, &left.series, &right.series, out);
        join.check_duplicates()?;
        join.match_many()?;
        join.fill_many()?;
        join.out.finish(sink)
    }

    fn left_scalar(&self, left: Left<'_, '_>, grid: Grid) -> Result<Vec<f64>> {
        match left {
            Left::Node(node) => self.scalar(node, grid),
            Left::Scalar(values) => Ok(values),
            Left::Series(_) => Err(not_typed()),
        }
    }

    fn each_with_scalar(
        &self,
        binary: &Binary,
        left: Left<'_, '_>,
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let swap = binary.lhs_scalar;
        let (vector, scalars) = if swap {
            (Left::Node(&binary.rhs), self.left_scalar(left, grid)?)
        } else {
            (left, self.scalar(&binary.rhs, grid)?)
        };
        let mut change = |series: &mut Series| {
            self.change_with_scalar(binary, swap, &scalars, &mut series.column);
            Ok(())
        };
        let renames = changes_metric(binary.op) || binary.return_bool;
        match vector {
            Left::Scalar(_) => Err(not_typed()),
            Left::Node(node) if renames => self.each_without_name(node, grid, sink, &mut change),
            Left::Node(node) => self.each(node, grid, &mut |mut series| {
                change(&mut series)?;
                if series.column.is_empty() { Ok(()) } else { sink(series) }
            }),
            Left::Series(collected) => {
                let mut names = self.names_of_any()?;
                for mut series in collected.series {
                    change(&mut series)?;
                    if series.column.is_empty() {
                        continue;
                    }
                    if renames {
                        names.drop_from(series, sink)?;
                    } else {
                        sink(series)?;
                    }
                }
                names.finish(sink)
            }
        }
    }

    fn change_with_scalar(
        &self,
        binary: &Binary,
        swap: bool,
        scalars: &[f64],
        column: &mut Column,
    ) {
        let op = binary.op;
        if column.histograms().is_empty() && takes_floats(op) {
            change_floats(binary, swap, scalars, column);
            return;
        }
        for (i, scalar) in scalars.iter().enumerate() {
            let scalar = Point::Float(*scalar);
            let outcome = match column.at(i) {
                None => continue,
                Some(point) if swap => apply(op, scalar, point, &self.notes, binary.span),
                Some(point) => apply(op, point, scalar, &self.notes, binary.span),
            };
            let Outcome::Value { value, keep } = outcome else {
                column.remove(i);
                continue;
            };
            if binary.return_bool {
                column.remove(i);
                column.set_float(i, f64::from(u8::from(keep)));
            } else if !keep {
                column.remove(i);
            } else if !op.is_comparison() {
                column.remove(i);
                column.set(i, value);
            }
        }
    }

    fn each_of_set(
        &self,
        binary: &Binary,
        left: &[Series],
        right: &[Series],
        grid: Grid,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut keys = Keys::new(&binary.matching);
        let left_keys: Vec<usize> = left.iter().map(|s| keys.of(&s.labels)).collect();
        let right_keys: Vec<usize> = right.iter().map(|s| keys.of(&s.labels)).collect();
        let (filtered, filtered_keys, others, other_keys) = match binary.op {
            BinaryOp::Or => (right, &right_keys, left, &left_keys),
            _ => (left, &left_keys, right, &right_keys),
        };
        let mut present = vec![Bits::new(grid.steps); keys.len()];
        for (series, key) in others.iter().zip(other_keys) {
            present[*key].union(&series.column.present());
        }
        let mut out = self.merger()?;
        if binary.op == BinaryOp::Or {
            left.iter().cloned().try_for_each(|series| out.add(series))?;
        }
        for (series, key) in filtered.iter().zip(filtered_keys) {
            self.settings.interrupt.check_canceled()?;
            let mut series = series.clone();
            for i in 0..grid.steps {
                if present[*key].get(i) != (binary.op == BinaryOp::And) {
                    series.column.remove(i);
                }
            }
            if !series.column.is_empty() {
                out.add(series)?;
            }
        }
        out.finish(sink)
    }
}

/// An operator between a column of floats and a scalar.
fn change_floats(binary: &Binary, swap: bool, scalars: &[f64], column: &mut Column) {
    let op = binary.op;
    let on = |i: usize, v: f64| {
        let scalar = scalars.get(i).copied().unwrap_or(f64::NAN);
        if swap { of_floats(op, scalar, v) } else { of_floats(op, v, scalar) }
    };
    if !op.is_comparison() {
        column.map_floats_at(|i, v| on(i, v).0);
    } else if binary.return_bool {
        column.map_floats_at(|i, v| f64::from(u8::from(on(i, v).1)));
    } else {
        for i in 0..column.steps() {
            if column.floats().get(i) && !on(i, column.float(i)).1 {
                column.remove(i);
            }
        }
    }
}

/// Numbers the labels that series are matched by.
struct Keys<'m> {
    matching: &'m VectorMatching,
    numbers: HashMap<Labels, usize>,
    labels: Vec<Labels>,
}

impl<'m> Keys<'m> {
    fn new(matching: &'m VectorMatching) -> Self {
        Self { matching, numbers: HashMap::new(), labels: Vec::new() }
    }

    fn of(&mut self, labels: &Labels) -> usize {
        let listed = |name: &str| self.matching.matching_labels.iter().any(|l| **l == *name);
        let key = if self.matching.on {
            labels.filtered(listed)
        } else {
            labels.filtered(|name| name != "__name__" && !listed(name))
        };
        let next = self.labels.len();
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.labels.push(key.clone());
            next
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

/// A side of a join.
struct Side<'s> {
    series: &'s [Series],
    /// The key of each series.
    keys: Vec<usize>,
    /// The series of each key.
    by_key: Vec<Vec<usize>>,
    /// At which steps each key has a series.
    present: Vec<Bits>,
    /// At which steps there is a series at all.
    any: Bits,
}

impl<'s> Side<'s> {
    fn new(series: &'s [Series], keys: &mut Keys<'_>) -> Self {
        let keys = series.iter().map(|s| keys.of(&s.labels)).collect();
        Self { series, keys, by_key: Vec::new(), present: Vec::new(), any: Bits::default() }
    }

    fn index(&mut self, keys: usize, steps: usize) {
        self.by_key = vec![Vec::new(); keys];
        self.present = vec![Bits::new(steps); keys];
        self.any = Bits::new(steps);
        for (at, key) in self.keys.iter().enumerate() {
            let present = self.series[at].column.present();
            self.by_key[*key].push(at);
            self.present[*key].union(&present);
            self.any.union(&present);
        }
    }
}

/// Series of two vectors that are matched: many on one side, one on the other.
struct Join<'j, 'a> {
    evaluator: &'j Evaluator<'a>,
    binary: &'j Binary,
    grid: Grid,
    keys: Keys<'j>,
    many: Side<'j>,
    one: Side<'j>,
    /// Whether the many are on the right.
    swapped: bool,
    /// The value of missing series on the side of the many, and of the one.
    fill: (Option<f64>, Option<f64>),
    /// Where a result exists already: by key, and if grouped by labels too.
    matched: HashMap<(usize, Option<Labels>), Bits>,
    out: Merger<'j>,
}

impl<'j, 'a> Join<'j, 'a> {
    fn new(
        evaluator: &'j Evaluator<'a>,
        binary: &'j Binary,
        grid: Grid,
        left: &'j [Series],
        right: &'j [Series],
        out: Merger<'j>,
    ) -> Self {
        let matching = &binary.matching;
        let swapped = matching.card == VectorMatchCardinality::OneToMany;
        let mut keys = Keys::new(matching);
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let (mut many, mut one) = (Side::new(many, &mut keys), Side::new(one, &mut keys));
        many.index(keys.len(), grid.steps);
        one.index(keys.len(), grid.steps);
        // Upstream does not exchange these with the sides.
        let fill = (matching.fill_left, matching.fill_right);
        let matched = HashMap::new();
        Self { evaluator, binary, grid, keys, many, one, swapped, fill, matched, out }
    }

    fn fills(&self) -> bool {
        self.fill.0.is_some() || self.fill.1.is_some()
    }

    /// An error where two series of the one side have the same key at the same step.
    fn check_duplicates(&self) -> Result<()> {
        for (key, series) in self.one.by_key.iter().enumerate() {
            let mut owner: Vec<Option<usize>> = Vec::new();
            if 1 < series.len() {
                owner.resize(self.grid.steps, None);
            }
            for at in series.iter().filter(|_| 1 < series.len()) {
                self.evaluator.settings.interrupt.check_canceled()?;
                for (i, _) in self.one.series[*at].column.iter() {
                    if !self.many.any.get(i) && !self.fills() {
                        continue;
                    }
                    if let Some(other) = owner[i].replace(*at) {
                        return Err(self.duplicate(key, *at, other));
                    }
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn duplicate(&self, key: usize, a: usize, b: usize) -> skopos_core::Error {
        let side = if self.swapped { "left" } else { "right" };
        let mut shown = [a, b].map(|at| self.one.series[at].labels.to_string());
        shown.sort();
        let [first, second] = shown;
        let group = &self.keys.labels[key];
        execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the \
             operation: [{first}, {second}];many-to-many matching not allowed: matching labels \
             must be unique on one side"
        ))
    }

    /// Each of the many with its one, or with what is filled in for it.
    fn match_many(&mut self) -> Result<()> {
        for at in 0..self.many.series.len() {
            self.evaluator.check_time()?;
            let key = self.many.keys[at];
            for index in 0..self.one.by_key[key].len() {
                let one = self.one.by_key[key][index];
                self.pair(at, one, key)?;
            }
            let Some(fill) = self.fill.1 else { continue };
            let many = &self.many.series[at];
            let missing = &self.one.present[key];
            let steps: Vec<usize> =
                many.column.present().iter().filter(|i| !missing.get(*i)).collect();
            if !steps.is_empty() {
                let labels = self.result_labels(&many.labels, &self.keys.labels[key].clone());
                let drop_name = many.drop_name;
                let fill = Point::Float(fill);
                let values = steps
                    .into_iter()
                    .filter_map(|i| many.column.at(i).map(|p| (i, self.apply(p, fill))))
                    .collect();
                self.emit(key, labels, drop_name, values)?;
            }
        }
        Ok(())
    }

    fn pair(&mut self, many: usize, one: usize, key: usize) -> Result<()> {
        self.evaluator.settings.interrupt.check_canceled()?;
        let (many, one) = (&self.many.series[many], &self.one.series[one]);
        let alone = self.many.by_key[key].len() == 1 && self.one.by_key[key].len() == 1;
        let floats = many.column.histograms().is_empty() && one.column.histograms().is_empty();
        let labels = self.result_labels(&many.labels, &one.labels);
        if alone && floats && takes_floats(self.binary.op) {
            // The usual case: nobody else can have the same key, so nothing need be checked.
            let column = self.float_column(&many.column, &one.column);
            let drop_name = many.drop_name;
            return self.add_out(labels, drop_name, column);
        }
        let drop_name = many.drop_name;
        if floats && takes_floats(self.binary.op) {
            let both = many.column.floats().intersection(one.column.floats());
            let matched = self.matched_at(key, &labels);
            if matched.overlaps(&both) {
                return Err(self.multiple_matches());
            }
            matched.union(&both);
            let column = self.float_column(&many.column, &one.column);
            return self.add_out(labels, drop_name, column);
        }
        let values = (0..self.grid.steps)
            .filter_map(|i| {
                let (a, b) = (many.column.at(i)?, one.column.at(i)?);
                Some((i, self.apply(a, b)))
            })
            .collect();
        self.emit(key, labels, drop_name, values)
    }

    fn is_grouped(&self) -> bool {
        self.binary.matching.card != VectorMatchCardinality::OneToOne
    }

    /// At which steps there is a result of this key, and where grouped of these labels, already.
    fn matched_at(&mut self, key: usize, labels: &Labels) -> &mut Bits {
        let labels = self.is_grouped().then(|| labels.clone());
        let steps = self.grid.steps;
        self.matched.entry((key, labels)).or_insert_with(|| Bits::new(steps))
    }

    #[cold]
    fn multiple_matches(&self) -> skopos_core::Error {
        execution(if self.is_grouped() {
            "multiple matches for labels: grouping labels must ensure unique matches"
        } else {
            "multiple matches for labels: many-to-one matching must be explicit \
             (group_left/group_right)"
        })
    }

    fn add_out(&mut self, labels: Labels, drop_name: bool, column: Column) -> Result<()> {
        if column.is_empty() {
            return Ok(());
        }
        let drop_name = drop_name || self.drops_at_end();
        self.out.add(Series { labels, drop_name, column })
    }

    fn float_column(&self, many: &Column, one: &Column) -> Column {
        let Binary { op, return_bool, .. } = *self.binary;
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        match op {
            BinaryOp::Add => return left.zipped(right, |a, b| a + b),
            BinaryOp::Div => return left.zipped(right, |a, b| a / b),
            BinaryOp::Mul => return left.zipped(right, |a, b| a * b),
            BinaryOp::Sub => return left.zipped(right, |a, b| a - b),
            _ => {}
        }
        let mut column = Column::new(self.grid.steps);
        for i in many.floats().iter().filter(|i| one.floats().get(*i)) {
            let (a, b) = (many.float(i), one.float(i));
            let (v, keep) = if self.swapped { of_floats(op, b, a) } else { of_floats(op, a, b) };
            if return_bool {
                column.set_float(i, f64::from(u8::from(keep)));
            } else if keep {
                column.set_float(i, v);
            }
        }
        column
    }

    /// What is filled in for the many where only the one is there.
    fn fill_many(&mut self) -> Result<()> {
        let Some(fill) = self.fill.0 else { return Ok(()) };
        for at in 0..self.one.series.len() {
            self.evaluator.check_time()?;
            let key = self.one.keys[at];
            let one = &self.one.series[at];
            let missing = &self.many.present[key];
            let values: Vec<(usize, Outcome)> = one
                .column
                .iter()
                .filter(|(i, _)| !missing.get(*i))
                .map(|(i, point)| (i, self.apply(Point::Float(fill), point)))
                .collect();
            if !values.is_empty() {
                let labels = self.result_labels(&self.keys.labels[key].clone(), &one.labels);
                self.emit(key, labels, false, values)?;
            }
        }
        Ok(())
    }

    fn apply(&self, many: Point<'_>, one: Point<'_>) -> Outcome {
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        apply(self.binary.op, left, right, &self.evaluator.notes, self.binary.span)
    }

    /// Whether names are still there though the result has none.
    fn drops_at_end(&self) -> bool {
        self.binary.return_bool && self.evaluator.settings.delayed_names
    }

    fn emit(
        &mut self,
        key: usize,
        labels: Labels,
        drop_name: bool,
        values: Vec<(usize, Outcome)>,
    ) -> Result<()> {
        let mut column = Column::new(self.grid.steps);
        let return_bool = self.binary.return_bool;
        let matched = self.matched_at(key, &labels);
        for (i, outcome) in values {
            let Outcome::Value { value, keep } = outcome else { continue };
            if matched.get(i) {
                return Err(self.multiple_matches());
            }
            matched.set(i);
            if return_bool {
                column.set(i, SampleValue::Float(f64::from(u8::from(keep))));
            } else if keep {
                column.set(i, value);
            }
        }
        self.add_out(labels, drop_name, column)
    }

    /// The labels of a result.
    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let matching = &self.binary.matching;
        let listed = |name: &str| matching.matching_labels.iter().any(|l: &Arc<str>| **l == *name);
        let changes = changes_metric(self.binary.op);
        let one_to_one = matching.card == VectorMatchCardinality::OneToOne;
        let mut labels = many.filtered(|name| {
            !(changes && is_metadata(name)) && (!one_to_one || matching.on == listed(name))
        });
        if !matching.include.is_empty() {
            let mut builder = labels.to_builder();
            for name in &matching.include {
                builder.set(name, one.get(name).unwrap_or_default());
            }
            labels = builder.finish();
        }
        if self.binary.return_bool && !self.evaluator.settings.delayed_names {
            labels = without_metadata(&labels);
        }
        labels
    }
}
