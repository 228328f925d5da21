//! The composition root: the only room that names every other one.

#[cfg(feature = "program")]
mod ai;
mod bots;
#[cfg(feature = "program")]
mod browser;
#[cfg(feature = "program")]
mod operating;
mod polling;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "program")]
mod reload;
#[cfg(feature = "program")]
mod secrets;
#[cfg(feature = "program")]
mod serving;
#[cfg(feature = "program")]
mod tokens;

#[cfg(feature = "program")]
pub(crate) use crate::features::browser::extract::{Kind, serve as extract_from_stdin};
#[cfg(feature = "program")]
pub(crate) use crate::features::console;
#[cfg(feature = "program")]
pub(crate) use crate::store::sqlite::Inbox;
#[cfg(feature = "program")]
pub(crate) use crate::store::{Pos, StoreError};
pub use polling::{Polling, polling};
#[cfg(feature = "program")]
pub(crate) use program::{run, serve_sandbox};
#[cfg(feature = "program")]
pub(crate) use reload::ReadConfig;
