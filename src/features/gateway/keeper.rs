//! Keeps what was spent in the store: a little later than it was spent, so that requests do not wait for the disk.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::warn;

use super::ledger::Ledger;
use crate::lifecycle::{Failure, Service, ServiceContext};
use crate::store::{Change, Expected, Key, Lease, Scope, Store, StoreError};

/// How much a crash may forget.
const DELAY: Duration = Duration::from_secs(2);

/// The service that keeps what keys have spent, in documents `gateway/spent/KEY`.
pub struct Keeper {
    store: Store,
    ledger: Arc<Ledger>,
}

impl Keeper {
    pub(super) fn new(store: Store, ledger: Arc<Ledger>) -> Self {
        Self { store, ledger }
    }

    async fn restore(&self) -> Result<(), StoreError> {
        for (place, name) in self.ledger.names().into_iter().enumerate() {
            let key = key(&name)?;
            let Some(document) = self.store.read(&key).await? else {
                continue;
            };
            match serde_json::from_str(&document.body) {
                Ok(spent) => self.ledger.restore(place, spent),
                // One day's count is no reason not to start.
                Err(error) => {
                    warn!(%key, %error, "what was spent cannot be read; it begins at zero")
                }
            }
        }
        Ok(())
    }

    async fn keep(&self, lease: &Lease) -> Result<(), StoreError> {
        let changed = self.ledger.take_changed();
        if changed.is_empty() {
            return Ok(());
        }
        let put = |name: &str, spent| {
            Ok(Change::Put {
                key: key(name)?,
                body: serde_json::to_string(spent).unwrap_or_default().into(),
                expected: Expected::Anything,
            })
        };
        let changes = changed.iter().map(|(_, name, spent)| put(name, spent));
        let changes = changes.collect::<Result<_, StoreError>>()?;
        let kept = self.store.change(lease, changes).await;
        if kept.is_err() {
            changed
                .iter()
                .for_each(|(place, ..)| self.ledger.mark_changed(*place));
        }
        kept
    }
}

impl Service for Keeper {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let failed = |error: StoreError| Failure::fatal(error.exit_kind(), error);
        let lease = self.store.acquire(Scope::Documents).await.map_err(failed)?;
        self.restore().await.map_err(failed)?;
        cx.ready();
        let mut is_full = false;
        loop {
            let is_last = tokio::select! {
                () = cx.draining() => true,
                () = sleep(DELAY) => false,
            };
            match self.keep(&lease).await {
                Ok(()) => is_full = false,
                Err(error) if error.may_pass() => {
                    if !is_full || is_last {
                        warn!(%error, "what was spent could not be kept");
                    }
                    is_full = true;
                }
                Err(error) => return Err(failed(error)),
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

fn key(name: &str) -> Result<Key, StoreError> {
    Key::new(format!("gateway/spent/{name}"))
}
