//! PromQL over a program's own data: a source that answers from what the program holds anyway.
//!
//! The program here counts the orders of a shop in a plain vector. It implements the three small
//! traits of a source, and every PromQL query runs over its counters.

use std::error::Error;

use skopos_core::{
    Columns, Error as SourceError, ErrorKind, LabelSet, Labels, QueryEngine as _, QueryRequest,
    QueryValue, SampleCursor, SampleValue, Selection, Series, SeriesSet, SeriesSource, TimeRange,
    Timestamp,
};
use skopos_promql::{Engine, EngineOptions};
use skopos_regex::LabelRegex;

/// What the program holds: how many orders a branch had taken at the end of each minute.
struct Shop {
    branches: Vec<Branch>,
}

struct Branch {
    labels: Labels,
    orders: Vec<u32>,
}

impl Shop {
    fn new(branches: &[(&str, &[u32])]) -> Self {
        let branch = |(city, orders): &(&str, &[u32])| Branch {
            labels: Labels::from_pairs([("__name__", "orders_total"), ("city", city)]),
            orders: orders.to_vec(),
        };
        Self { branches: branches.iter().map(branch).collect() }
    }
}

/// Which series are asked for: those for which all matchers hold.
impl SeriesSource for Shop {
    fn select<'a>(
        &'a self,
        selection: &Selection,
    ) -> Result<Box<dyn SeriesSet<'a> + 'a>, SourceError> {
        let mut chosen: Vec<&'a Branch> = self.branches.iter().collect();
        for matcher in selection.matchers() {
            let regex = matcher.op().is_regex().then(|| LabelRegex::new(matcher.value()));
            let regex =
                regex.transpose().map_err(|e| SourceError::caused(ErrorKind::Invalid, e))?;
            chosen.retain(|branch| {
                let value = branch.labels.get(matcher.name()).unwrap_or_default();
                let equal = match &regex {
                    Some(regex) => regex.is_match(value),
                    None => matcher.value() == value,
                };
                equal != matcher.op().is_negative()
            });
        }
        Ok(Box::new(Chosen { branches: chosen.into_iter(), range: selection.range() }))
    }
}

struct Chosen<'a> {
    branches: std::vec::IntoIter<&'a Branch>,
    range: TimeRange,
}

impl<'a> SeriesSet<'a> for Chosen<'a> {
    fn advance(&mut self) -> Result<Option<Box<dyn Series + 'a>>, SourceError> {
        let range = self.range;
        let next = self.branches.next().map(|branch| OrderSeries { branch, range });
        Ok(next.map(|series| Box::new(series) as Box<dyn Series + 'a>))
    }
}

struct OrderSeries<'a> {
    branch: &'a Branch,
    range: TimeRange,
}

impl Series for OrderSeries<'_> {
    fn labels(&self) -> &dyn LabelSet {
        &self.branch.labels
    }

    fn cursor(&self) -> Box<dyn SampleCursor + '_> {
        Box::new(OrderCursor(self))
    }
}

struct OrderCursor<'a>(&'a OrderSeries<'a>);

/// The samples of one series, all in one batch.
impl SampleCursor for OrderCursor<'_> {
    fn read(&mut self, columns: &mut Columns) -> Result<bool, SourceError> {
        let OrderSeries { branch, range } = self.0;
        for (minute, orders) in (0..).zip(&branch.orders) {
            let millis = minute * 60_000;
            if range.contains(Timestamp::from_millis(millis)) {
                columns.push(millis, f64::from(*orders));
            }
        }
        Ok(false)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let shop = Shop::new(&[
        ("berlin", &[0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60]),
        ("athens", &[0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30]),
        ("bergen", &[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]),
    ]);
    let engine = Engine::new(shop, EngineOptions::default());

    let query = "topk(2, rate(orders_total{city=~\"b.*|a.*\"}[5m]) * 60)";
    let output = engine.query(&QueryRequest::instant(query, Timestamp::from_seconds(600.0)))?;
    let QueryValue::Vector(vector) = output.value else { return Err("it is a vector".into()) };
    let busiest: Vec<String> = vector
        .iter()
        .map(|sample| match &sample.value {
            SampleValue::Float(v) => format!("{} {v}", sample.labels),
            SampleValue::Histogram(h) => format!("{} {h}", sample.labels),
        })
        .collect();
    println!("orders a minute: {busiest:?}");
    assert_eq!(busiest, [r#"{city="berlin"} 6"#, r#"{city="athens"} 3"#]);

    let error = engine.check("rate(orders_total)").err().ok_or("a rate needs a range")?;
    println!("{error}");
    Ok(())
}
