//! The text of long expressions over several lines.
//!
//! An expression that fits stays in one line; one that does not is broken where its parts meet, and
//! its parts are looked at in the same way, one level deeper.

use std::fmt::{self, Write as _};

use crate::ast::{AggregateExpr, BinaryExpr, Call, Expr, ParenExpr, SubqueryExpr, UnaryExpr};

/// How many bytes fit in one line.
const MAX_LINE: usize = 100;

impl Expr {
    /// The text, broken into lines where it is longer than 100 bytes, as Prometheus formats it.
    ///
    /// Takes time linear in the text's length (times the height of the tree for the indentation).
    ///
    /// ```
    /// use skopos_promql::{ParseOptions, parse};
    ///
    /// let long = format!("sum({}) / 2", "x".repeat(100));
    /// let expr = parse(&long, &ParseOptions::default())?;
    /// let lines = format!("  sum(\n    {}\n  )\n/\n  2", "x".repeat(100));
    /// assert_eq!(expr.pretty(), lines);
    /// # Ok::<(), skopos_promql::Error>(())
    /// ```
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        // Writing into a `String` cannot fail.
        let _ = pretty(self, 0, &mut out);
        out
    }
}

fn indent(level: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", level));
}

/// Whether the text fits in one line; no more of it is made than is needed to know.
fn fits(expr: &Expr) -> bool {
    struct Limited(usize);
    impl fmt::Write for Limited {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    write!(Limited(MAX_LINE), "{expr}").is_ok()
}

fn pretty(expr: &Expr, level: usize, out: &mut String) -> fmt::Result {
    match expr {
        // Its operand decides for itself.
        Expr::Unary(e) => return pretty_unary(e, level, out),
        // Upstream forgets the indentation of one that fits.
        Expr::Subquery(_) if fits(expr) => return write!(out, "{expr}"),
        Expr::Subquery(e) => return pretty_subquery(e, level, out),
        // The left operand brings its own.
        Expr::Binary(e) if !fits(expr) => return pretty_binary(e, level, out),
        _ => {}
    }
    indent(level, out);
    match expr {
        Expr::Matrix(_) | Expr::Number(_) | Expr::String(_) | Expr::Vector(_) => {}
        Expr::Aggregate(e) if !fits(expr) => return pretty_aggregate(e, level, out),
        Expr::Call(e) if !fits(expr) && !e.args.is_empty() => return pretty_call(e, level, out),
        Expr::Paren(e) if !fits(expr) => return pretty_paren(e, level, out),
        _ => {}
    }
    write!(out, "{expr}")
}

fn pretty_aggregate(e: &AggregateExpr, level: usize, out: &mut String) -> fmt::Result {
    e.write_head(out)?;
    out.push_str("(\n");
    if let Some(param) = &e.param {
        pretty(param, level + 1, out)?;
        out.push_str(",\n");
    }
    pretty(&e.expr, level + 1, out)?;
    close(level, out);
    Ok(())
}

fn pretty_binary(e: &BinaryExpr, level: usize, out: &mut String) -> fmt::Result {
    pretty(&e.lhs, level + 1, out)?;
    out.push('\n');
    indent(level, out);
    e.write_operator(out)?;
    out.push('\n');
    pretty(&e.rhs, level + 1, out)
}

fn pretty_call(e: &Call, level: usize, out: &mut String) -> fmt::Result {
    out.push_str(e.func.name);
    out.push_str("(\n");
    for (at, arg) in e.args.iter().enumerate() {
        if 0 < at {
            out.push_str(",\n");
        }
        pretty(arg, level + 1, out)?;
    }
    close(level, out);
    Ok(())
}

fn pretty_paren(e: &ParenExpr, level: usize, out: &mut String) -> fmt::Result {
    out.push_str("(\n");
    pretty(&e.expr, level + 1, out)?;
    close(level, out);
    Ok(())
}

fn close(level: usize, out: &mut String) {
    out.push('\n');
    indent(level, out);
    out.push(')');
}

fn pretty_subquery(e: &SubqueryExpr, level: usize, out: &mut String) -> fmt::Result {
    pretty(&e.expr, level, out)?;
    e.write_suffix(out)
}

fn pretty_unary(e: &UnaryExpr, level: usize, out: &mut String) -> fmt::Result {
    indent(level, out);
    out.push_str(e.op.as_str());
    let start = out.len();
    pretty(&e.expr, level, out)?;
    // The sign took the operand's indentation.
    let blank = out[start..].len() - out[start..].trim_start().len();
    out.drain(start..start + blank);
    Ok(())
}
