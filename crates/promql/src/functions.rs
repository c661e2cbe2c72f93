//! What PromQL's functions compute, apart from how series and steps are walked.
//!
//! Functions of range vectors see one [`Window`](window::Window) of one series at a time; functions
//! of numbers see one number. All of them keep upstream's order of operations.

pub(crate) mod classic;
pub(crate) mod date;
pub(crate) mod extended;
pub(crate) mod natural;
pub(crate) mod over_time;
pub(crate) mod rate;
pub(crate) mod regression;
pub(crate) mod sliding;
pub(crate) mod value;
pub(crate) mod window;
