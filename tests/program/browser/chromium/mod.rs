//! Real Chromium, started through the program as it is in earnest, and pages on loopback.

mod deaths;
mod leaving;
mod measures;
mod pages;
mod proxied;
mod sessions;
mod site;
pub(crate) mod support;
