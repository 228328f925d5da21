//! Web pages, read for people and for the assistant.

pub mod chromium;
