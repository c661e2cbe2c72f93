//! How long a group of ten thousand rules over a hundred thousand series takes.
//!
//! `inside SHAPE [ROUNDS [THREADS]]` evaluates it in this process, over the head. `beside SHAPE SECONDS PROGRAM…` starts
//! each program after the other with the flags of Prometheus, lets it scrape the series and evaluate
//! the group for so long, and asks it how long the evaluations took. `rules SHAPE` prints the file.
//! A SHAPE is `own` (each rule has ten series to itself) or `shared` (ten rules look at the same
//! hundred).
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

mod beside;
mod inside;
mod load;

use std::error::Error;

use self::load::Shape;

const RULES: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let shape = match words.get(1) {
        Some(&"own") => Shape::Own,
        Some(&"shared") => Shape::Shared,
        _ => return Err("usage: rule_group inside|beside|rules own|shared …".into()),
    };
    match words[0] {
        "inside" => {
            let rounds = words.get(2).map_or(Ok(5), |rounds| rounds.parse())?;
            inside::run(shape, rounds, words.get(3).map_or(Ok(0), |threads| threads.parse())?)
        }
        "beside" => {
            beside::run(shape, words.get(2).ok_or("how many seconds?")?.parse()?, &words[3..])
        }
        "rules" => {
            print!("{}", load::rule_file(shape, RULES, "1m"));
            Ok(())
        }
        other => Err(format!("what is {other}?").into()),
    }
}
