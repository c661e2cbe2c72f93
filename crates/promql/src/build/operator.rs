//! Operators between what is built.

use std::ops;
use std::sync::Arc;

use crate::ast::{BinaryOp, List, VectorMatchCardinality, VectorMatching};
use crate::build::tree::Tree;
use crate::build::{Scalar, Vector};
use crate::parser::one_to_one;

/// An operator that computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PromQL has these")]
#[expect(missing_docs, reason = "each is named as the operation is")]
pub enum Arithmetic {
    Add,
    Atan2,
    Div,
    Mod,
    Mul,
    Pow,
    Sub,
}

/// An operator that compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PromQL has these")]
#[expect(missing_docs, reason = "each is named as the comparison is")]
pub enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

impl From<Arithmetic> for BinaryOp {
    fn from(op: Arithmetic) -> Self {
        match op {
            Arithmetic::Add => Self::Add,
            Arithmetic::Atan2 => Self::Atan2,
            Arithmetic::Div => Self::Div,
            Arithmetic::Mod => Self::Mod,
            Arithmetic::Mul => Self::Mul,
            Arithmetic::Pow => Self::Pow,
            Arithmetic::Sub => Self::Sub,
        }
    }
}

impl From<Comparison> for BinaryOp {
    fn from(op: Comparison) -> Self {
        match op {
            Comparison::Equal => Self::Eq,
            Comparison::Greater => Self::Gtr,
            Comparison::GreaterOrEqual => Self::Gte,
            Comparison::Less => Self::Lss,
            Comparison::LessOrEqual => Self::Lte,
            Comparison::NotEqual => Self::Neq,
        }
    }
}

/// An operator that cuts observations off histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "PromQL has these")]
pub enum Trim {
    /// `</`: those above the other operand.
    Above,
    /// `>/`: those below the other operand.
    Below,
}

impl From<Trim> for BinaryOp {
    fn from(op: Trim) -> Self {
        match op {
            Trim::Above => Self::TrimUpper,
            Trim::Below => Self::TrimLower,
        }
    }
}

/// How series find each other, one to one: by all labels unless said otherwise.
#[derive(Clone, Debug)]
pub struct Matching(VectorMatching);

/// How series find each other, also many to one.
#[derive(Clone, Debug)]
pub struct Pairing(VectorMatching);

/// Names without the empty one, which no label has.
pub(super) fn names<'a>(labels: impl IntoIterator<Item = &'a str>) -> List<Arc<str>> {
    labels.into_iter().filter(|label| !label.is_empty()).map(Into::into).collect()
}

impl Default for Matching {
    fn default() -> Self {
        Self(one_to_one())
    }
}

impl Matching {
    /// By these labels.
    #[must_use]
    pub fn on<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        Self(VectorMatching { on: true, matching_labels: names(labels), ..one_to_one() })
    }

    /// By all labels but these.
    #[must_use]
    pub fn ignoring<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        Self(VectorMatching { matching_labels: names(labels), ..one_to_one() })
    }

    /// The same for operators that are not set operators, where missing series can be filled in.
    #[must_use]
    pub fn pairing(self) -> Pairing {
        self.into()
    }

    /// Many on the left meet one on the right, of which they take these labels.
    #[must_use]
    pub fn group_left<'a>(self, include: impl IntoIterator<Item = &'a str>) -> Pairing {
        self.grouped(VectorMatchCardinality::ManyToOne, names(include))
    }

    /// One on the left meets many on the right, which take these labels of it.
    #[must_use]
    pub fn group_right<'a>(self, include: impl IntoIterator<Item = &'a str>) -> Pairing {
        self.grouped(VectorMatchCardinality::OneToMany, names(include))
    }

    /// Labels that are matched are there on both sides: they are not taken.
    fn grouped(mut self, card: VectorMatchCardinality, mut include: List<Arc<str>>) -> Pairing {
        if self.0.on {
            include.retain(|label| !self.0.matching_labels.contains(label));
        }
        self.0.card = card;
        Pairing(VectorMatching { include, ..self.0 })
    }
}

impl Pairing {
    /// A value for series that are missing on either side.
    ///
    /// ```
    /// use skopos_promql::build::{Arithmetic, Matching, selector};
    ///
    /// let (errors, all) = (selector("errors").vector(), selector("requests").vector());
    /// let by_job = Matching::on(["job"]).pairing().fill_left(0.0);
    /// let ratio = errors.arithmetic(Arithmetic::Div, by_job, all);
    /// assert_eq!(ratio.finish()?.to_string(), "errors / on (job) fill_left (0) requests");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn fill(self, value: f64) -> Self {
        self.fill_left(value).fill_right(value)
    }

    /// A value for series that are missing on the left.
    #[must_use]
    pub fn fill_left(mut self, value: f64) -> Self {
        // A negative zero would lose its sign beside a positive one.
        self.0.fill_left = Some(value + 0.0);
        self
    }

    /// A value for series that are missing on the right.
    #[must_use]
    pub fn fill_right(mut self, value: f64) -> Self {
        self.0.fill_right = Some(value + 0.0);
        self
    }
}

impl From<Matching> for Pairing {
    fn from(matching: Matching) -> Self {
        Self(matching.0)
    }
}

impl Vector {
    /// What an operator makes of each two series that match.
    ///
    /// ```
    /// use skopos_promql::build::{Arithmetic, Matching, selector};
    ///
    /// let (free, info) = (selector("free").vector(), selector("info").vector());
    /// let joined = free.arithmetic(Arithmetic::Mul, Matching::on(["id"]).group_left(["host"]), info);
    /// assert_eq!(joined.finish()?.to_string(), "free * on (id) group_left (host) info");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn arithmetic(
        self,
        op: Arithmetic,
        pairing: impl Into<Pairing>,
        rhs: impl Into<Self>,
    ) -> Self {
        self.paired(op, false, pairing.into(), rhs.into())
    }

    /// What an operator makes of the values and a number.
    pub fn arithmetic_with(self, op: Arithmetic, rhs: impl Into<Scalar>) -> Self {
        self.with_number(op, false, rhs.into())
    }

    /// The series whose match compares so.
    pub fn compare(
        self,
        op: Comparison,
        pairing: impl Into<Pairing>,
        rhs: impl Into<Self>,
    ) -> Self {
        self.paired(op, false, pairing.into(), rhs.into())
    }

    /// 1 for the series whose match compares so, 0 for the other series that have one.
    ///
    /// ```
    /// use skopos_promql::build::{Comparison, Matching, selector};
    ///
    /// let (used, quota) = (selector("used").vector(), selector("quota").vector());
    /// let above = used.compare_bool(Comparison::Greater, Matching::on(["team"]), quota);
    /// assert_eq!(above.finish()?.to_string(), "used > bool on (team) quota");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn compare_bool(
        self,
        op: Comparison,
        pairing: impl Into<Pairing>,
        rhs: impl Into<Self>,
    ) -> Self {
        self.paired(op, true, pairing.into(), rhs.into())
    }

    /// The histograms without the observations beyond the value of their match.
    pub fn trim(self, op: Trim, pairing: impl Into<Pairing>, rhs: impl Into<Self>) -> Self {
        self.paired(op, false, pairing.into(), rhs.into())
    }

    /// The histograms without the observations beyond a number.
    ///
    /// ```
    /// use skopos_promql::build::{Trim, selector};
    ///
    /// let slow = selector("latency").vector().trim_with(Trim::Below, 0.5);
    /// assert_eq!(slow.finish()?.to_string(), "latency >/ 0.5");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn trim_with(self, op: Trim, rhs: impl Into<Scalar>) -> Self {
        self.with_number(op, false, rhs.into())
    }

    /// The series whose value compares so with a number.
    ///
    /// ```
    /// use skopos_promql::build::{Comparison, selector};
    ///
    /// let down = selector("up").vector().compare_with(Comparison::Equal, 0.0);
    /// assert_eq!(down.finish()?.to_string(), "up == 0");
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn compare_with(self, op: Comparison, rhs: impl Into<Scalar>) -> Self {
        self.with_number(op, false, rhs.into())
    }

    /// 1 for the series whose value compares so with a number, 0 for the others.
    pub fn compare_with_bool(self, op: Comparison, rhs: impl Into<Scalar>) -> Self {
        self.with_number(op, true, rhs.into())
    }

    /// The series that have a match.
    pub fn and(self, matching: Matching, rhs: impl Into<Self>) -> Self {
        self.set(BinaryOp::And, matching, rhs.into())
    }

    /// The series, and those of the other that have no match.
    pub fn or(self, matching: Matching, rhs: impl Into<Self>) -> Self {
        self.set(BinaryOp::Or, matching, rhs.into())
    }

    /// The series that have no match.
    pub fn unless(self, matching: Matching, rhs: impl Into<Self>) -> Self {
        self.set(BinaryOp::Unless, matching, rhs.into())
    }

    fn set(self, op: BinaryOp, matching: Matching, rhs: Self) -> Self {
        Self(self.0.binary(op, false, Some(matching.0), rhs.0))
    }

    /// The values to the power of a number.
    pub fn pow(self, exponent: impl Into<Scalar>) -> Self {
        self.with_number(Arithmetic::Pow, false, exponent.into())
    }

    fn paired(self, op: impl Into<BinaryOp>, bool: bool, pairing: Pairing, rhs: Self) -> Self {
        Self(self.0.binary(op.into(), bool, Some(pairing.0), rhs.0))
    }

    fn with_number(self, op: impl Into<BinaryOp>, bool: bool, rhs: Scalar) -> Self {
        Self(self.0.binary(op.into(), bool, None, rhs.0))
    }
}

impl Scalar {
    /// 1 if the numbers compare so, otherwise 0.
    pub fn compare(self, op: Comparison, rhs: impl Into<Self>) -> Self {
        Self(self.0.binary(op.into(), true, None, rhs.into().0))
    }

    /// What an operator makes of two numbers.
    pub fn arithmetic(self, op: Arithmetic, rhs: impl Into<Self>) -> Self {
        Self(self.0.binary(op.into(), false, None, rhs.into().0))
    }

    /// What an operator makes of the number and the values of a vector.
    pub fn arithmetic_with(self, op: Arithmetic, rhs: impl Into<Vector>) -> Vector {
        Vector(self.0.binary(op.into(), false, None, rhs.into().0))
    }

    /// The series with whose value the number compares so.
    pub fn compare_with(self, op: Comparison, rhs: impl Into<Vector>) -> Vector {
        Vector(self.0.binary(op.into(), false, None, rhs.into().0))
    }

    /// 1 for the series with whose value the number compares so, 0 for the others.
    pub fn compare_with_bool(self, op: Comparison, rhs: impl Into<Vector>) -> Vector {
        Vector(self.0.binary(op.into(), true, None, rhs.into().0))
    }

    /// The number to the power of another.
    pub fn pow(self, exponent: impl Into<Self>) -> Self {
        self.arithmetic(Arithmetic::Pow, exponent)
    }
}

/// How series match, for operands of these types.
trait Match<Rhs> {
    fn matching() -> Option<VectorMatching>;
}

impl Match<Vector> for Vector {
    fn matching() -> Option<VectorMatching> {
        Some(one_to_one())
    }
}

/// A number has nothing to match.
macro_rules! no_match {
    ($($lhs:ident $rhs:ident),*) => {$(
        impl Match<$rhs> for $lhs {
            fn matching() -> Option<VectorMatching> {
                None
            }
        }
    )*};
}

no_match!(Vector Scalar, Scalar Vector, Scalar Scalar);

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident),*; $types:tt) => {
        $(operators!(@types $trait $method $op $types);)*
    };
    (@types $trait:ident $method:ident $op:ident [$($lhs:ident $rhs:ident $out:ident),*]) => {$(
        impl ops::$trait<$rhs> for $lhs {
            type Output = $out;

            fn $method(self, rhs: $rhs) -> $out {
                let matching = <$lhs as Match<$rhs>>::matching();
                $out(Tree::binary(self.0, BinaryOp::$op, false, matching, rhs.0))
            }
        }
    )*};
}

operators!(
    Add add Add, Div div Div, Mul mul Mul, Rem rem Mod, Sub sub Sub;
    [Scalar Scalar Scalar, Scalar Vector Vector, Vector Scalar Vector, Vector Vector Vector]
);

impl ops::Neg for Vector {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.negated())
    }
}

impl ops::Neg for Scalar {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.negated())
    }
}
