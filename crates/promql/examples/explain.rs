//! Reads a query and says what it is: its type, its text over several lines, and what it selects.
//!
//! ```text
//! cargo run -p skopos-promql --example explain -- 'sum(rate(errors_total[5m])) by (job) > 0.1'
//! ```

use std::process::ExitCode;

use skopos_promql::ast::Expr;
use skopos_promql::{ParseOptions, parse};

fn main() -> ExitCode {
    let query = std::env::args().nth(1).unwrap_or_else(|| "rate(errors_total[5m]) > 0.1".into());
    let expr = match parse(&query, &ParseOptions::default()) {
        Ok(expr) => expr,
        Err(error) => {
            eprint!("{}", error.render(&query));
            return ExitCode::FAILURE;
        }
    };
    println!("{}, an expression of type {}\n", expr.pretty(), expr.value_type());
    expr.walk(&mut |part| {
        let (selector, range) = match part {
            Expr::Vector(selector) => (&**selector, None),
            Expr::Matrix(matrix) => (&matrix.selector, Some(&matrix.range)),
            _ => return true,
        };
        let conditions: Vec<String> = selector.matchers.iter().map(ToString::to_string).collect();
        print!("selects {}", conditions.join(" and "));
        println!("{}", range.map_or_else(String::new, |range| format!(", over {range}")));
        true
    });
    ExitCode::SUCCESS
}
