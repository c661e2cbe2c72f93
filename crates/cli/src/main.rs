//! The skopos program.
fn main() {}
