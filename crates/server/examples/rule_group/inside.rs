//! The group in this process: a head, an engine and nothing else.

use std::error::Error;
use std::time::Instant;

use skopos_core::{Ingest, ManualClock, Sample, SeriesRef, Timestamp};
use skopos_promql::{Engine, EngineOptions};
use skopos_rules::{Evaluator, GroupDefaults, GroupState, LoadOptions, SharedSource, Threads};
use skopos_template::AlertExpander;
use skopos_tsdb::{Head, HeadOptions};

use crate::RULES;
use crate::load::{Shape, rule_file, series, value};

const START: i64 = 1_700_000_000_000;
/// Milliseconds between scrapes.
const SCRAPE: i64 = 5_000;
/// Scrapes between evaluations.
const ROUND: u64 = 3;

pub(crate) fn run(shape: Shape, rounds: u64, threads: usize) -> Result<(), Box<dyn Error>> {
    let has_threads = threads != 0;
    let head = Head::new(HeadOptions::new());
    let engine = Engine::new(&head, EngineOptions::default());
    let expander = AlertExpander::new();
    let text = rule_file(shape, RULES, "15s");
    let start = Instant::now();
    let file =
        skopos_rules::load(text.as_bytes(), "rules.yml", &LoadOptions::new(&engine, &expander))
            .map_err(|errors| errors[0].to_string())?;
    println!("loaded {} rules in {:.1?}", file.rule_count(), start.elapsed());
    let start = Instant::now();
    let defaults = GroupDefaults::default();
    let mut group = GroupState::new(&file.groups[0], "rules.yml", defaults, &engine, false)?;
    println!("prepared in {:.1?}", start.elapsed());

    let labels = series();
    let mut known: Vec<Option<SeriesRef>> = vec![None; labels.len()];
    let mut scrapes = 0;
    let mut scrape = || -> Result<Timestamp, skopos_core::Error> {
        let t = START + i64::try_from(scrapes).unwrap_or(0) * SCRAPE;
        let mut batch = head.appender();
        for (i, (labels, known)) in labels.iter().zip(&mut known).enumerate() {
            *known = Some(batch.append(*known, labels, Sample::new(t, value(i, scrapes)))?);
        }
        batch.commit()?;
        scrapes += 1;
        Ok(Timestamp::from_millis(t))
    };
    for _ in 0..20 {
        scrape()?;
    }
    let clock = ManualClock::default();
    let threads = Threads::new(threads);
    for _ in 0..rounds {
        let mut t = Timestamp::default();
        for _ in 0..ROUND {
            t = scrape()?;
        }
        clock.set(t);
        let start = Instant::now();
        let world = SharedSource::new(&group, &head, &head);
        let engine = Engine::new(&world, EngineOptions::default());
        let mut evaluator = Evaluator::new(&engine, &expander, &world, &clock);
        if has_threads {
            evaluator = evaluator.with_executor(&threads);
        }
        let outcome = group.evaluate(t, &evaluator);
        let took = start.elapsed();
        println!(
            "{:.1?} for {RULES} rules, {} samples, {} failed: {:.1?} a rule",
            took,
            outcome.samples,
            outcome.failed_rules,
            took / RULES as u32
        );
    }
    Ok(())
}
