//! The Bot API's wire: the token, calls, the poller that brings updates into the store, and limits on what is sent.
//!
//! **Authority**: the offset sent to Telegram always comes from the cursor that the store has committed. Sending
//! it confirms, and so deletes, everything below it on Telegram's side
//! (<https://core.telegram.org/bots/api#getupdates>); what is below it is on our disk by then.
//!
//! ```text
//!             ┌──────────────── the next call confirms ──────────────┐
//!             ▼                                                      │
//!  getUpdates(offset) ──→ split ──→ sequence ──→ store.append ── committed
//!        │ error: wait (back-off, retry_after, grace), always racing the stop
//!        │ stop: drop the call; what it would have brought was not confirmed
//! ```
//!
//! What handlers send goes through teloxide's bot; [`outgoing`] keeps it within limits.
//!
//! Not done here: parsing updates into types.

mod client;
mod connections;
mod identity;
pub mod outgoing;
mod poller;
mod token;

pub use client::{CallError, Client};
pub use identity::Identity;
pub(crate) use poller::Past;
pub use poller::{Poller, PollerConfig};
pub use token::{Token, TokenError};
