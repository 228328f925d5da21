//! A teloxide bot under the supervisor: the poller, the store, the lanes and the handler tree put together.

use std::env;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use dptree::di::DependencyMap;
use teloxide::Bot;
use teloxide::types::AllowedUpdate;
use tokio::sync::watch;

use super::bots::{AnyPlan, BotPlan, OpenStore, gate_of, handler_of, members_of};
use crate::bot::UpdateHandler;
use crate::lanes::{Lanes, LanesConfig};
use crate::lifecycle::{Builder, ExitKind, Failure, Report, ServiceSpec, Supervisor};
use crate::store::sqlite::Sqlite;
use crate::store::{BotId, Store, StoreError, StoreService};
use crate::telegram::PollerConfig;

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
        others: Vec::new(),
        last: BotPlan::new(bot, handler),
        state_dir: None,
        lanes: watch::channel(LanesConfig::default()).1,
        supervisor: Supervisor::builder("sundown"),
        before_the_lanes: None,
        beside_the_pollers: None,
    }
}

/// Bots to be run; see [`polling`]. Most need no more than one.
#[must_use = "a bot does nothing until it is run"]
pub struct Polling<E> {
    others: Vec<AnyPlan>,
    /// The bot that was named last: what is said of a bot is said of this one.
    last: BotPlan<E>,
    state_dir: Option<PathBuf>,
    lanes: watch::Receiver<LanesConfig>,
    supervisor: Builder,
    before_the_lanes: Option<AddWithStore>,
    beside_the_pollers: Option<Add>,
}

/// Puts services of the program's into a tier.
type Add = Box<dyn FnOnce(Builder) -> Builder + Send>;
type AddWithStore = Box<dyn FnOnce(Builder, OpenStore) -> Builder + Send>;

impl<E: Debug + Send + Sync + 'static> Polling<E> {
    /// Runs another bot beside those before it, in the same process, with the same store and lanes and a poller of its own.
    /// What follows of [`dependencies`](Self::dependencies), [`poller`](Self::poller),
    /// [`allowed_updates`](Self::allowed_updates) and [`remake_http`](Self::remake_http) is about this one.
    ///
    /// The bots do not depend on each other: one whose token is refused, or which somebody else polls, is given up alone,
    /// and one whose server cannot be reached is tried without end. Its updates wait in the store meanwhile. The start
    /// waits for each bot to be polled or to have failed at its first try, and fails where none is polled. The process
    /// stops when the last bot is given up, with the exit code of that.
    ///
    /// ```no_run
    /// # use teloxide::prelude::*;
    /// # type Tree = sundown::bot::UpdateHandler<teloxide::RequestError>;
    /// # async fn run(shop: Bot, shop_tree: Tree, help: Bot, help_tree: Tree) {
    /// sundown::polling(shop, shop_tree).and(help, help_tree).run().await;
    /// # }
    /// ```
    pub fn and<F: Debug + Send + Sync + 'static>(
        mut self,
        bot: Bot,
        handler: UpdateHandler<F>,
    ) -> Polling<F> {
        self.others.push(self.last.into_any());
        Polling {
            others: self.others,
            last: BotPlan::new(bot, handler),
            state_dir: self.state_dir,
            lanes: self.lanes,
            supervisor: self.supervisor,
            before_the_lanes: self.before_the_lanes,
            beside_the_pollers: self.beside_the_pollers,
        }
    }

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
        self.last.timers = Some(handler);
        self
    }

    /// What the handlers ask for, besides `Bot`, `Me`, `Update`, [`State`](crate::bot::State),
    /// [`Verdict`](crate::bot::Verdict), [`Outgoing`](crate::telegram::outgoing::Outgoing) and the supervisor's
    /// [`Handle`](crate::lifecycle::Handle).
    pub fn dependencies(mut self, dependencies: DependencyMap) -> Self {
        self.last.dependencies = dependencies;
        self
    }

    /// Where updates are kept until they are handled; one process a directory. Default: `$STATE_DIRECTORY`
    /// (systemd sets it), else `sundown/BOT`, by the first bot's number, in `$XDG_STATE_HOME` or `~/.local/state`.
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
    pub fn lanes(self, config: LanesConfig) -> Self {
        self.live_lanes(watch::channel(config).1)
    }

    /// The same, where that may change while the bots run; see [`Lanes::following`].
    pub fn live_lanes(mut self, config: watch::Receiver<LanesConfig>) -> Self {
        self.lanes = config;
        self
    }

    /// How Telegram is polled for this bot.
    pub fn poller(mut self, config: PollerConfig) -> Self {
        self.last.poller = config;
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
        self.last.allowed_updates = Some(kinds.into_iter().map(name_of).collect());
        self
    }

    /// How to make the poller's HTTP client anew after a call that hung, so that no old connection is used again. By
    /// default it keeps the bot's own client, whose settings cannot be copied; the connection that hung is closed in
    /// either case.
    pub fn remake_http(
        mut self,
        make: impl Fn() -> reqwest::Result<reqwest::Client> + Send + Sync + 'static,
    ) -> Self {
        self.last.make_http = Some(Arc::new(make));
        self
    }

    /// Runs the bots until they have stopped.
    ///
    /// # Panics
    /// Where a handler asks for a dependency that nobody provides; outside a Tokio runtime.
    pub async fn run(self) -> Report {
        let (supervisor, lanes) = (self.supervisor, self.lanes);
        let mut plans = self.others;
        plans.push(self.last.into_any());
        let slot: Arc<OnceLock<Store>> = Arc::default();
        let opened = Arc::clone(&slot);
        let store: OpenStore = Arc::new(move || {
            Arc::clone(opened.get().expect("the start hook has opened the store"))
        });
        let members = match members_of(plans, &supervisor.handle(), &store) {
            Ok(members) => members,
            Err(text) => {
                let refused = || async { Err(Failure::fatal(ExitKind::Config, text)) };
                return supervisor.on_start(OPENING, refused).run().await;
            }
        };
        let bots = members.iter().map(|member| member.id).collect();
        let opening = open_store(bots, self.state_dir, slot);
        let (for_service, for_lanes) = (store.clone(), store.clone());
        let (handler, gate) = (handler_of(&members), gate_of(&members));
        let mut supervisor = supervisor
            .on_start(OPENING, || opening)
            .service("store", move || StoreService::new(for_service()));
        if let Some(add) = self.before_the_lanes {
            supervisor = add(supervisor, store.clone());
        }
        supervisor = supervisor.service(ServiceSpec::new("lanes").weight(8), move || {
            let (handler, gate) = (Arc::clone(&handler), Arc::clone(&gate));
            let config = *lanes.borrow();
            Lanes::new(for_lanes(), handler, gate, config).following(lanes.clone())
        });
        let is_alone = members.len() == 1;
        for member in members {
            let store = store.clone();
            supervisor = supervisor.beside(member.spec(is_alone), move || member.poller(store()));
        }
        if let Some(add) = self.beside_the_pollers {
            supervisor = add(supervisor);
        }
        supervisor.run().await
    }
}

#[cfg(feature = "program")]
impl<E> Polling<E> {
    pub(super) fn before_the_lanes(
        mut self,
        add: impl FnOnce(Builder, OpenStore) -> Builder + Send + 'static,
    ) -> Self {
        let earlier = self.before_the_lanes.take();
        self.before_the_lanes = Some(Box::new(move |builder, store| {
            let builder = match earlier {
                Some(earlier) => earlier(builder, Arc::clone(&store)),
                None => builder,
            };
            add(builder, store)
        }));
        self
    }

    pub(super) fn beside_the_pollers(
        mut self,
        add: impl FnOnce(Builder) -> Builder + Send + 'static,
    ) -> Self {
        let earlier = self.beside_the_pollers.take();
        self.beside_the_pollers = Some(Box::new(move |builder| {
            add(match earlier {
                Some(earlier) => earlier(builder),
                None => builder,
            })
        }));
        self
    }
}

const OPENING: &str = "open the store";

/// As the Bot API calls it.
pub(super) fn name_of(kind: AllowedUpdate) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(name)) => name,
        // Each of these is a plain name.
        other => unreachable!("{kind:?} is {other:?}"),
    }
}

async fn open_store(
    bots: Vec<BotId>,
    dir: Option<PathBuf>,
    slot: Arc<OnceLock<Store>>,
) -> Result<(), Failure> {
    let dir = dir.unwrap_or_else(|| default_state_dir(bots[0]));
    let failed = |error: StoreError| Failure::fatal(error.exit_kind(), error);
    let place = dir.clone();
    let store: Store = Arc::new(
        tokio::task::spawn_blocking(move || Sqlite::open(&place))
            .await?
            .map_err(failed)?,
    );
    let waiting = store.bots().await.map_err(failed)?;
    if let Some(other) = waiting.into_iter().find(|other| !bots.contains(other)) {
        return Err(Failure::fatal(
            ExitKind::Config,
            foreign(&dir, other, &bots),
        ));
    }
    let _ = slot.set(store);
    Ok(())
}

/// Why a directory with another bot's updates is not used.
fn foreign(dir: &Path, other: BotId, bots: &[BotId]) -> String {
    let (dir, other) = (dir.display(), other.0);
    let ids: Vec<_> = bots.iter().map(|bot| bot.0.to_string()).collect();
    let ids = ids.join(", ");
    let (ours, advice) = match bots.len() {
        1 => (
            format!("the token is bot {ids}'s"),
            "run that bot once more, or give this one a directory of its own",
        ),
        _ => (
            format!("the tokens are those of the bots {ids}"),
            "run that bot once more, or give these a directory of their own",
        ),
    };
    format!(
        "the state directory {dir} holds updates of bot {other} that wait to be handled, and {ours}; {advice}"
    )
}

/// The first bot's, so that another one can be added without leaving behind what waits there.
pub(super) fn default_state_dir(bot: BotId) -> PathBuf {
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
