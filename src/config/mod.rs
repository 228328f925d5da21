//! The program's options: from a file, the environment and the command line, each over the one before it.
//!
//! A [`Layer`] holds what one source says; [`Layer::over`] merges two; [`Config::new`] fills in the defaults. What
//! a value may be is part of its type, so a bad one is refused where it is read: with its line in a file, with its
//! name on the command line.

pub(crate) mod ai;
pub(crate) mod browser;
mod changes;
mod file;
#[cfg(test)]
mod tests;
mod value;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use teloxide::types::AllowedUpdate;

pub(crate) use file::{ConfigError, load};
pub(crate) use value::{ApiUrl, Count, Kinds, Listen, LogFormat, Paths, Span};

/// More than a year is a mistake, and 0 would stop before it began.
pub(crate) type TimeBox = Span<1, 31_557_600_000>;
/// 1 s to a day.
pub(crate) type HandlerTimeout = Span<1_000, 86_400_000>;
/// A stop shorter than a second cannot be graceful; one longer than an hour is a hang.
pub(crate) type StopTimeout = Span<1_000, 3_600_000>;
/// The Bot API waits 50 s at most, in whole seconds.
pub(crate) type PollTimeout = Span<1_000, 50_000>;
/// A day is as good as for ever, and a start that fails at once helps nobody.
pub(crate) type StartPatience = Span<1_000, 86_400_000>;
/// The dates of updates are whole seconds. Telegram keeps updates for a day, other servers for longer.
pub(crate) type Age = Span<1_000, 31_557_600_000>;

/// What one source says; `None` where it is silent. The names are those of the file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the table in the README and the command line's help say what each is"
)]
pub(crate) struct Layer {
    pub(crate) token_file: Option<Paths>,
    pub(crate) api_url: Option<ApiUrl>,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) sandbox: Option<bool>,
    pub(crate) run_for: Option<TimeBox>,
    pub(crate) max_updates: Option<Count<1, { u64::MAX }>>,
    pub(crate) until_idle: Option<TimeBox>,
    pub(crate) stop_timeout: Option<StopTimeout>,
    pub(crate) start_patience: Option<StartPatience>,
    pub(crate) poll_timeout: Option<PollTimeout>,
    pub(crate) poll_limit: Option<Count<1, 100>>,
    pub(crate) drop_older_than: Option<Age>,
    pub(crate) drop_kinds: Option<Kinds>,
    pub(crate) handlers: Option<Count<1, 10_000>>,
    pub(crate) handler_timeout: Option<HandlerTimeout>,
    pub(crate) operator_chat: Option<i64>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) log_level: Option<String>,
    pub(crate) listen: Option<Listen>,
    pub(crate) provider: Option<Vec<ai::Provider>>,
    pub(crate) assistant: Option<ai::Assistant>,
    pub(crate) gateway: Option<ai::Gateway>,
    pub(crate) browser: Option<browser::Browser>,
    /// Instead of the gateway's own; a flag, and no key of the file.
    #[serde(skip)]
    pub(crate) gateway_providers: Option<Vec<String>>,
    /// A flag too: who has a terminal says so each time.
    #[serde(skip)]
    pub(crate) console: Option<bool>,
}

impl Layer {
    /// This layer over another: what this one says wins.
    #[must_use]
    pub(crate) fn over(self, lower: Self) -> Self {
        Self {
            token_file: self.token_file.or(lower.token_file),
            api_url: self.api_url.or(lower.api_url),
            state_dir: self.state_dir.or(lower.state_dir),
            sandbox: self.sandbox.or(lower.sandbox),
            run_for: self.run_for.or(lower.run_for),
            max_updates: self.max_updates.or(lower.max_updates),
            until_idle: self.until_idle.or(lower.until_idle),
            stop_timeout: self.stop_timeout.or(lower.stop_timeout),
            start_patience: self.start_patience.or(lower.start_patience),
            poll_timeout: self.poll_timeout.or(lower.poll_timeout),
            poll_limit: self.poll_limit.or(lower.poll_limit),
            drop_older_than: self.drop_older_than.or(lower.drop_older_than),
            drop_kinds: self.drop_kinds.or(lower.drop_kinds),
            handlers: self.handlers.or(lower.handlers),
            handler_timeout: self.handler_timeout.or(lower.handler_timeout),
            operator_chat: self.operator_chat.or(lower.operator_chat),
            log_format: self.log_format.or(lower.log_format),
            log_level: self.log_level.or(lower.log_level),
            listen: self.listen.or(lower.listen),
            provider: self.provider.or(lower.provider),
            assistant: self.assistant.or(lower.assistant),
            gateway: self.gateway.or(lower.gateway),
            browser: self.browser.or(lower.browser),
            console: self.console.or(lower.console),
            gateway_providers: self.gateway_providers.or(lower.gateway_providers),
        }
    }
}

/// Every option with its value.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Files that hold a token each; where there is none, the credential directory and the environment are asked.
    pub(crate) token_files: Vec<PathBuf>,
    /// Address of the Bot API server.
    pub(crate) api_url: ApiUrl,
    /// Where updates are kept; the default depends on the bot.
    pub(crate) state_dir: Option<PathBuf>,
    /// Talk to a server of our own instead of Telegram's.
    pub(crate) sandbox: bool,
    /// Stop so long after ready.
    pub(crate) run_for: Option<Duration>,
    /// Stop after so many updates.
    pub(crate) max_updates: Option<u64>,
    /// Stop when nothing has happened for so long.
    pub(crate) until_idle: Option<Duration>,
    /// Budget of the stop.
    pub(crate) stop_timeout: Duration,
    /// How long an unreachable server is tried at the start.
    pub(crate) start_patience: Duration,
    /// Length of a long poll.
    pub(crate) poll_timeout: Duration,
    /// Updates in one answer.
    pub(crate) poll_limit: u8,
    /// Updates that wait at the start and are older are not handled.
    pub(crate) drop_older_than: Option<Duration>,
    /// Nor are those of these kinds.
    pub(crate) drop_kinds: Vec<AllowedUpdate>,
    /// Handlers at the same time.
    pub(crate) handlers: usize,
    pub(crate) handler_timeout: Duration,
    /// Chat that is told when the bot stops.
    pub(crate) operator_chat: Option<i64>,
    /// Form of the log lines.
    pub(crate) log_format: LogFormat,
    /// What is logged, in `tracing`'s filter syntax.
    pub(crate) log_level: String,
    /// Where HTTP is served; nowhere by default.
    pub(crate) listen: Option<SocketAddr>,
    /// Who answers; where there is none, the built-in provider.
    pub(crate) providers: Vec<ai::Provider>,
    pub(crate) assistant: ai::Assistant,
    pub(crate) gateway: ai::Gateway,
    pub(crate) browser: browser::Browser,
    /// Show the operator's prompt.
    pub(crate) console: bool,
}

impl Config {
    /// Fills in the defaults.
    #[must_use]
    pub(crate) fn new(layer: Layer) -> Self {
        Self {
            token_files: layer.token_file.map(Paths::get).unwrap_or_default(),
            api_url: layer.api_url.unwrap_or_default(),
            state_dir: layer.state_dir,
            console: layer.console.unwrap_or(false),
            sandbox: layer.sandbox.unwrap_or(false),
            run_for: layer.run_for.map(Span::get),
            max_updates: layer.max_updates.map(Count::get),
            until_idle: layer.until_idle.map(Span::get),
            stop_timeout: layer
                .stop_timeout
                .map_or(Duration::from_secs(25), Span::get),
            start_patience: layer
                .start_patience
                .map_or(Duration::from_secs(10), Span::get),
            poll_timeout: layer
                .poll_timeout
                .map_or(Duration::from_secs(30), Span::get),
            poll_limit: layer
                .poll_limit
                .and_then(|limit| u8::try_from(limit.get()).ok())
                .unwrap_or(100),
            handler_timeout: layer
                .handler_timeout
                .map_or(Duration::from_secs(300), Span::get),
            drop_older_than: layer.drop_older_than.map(Span::get),
            drop_kinds: layer.drop_kinds.map(Kinds::get).unwrap_or_default(),
            handlers: layer
                .handlers
                .and_then(|count| usize::try_from(count.get()).ok())
                .unwrap_or(1_500),
            operator_chat: layer.operator_chat,
            log_format: layer.log_format.unwrap_or_default(),
            log_level: layer.log_level.unwrap_or_else(|| "info".to_owned()),
            listen: layer.listen.map(Listen::get),
            providers: layer.provider.unwrap_or_default(),
            assistant: layer.assistant.unwrap_or_default(),
            gateway: gateway_of(layer.gateway, layer.gateway_providers),
            browser: layer.browser.unwrap_or_default(),
        }
    }
}

fn gateway_of(table: Option<ai::Gateway>, providers: Option<Vec<String>>) -> ai::Gateway {
    let mut gateway = table.unwrap_or_default();
    if let Some(providers) = providers {
        gateway.providers = providers;
    }
    gateway
}
