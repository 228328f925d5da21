//! Who the bot is: the answer of getMe, once for all who need it.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

/// What getMe answered, as soon as it has. Cloned freely.
#[derive(Clone, Debug)]
pub struct Identity(Arc<watch::Sender<Option<Arc<Value>>>>);

impl Default for Identity {
    fn default() -> Self {
        Self(Arc::new(watch::channel(None).0))
    }
}

impl Identity {
    /// The bot's user object, once it is known.
    ///
    /// # Cancel safety
    /// Level-triggered.
    pub async fn known(&self) -> Arc<Value> {
        let mut receiver = self.0.subscribe();
        let known = receiver.wait_for(Option::is_some).await;
        // The sender lives in `self`.
        known
            .ok()
            .and_then(|value| value.clone())
            .unwrap_or_default()
    }

    pub(super) fn set(&self, user: Value) {
        self.0.send_replace(Some(Arc::new(user)));
    }
}
