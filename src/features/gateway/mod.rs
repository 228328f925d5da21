//! An OpenAI-compatible API in front of the providers, for programs that speak to it with OpenAI's own clients.
//!
//! **Authority**: the [`Ai`] says who answers and what; this room says who may ask, and how much.
//!
//! ```text
//!  request ─→ door ─────────→ turn ──────────────→ ai ─→ whole:  JSON as it came
//!             host, origin,   a place among those        stream: held back until its first token or `ping_every`,
//!             key             that run, the key's                frames as they come, pings, [DONE] or an error frame
//!                             minute and day               │
//!                                                          ▼
//!                             ledger ←── meter: what was asked and what came, also where it broke off
//!                               └──→ keeper ─→ store: `gateway/spent/KEY`, every two seconds and at the stop
//! ```
//!
//! Invariants:
//! - The call upstream belongs to the request's future, then to the answer's body: a client that disconnects ends it.
//! - A stream that broke ends with an error frame and without `[DONE]`: clients take a mere end for a whole answer.
//! - Once providers have been tried, the client is told not to try again (`x-should-retry: false`): tries would multiply.
//! - What is not known here goes through untouched, in both directions, with fields in their order. Numbers that are neither
//!   64-bit integers nor doubles are the exception: they become the nearest double.
//! - What the bodies of all requests take of memory has a limit, and a large one is read by no thread that others wait for.
//! - A key is in no log line, no error and no document; it is compared with all keys of its length in constant time.
//!
//! Deliberately not done: cross-origin headers (a page in a browser is not to hold a key), other endpoints of OpenAI's,
//! users, several choices' worth of budgets. A crash may forget what was spent in its last two seconds.

mod chat;
mod door;
mod error;
mod frames;
mod keeper;
mod ledger;
mod meter;
mod models;
mod name;
mod openapi;
mod question;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod turn;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::sync::Semaphore;

use crate::ai::Ai;
use crate::http::{Bodies, Drain};
use crate::store::Store;

pub use door::check_exposure;
pub use keeper::Keeper;
pub use settings::{GatewayKey, Settings};

use ledger::Ledger;

/// The gateway. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    ai: Ai,
    settings: Settings,
    places: Arc<Semaphore>,
    bodies: Bodies,
    ledger: Arc<Ledger>,
}

impl Gateway {
    /// In front of these providers. What keys have spent is in memory alone, unless a [`keeper`](Self::keeper) runs.
    #[must_use]
    pub fn new(ai: Ai, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            places: Arc::new(Semaphore::new(settings.concurrent)),
            bodies: Bodies::new(settings.body_bytes, settings.held_bytes),
            ledger: Arc::new(Ledger::new(&settings.keys)),
            ai,
            settings,
        }))
    }

    /// Whether somebody's spending is counted.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.0.settings.keys.is_empty()
    }

    /// The service that keeps what was spent in a store. It is to be ready before the first request, and to end after the
    /// last one: in a tier before the listener's.
    #[must_use]
    pub fn keeper(&self, store: Store) -> Keeper {
        Keeper::new(store, Arc::clone(&self.0.ledger))
    }

    /// The routes, for the listener that drains with this.
    pub fn router(&self, drain: Drain) -> Router {
        let state = Shared {
            gateway: self.clone(),
            drain,
        };
        Router::new()
            .route("/v1/models", get(models::list))
            .route("/v1/models/{*model}", get(models::one))
            .route("/v1/chat/completions", post(chat::anybody))
            .route("/api/{provider}/models", get(models::of_provider))
            .route("/api/{provider}/chat/completions", post(chat::provider))
            .layer(from_fn_with_state(state.clone(), door::only_with_a_key))
            .route("/openapi.json", get(openapi::document))
            .method_not_allowed_fallback(error::wrong_method)
            .layer(from_fn_with_state(state.clone(), door::not_from_a_page))
            .with_state(state)
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("ai", &self.0.ai)
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

/// What every handler is given.
#[derive(Clone)]
struct Shared {
    gateway: Gateway,
    drain: Drain,
}

impl Shared {
    fn ai(&self) -> &Ai {
        &self.gateway.0.ai
    }

    fn settings(&self) -> &Settings {
        &self.gateway.0.settings
    }
}
