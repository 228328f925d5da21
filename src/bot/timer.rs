//! A timer that came due, as its handler sees it.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::state::parse;
use crate::store::{Entry, Key, StoreError};

/// A timer that came due: what handlers of timers ask for. Timers are set with [`State::set_timer`](super::State::set_timer).
#[derive(Clone, Debug)]
pub struct Timer {
    key: Key,
    name: Arc<str>,
    body: Arc<str>,
    attempts: u32,
}

impl Timer {
    pub(super) fn new(key: &Key, entry: &Entry) -> Self {
        let name = key.as_str().strip_prefix(&format!("{}/", entry.bot.0));
        Self {
            key: key.clone(),
            name: name.unwrap_or(key.as_str()).into(),
            body: Arc::clone(&entry.body),
            attempts: entry.attempts,
        }
    }

    /// How often the process has died while this was handled: 0 to 2. Where it is not 0, what the handler does to the world
    /// outside may have been done before.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The name that it was set with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it was set with.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] where it is no `T`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        parse(&self.key, &self.body)
    }
}
