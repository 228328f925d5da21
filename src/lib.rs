//! Sundown.
#[cfg(feature = "polling")]
mod app;
#[cfg(feature = "polling")]
pub mod bot;
#[cfg(feature = "program")]
pub mod cli;
#[cfg(feature = "program")]
mod config;
#[cfg(feature = "program")]
pub mod features;
#[cfg(feature = "polling")]
pub mod lanes;
pub mod lifecycle;
#[cfg(feature = "sandbox")]
pub mod sandbox;
#[cfg(feature = "polling")]
pub mod store;
#[cfg(feature = "polling")]
pub mod telegram;
#[cfg(feature = "program")]
mod telemetry;
#[cfg(feature = "polling")]
pub use app::{Polling, polling};
