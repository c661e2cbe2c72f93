//! Queries made by code: what the builder makes prints to what parses to it.
//!
//! Bytes are orders to a machine with a stack of vectors and one of intervals.

use std::time::Duration;

use skopos_core::{MatchOp, Matcher, Timestamp};
use skopos_promql::build::{
    Arithmetic, Comparison, Grouping, Interval, Matching, Pairing, Selector, Trim, Vector, number,
    seconds, selector, step, time,
};
use skopos_promql::{ParseOptions, parse};

/// Panics where the property does not hold.
pub(crate) fn holds(data: &[u8]) {
    let mut machine = Machine { bytes: data, vectors: Vec::new(), intervals: Vec::new() };
    while !machine.bytes.is_empty() {
        machine.order();
    }
    let built = machine.vectors.into_iter().reduce(|a, b| a + b);
    let Some(built) = built else { return };
    let text = built.to_string();
    match built.finish() {
        Ok(expr) => {
            assert_eq!(expr.to_string(), text);
            let pretty = parse(&expr.pretty(), &ParseOptions::all());
            assert_eq!(pretty.map(|again| again.to_string()).as_ref(), Ok(&text));
        }
        Err(error) => {
            let message = error.message();
            let known = [
                "by zero",
                "nested more than",
                "error parsing regexp",
                // Intervals that are not finite.
                "in duration expression",
                "unexpected character: 'I', expected ':'",
                "unexpected character: 'N', expected ':'",
                "invalid UTF-8 rune",
                "duration out of range",
                "expected at least 3 argument(s)",
            ];
            assert!(known.iter().any(|known| message.contains(known)), "{error}: {text}");
        }
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    vectors: Vec<Vector>,
    intervals: Vec<Interval>,
}

impl Machine<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    fn number(&mut self) -> f64 {
        match self.byte() {
            b @ 0..=9 => f64::from(b),
            10 => f64::NAN,
            11 => f64::INFINITY,
            12 => f64::NEG_INFINITY,
            13 => -0.0,
            14 => 1e300,
            b @ 15..=127 => f64::from(b) / -8.0,
            _ => f64::from_bits(u64::from_le_bytes([(); 8].map(|()| self.byte()))),
        }
    }

    fn text(&mut self) -> String {
        const TEXTS: [&str; 12] =
            ["", "up", "sum", "by", "inf", "NaN", "fill", "a:b", "__name__", "x.y", "on", "le"];
        let byte = usize::from(self.byte());
        if let Some(text) = TEXTS.get(byte) {
            return (*text).to_owned();
        }
        let len = self.bytes.len().min(byte % 8);
        let (text, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn op(&mut self) -> MatchOp {
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        [Equal, NotEqual, Regex, NotRegex][usize::from(self.byte() % 4)]
    }

    fn duration(&mut self) -> Duration {
        let millis = [(); 5].iter().fold(0, |n, ()| n << 8 | u64::from(self.byte()));
        Duration::from_millis(millis)
    }

    fn interval(&mut self) -> Interval {
        match self.intervals.pop() {
            Some(interval) => interval,
            None => self.duration().into(),
        }
    }

    fn selector(&mut self) -> Selector {
        let name = self.text();
        let mut found = selector(&name);
        for _ in 0..self.byte() % 3 {
            let (label, op, value) = (self.text(), self.op(), self.text());
            found = found.label(&label, op, &value);
        }
        match self.byte() % 8 {
            0 => found.offset(self.interval()),
            1 => found.offset_ahead(self.interval()),
            2 => found.at(Timestamp::from_millis(i64::from(self.byte()) << (self.byte() % 56))),
            3 => found.at_start().offset(self.interval()),
            4 => found.at_end(),
            _ => found,
        }
    }

    fn pairing(&mut self) -> Pairing {
        let (label, include) = (self.text(), self.text());
        let matching = match self.byte() % 3 {
            0 => Matching::default(),
            1 => Matching::on([label.as_str()]),
            _ => Matching::ignoring([label.as_str(), "b"]),
        };
        let pairing = match self.byte() % 4 {
            0 => matching.group_left([include.as_str()]),
            1 => matching.group_right([]),
            _ => matching.pairing(),
        };
        match self.byte() % 5 {
            0 => pairing.fill(self.number()),
            1 => pairing.fill_left(self.number()),
            2 => pairing.fill_left(self.number()).fill_right(self.number()),
            _ => pairing,
        }
    }

    fn grouping(&mut self) -> Grouping {
        let labels = [self.text(), self.text()];
        let labels = labels.iter().map(String::as_str);
        if self.byte().is_multiple_of(2) { Grouping::by(labels) } else { Grouping::without(labels) }
    }

    fn vector(&mut self) -> Vector {
        match self.vectors.pop() {
            Some(vector) => vector,
            None => self.selector().vector(),
        }
    }

    fn order(&mut self) {
        match self.byte() {
            order @ 0..=19 => self.interval_order(order),
            order => {
                let vector = self.vector_order(order);
                self.vectors.push(vector);
            }
        }
    }

    fn interval_order(&mut self, order: u8) {
        let interval = match order {
            0 => Interval::step(),
            1 => Interval::range(),
            2 => Interval::seconds(self.number()),
            3 => self.duration().into(),
            4 => self.interval() + self.interval(),
            5 => self.interval() - self.interval(),
            6 => self.interval() * self.number(),
            7 => self.interval() / self.interval(),
            8 => self.interval() % self.interval(),
            9 => self.interval().pow(self.interval()),
            10 => self.interval().min_of(self.interval()),
            11 => self.interval().max_of(self.interval()),
            12 => -self.interval(),
            _ => {
                // The same twice.
                let interval = self.interval();
                self.intervals.push(interval.clone());
                interval
            }
        };
        self.intervals.push(interval);
    }

    fn vector_order(&mut self, order: u8) -> Vector {
        match order % 40 {
            0 => self.selector().smoothed(),
            1 => self.selector().range(self.interval()).rate(),
            2 => self.selector().anchored_range(self.interval()).changes(),
            3 => self.selector().smoothed_range(self.interval()).delta(),
            4 => self.vector() + self.vector(),
            5 => self.vector() - number(self.number()),
            6 => number(self.number()) / self.vector(),
            7 => self.vector().pow(self.number()),
            8 => -self.vector(),
            9 => {
                let (left, right) = (self.vector(), self.vector());
                left.arithmetic(Arithmetic::Atan2, self.pairing(), right)
            }
            10 => {
                let (left, right) = (self.vector(), self.vector());
                left.compare(Comparison::Less, self.pairing(), right)
            }
            11 => {
                let (left, right) = (self.vector(), self.vector());
                left.compare_bool(Comparison::Equal, self.pairing(), right)
            }
            12 => {
                let (left, right) = (self.vector(), self.vector());
                left.trim(Trim::Above, self.pairing(), right)
            }
            13 => self.vector().trim_with(Trim::Below, self.number()),
            14 => self.vector().compare_with_bool(Comparison::NotEqual, self.number()),
            15 => number(self.number()).compare_with(Comparison::Greater, self.vector()),
            16 => {
                let label = self.text();
                let (left, right) = (self.vector(), self.vector());
                left.unless(Matching::on([label.as_str()]), right)
            }
            17 => self.vector().or(Matching::default(), self.vector()),
            18 => self.vector().sum(&self.grouping()),
            19 => self.vector().limitk(self.number(), &self.grouping()),
            20 => self.vector().count_values(&self.text(), &self.grouping()),
            21 => self.vector().histogram_quantiles(&self.text(), [self.number()]),
            22 => self.vector().info(),
            23 => {
                let condition = Matcher::new(self.text(), MatchOp::NotEqual, self.text());
                self.vector().info_with([condition])
            }
            24 => self.vector().sort_by_label([self.text().as_str()]),
            25 => self.vector().label_join(&self.text(), &self.text(), [self.text().as_str()]),
            26 => (time() - seconds(self.duration())).max_of(step()).vector(),
            27 => self.vector().scalar().pow(self.number()).vector(),
            28..=32 => {
                let (vector, range) = (self.vector(), self.interval());
                let subquery = vector.subquery(range);
                let subquery = match self.byte() % 4 {
                    0 => subquery.step(self.interval()),
                    1 => subquery.offset(self.interval()).at_end(),
                    2 => subquery.step(self.interval()).offset_ahead(self.interval()),
                    _ => subquery,
                };
                subquery.matrix().quantile_over_time(self.number())
            }
            _ => self.selector().vector(),
        }
    }
}
