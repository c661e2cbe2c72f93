//! The laws of [`QueryEngine`], [`Expander`] and [`Clock`].

use skopos_core::{
    Clock, ErrorKind, Expander, Expansion, Labels, QueryEngine, QueryRequest, QueryValue,
    SampleValue, Timestamp,
};

use crate::TableEngine;

/// Checks the laws of [`QueryEngine`] with a query that must work and a text that must be refused.
///
/// # Panics
///
/// If one of them is broken.
#[track_caller]
pub fn query_engine(engine: &dyn QueryEngine, valid: &str, invalid: &str) {
    let t = Timestamp::from_millis(1_000_000);
    engine.check(valid).expect("a valid query passes the check");
    let canonical = engine.canonical(valid).expect("a valid query has a canonical form");
    assert_eq!(
        engine.canonical(&canonical).ok().as_deref(),
        Some(canonical.as_str()),
        "the canonical form is its own canonical form"
    );
    let request = QueryRequest::instant(valid, t);
    let output = engine.query(&request).expect("a valid query is answered");
    if let QueryValue::Vector(vector) = &output.value {
        assert!(vector.iter().all(|sample| sample.t == t), "a vector has the time of the query");
    }
    let again = engine.query(&request).expect("a valid query is answered twice");
    assert_eq!(format!("{output:?}"), format!("{again:?}"), "the same question, the same answer");

    let errors = [
        engine.check(invalid).err(),
        engine.canonical(invalid).err(),
        engine.query(&QueryRequest::instant(invalid, t)).err(),
        engine.query(&QueryRequest::range(invalid, t, t + 60_000, 15_000)).err(),
    ];
    for error in errors {
        let error = error.expect("a text that is no query is refused everywhere");
        assert_eq!(error.kind(), ErrorKind::Invalid, "and the error says that the text is wrong");
    }
}

/// Checks the laws of [`Expander`] with a template that must expand and one that must be refused.
///
/// # Panics
///
/// If one of them is broken.
#[track_caller]
pub fn expander(expander: &dyn Expander, valid: &str, invalid: &str) {
    let (labels, value) = (Labels::from_pairs([("job", "api")]), SampleValue::Float(1.5));
    let engine = TableEngine::new();
    let expansion = Expansion {
        name: "__alert_Test",
        labels: &labels,
        external_labels: &Labels::empty(),
        external_url: "http://localhost:9090",
        value: &value,
        t: Timestamp::from_millis(0),
        engine: &engine,
    };
    expander.check("__alert_Test", valid).expect("a valid template passes the check");
    let text = expander.expand(valid, &expansion).expect("a valid template expands");
    assert_eq!(
        expander.expand(valid, &expansion).ok(),
        Some(text),
        "the same template, the same text"
    );
    for plain in ["", "no action", "한국어 }} %", "a { b }"] {
        assert_eq!(
            expander.expand(plain, &expansion).ok().as_deref(),
            Some(plain),
            "a text without actions expands to itself"
        );
    }
    expander.check("__alert_Test", invalid).expect_err("a broken template fails the check");
    expander.expand(invalid, &expansion).expect_err("and does not expand");
}

/// Checks the laws of [`Clock`]: it can be read, again and again, from several threads.
///
/// # Panics
///
/// If it cannot.
pub fn clock(clock: &dyn Clock) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    let now = clock.now();
                    assert!(
                        Timestamp::MIN < now && now < Timestamp::MAX,
                        "a clock shows a time and no limit"
                    );
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use skopos_core::ManualClock;

    use super::*;

    #[test]
    fn the_manual_clock_is_a_clock() {
        clock(&ManualClock::new(Timestamp::from_millis(5)));
    }
}
