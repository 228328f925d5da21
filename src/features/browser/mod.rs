//! Web pages, read for people and for the assistant.

#[allow(dead_code, reason = "what fetches pages will keep them here")]
mod cache;
pub mod extract;
