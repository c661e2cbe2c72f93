//! From a tree to text: in one line, or over several where it is long.
//!
//! `Display` gives the canonical text, which parses to the same tree. [`Expr::pretty`] gives what
//! Prometheus' formatter shows.

mod pretty;
mod selector;

use std::fmt::{self, Display, Write as _};
use std::sync::Arc;

use skopos_core::text::{FloatStyle, Quoted, format_float, is_legacy_label_name};

use crate::ast::{
    AggregateExpr, At, BinaryExpr, Call, DurationArg, DurationExpr, DurationKind, Expr,
    MatrixSelector, NumberLiteral, ParenExpr, StringLiteral, SubqueryExpr, UnaryExpr,
    VectorMatchCardinality, VectorMatching,
};
use crate::duration::format_duration;

/// The canonical text.
///
/// ```
/// use skopos_promql::{ParseOptions, parse};
///
/// let expr = parse("sum(rate(foo[300])) BY (job)>0.50", &ParseOptions::default())?;
/// assert_eq!(expr.to_string(), "sum by (job) (rate(foo[5m])) > 0.5");
/// # Ok::<(), skopos_promql::Error>(())
/// ```
impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregate(e) => e.fmt(f),
            Self::Binary(e) => e.fmt(f),
            Self::Call(e) => e.fmt(f),
            Self::Matrix(e) => e.fmt(f),
            Self::Number(e) => e.fmt(f),
            Self::Paren(e) => e.fmt(f),
            Self::String(e) => e.fmt(f),
            Self::Subquery(e) => e.fmt(f),
            Self::Unary(e) => e.fmt(f),
            Self::Vector(e) => e.fmt(f),
        }
    }
}

impl Display for AggregateExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        f.write_char('(')?;
        if let Some(param) = &self.param {
            write!(f, "{param}, ")?;
        }
        write!(f, "{})", self.expr)
    }
}

impl AggregateExpr {
    /// The operator and its grouping.
    fn write_head(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        match (self.without, self.grouping.is_empty()) {
            (true, _) => write!(f, " without ({}) ", LabelList(&self.grouping)),
            (false, false) => write!(f, " by ({}) ", LabelList(&self.grouping)),
            (false, true) => Ok(()),
        }
    }
}

/// Label names with commas, quoted where they must be.
struct LabelList<'a>(&'a [Arc<str>]);

impl Display for LabelList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, label) in self.0.iter().enumerate() {
            if 0 < at {
                f.write_str(", ")?;
            }
            // Upstream quotes no numbers here, which then do not parse back.
            let is_number = ["inf", "nan"].iter().any(|word| label.eq_ignore_ascii_case(word));
            if is_legacy_label_name(label) && !is_number {
                f.write_str(label)?;
            } else {
                Quoted(label).fmt(f)?;
            }
        }
        Ok(())
    }
}

impl Display for BinaryExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.lhs)?;
        self.write_operator(f)?;
        write!(f, " {}", self.rhs)
    }
}

impl BinaryExpr {
    /// The operator with its modifiers.
    fn write_operator(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if self.return_bool {
            f.write_str(" bool")?;
        }
        self.matching.as_ref().map_or(Ok(()), |matching| write!(f, "{matching}"))
    }
}

/// The modifiers, each with a space before it.
impl Display for VectorMatching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = match self.card {
            VectorMatchCardinality::ManyToOne => Some("left"),
            VectorMatchCardinality::OneToMany => Some("right"),
            VectorMatchCardinality::ManyToMany | VectorMatchCardinality::OneToOne => None,
        };
        if self.on || !self.matching_labels.is_empty() || group.is_some() {
            let tag = if self.on { "on" } else { "ignoring" };
            write!(f, " {tag} ({})", LabelList(&self.matching_labels))?;
        }
        if let Some(side) = group {
            write!(f, " group_{side} ({})", LabelList(&self.include))?;
        }
        let text = |v| format_float(v, FloatStyle::General);
        match (self.fill_left, self.fill_right) {
            (Some(left), Some(right)) if left == right => {
                write!(f, " fill ({})", text(left))
            }
            (left, right) => {
                left.map_or(Ok(()), |v| write!(f, " fill_left ({})", text(v)))?;
                right.map_or(Ok(()), |v| write!(f, " fill_right ({})", text(v)))
            }
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.func.name)?;
        for (at, arg) in self.args.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{arg}")?;
        }
        f.write_char(')')
    }
}

impl Display for NumberLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_number(f, self.value, self.is_duration)
    }
}

fn write_number(f: &mut fmt::Formatter<'_>, value: f64, is_duration: bool) -> fmt::Result {
    if !is_duration {
        return f.write_str(&format_float(value, FloatStyle::Plain));
    }
    // A cast saturates; a duration literal fits by itself.
    #[expect(clippy::cast_possible_truncation, reason = "cutting off is what upstream does")]
    let millis = (value.abs() * 1e9) as i64 / 1_000_000;
    let sign = if value < 0.0 { "-" } else { "" };
    write!(f, "{sign}{}", format_duration(millis))
}

impl Display for ParenExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.expr)
    }
}

impl Display for StringLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quoted(&self.value).fmt(f)
    }
}

impl Display for SubqueryExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.expr)?;
        self.write_suffix(f)
    }
}

impl SubqueryExpr {
    /// The brackets and what follows them.
    fn write_suffix(&self, f: &mut impl fmt::Write) -> fmt::Result {
        write!(f, "[{}:", self.range)?;
        if let Some(step) = &self.step {
            write!(f, "{step}")?;
        }
        write!(f, "]{}{}", AtSuffix(self.at), OffsetSuffix(&self.offset))
    }
}

impl Display for UnaryExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.op, self.expr)
    }
}

impl Display for MatrixSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.selector.write_series(f)?;
        write!(f, "[{}]", self.range)?;
        self.selector.write_extension(f)?;
        write!(f, "{}{}", AtSuffix(self.selector.at), OffsetSuffix(&self.selector.offset))
    }
}

/// `@` and its time, with a space before it.
struct AtSuffix(Option<At>);

impl Display for AtSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(At::Start) => f.write_str(" @ start()"),
            Some(At::End) => f.write_str(" @ end()"),
            #[expect(clippy::cast_precision_loss, reason = "upstream prints it as a float")]
            Some(At::Timestamp(millis)) => write!(f, " @ {:.3}", millis as f64 / 1000.0),
        }
    }
}

/// `offset` and its duration, with a space before it.
struct OffsetSuffix<'a>(&'a DurationArg);

impl Display for OffsetSuffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self.0 == DurationArg::default() { Ok(()) } else { write!(f, " offset {}", self.0) }
    }
}

impl Display for DurationArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Millis(millis) => f.write_str(&format_duration(*millis)),
            Self::Expr(expr) => expr.fmt(f),
        }
    }
}

impl Display for DurationExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wrapped {
            f.write_char('(')?;
        }
        match &self.kind {
            DurationKind::Number { seconds, is_duration } => {
                write_number(f, *seconds, *is_duration)?;
            }
            DurationKind::Range => f.write_str("range()")?,
            DurationKind::Step => f.write_str("step()")?,
            DurationKind::Neg(d) => write!(f, "-{d}")?,
            DurationKind::Plus(d) => d.fmt(f)?,
            DurationKind::Binary(op, a, b) => write!(f, "{a} {} {b}", op.as_str())?,
            DurationKind::MinOf(a, b) => write!(f, "min_of({a}, {b})")?,
            DurationKind::MaxOf(a, b) => write!(f, "max_of({a}, {b})")?,
        }
        if self.wrapped { f.write_char(')') } else { Ok(()) }
    }
}
