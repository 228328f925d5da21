//! Web pages, read for people and for the assistant.

#[allow(dead_code, reason = "the commands and tools that read pages are mounted on it")]
mod address;
#[allow(dead_code, reason = "what fetches pages will keep them here")]
mod cache;
pub mod extract;
#[allow(dead_code, reason = "the commands and tools that read pages are mounted on it")]
mod fetch;
#[allow(dead_code, reason = "the commands and tools that read pages are mounted on it")]
mod proxy;
#[allow(dead_code, reason = "the commands and tools that read pages are mounted on it")]
mod robots;
pub mod chromium;
