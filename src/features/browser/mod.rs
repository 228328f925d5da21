//! Web pages, read for people and for the assistant.
//!
//! ```text
//!  /read, /shot, …  ─→ chat ──┐             ┌─→ robots
//!  the assistant    ─→ tools ─┴─→ reader ───┼─→ cache
//!                                           ├─→ fetch ─────────────────────┐
//!                                           │                              ├─→ address, the guard ─→ the web
//!                                           ├─→ chromium ─→ proxy ─────────┘
//!                                           └─→ extract: a child process
//!  /search          ────────────────────────────→ search ─→ the operator's engine
//! ```
//!
//! **Authority**: the guard (`address`) on what may be reached; whoever holds the future of a page on its processes and
//! connections.
//!
//! Invariants:
//! - Nothing connects anywhere but to an address that the guard has judged: not a redirect, not a browser, not a script in it.
//! - Whatever takes part in a page ends with its future: there is no task, no process and no connection of it then.
//! - Each page has a deadline at every step, and a browser and an extractor of its own, so a hostile one spoils itself alone.
//! - What is told of a page names its final address, who has read it, and that something is missing where it is.
//! - Nothing of pages, terms or addresses stands in the log, but for hosts at `debug`, which the HTTP client names there.
//!
//! Not done: logging in, cookies that outlive a page, downloads, pages of search engines that are made for people. Pages that
//! are refused to programs by `robots.txt` are left alone by the assistant; a person who names an address is a reader like
//! any other.

mod address;
mod cache;
mod chat;
pub mod chromium;
pub mod extract;
mod fetch;
mod need;
mod page;
mod problem;
mod proxy;
mod reader;
mod robots;
mod search;
mod settings;
mod tools;

pub(crate) use chat::{COMMANDS, UPDATES, handler, timers, url_of};
pub(crate) use reader::{Browser, Host, Wish};
pub(crate) use settings::{Engine, Settings};
pub(crate) use tools::tools;
