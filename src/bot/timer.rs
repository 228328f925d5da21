//! A timer that came due, as its handler sees it.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::state::parse;
use crate::store::{BotId, Key, StoreError};

/// A timer that came due: what handlers of timers ask for. Timers are set with [`State::set_timer`](super::State::set_timer).
#[derive(Clone, Debug)]
pub struct Timer {
    key: Key,
    name: Arc<str>,
    body: Arc<str>,
}

impl Timer {
    pub(super) fn new(bot: BotId, key: &Key, body: &Arc<str>) -> Self {
        let name = key.as_str().strip_prefix(&format!("{}/", bot.0));
        Self {
            key: key.clone(),
            name: name.unwrap_or(key.as_str()).into(),
            body: Arc::clone(body),
        }
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
