//! The HTTP client of a bot's calls, which can be thrown away with all of its connections.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{debug, warn};

type Make = Arc<dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync>;

/// The client in use, and how another one is made. Clones share both.
#[derive(Clone)]
pub(super) struct Connections {
    current: Arc<Mutex<reqwest::Client>>,
    make: Option<Make>,
}

impl Connections {
    pub(super) fn new(client: reqwest::Client) -> Self {
        Self {
            current: Arc::new(Mutex::new(client)),
            make: None,
        }
    }

    pub(super) fn made_by(self, make: Make) -> Self {
        Self {
            make: Some(make),
            ..self
        }
    }

    pub(super) fn client(&self) -> reqwest::Client {
        self.lock().clone()
    }

    /// Lets go of every connection, after a call that hung. That call's own one is closed by dropping it, but the idle
    /// ones lead to the same place, and over HTTP/2 they are the same one. Addresses are looked up anew too.
    pub(super) fn renew(&self) {
        let Some(make) = &self.make else { return };
        match make() {
            Ok(client) => {
                *self.lock() = client;
                debug!("the HTTP client is made anew, without the old connections");
            }
            // It worked once; going on with the old one is better than not going on.
            Err(error) => {
                warn!(error = %error.without_url(), "the HTTP client cannot be made anew; keeping the old one")
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, reqwest::Client> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
