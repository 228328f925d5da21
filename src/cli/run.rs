//! `sundown run`: the bot.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::progress::with_live_line;
use super::{Refusal, on_runtime};
use crate::app;
use crate::config::{
    self, Age, ApiUrl, Config, ConfigError, Count, HandlerTimeout, Kinds, Layer, Listen, LogFormat,
    Paths, PollTimeout, StartPatience, StopTimeout, TimeBox,
};
use crate::lifecycle::{ExitKind, Report};

/// Run the bot, or several, until it is told to stop
///
/// The tokens come from --token-file, else from $CREDENTIALS_DIRECTORY/bot-token*, else from $TELOXIDE_TOKEN; never
/// from a flag, because other users of the machine can see those.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Read options from this TOML file; flags and environment variables win over it
    #[arg(
        long,
        value_name = "FILE",
        hide_env_values = true,
        env = "SUNDOWN_CONFIG"
    )]
    config: Option<PathBuf>,
    /// Talk to a Bot API server of our own on loopback, with scripted people; needs no token
    #[arg(long, hide_env_values = true, env = "SUNDOWN_SANDBOX")]
    sandbox: bool,
    /// Show a prompt on the terminal to operate the bot, with log lines above it; `help` lists its commands
    #[arg(long, hide_env_values = true, env = "SUNDOWN_CONSOLE")]
    console: bool,
    /// Stop so long after the bot is ready: 1ms to 1year, like 30s
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_RUN_FOR"
    )]
    run_for: Option<TimeBox>,
    /// Stop when so many updates have been handled: 1 or more
    #[arg(
        long,
        value_name = "COUNT",
        hide_env_values = true,
        env = "SUNDOWN_MAX_UPDATES"
    )]
    max_updates: Option<Count<1, { u64::MAX }>>,
    /// Stop when nothing has come or run for so long: 1ms to 1year
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_UNTIL_IDLE"
    )]
    until_idle: Option<TimeBox>,
    /// Time for the whole stop: 1s to 1h [default: 25s]
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_STOP_TIMEOUT"
    )]
    stop_timeout: Option<StopTimeout>,
    /// Keep updates here until they are handled; one process a directory [default: $STATE_DIRECTORY, else sundown/BOT,
    /// by the first bot's number, in $XDG_STATE_HOME or ~/.local/state]
    #[arg(
        long,
        value_name = "DIR",
        hide_env_values = true,
        env = "SUNDOWN_STATE_DIR"
    )]
    state_dir: Option<PathBuf>,
    /// Bot API server [default: https://api.telegram.org]
    #[arg(
        long,
        value_name = "URL",
        hide_env_values = true,
        env = "SUNDOWN_API_URL"
    )]
    api_url: Option<ApiUrl>,
    /// File that holds a bot token and nothing else; given several times, it runs several bots (as a variable: one)
    #[arg(
        long,
        value_name = "FILE",
        hide_env_values = true,
        env = "SUNDOWN_TOKEN_FILE"
    )]
    token_file: Vec<PathBuf>,
    /// How long an unreachable Bot API server is tried at the start before that fails with 69: 1s to 1day [default: 10s]
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_START_PATIENCE"
    )]
    start_patience: Option<StartPatience>,
    /// How long one getUpdates waits at the server: 1s to 50s [default: 30s]
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_POLL_TIMEOUT"
    )]
    poll_timeout: Option<PollTimeout>,
    /// Updates in one getUpdates: 1 to 100 [default: 100]
    #[arg(
        long,
        value_name = "COUNT",
        hide_env_values = true,
        env = "SUNDOWN_POLL_LIMIT"
    )]
    poll_limit: Option<Count<1, 100>>,
    /// Confirm updates that wait at the start and are older than this without handling them: 1s to 1year [default: never]
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_DROP_OLDER_THAN"
    )]
    drop_older_than: Option<Age>,
    /// The same for updates of these kinds, however old they are, like callback_query,inline_query [default: none]
    #[arg(
        long,
        value_name = "KINDS",
        hide_env_values = true,
        env = "SUNDOWN_DROP_KINDS"
    )]
    drop_kinds: Option<Kinds>,
    /// Handlers that run at the same time: 1 to 10000 [default: 1500]
    #[arg(
        long,
        value_name = "COUNT",
        hide_env_values = true,
        env = "SUNDOWN_HANDLERS"
    )]
    handlers: Option<Count<1, 10_000>>,
    /// Cut a handler off that takes longer, and park its update: 1s to 1day [default: 5min]
    #[arg(
        long,
        value_name = "DURATION",
        hide_env_values = true,
        env = "SUNDOWN_HANDLER_TIMEOUT"
    )]
    handler_timeout: Option<HandlerTimeout>,
    /// Chat that is told when the bot stops
    #[arg(
        long,
        value_name = "CHAT",
        hide_env_values = true,
        env = "SUNDOWN_OPERATOR_CHAT",
        allow_negative_numbers = true
    )]
    operator_chat: Option<i64>,
    /// Write the final report to this file too, as JSON
    #[arg(
        long,
        value_name = "FILE",
        hide_env_values = true,
        env = "SUNDOWN_REPORT"
    )]
    pub(super) report: Option<PathBuf>,
    /// Log lines on standard error: auto, pretty or json [default: auto]
    #[arg(
        long,
        value_name = "FORMAT",
        hide_env_values = true,
        env = "SUNDOWN_LOG_FORMAT"
    )]
    log_format: Option<LogFormat>,
    /// What is logged, like info or sundown=debug,info; $RUST_LOG wins [default: info]
    #[arg(
        long,
        value_name = "FILTER",
        hide_env_values = true,
        env = "SUNDOWN_LOG_LEVEL"
    )]
    log_level: Option<String>,
    /// Serve HTTP here: the state of the process under /health, and the OpenAI-compatible API; like 127.0.0.1:1337
    /// [default: nowhere]
    #[arg(
        long,
        value_name = "ADDRESS",
        hide_env_values = true,
        env = "SUNDOWN_LISTEN"
    )]
    listen: Option<Listen>,
    /// Provider that the OpenAI-compatible API asks where a request names none; given several times, they are tried in
    /// that order [default: all, in the configuration's order]
    #[arg(
        long,
        value_name = "NAME",
        hide_env_values = true,
        env = "SUNDOWN_PROVIDER",
        value_delimiter = ','
    )]
    provider: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<Report, Refusal> {
    let file = args.config.clone();
    let layer = args.into_layer();
    let config = read(file.as_deref(), &layer).map_err(|error| {
        let denied = matches!(&error, ConfigError::Read { source, .. } if source.kind() == io::ErrorKind::PermissionDenied);
        Refusal::new(if denied { ExitKind::Permission } else { ExitKind::Config }, error)
    })?;
    let again = file.map(|file| -> app::ReadConfig {
        Arc::new(move || read(Some(&file), &layer).map_err(|error| error.to_string()))
    });
    let (format, level) = (config.log_format, config.log_level.clone());
    let run = with_live_line(|watch| app::run(config, again, watch));
    on_runtime(format, &level, run)?.map_err(|refused| Refusal::new(refused.kind, refused.text))
}

/// The configuration: the file as it is now, under what the flags and the environment say.
fn read(file: Option<&Path>, layer: &Layer) -> Result<Config, ConfigError> {
    let file = file.map(config::load).transpose()?;
    Ok(Config::new(layer.clone().over(file.unwrap_or_default())))
}

impl Args {
    fn into_layer(self) -> Layer {
        Layer {
            token_file: Paths::new(self.token_file),
            api_url: self.api_url,
            state_dir: self.state_dir,
            sandbox: self.sandbox.then_some(true),
            console: self.console.then_some(true),
            run_for: self.run_for,
            max_updates: self.max_updates,
            until_idle: self.until_idle,
            stop_timeout: self.stop_timeout,
            start_patience: self.start_patience,
            poll_timeout: self.poll_timeout,
            poll_limit: self.poll_limit,
            drop_older_than: self.drop_older_than,
            drop_kinds: self.drop_kinds,
            handlers: self.handlers,
            handler_timeout: self.handler_timeout,
            operator_chat: self.operator_chat,
            log_format: self.log_format,
            log_level: self.log_level,
            listen: self.listen,
            gateway_providers: (!self.provider.is_empty()).then_some(self.provider),
            // Tables are written in a file alone.
            provider: None,
            assistant: None,
            gateway: None,
            browser: None,
        }
    }
}
