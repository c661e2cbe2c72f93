//! The program as it is run: what it prints where, and how it exits.

mod backtest;
mod check;
mod extension;
mod guide;
mod query;
mod run;
mod serve;
mod test;
mod why;
