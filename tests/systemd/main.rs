//! The units on a real systemd: a private one, process 1 of namespaces of its own, runs them with the released program
//! against a sandbox server on loopback. It takes root; without it, every test says loudly that it was skipped.
#![allow(
    clippy::unwrap_used,
    reason = "in a test, a panic that names the place is the report"
)]

mod failures;
mod instance;
mod lab;
mod operators;
mod pages;
mod readme;
mod reload;
mod secrets;
mod starts;
mod stops;
#[path = "../program/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "these tests run other programs than those it was made for"
)]
mod support;
mod units;
mod users;
mod windows;
