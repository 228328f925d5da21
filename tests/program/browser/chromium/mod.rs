//! Real Chromium, started through the program as it is in earnest, and pages on loopback.

mod deaths;
mod pages;
mod sessions;
mod site;
pub(crate) mod support;
