//! The program as its user meets it: processes, signals, HTTP, files.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a panic that names the place is the report"
)]

mod assistant;
mod bots;
mod browser;
mod console;
mod crashes;
mod culprits;
mod demo;
mod disk;
mod durability;
mod extract;
mod foreign;
mod gateway;
mod guard;
mod hostile;
mod page;
mod poller;
mod powercut;
mod refusals;
mod reload;
mod signals;
mod stop;
mod support;
