//! The program: our bot with its features, on Telegram or in the sandbox.

use std::collections::HashSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use humantime::format_duration;
use reqwest::Url;
use teloxide::Bot;
use teloxide::prelude::Requester;
use teloxide::types::{AllowedUpdate, ChatId};
use tokio::time::timeout;
use tracing::{info, warn};

use super::ai::Parts;
use super::browser::Parts as BrowserParts;
use super::operating::Operating;
use super::polling::{Polling, name_of, polling as polling_of};
use super::reload::{Live, ReadConfig};
use super::serving::Serving;
use super::tokens::find_tokens;
use crate::bot::UpdateHandler;
use crate::config::{ApiUrl, Config};
use crate::features::assistant::{Assistant, Seats};
use crate::features::guard::Guard;
use crate::features::{Failed, assistant, basics, browser, guard};
use crate::lifecycle::{Builder, ExitKind, Failure, Handle, Report, Supervisor};
use crate::sandbox::{People, Sandbox};
use crate::telegram::outgoing::Outgoing;
use crate::telegram::{PollerConfig, Token};

/// Why the program did not come as far as a report.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) kind: ExitKind,
    pub(crate) text: String,
}

/// What this program's bot can do.
struct Feature {
    is_on: fn(&Parts, &BrowserParts) -> bool,
    handler: fn() -> UpdateHandler<Failed>,
    /// The kinds of updates that the handler takes.
    updates: &'static [AllowedUpdate],
    timers: Option<fn() -> UpdateHandler<Failed>>,
    /// What is listed under `/help`, beside what the basics list themselves.
    commands: &'static [(&'static str, &'static str)],
}

/// An update or a timer goes to the first one that takes it.
const FEATURES: [Feature; 4] = [
    Feature {
        is_on: |_, _| true,
        handler: guard::handler,
        updates: &guard::UPDATES,
        timers: Some(guard::timers),
        commands: &[],
    },
    Feature {
        is_on: |_, browsing| browsing.is_on,
        handler: browser::handler,
        updates: &browser::UPDATES,
        timers: Some(browser::timers),
        commands: &browser::COMMANDS,
    },
    Feature {
        is_on: |parts, _| parts.assistant.is_some(),
        handler: assistant::handler,
        updates: &assistant::UPDATES,
        timers: Some(assistant::timers),
        commands: &assistant::COMMANDS,
    },
    Feature {
        is_on: |_, _| true,
        handler: basics::handler,
        updates: &basics::UPDATES,
        timers: None,
        commands: &[],
    },
];
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
    again: Option<ReadConfig>,
    watch: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    echo(&config);
    let parts = Parts::of(&config)?;
    if config.sandbox {
        run_in_sandbox(config, parts, again, watch).await
    } else {
        run_on_telegram(config, parts, again, watch).await
    }
}

async fn run_on_telegram(
    config: Config,
    parts: Parts,
    again: Option<ReadConfig>,
    watch: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    let tokens = find_tokens(&config.token_files)?;
    if config.api_url.is_exposed() {
        warn!(
            "the API's address is plain http to another machine: the token can be read on the way"
        );
    }
    let bots = tokens
        .iter()
        .map(|token| bot(token, config.api_url.get().clone()));
    let bots = bots.collect::<Result<Vec<_>, _>>()?;
    run_bots(bots, config, parts, again, watch).await
}

async fn run_in_sandbox(
    mut config: Config,
    parts: Parts,
    again: Option<ReadConfig>,
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
    if !config.token_files.is_empty() || config.api_url != ApiUrl::default() {
        warn!(
            "the sandbox is a Bot API server of its own: token and address of the configuration are not used"
        );
    }
    // The sandbox forgets everything at its end, so by default the bot does too.
    let scratch = tempfile::Builder::new()
        .prefix("sundown-sandbox-")
        .tempdir();
    let scratch = scratch.map_err(|error| Refused {
        kind: ExitKind::StateIo,
        text: format!("cannot make a scratch directory: {error}"),
    })?;
    let place = scratch.path().to_owned();
    let complete = move |mut config: Config| {
        config.operator_chat.get_or_insert(SANDBOX_OPERATOR);
        config.state_dir.get_or_insert_with(|| place.clone());
        config
    };
    let completing = complete.clone();
    let again = again.map(|read| -> ReadConfig { Arc::new(move || read().map(&completing)) });
    config = complete(config);
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
    run_bots(vec![bot], config, parts, again, supervise).await
}

/// Bots that all can do the same.
async fn run_bots(
    bots: Vec<Bot>,
    config: Config,
    parts: Parts,
    again: Option<ReadConfig>,
    supervise: impl FnOnce(Builder) -> Builder,
) -> Result<Report, Refused> {
    let serving = Serving::at(config.listen, &parts)?;
    let browsing = BrowserParts::of(&config)?;
    let goodbye = bots.clone();
    let live = Arc::new(Live::new(config.clone()));
    let poller = poller_of(&config);
    let on = FEATURES
        .iter()
        .filter(|feature| (feature.is_on)(&parts, &browsing));
    let on: Vec<_> = on.collect();
    let commands: Vec<_> = on.iter().flat_map(|feature| feature.commands).collect();
    let others = basics::Others::new(commands.into_iter().copied());
    let senders: Vec<_> = bots
        .iter()
        .map(|bot| (bot.clone(), Outgoing::default()))
        .collect();
    let operating = Operating::new(
        &config,
        senders.clone(),
        parts.ai.clone(),
        parts.assistant.as_ref(),
        &browsing,
    );
    let assistant = parts.assistant.unwrap_or_default();
    let for_assistant = Arc::clone(&live);
    let seats = Seats::new(move || for_assistant.handlers());
    let tools = browsing.tools();
    let add = |polling: Option<Polling<Failed>>, (bot, outgoing)| {
        let tree = together(on.iter().map(|feature| (feature.handler)()));
        let polling = match polling {
            None => polling_of(bot, tree),
            Some(polling) => polling.and(bot, tree),
        };
        // What a feature had still to do when it was turned off is done all the same.
        let timers = FEATURES.iter().filter_map(|feature| feature.timers);
        let kinds: HashSet<_> = on.iter().flat_map(|feature| feature.updates).collect();
        let for_guard = Arc::clone(&live);
        let polling = polling
            .on_timer(together(timers.map(|timers| timers())))
            .dependencies(dptree::deps![
                Guard::new(move || for_guard.operator_chat()),
                Assistant::new(
                    parts.ai.clone(),
                    assistant.clone(),
                    seats.clone(),
                    Arc::clone(&tools)
                ),
                browsing.browser.clone(),
                others.clone(),
                outgoing
            ])
            .poller(poller.clone())
            .allowed_updates(kinds.into_iter().copied())
            .remake_http(|| http().build());
        Some(polling)
    };
    let polling = senders.into_iter().fold(None, add);
    let mut polling = polling.expect("there is a token for every run");
    if let Some(serving) = serving {
        polling = serving.beside(polling);
    }
    let polling = operating.beside(polling);
    let report = polling
        .live_lanes(live.lanes())
        .with_state_dir(config.state_dir)
        .supervised(|mut supervisor| {
            supervisor = supervisor.stop_timeout(config.stop_timeout);
            if browsing.is_on {
                supervisor = browsing.supervise(supervisor);
            }
            if let Some(time) = config.run_for {
                supervisor = supervisor.run_for(time);
            }
            let patience = GOODBYE_TIMEOUT.min(config.stop_timeout / 4);
            supervise(with_hooks(supervisor, live, again, goodbye, patience))
        })
        .run()
        .await;
    Ok(report)
}

fn poller_of(config: &Config) -> PollerConfig {
    PollerConfig {
        timeout: config.poll_timeout,
        limit: config.poll_limit,
        start_patience: config.start_patience,
        drop_older_than: config.drop_older_than,
        drop_kinds: config.drop_kinds.iter().copied().map(name_of).collect(),
        ..PollerConfig::default()
    }
}

/// The operator is told of the stop, by one of these bots and within this patience; SIGHUP has the configuration read again.
fn with_hooks(
    mut supervisor: Builder,
    live: Arc<Live>,
    again: Option<ReadConfig>,
    goodbye: Vec<Bot>,
    patience: Duration,
) -> Builder {
    let (handle, reloaded) = (supervisor.handle(), Arc::clone(&live));
    if live.operator_chat().is_some() || again.is_some() {
        supervisor = supervisor.on_drain("tell the operator", move || async move {
            match live.operator_chat() {
                Some(chat) => tell_operator(goodbye, chat, handle, patience).await,
                None => Ok(()),
            }
        });
    }
    supervisor.on_reload("read the configuration again", move || {
        let (live, again) = (Arc::clone(&reloaded), again.clone());
        async move { live.reload(again).await }
    })
}

fn together(trees: impl Iterator<Item = UpdateHandler<Failed>>) -> UpdateHandler<Failed> {
    trees.fold(dptree::entry(), |all, tree| all.branch(tree))
}

/// Says goodbye while the connection still stands, through the first bot that can. An operator who cannot be told is no
/// reason to end otherwise.
async fn tell_operator(
    bots: Vec<Bot>,
    chat: i64,
    handle: Handle,
    patience: Duration,
) -> Result<(), Failure> {
    let text = format!(
        "I am stopping after {}.",
        format_duration(Duration::from_secs(handle.uptime().as_secs()))
    );
    // Not in its turn, which could come too late where many handlers wait for theirs.
    let telling = async {
        for bot in &bots {
            match bot.send_message(ChatId(chat), &text).await {
                Ok(_) => return,
                Err(error) => warn!(%error, "the operator could not be told"),
            }
        }
    };
    if timeout(patience, telling).await.is_err() {
        warn!("the operator could not be told in time");
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
