//! `promql-parse`: the parser over a file of queries.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use skopos_promql::{ParseOptions, parse};

use super::{base_name, lines};
use crate::measure::{Plan, measure};
use crate::report::{emit_allocations, emit_rate, emit_time};

/// Measures the parser.
///
/// # Errors
///
/// Where the file cannot be read or a query is wrong.
pub fn parse_queries(plan: Plan, file: &Path) -> Result<()> {
    let queries = lines(file)?;
    let options = ParseOptions::default();
    for query in &queries {
        parse(query, &options).with_context(|| query.clone())?;
    }
    let measured = measure(plan, queries.len(), || {
        for query in &queries {
            black_box(parse(query, &options).expect("it parsed before"));
        }
    });
    let name = format!("promql-parse/{}", base_name(file));
    let bytes: usize = queries.iter().map(String::len).sum();
    let fields = json!({"queries": queries.len(), "bytes": bytes});
    emit_time(&measured, &name, "ns/query", 1.0, fields);
    emit_rate(&measured, &name, "queries/s", 1e9, Value::Null);
    emit_allocations(&measured, &name, "query");
    Ok(())
}
