//! The composition root: the only room that names every other one.

mod polling;
#[cfg(feature = "program")]
mod program;

pub use polling::{Polling, polling};
#[cfg(feature = "program")]
pub(crate) use program::{run, serve_sandbox};
