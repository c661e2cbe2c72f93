//! Random queries that are well typed, though they may fail.

use skopos_core::{MatchOp, Matcher};

use super::data::{LENGTH, START};
use super::expr::{At, Binary, Expr, Group, Grouping, Matching, Selector, Shift};
use crate::random::Random;

const LABELS: [&str; 4] = ["job", "instance", "zone", "le"];
const ARITHMETIC: [&str; 7] = ["+", "-", "*", "/", "%", "^", "atan2"];
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const SETS: [&str; 3] = ["and", "or", "unless"];
const AGGREGATIONS: [&str; 9] =
    ["sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "sum"];
/// Functions of an instant vector alone.
const PLAIN: [&str; 39] = [
    "abs",
    "ceil",
    "floor",
    "round",
    "sgn",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "deg",
    "rad",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "sin",
    "sinh",
    "tan",
    "tanh",
    "timestamp",
    "sort",
    "sort_desc",
    "absent",
    "absent",
    "abs",
    "floor",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "hour",
    "minute",
    "month",
    "year",
];
/// Functions of a range vector alone.
const RANGE: [&str; 28] = [
    "rate",
    "rate",
    "increase",
    "increase",
    "delta",
    "irate",
    "idelta",
    "changes",
    "resets",
    "deriv",
    "avg_over_time",
    "count_over_time",
    "first_over_time",
    "last_over_time",
    "mad_over_time",
    "max_over_time",
    "min_over_time",
    "present_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "sum_over_time",
    "sum_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "ts_of_max_over_time",
    "ts_of_min_over_time",
    "absent_over_time",
    "absent_over_time",
];

/// Makes queries of random numbers.
pub(crate) struct Generator<'a> {
    pub(crate) random: &'a mut Random,
}

impl Generator<'_> {
    /// A query of any type that a request may have.
    pub(crate) fn query(&mut self, instant: bool) -> Expr {
        match self.random.below(20) {
            0 => self.scalar(3),
            1 if instant => self.range(2),
            2 if instant => Expr::Text("text".to_owned()),
            3..=9 => self.vector(2),
            10..=16 => self.vector(3),
            _ => self.vector(4),
        }
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.random.below(from.len() as u64) as usize].clone()
    }

    /// One time in so many.
    fn once_in(&mut self, n: u64) -> bool {
        self.random.below(n) == 0
    }

    fn number(&mut self) -> Expr {
        const NUMBERS: [f64; 16] = [
            1.0,
            2.0,
            0.5,
            0.0,
            -1.0,
            3.0,
            10.0,
            0.9,
            0.25,
            -0.0,
            1e9,
            -2.5,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e-3,
        ];
        Expr::Number(self.pick(&NUMBERS))
    }

    fn scalar(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return match self.random.below(8) {
                0 => Expr::Call("time", Vec::new()),
                1 => Expr::Call(self.pick(&["pi", "start", "end", "range", "step"]), Vec::new()),
                _ => self.number(),
            };
        }
        match self.random.below(8) {
            0 => Expr::Call("scalar", vec![self.vector(depth - 1)]),
            1 => {
                let args = vec![self.scalar(depth - 1), self.scalar(depth - 1)];
                Expr::Call(self.pick(&["max_of", "min_of"]), args)
            }
            2 => Expr::Negate(Box::new(self.scalar(depth - 1))),
            3 => {
                let comparison = self.once_in(2);
                let op = if comparison { self.pick(&COMPARISONS) } else { self.pick(&ARITHMETIC) };
                self.binary(op, comparison, |it| (it.scalar(depth - 1), it.scalar(depth - 1)))
            }
            _ => self.scalar(0),
        }
    }

    fn vector(&mut self, depth: u32) -> Expr {
        if depth == 0 {
            return match self.random.below(12) {
                0 => Expr::Call("vector", vec![self.scalar(0)]),
                _ => Expr::Select(self.selector()),
            };
        }
        match self.random.below(31) {
            0..=1 => Expr::Select(self.selector()),
            2..=5 => self.aggregation(depth - 1),
            6..=9 => self.operator(depth - 1),
            10..=11 => self.operator_with_number(depth - 1),
            12..=13 => Expr::Call(self.pick(&PLAIN), vec![self.vector(depth - 1)]),
            14..=20 => self.range_function(depth - 1),
            21 => Expr::Negate(Box::new(self.vector(depth - 1))),
            22..=23 => self.relabeling(depth - 1),
            24 => self.quantile_of_buckets(depth - 1),
            28..=30 => self.of_histograms(depth - 1),
            _ => self.special(depth - 1),
        }
    }

    fn selector(&mut self) -> Selector {
        const NAMES: [&str; 11] = [
            "a_total", "b_total", "gauge", "odd", "a_total", "gauge", "h_bucket", "nothing",
            "native", "native", "custom",
        ];
        let mut matchers = vec![match self.random.below(12) {
            0 => Matcher::new("__name__", MatchOp::Regex, "[ab]_total"),
            1 => Matcher::new("__name__", MatchOp::Regex, ".+"),
            2 => Matcher::new("__name__", MatchOp::NotRegex, "gauge|odd|"),
            3 => Matcher::new("__name__", MatchOp::NotEqual, ""),
            _ => Matcher::new("__name__", MatchOp::Equal, self.pick(&NAMES)),
        }];
        for label in ["job", "instance", "zone"] {
            if self.once_in(5) {
                let op = self.pick(&[
                    MatchOp::Equal,
                    MatchOp::NotEqual,
                    MatchOp::Regex,
                    MatchOp::NotRegex,
                ]);
                let value = if op.is_regex() {
                    self.pick(&["", ".*", ".+", "x|y", "1.?", "(x)?", "[12]", "f.r|", "X(?i:x)|x"])
                } else {
                    self.pick(&["", "x", "y", "1", "2", "10", "far"])
                };
                matchers.push(Matcher::new(label, op, value));
            }
        }
        Selector { matchers, shift: self.shift() }
    }

    fn shift(&mut self) -> Shift {
        let offset = match self.random.below(10) {
            0 => self.pick(&[30_000, 60_000, 300_000, 1, 123_456]),
            1 => self.pick(&[-30_000, -60_000, -1, -77_777]),
            _ => 0,
        };
        let at = match self.random.below(24) {
            0 => Some(At::Start),
            1 => Some(At::End),
            2 => Some(At::Millis(self.time())),
            _ => None,
        };
        Shift { offset, at }
    }

    /// A time around the data.
    pub(crate) fn time(&mut self) -> i64 {
        let t = START - 60_000 + self.random.below((LENGTH + 300_000) as u64) as i64;
        // Samples of some series lie at such times.
        if self.once_in(2) { t / 15_000 * 15_000 } else { t }
    }

    fn length(&mut self) -> i64 {
        match self.random.below(8) {
            0 => 1 + self.random.below(900_000) as i64,
            1 => self.pick(&[1, 1000, 15_000, 30_000]),
            2..=4 => self.pick(&[60_000, 90_000, 120_000]),
            _ => self.pick(&[300_000, 240_000, 600_000]),
        }
    }

    fn range(&mut self, depth: u32) -> Expr {
        if depth == 0 || !self.once_in(3) {
            return Expr::Window(self.selector(), self.length());
        }
        let range = self.length();
        let step = match self.random.below(4) {
            0 => None,
            1 => Some(self.pick(&[60_000, 30_000, 300_000, 1_000_000])),
            _ => Some(5_000 + self.random.below(60_000) as i64),
        };
        Expr::Subquery { inner: Box::new(self.vector(depth - 1)), range, step, shift: self.shift() }
    }

    fn range_function(&mut self, depth: u32) -> Expr {
        match self.random.below(10) {
            0 => {
                let q = self.scalar(depth.min(1));
                Expr::Call("quantile_over_time", vec![q, self.range(depth)])
            }
            1 => {
                let ahead = self.scalar(depth.min(1));
                Expr::Call("predict_linear", vec![self.range(depth), ahead])
            }
            2 => {
                let factor = |it: &mut Self| Expr::Number(it.pick(&[0.5, 0.1, 0.9, 0.3, 0.5, 1.0]));
                let args = vec![self.range(depth), factor(self), factor(self)];
                Expr::Call("double_exponential_smoothing", args)
            }
            _ => Expr::Call(self.pick(&RANGE), vec![self.range(depth)]),
        }
    }

    fn labels(&mut self) -> Vec<String> {
        let mut labels = Vec::new();
        for label in LABELS {
            if self.once_in(3) {
                labels.push(label.to_owned());
            }
        }
        if self.once_in(12) {
            labels.push("__name__".to_owned());
        }
        labels
    }

    fn aggregation(&mut self, depth: u32) -> Expr {
        let grouping = match self.random.below(4) {
            0 => None,
            1 => Some(Grouping { without: true, labels: self.labels() }),
            _ => Some(Grouping { without: false, labels: self.labels() }),
        };
        let number = |v| Some(Box::new(Expr::Number(v)));
        let (op, param) = match self.random.below(14) {
            0 => ("topk", number(self.pick(&[1.0, 2.0, 3.0, 0.0, 5.9, -1.0]))),
            1 => ("bottomk", number(self.pick(&[1.0, 2.0, 3.0, 0.0, 5.9, -1.0]))),
            2 => ("limitk", number(self.pick(&[1.0, 2.0, 3.0, 0.0, 5.9, -1.0]))),
            3 => {
                let label = self.pick(&["v", "job", "le", "new"]);
                ("count_values", Some(Box::new(Expr::Text(label.to_owned()))))
            }
            4..=5 => ("quantile", Some(Box::new(self.scalar(depth.min(1))))),
            6 => (self.pick(&["topk", "bottomk"]), Some(Box::new(self.scalar(depth.min(1))))),
            _ => (self.pick(&AGGREGATIONS), None),
        };
        Expr::Aggregate { op, grouping, param, input: Box::new(self.vector(depth)) }
    }

    fn binary(
        &mut self,
        op: &'static str,
        returns_bool: bool,
        operands: impl FnOnce(&mut Self) -> (Expr, Expr),
    ) -> Expr {
        let (left, right) = operands(self);
        let matching = Matching::default();
        Expr::Binary(Box::new(Binary { op, returns_bool, matching, left, right }))
    }

    fn operator_with_number(&mut self, depth: u32) -> Expr {
        let comparison = self.once_in(2);
        let op = if comparison { self.pick(&COMPARISONS) } else { self.pick(&ARITHMETIC) };
        let returns_bool = comparison && self.once_in(2);
        let number_first = self.once_in(3);
        self.binary(op, returns_bool, |it| {
            let (vector, number) = (it.vector(depth), it.scalar(depth.min(1)));
            if number_first { (number, vector) } else { (vector, number) }
        })
    }

    fn operator(&mut self, depth: u32) -> Expr {
        let (op, comparison) = match self.random.below(10) {
            0..=2 => (self.pick(&SETS), false),
            3..=5 => (self.pick(&COMPARISONS), true),
            _ => (self.pick(&ARITHMETIC), false),
        };
        let set = SETS.contains(&op);
        let on = self.once_in(2);
        let labels = if on || self.once_in(2) { self.labels() } else { Vec::new() };
        let mut group = None;
        if !set && self.once_in(3) {
            let include = self.labels();
            let include = include.into_iter().filter(|label| !on || !labels.contains(label));
            group = Some(Group { many_is_left: self.once_in(2), include: include.collect() });
        }
        let returns_bool = comparison && self.once_in(3);
        let left = self.vector(depth);
        // Operands that are alike match more often.
        let right = if self.once_in(4) { left.clone() } else { self.vector(depth) };
        let matching = Matching { on, labels, group };
        Expr::Binary(Box::new(Binary { op, returns_bool, matching, left, right }))
    }

    fn relabeling(&mut self, depth: u32) -> Expr {
        let input = self.vector(depth);
        let name = |it: &mut Self| it.pick(&["job", "instance", "zone", "new", "__name__"]);
        let mut args = vec![input, Expr::Text(name(self).to_owned())];
        if self.once_in(3) {
            args.push(Expr::Text(self.pick(&["", "-", ","]).to_owned()));
            for _ in 0..self.random.below(4) {
                args.push(Expr::Text(name(self).to_owned()));
            }
            return Expr::Call("label_join", args);
        }
        for text in [
            self.pick(&["$1", "$2", "${1}z", "", "v", "$n", "$1$0"]),
            name(self),
            self.pick(&["(.*)", "(.+)", "x", "(?P<n>.)(.*)", "(1)(0?)", "", "x|(y)"]),
        ] {
            args.push(Expr::Text(text.to_owned()));
        }
        Expr::Call("label_replace", args)
    }

    fn quantile_of_buckets(&mut self, depth: u32) -> Expr {
        let q = Expr::Number(self.pick(&[0.5, 0.9, 0.99, 0.0, 1.0, 0.25, -1.0, 2.0, f64::NAN]));
        let matchers = vec![Matcher::equal("__name__", "h_bucket")];
        let selector = Selector { matchers, shift: self.shift() };
        let input = match self.random.below(4) {
            0 => self.vector(depth),
            1 => Expr::Select(selector),
            2 => Expr::Call("rate", vec![Expr::Window(selector, self.length())]),
            _ => Expr::Aggregate {
                op: "sum",
                grouping: Some(Grouping { without: false, labels: vec!["le".to_owned()] }),
                param: None,
                input: Box::new(Expr::Call(
                    "increase",
                    vec![Expr::Window(selector, self.length())],
                )),
            },
        };
        Expr::Call("histogram_quantile", vec![q, input])
    }

    /// What native histograms tell.
    fn of_histograms(&mut self, depth: u32) -> Expr {
        let name = self.pick(&["native", "native", "custom", "odd"]);
        let matchers = vec![Matcher::equal("__name__", name)];
        let selector = Selector { matchers, shift: self.shift() };
        let input = match self.random.below(6) {
            0 => self.vector(depth),
            1 => Expr::Select(selector),
            2 => Expr::Aggregate {
                op: self.pick(&["sum", "avg"]),
                grouping: None,
                param: None,
                input: Box::new(Expr::Select(selector)),
            },
            _ => {
                let function = self.pick(&[
                    "rate",
                    "increase",
                    "delta",
                    "irate",
                    "idelta",
                    "sum_over_time",
                    "avg_over_time",
                ]);
                Expr::Call(function, vec![Expr::Window(selector, self.length())])
            }
        };
        let bound = |it: &mut Self| {
            Expr::Number(it.pick(&[
                0.0,
                1.0,
                1.5,
                -1.0,
                3.0,
                0.25,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ]))
        };
        match self.random.below(13) {
            0..=2 => {
                let q = self.pick(&[0.5, 0.9, 0.99, 0.0, 1.0, 0.25, 0.1, -1.0, 2.0, f64::NAN]);
                Expr::Call("histogram_quantile", vec![Expr::Number(q), input])
            }
            3..=4 => Expr::Call("histogram_fraction", vec![bound(self), bound(self), input]),
            5..=7 => {
                const NAMES: [&str; 5] = [
                    "histogram_avg",
                    "histogram_count",
                    "histogram_stddev",
                    "histogram_stdvar",
                    "histogram_sum",
                ];
                Expr::Call(self.pick(&NAMES), vec![input])
            }
            _ => input,
        }
    }

    fn special(&mut self, depth: u32) -> Expr {
        let scalar = |it: &mut Self| it.scalar(depth.min(1));
        match self.random.below(9) {
            0 => {
                let (low, high) = (scalar(self), scalar(self));
                Expr::Call("clamp", vec![self.vector(depth), low, high])
            }
            1 => {
                let bound = scalar(self);
                Expr::Call(self.pick(&["clamp_max", "clamp_min"]), vec![self.vector(depth), bound])
            }
            2 => {
                let nearest = Expr::Number(self.pick(&[0.5, 2.0, 0.25, 10.0]));
                Expr::Call("round", vec![self.vector(depth), nearest])
            }
            3 => Expr::Call("vector", vec![scalar(self)]),
            4 => {
                let name = self.pick(&[
                    "day_of_month",
                    "day_of_week",
                    "day_of_year",
                    "days_in_month",
                    "hour",
                    "minute",
                    "month",
                    "year",
                ]);
                if self.once_in(2) {
                    return Expr::Call(name, Vec::new());
                }
                let large = self.pick(&[1e3, 86_400.0, 1e8, 3.2e7]);
                let dates = self.binary("*", false, |it| (it.vector(depth), Expr::Number(large)));
                Expr::Call(name, vec![dates])
            }
            5 => {
                let name = self.pick(&["sort_by_label", "sort_by_label_desc"]);
                let label = Expr::Text(self.pick(&["job", "instance", "le"]).to_owned());
                Expr::Call(name, vec![self.vector(depth), label])
            }
            6 => Expr::Call("timestamp", vec![Expr::Select(self.selector())]),
            7 => Expr::Call("absent", vec![Expr::Select(self.selector())]),
            _ => Expr::Call("absent_over_time", vec![self.range(depth)]),
        }
    }
}
