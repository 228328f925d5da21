//! A teloxide bot under the supervisor: the poller, the store, the lanes and the handler tree put together.

use std::env;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dptree::di::DependencyMap;
use teloxide::Bot;
use teloxide::types::AllowedUpdate;

use crate::bot::{Dispatch, UpdateHandler};
use crate::lanes::{Gate, Lanes, LanesConfig};
use crate::lifecycle::{Builder, ExitKind, Failure, Report, ServiceSpec, Supervisor};
use crate::store::sqlite::Sqlite;
use crate::store::{BotId, Store, StoreError, StoreService};
use crate::telegram::{Client, Identity, Poller, PollerConfig, Token, TokenError};

/// Runs a teloxide bot under a supervisor: updates are stored before they are confirmed, handled in order within
/// a chat, and a stop by signal or by the clock lets running handlers finish.
///
/// ```no_run
/// # use teloxide::prelude::*;
/// # async fn run() {
/// let handler = Update::filter_message().endpoint(async |bot: Bot, message: Message| {
///     bot.send_message(message.chat.id, "Hello!").await?;
///     respond(())
/// });
/// let report = sundown::polling(Bot::from_env(), handler).run().await;
/// # }
/// ```
pub fn polling<E: Debug + Send + Sync + 'static>(
    bot: Bot,
    handler: UpdateHandler<E>,
) -> Polling<E> {
    Polling {
        bot,
        handler,
        timers: None,
        dependencies: DependencyMap::new(),
        state_dir: None,
        lanes: LanesConfig::default(),
        poller: PollerConfig::default(),
        allowed_updates: None,
        make_http: None,
        supervisor: Supervisor::builder("sundown"),
    }
}

/// A bot to be run; see [`polling`].
#[must_use = "a bot does nothing until it is run"]
pub struct Polling<E> {
    bot: Bot,
    handler: UpdateHandler<E>,
    timers: Option<UpdateHandler<E>>,
    dependencies: DependencyMap,
    state_dir: Option<PathBuf>,
    lanes: LanesConfig,
    poller: PollerConfig,
    allowed_updates: Option<Vec<String>>,
    make_http: Option<MakeHttp>,
    supervisor: Builder,
}

type MakeHttp = Arc<dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync>;

impl<E: Debug + Send + Sync + 'static> Polling<E> {
    /// Adds hooks, a time box, services of your own to the supervisor. Services that are added here start before
    /// the bot's and stop after them.
    pub fn supervised(mut self, change: impl FnOnce(Builder) -> Builder) -> Self {
        self.supervisor = change(self.supervisor);
        self
    }

    /// What handles timers that came due: those that handlers have set with [`State`](crate::bot::State), where there is
    /// an example too. Its handlers ask for a [`Timer`](crate::bot::Timer) where others ask for `Update`. A timer that no
    /// handler takes is parked, as is one whose handler fails.
    pub fn on_timer(mut self, handler: UpdateHandler<E>) -> Self {
        self.timers = Some(handler);
        self
    }

    /// What the handlers ask for, besides `Bot`, `Me`, `Update`, [`State`](crate::bot::State),
    /// [`Verdict`](crate::bot::Verdict), [`Outgoing`](crate::telegram::outgoing::Outgoing) and the supervisor's
    /// [`Handle`](crate::lifecycle::Handle).
    pub fn dependencies(mut self, dependencies: DependencyMap) -> Self {
        self.dependencies = dependencies;
        self
    }

    /// Where updates are kept until they are handled; one bot process a directory. Default: `$STATE_DIRECTORY`
    /// (systemd sets it), else `sundown/BOT` in `$XDG_STATE_HOME` or `~/.local/state`.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(dir.into());
        self
    }

    #[cfg(feature = "program")]
    pub(super) fn with_state_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.state_dir = dir;
        self
    }

    /// How updates are handled.
    pub fn lanes(mut self, config: LanesConfig) -> Self {
        self.lanes = config;
        self
    }

    /// How Telegram is polled.
    pub fn poller(mut self, config: PollerConfig) -> Self {
        self.poller = config;
        self
    }

    /// Which kinds of updates to ask Telegram for, instead of what [`poller`](Self::poller) says. They are sent with
    /// every call; an empty list means every kind but `chat_member`, `message_reaction` and `message_reaction_count`,
    /// which is the default.
    ///
    /// They are not derived from the handlers: teloxide knows which kinds a tree can take, and tells nobody but its own
    /// dispatcher (`DpHandlerDescription::allowed_updates` is private to it in 0.17, and there is no other way to the
    /// set behind it).
    ///
    /// ```no_run
    /// # use teloxide::{prelude::*, types::AllowedUpdate};
    /// # async fn run(bot: Bot, handler: sundown::bot::UpdateHandler<teloxide::RequestError>) {
    /// sundown::polling(bot, handler)
    ///     .allowed_updates([AllowedUpdate::Message, AllowedUpdate::ChatMember])
    ///     .run()
    ///     .await;
    /// # }
    /// ```
    pub fn allowed_updates(mut self, kinds: impl IntoIterator<Item = AllowedUpdate>) -> Self {
        self.allowed_updates = Some(kinds.into_iter().map(name_of).collect());
        self
    }

    /// How to make the poller's HTTP client anew after a call that hung, so that no old connection is used again. By
    /// default it keeps the bot's own client, whose settings cannot be copied; the connection that hung is closed in
    /// either case.
    pub fn remake_http(
        mut self,
        make: impl Fn() -> reqwest::Result<reqwest::Client> + Send + Sync + 'static,
    ) -> Self {
        self.make_http = Some(Arc::new(make));
        self
    }

    /// Runs the bot until it has stopped.
    ///
    /// # Panics
    /// Where a handler asks for a dependency that nobody provides; outside a Tokio runtime.
    pub async fn run(self) -> Report {
        let client = Token::parse(self.bot.token()).map(|token| {
            let client = Client::new(self.bot.client().clone(), self.bot.api_url(), token);
            match self.make_http {
                Some(make) => client.remade_by(move || make()),
                None => client,
            }
        });
        let slot: Arc<OnceLock<Store>> = Arc::default();
        let opening = open_store(
            client
                .as_ref()
                .map(|client| client.token().bot())
                .map_err(|error| *error),
            self.state_dir,
            Arc::clone(&slot),
        );
        let store = move || Arc::clone(slot.get().expect("the start hook has opened the store"));
        let (for_lanes, for_poller) = (store.clone(), store.clone());

        let identity = Identity::default();
        let mut dependencies = self.dependencies;
        dependencies.insert(self.supervisor.handle());
        let dispatch = Dispatch::new(
            self.bot,
            self.handler,
            dependencies,
            identity.clone(),
            store.clone(),
        );
        let handler = match self.timers {
            Some(timers) => dispatch.on_timer(timers),
            None => dispatch,
        };
        let handler = handler.into_handler();
        // No handler starts before it can be told who the bot is.
        let asked = identity.clone();
        let known: Gate = Arc::new(move || {
            let identity = asked.clone();
            Box::pin(async move { drop(identity.known().await) })
        });
        let (lanes, mut poller) = (self.lanes, self.poller);
        if let Some(kinds) = self.allowed_updates {
            poller.allowed_updates = kinds;
        }
        self.supervisor
            .on_start("open the store", || opening)
            .service("store", move || StoreService::new(store()))
            .service(ServiceSpec::new("lanes").weight(8), move || {
                Lanes::new(for_lanes(), Arc::clone(&handler), Arc::clone(&known), lanes)
            })
            .beside(
                ServiceSpec::new("poller").start_timeout(START_TIMEOUT),
                move || {
                    let client = client
                        .clone()
                        .expect("the start hook has checked the token");
                    Poller::new(client, for_poller(), identity.clone(), poller.clone())
                },
            )
            .run()
            .await
    }
}

/// As the Bot API calls it.
pub(super) fn name_of(kind: AllowedUpdate) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        // Each of these is a plain name.
        other => unreachable!("{kind:?} is {other:?}"),
    }
}

/// Longer than the poller's own patience with an unreachable or occupied server, which tells more.
const START_TIMEOUT: Duration = Duration::from_secs(120);

async fn open_store(
    bot: Result<BotId, TokenError>,
    dir: Option<PathBuf>,
    slot: Arc<OnceLock<Store>>,
) -> Result<(), Failure> {
    let bot = bot.map_err(|error| Failure::fatal(ExitKind::Config, error))?;
    let dir = dir.unwrap_or_else(|| default_state_dir(bot));
    let failed = |error: StoreError| Failure::fatal(error.exit_kind(), error);
    let place = dir.clone();
    let store: Store = Arc::new(
        tokio::task::spawn_blocking(move || Sqlite::open(&place))
            .await?
            .map_err(failed)?,
    );
    let others = store.bots().await.map_err(failed)?;
    if let Some(other) = others.into_iter().find(|other| *other != bot) {
        let text = format!(
            "the state directory {} holds updates of bot {} that wait to be handled, and the token is bot {}'s; run that bot once more, or give this one a directory of its own",
            dir.display(),
            other.0,
            bot.0,
        );
        return Err(Failure::fatal(ExitKind::Config, text));
    }
    let _ = slot.set(store);
    Ok(())
}

fn default_state_dir(bot: BotId) -> PathBuf {
    let dir_of = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    dir_of("STATE_DIRECTORY").unwrap_or_else(|| {
        let home = || dir_of("HOME").unwrap_or_default().join(".local/state");
        dir_of("XDG_STATE_HOME")
            .unwrap_or_else(home)
            .join("sundown")
            .join(bot.0.to_string())
    })
}
