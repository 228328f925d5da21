//! One HTTP listener for everything that the program serves: rooms mount their routes, it owns connections, drain and health.
//!
//! **Authority**: the listener alone says when no new request is taken; whoever serves asks its [`Drain`].
//!
//! ```text
//!             draining                    time is over, or nothing is in flight
//!   Open ────────────────→ Draining ──────────────────→ Ending ────────→ Closing ──→ the service returns
//!   requests are served    new ones: 503, Retry-After,  streams write    what is written is flushed,
//!                          Connection: close            their last word  every connection is closed
//!                          what runs is finished
//! ```
//!
//! Invariants:
//! - A request counts as in flight from its head to the last byte of its answer's body, or its client's end.
//! - Neither an idle connection, nor a client that does not read, nor a body that does not come holds up a stop.
//! - A client that has closed its side is gone, whatever it has sent before: what it asked for is dropped (on Linux, also where
//!   bytes follow its request).
//! - The bodies that are held at the same time have a limit together.
//! - A panic in a handler is that request's 500, and nobody else's.
//! - There is no task that outlives the service.
//!
//! Not done here: TLS and HTTP/2, which are a reverse proxy's business; keys, which are those rooms' that are mounted.

mod body;
mod connection;
mod drain;
mod health;
mod server;
mod socket;
#[cfg(test)]
mod tests;
mod traffic;

pub use body::{Bodies, BodyError, Room};
pub use connection::Limits;
pub use drain::Drain;
pub use server::Http;
