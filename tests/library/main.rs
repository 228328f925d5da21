//! The library's parts, put together by hand through its public interface.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a panic that names the place is the report"
)]

mod bots;
mod confirm;
mod kinds;
mod outgoing;
mod state;
mod stress;
mod support;
mod verdict;
