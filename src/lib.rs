//! Sundown runs a Telegram bot the way an operator wants a service run: it starts in order, polls without losing an
//! update, and stops on time: by a signal, by the clock, or because a part failed.
//!
//! With [`polling`] any teloxide bot gets all of it in a few lines. [`lifecycle`] alone, with
//! `default-features = false`, supervises anything else.
//!
//! # The way of an update
//!
//! ```text
//!  Telegram ──→ telegram::Poller ──→ store ──→ lanes ──→ bot ──→ your handlers ──→ Telegram
//!                     │ getUpdates    │ on disk  │ in order   │ dptree, awaited
//!                     │               │ before   │ within a   │ to its end
//!                     └── confirms ───┘ that     │ chat       │
//!                                                └── done ────┘
//!  lifecycle wraps all of it: starts from left to right, stops from right to left
//! ```
//!
//! # What it promises
//!
//! - **No update is lost**, not by a stop, not by SIGKILL: an update is on disk before Telegram forgets it.
//! - **At least once**: an update whose handler was cut off, because the process died or a stop ran out of time, is
//!   handled again. Handlers must tolerate a repeat then; otherwise they run once.
//! - **Updates of one chat are handled in order**; chats do not wait for each other.
//! - **A stop ends within its budget**, and says what it left.
//! - **A token is never printed.** [`telegram::Token`] shows only the bot's public number.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | (none) | [`lifecycle`] |
//! | `polling` | [`telegram`], [`store`], [`lanes`], [`bot`], [`polling`] |
//! | `sandbox` | [`sandbox`], a Bot API server on loopback |
//! | `program` (default) | the program `sundown` |
#![cfg_attr(
    not(feature = "program"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "the table names rooms that this feature set leaves out"
    )
)]

#[cfg(feature = "program")]
pub mod ai;
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
#[cfg(feature = "program")]
pub mod http;
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

/// The README's code, compiled.
#[cfg(all(doctest, feature = "polling"))]
#[doc = include_str!("../README.md")]
struct Readme;
