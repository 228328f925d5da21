//! What the running program takes over of a configuration that is read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tracing::{info, warn};

use crate::config::Config;
use crate::features::assistant::Handlers;
use crate::lanes::LanesConfig;
use crate::lifecycle::{ExitKind, Failure};
use crate::telemetry;

/// Reads the configuration anew, or says what is wrong with its file.
pub(crate) type ReadConfig = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// The configuration in force, and the ways to those who follow it.
pub(super) struct Live {
    config: Mutex<Config>,
    lanes: watch::Sender<LanesConfig>,
}

impl Live {
    pub(super) fn new(config: Config) -> Self {
        let lanes = watch::Sender::new(lanes_config(&config));
        Self {
            config: Mutex::new(config),
            lanes,
        }
    }

    /// The lanes' part, as it changes.
    pub(super) fn lanes(&self) -> watch::Receiver<LanesConfig> {
        self.lanes.subscribe()
    }

    pub(super) fn operator_chat(&self) -> Option<i64> {
        self.config().operator_chat
    }

    pub(super) fn handlers(&self) -> Handlers {
        let config = self.config();
        Handlers {
            count: config.handlers,
            timeout: config.handler_timeout,
        }
    }

    /// Reads the configuration again, and takes over what can be. One that cannot be read changes nothing.
    pub(super) async fn reload(&self, read: Option<ReadConfig>) -> Result<(), Failure> {
        let Some(read) = read else {
            info!("there is no configuration file to read again");
            return Ok(());
        };
        let refused = |text: String| Failure::fatal(ExitKind::Config, text);
        let read = tokio::task::spawn_blocking(move || read()).await?;
        let newer = read.map_err(refused)?;
        // First what may be refused. A level that was changed otherwise stays until the file says another one.
        let is_level_new = self.config().log_level != newer.log_level;
        let is_level_set = match is_level_new {
            true => telemetry::set_level(&newer.log_level).map_err(refused)?,
            false => true,
        };
        let mut config = self.config();
        let mut now = config.changed_now(&newer);
        if !is_level_set && now.contains(&"log_level") {
            now.retain(|key| *key != "log_level");
            warn!("$RUST_LOG decides what is logged; log_level is not in force");
        }
        let later = config.changed_later(&newer);
        config.take_over(&newer);
        self.lanes.send_replace(lanes_config(&config));
        drop(config);
        match now.as_slice() {
            [] => info!("nothing changes"),
            now => info!(changed = now.join(", "), "in force now"),
        }
        if !later.is_empty() {
            warn!(
                changed = later.join(", "),
                "changed, but not in force before the next start"
            );
        }
        Ok(())
    }

    fn config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lanes_config(config: &Config) -> LanesConfig {
    LanesConfig {
        concurrency: config.handlers,
        handler_timeout: Some(config.handler_timeout),
        max_updates: config.max_updates,
        until_idle: config.until_idle,
    }
}
