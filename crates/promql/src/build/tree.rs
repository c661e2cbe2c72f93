//! Trees that are built from the leaves, with the depth at which the parser would see them.

use std::sync::Arc;

use crate::MAX_NESTING;
use crate::ast::{
    AggregateExpr, AggregateOp, BinaryExpr, BinaryOp, Call, DurationArg, Expr, List,
    MatrixSelector, ParenExpr, StringLiteral, SubqueryExpr, UnaryExpr, UnaryOp, VectorMatching,
    VectorSelector,
};
use crate::build::Times;
use crate::build::interval::Interval;
use crate::signature::Signature;
use crate::span::Span;

const NOWHERE: Span = Span::new(0, 0);

/// Where trees stop to grow: surely refused by the parser, whatever it counts.
pub(super) const LIMIT: usize = MAX_NESTING + 8;

/// An expression, and how many constructs stand within each other in its text (for a leaf one too
/// many, which the limit allows for).
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) expr: Expr,
    nesting: usize,
}

impl Tree {
    pub(super) fn leaf(expr: Expr) -> Self {
        // Brackets and offsets count as one more.
        Self { expr, nesting: 2 }
    }

    /// A selector, whose duration is computed within so many constructs.
    pub(super) fn selector(selector: VectorSelector, nesting: usize) -> Self {
        Self { expr: Expr::Vector(Box::new(selector)), nesting: 2 + nesting }
    }

    pub(super) fn string(value: &str) -> Self {
        let literal = StringLiteral { value: value.into(), span: NOWHERE };
        Self::leaf(Expr::String(Box::new(literal)))
    }

    pub(super) fn matrix(selector: VectorSelector, nesting: usize, range: Interval) -> Self {
        let nesting = 2 + nesting.max(range.nesting());
        let range = range.into_range();
        let matrix = MatrixSelector { selector, range, span: NOWHERE };
        Self { expr: Expr::Matrix(Box::new(matrix)), nesting }
    }

    /// `self` within one more construct. What is too deep for the parser stays as it is: it is
    /// refused in the end, and must not grow until then.
    fn within(self, wrap: impl FnOnce(Expr) -> Expr) -> Self {
        if LIMIT < self.nesting {
            return self;
        }
        Self { expr: wrap(self.expr), nesting: self.nesting + 1 }
    }

    /// A call of a function that exists.
    pub(super) fn call<const N: usize>(name: &str, args: [Self; N]) -> Self {
        Self::call_with(name, args.into())
    }

    pub(super) fn call_with(name: &str, args: Vec<Self>) -> Self {
        let deepest = args.iter().map(|arg| arg.nesting).max().unwrap_or(1);
        if LIMIT < deepest {
            return deepest_of(args);
        }
        let func = Signature::find(name).expect("a function of the table, as tests show");
        let args = args.into_iter().map(|arg| arg.expr).collect();
        let call = Call { func, args, span: NOWHERE };
        Self { expr: Expr::Call(Box::new(call)), nesting: deepest + 1 }
    }

    pub(super) fn aggregate(
        self,
        op: AggregateOp,
        param: Option<Self>,
        grouping: List<Arc<str>>,
        without: bool,
    ) -> Self {
        let parameter = param.as_ref().map_or(0, |param| param.nesting);
        if LIMIT < parameter {
            return param.unwrap_or(self);
        }
        let nesting = self.nesting.max(parameter);
        let param = param.map(|param| param.expr);
        Self { nesting, ..self }.within(|expr| {
            let aggregate = AggregateExpr { op, expr, param, grouping, without, span: NOWHERE };
            Expr::Aggregate(Box::new(aggregate))
        })
    }

    /// In parentheses, where an operator or brackets beside it would take it apart.
    pub(super) fn operand(self) -> Self {
        let bare = match &self.expr {
            Expr::Binary(_) | Expr::Unary(_) => false,
            Expr::Number(number) => number.value.is_finite() && number.value.is_sign_positive(),
            // An operator behind it would be read as one of the duration.
            Expr::Vector(selector) => !ends_in_parentheses(&selector.offset),
            _ => true,
        };
        if bare {
            return self;
        }
        self.within(|expr| Expr::Paren(Box::new(ParenExpr { expr, span: NOWHERE })))
    }

    pub(super) fn binary(
        self,
        op: BinaryOp,
        return_bool: bool,
        matching: Option<VectorMatching>,
        rhs: Self,
    ) -> Self {
        let (lhs, rhs) = (self.operand(), rhs.operand());
        if LIMIT < lhs.nesting.max(rhs.nesting) {
            return deepest_of(vec![lhs, rhs]);
        }
        let nesting = lhs.nesting.max(rhs.nesting + 1);
        let (lhs, rhs) = (lhs.expr, rhs.expr);
        let binary = BinaryExpr { op, lhs, rhs, return_bool, matching, span: NOWHERE };
        Self { expr: Expr::Binary(Box::new(binary)), nesting }
    }

    pub(super) fn negated(self) -> Self {
        self.operand().within(|expr| {
            Expr::Unary(Box::new(UnaryExpr { op: UnaryOp::Minus, expr, span: NOWHERE }))
        })
    }

    pub(super) fn subquery(self, times: Times, range: Interval, step: Option<Interval>) -> Self {
        let steps = step.as_ref().map_or(0, Interval::nesting);
        let nesting = self.nesting.max(range.nesting()).max(steps).max(times.nesting);
        if LIMIT < self.nesting {
            return self;
        }
        let (range, step) = (range.into_subquery_range(), step.map(Interval::into_range));
        let Times { offset, at, .. } = times;
        let (expr, span) = (self.expr, NOWHERE);
        let subquery = SubqueryExpr { expr, range, step, offset, at, span };
        Self { expr: Expr::Subquery(Box::new(subquery)), nesting }
    }
}

fn ends_in_parentheses(offset: &DurationArg) -> bool {
    matches!(offset, DurationArg::Expr(expr) if expr.wrapped)
}

/// The one of several that is too deep.
fn deepest_of(trees: Vec<Tree>) -> Tree {
    let deepest = trees.into_iter().max_by_key(|tree| tree.nesting);
    deepest.expect("there are operands")
}
