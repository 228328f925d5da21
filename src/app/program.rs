//! The program: our bot with its features, on Telegram or in the sandbox.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io};

use humantime::format_duration;
use reqwest::Url;
use teloxide::prelude::Requester;
use teloxide::types::{AllowedUpdate, ChatId};
use teloxide::{Bot, RequestError};
use tokio::time::timeout;
use tracing::{info, warn};

use super::polling;
use super::polling::name_of;
use crate::bot::UpdateHandler;
use crate::config::{ApiUrl, Config};
use crate::features::basics;
use crate::lanes::LanesConfig;
use crate::lifecycle::{Builder, ExitKind, Failure, Handle, Report, Supervisor};
use crate::sandbox::{People, Sandbox};
use crate::telegram::{PollerConfig, Token};

/// Why the program did not come as far as a report.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) kind: ExitKind,
    pub(crate) text: String,
}

/// What this program's bot can do: a handler tree, and the kinds of updates that it takes.
type Feature = (
    fn() -> UpdateHandler<RequestError>,
    &'static [AllowedUpdate],
);

/// An update goes to the first one that takes it.
const FEATURES: [Feature; 1] = [(basics::handler, &basics::UPDATES)];
/// Time for requests of handlers; the poller has its own.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Telling the operator must not hold a stop up.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(3);
/// Somebody among the scripted people who is told when the bot stops.
const SANDBOX_OPERATOR: i64 = 1_001;

/// Runs the bot until it has stopped.
///
/// The supervisor's builder passes through `watch`, for whoever wants to look at it.
pub(crate) async fn run(
    config: Config,
    watch: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    echo(&config);
    if config.sandbox {
        run_in_sandbox(config, watch).await
    } else {
        run_on_telegram(config, watch).await
    }
}

async fn run_on_telegram(
    config: Config,
    watch: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    let token = find_token(config.token_file.as_deref())?;
    if config.api_url.is_exposed() {
        warn!(
            "the API's address is plain http to another machine: the token can be read on the way"
        );
    }
    let bot = bot(&token, config.api_url.get().clone())?;
    Ok(run_bot(bot, config, watch).await)
}

async fn run_in_sandbox(
    mut config: Config,
    watch: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    let (sandbox, token) = Sandbox::with_bot((Ipv4Addr::LOCALHOST, 0).into())
        .map_err(|error| cannot_listen(&error))?;
    let url = Url::parse(&sandbox.url()).map_err(|error| Refused {
        kind: ExitKind::Software,
        text: error.to_string(),
    })?;
    let token = Token::parse(&token).map_err(|error| Refused {
        kind: ExitKind::Software,
        text: error.to_string(),
    })?;
    let bot = bot(&token, url)?;
    if config.token_file.is_some() || config.api_url != ApiUrl::default() {
        warn!(
            "the sandbox is a Bot API server of its own: token and address of the configuration are not used"
        );
    }
    config.operator_chat.get_or_insert(SANDBOX_OPERATOR);
    // The sandbox forgets everything at its end, so by default the bot does too.
    let scratch = tempfile::Builder::new()
        .prefix("sundown-sandbox-")
        .tempdir();
    let scratch = scratch.map_err(|error| Refused {
        kind: ExitKind::StateIo,
        text: format!("cannot make a scratch directory: {error}"),
    })?;
    config
        .state_dir
        .get_or_insert_with(|| scratch.path().to_owned());
    info!(
        url = sandbox.url(),
        "no Telegram here: the sandbox's chat page is at this address"
    );
    let people = sandbox.clone();
    let supervise = move |supervisor: Builder| {
        watch(supervisor)
            .service("sandbox", move || sandbox.clone())
            .service("people", move || People::new(&people))
            .on_stopped("remove the scratch directory", || async {
                Ok(scratch.close()?)
            })
    };
    Ok(run_bot(bot, config, supervise).await)
}

async fn run_bot(bot: Bot, config: Config, supervise: impl FnOnce(Builder) -> Builder) -> Report {
    let goodbye = bot.clone();
    let features = FEATURES.into_iter();
    let handler = features
        .clone()
        .fold(dptree::entry(), |tree, (handler, _)| tree.branch(handler()));
    let kinds: HashSet<_> = features.flat_map(|(_, kinds)| kinds).copied().collect();
    polling(bot, handler)
        .allowed_updates(kinds)
        .remake_http(|| http().build())
        .lanes(LanesConfig {
            concurrency: config.handlers,
            handler_timeout: Some(config.handler_timeout),
            max_updates: config.max_updates,
            until_idle: config.until_idle,
        })
        .poller(PollerConfig {
            timeout: config.poll_timeout,
            limit: config.poll_limit,
            drop_older_than: config.drop_older_than,
            drop_kinds: config.drop_kinds.into_iter().map(name_of).collect(),
            ..PollerConfig::default()
        })
        .with_state_dir(config.state_dir)
        .supervised(|mut supervisor| {
            supervisor = supervisor.stop_timeout(config.stop_timeout);
            if let Some(time) = config.run_for {
                supervisor = supervisor.run_for(time);
            }
            if let Some(chat) = config.operator_chat {
                let handle = supervisor.handle();
                let patience = GOODBYE_TIMEOUT.min(config.stop_timeout / 4);
                supervisor = supervisor.on_drain("tell the operator", move || {
                    tell_operator(goodbye, chat, handle, patience)
                });
            }
            supervise(supervisor)
        })
        .run()
        .await
}

/// Says goodbye while the connection still stands. An operator who cannot be told is no reason to end otherwise.
async fn tell_operator(
    bot: Bot,
    chat: i64,
    handle: Handle,
    patience: Duration,
) -> Result<(), Failure> {
    let text = format!(
        "I am stopping after {}.",
        format_duration(Duration::from_secs(handle.uptime().as_secs()))
    );
    // Not in its turn, which could come too late where many handlers wait for theirs.
    match timeout(patience, bot.send_message(ChatId(chat), text).into_future()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => warn!(%error, "the operator could not be told"),
        Err(_) => warn!("the operator could not be told in time"),
    }
    Ok(())
}

/// Runs the sandbox alone until it has stopped.
pub(crate) async fn serve_sandbox(
    listen: SocketAddr,
    run_for: Option<Duration>,
) -> Result<Report, Refused> {
    let sandbox = Sandbox::open(listen).map_err(|error| cannot_listen(&error))?;
    info!(
        url = sandbox.url(),
        "point a bot's API address here; the chat page is there too"
    );
    let mut supervisor = Supervisor::builder("sandbox").service("sandbox", move || sandbox.clone());
    if let Some(time) = run_for {
        supervisor = supervisor.run_for(time);
    }
    Ok(supervisor.run().await)
}

fn bot(token: &Token, api_url: Url) -> Result<Bot, Refused> {
    let client = http().build().map_err(|error| Refused {
        kind: ExitKind::Software,
        text: format!("cannot set up HTTP: {}", error.without_url()),
    })?;
    Ok(Bot::with_client(token.expose(), client).set_api_url(api_url))
}

fn http() -> reqwest::ClientBuilder {
    teloxide::net::default_reqwest_settings()
        .timeout(REQUEST_TIMEOUT)
        // The Bot API never redirects. Following would show the token to another server as the referrer, and most
        // redirects turn a POST into a GET, without the offset that was in its body.
        .redirect(reqwest::redirect::Policy::none())
}

/// The token: from the file that was named, else from the service manager's credentials, else from the environment.
fn find_token(file: Option<&Path>) -> Result<Token, Refused> {
    let credential = || Some(Path::new(&env::var_os("CREDENTIALS_DIRECTORY")?).join("bot-token"));
    let credential = credential().filter(|path| path.exists());
    let (text, source) = match (file, credential) {
        (Some(path), _) => (read_token(path)?, path.display().to_string()),
        (None, Some(path)) => (read_token(&path)?, path.display().to_string()),
        (None, None) => match env::var("TELOXIDE_TOKEN") {
            Ok(text) => (text, "$TELOXIDE_TOKEN".to_owned()),
            Err(_) => {
                let text = "no bot token: put it into a file and name that with --token-file, or into $CREDENTIALS_DIRECTORY/bot-token, or into $TELOXIDE_TOKEN; or try --sandbox, which needs none";
                return Err(Refused {
                    kind: ExitKind::Config,
                    text: text.to_owned(),
                });
            }
        },
    };
    Token::parse(&text).map_err(|error| Refused {
        kind: ExitKind::Config,
        text: format!("{source}: {error}"),
    })
}

fn read_token(path: &Path) -> Result<String, Refused> {
    fs::read_to_string(path).map_err(|error| Refused {
        kind: if error.kind() == io::ErrorKind::PermissionDenied {
            ExitKind::Permission
        } else {
            ExitKind::Config
        },
        text: format!("cannot read the token file {}: {error}", path.display()),
    })
}

fn cannot_listen(error: &io::Error) -> Refused {
    Refused {
        kind: ExitKind::Unavailable,
        text: format!("the sandbox cannot listen: {error}; choose another address with --listen"),
    }
}

/// Says what was understood, so that nobody has to guess what `1h30` meant.
fn echo(config: &Config) {
    let text = |time: Option<Duration>| time.map(|time| format_duration(time).to_string());
    info!(
        run_for = text(config.run_for),
        max_updates = config.max_updates,
        until_idle = text(config.until_idle),
        stop_timeout = text(Some(config.stop_timeout)),
        poll_timeout = text(Some(config.poll_timeout)),
        drop_older_than = text(config.drop_older_than),
        handlers = config.handlers,
        handler_timeout = %format_duration(config.handler_timeout),
        "configuration"
    );
}
