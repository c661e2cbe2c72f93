//! Walking a tree.

use crate::ast::{Expr, NumberLiteral};

/// The direct operands of an expression, in the order of the text; see [`Expr::children`].
#[derive(Clone, Debug)]
pub struct Children<'a> {
    front: [Option<&'a Expr>; 2],
    rest: &'a [Expr],
}

impl<'a> Iterator for Children<'a> {
    type Item = &'a Expr;

    fn next(&mut self) -> Option<&'a Expr> {
        if let Some(expr) = self.front.iter_mut().find_map(Option::take) {
            return Some(expr);
        }
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }
}

impl Expr {
    /// The direct operands, in the order of the text.
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let expr = parse("topk(3, foo)", &ParseOptions::default())?;
    /// assert_eq!(expr.children().count(), 2);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn children(&self) -> Children<'_> {
        let none = Children { front: [None, None], rest: &[] };
        match self {
            Self::Aggregate(e) => Children { front: [e.param.as_ref(), Some(&e.expr)], ..none },
            Self::Binary(e) => Children { front: [Some(&e.lhs), Some(&e.rhs)], ..none },
            Self::Call(e) => Children { rest: &e.args, ..none },
            Self::Paren(e) => Children { front: [Some(&e.expr), None], ..none },
            Self::Subquery(e) => Children { front: [Some(&e.expr), None], ..none },
            Self::Unary(e) => Children { front: [Some(&e.expr), None], ..none },
            Self::Matrix(_) | Self::Number(_) | Self::String(_) | Self::Vector(_) => none,
        }
    }

    /// Calls `visit` on this expression and on all below it, a parent before its operands, in the
    /// order of the text; operands of an expression are left out where `visit` returns `false`.
    ///
    /// ```
    /// use skopos_promql::ast::Expr;
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let expr = parse("rate(a[5m]) / rate(b[5m])", &ParseOptions::default())?;
    /// let mut names = vec![];
    /// expr.walk(&mut |e| {
    ///     if let Expr::Matrix(m) = e {
    ///         names.extend(m.selector.name.as_deref());
    ///     }
    ///     true
    /// });
    /// assert_eq!(names, ["a", "b"]);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self) -> bool) {
        if visit(self) {
            self.children().for_each(|child| child.walk(visit));
        }
    }

    /// The tree with each node replaced by what `change` makes of it, operands before their parent.
    ///
    /// What `change` gives is not walked again. A tree may become ill-typed or too high so: print and
    /// parse it where that can be.
    ///
    /// ```
    /// use skopos_core::Matcher;
    /// use skopos_promql::ast::Expr;
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let within_tenant = |expr: Expr| expr.rewrite(&mut |mut e| {
    ///     let selector = match &mut e {
    ///         Expr::Matrix(matrix) => &mut matrix.selector,
    ///         Expr::Vector(selector) => &mut **selector,
    ///         // Numbers stay, parentheses go.
    ///         Expr::Paren(_) => return e.unparen().clone(),
    ///         _ => return e,
    ///     };
    ///     selector.matchers.insert(0, Matcher::equal("tenant", "a"));
    ///     e
    /// });
    /// let expr = parse("rate(x{job=\"api\"}[5m]) / sum((y))", &ParseOptions::default())?;
    /// assert_eq!(
    ///     within_tenant(expr).to_string(),
    ///     r#"rate(x{job="api",tenant="a"}[5m]) / sum(y{tenant="a"})"#,
    /// );
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn rewrite(mut self, change: &mut impl FnMut(Self) -> Self) -> Self {
        self.walk_mut(&mut |expr| {
            // A number stands in while `change` has the node.
            let stand_in = NumberLiteral { value: 0.0, is_duration: false, span: expr.span() };
            *expr = change(std::mem::replace(expr, Self::Number(Box::new(stand_in))));
        });
        self
    }

    /// Calls `change` on this expression and on all below it, operands before their parent.
    pub fn walk_mut(&mut self, change: &mut impl FnMut(&mut Self)) {
        match self {
            Self::Aggregate(e) => {
                if let Some(param) = &mut e.param {
                    param.walk_mut(change);
                }
                e.expr.walk_mut(change);
            }
            Self::Binary(e) => {
                e.lhs.walk_mut(change);
                e.rhs.walk_mut(change);
            }
            Self::Call(e) => e.args.iter_mut().for_each(|arg| arg.walk_mut(change)),
            Self::Paren(e) => e.expr.walk_mut(change),
            Self::Subquery(e) => e.expr.walk_mut(change),
            Self::Unary(e) => e.expr.walk_mut(change),
            Self::Matrix(_) | Self::Number(_) | Self::String(_) | Self::Vector(_) => {}
        }
        change(self);
    }
}
