//! The composition root: the only room that names every other one.

mod polling;

pub use polling::{Polling, polling};
