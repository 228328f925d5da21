//! The bots of a process: what each is made of, and what they share.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use dptree::di::DependencyMap;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use teloxide::Bot;

use crate::bot::{Dispatch, UpdateHandler};
use crate::lanes::{self, Gate, Outcome};
use crate::lifecycle::{Handle, Restart, RestartPolicy, ServiceSpec};
use crate::store::{BotId, Store};
use crate::telegram::{Client, Identity, Past, Poller, PollerConfig, Token, TokenError};

/// What a poller's start may take longer than its own patience with an unreachable server. An occupied one it bears
/// for less; and it tells more than a start that is cut off.
const START_MARGIN: Duration = Duration::from_secs(110);
/// Restarts of a poller among several. An unreachable server takes longer than this allows for, and is tried for ever; a
/// poller that panics is given up.
const MOST_RESTARTS: u32 = 5;
const RESTART_WINDOW: Duration = Duration::from_secs(16);

type MakeHttp = Arc<dyn Fn() -> reqwest::Result<reqwest::Client> + Send + Sync>;
/// A bot's plan whose handlers' error type is out of sight: from here on the bots of a process are alike.
pub(super) type AnyPlan = Box<dyn FnOnce(&Handle, OpenStore) -> Result<Member, TokenError> + Send>;
/// The store, once it is open.
pub(super) type OpenStore = Arc<dyn Fn() -> Store + Send + Sync>;

/// A bot as its user describes it.
pub(super) struct BotPlan<E> {
    bot: Bot,
    handler: UpdateHandler<E>,
    pub(super) timers: Option<UpdateHandler<E>>,
    pub(super) dependencies: DependencyMap,
    pub(super) poller: PollerConfig,
    pub(super) allowed_updates: Option<Vec<String>>,
    pub(super) make_http: Option<MakeHttp>,
}

/// A bot that can be run.
pub(super) struct Member {
    pub(super) id: BotId,
    client: Client,
    identity: Identity,
    handler: lanes::Handler,
    poller: PollerConfig,
    past: Past,
}

impl<E: Debug + Send + Sync + 'static> BotPlan<E> {
    pub(super) fn new(bot: Bot, handler: UpdateHandler<E>) -> Self {
        Self {
            bot,
            handler,
            timers: None,
            dependencies: DependencyMap::new(),
            poller: PollerConfig::default(),
            allowed_updates: None,
            make_http: None,
        }
    }

    pub(super) fn into_any(self) -> AnyPlan {
        Box::new(move |handle, store| self.into_member(handle, store))
    }

    /// # Panics
    /// Where a handler asks for a dependency that nobody provides.
    fn into_member(self, handle: &Handle, store: OpenStore) -> Result<Member, TokenError> {
        let token = Token::parse(self.bot.token())?;
        let id = token.bot();
        let client = Client::new(self.bot.client().clone(), self.bot.api_url(), token);
        let client = match self.make_http {
            Some(make) => client.remade_by(move || make()),
            None => client,
        };
        let identity = Identity::default();
        let mut dependencies = self.dependencies;
        dependencies.insert(handle.clone());
        let known = identity.clone();
        let dispatch = Dispatch::new(self.bot, self.handler, dependencies, known, move || store());
        let dispatch = match self.timers {
            Some(timers) => dispatch.on_timer(timers),
            None => dispatch,
        };
        let mut poller = self.poller;
        if let Some(kinds) = self.allowed_updates {
            poller.allowed_updates = kinds;
        }
        Ok(Member {
            id,
            client,
            identity,
            handler: dispatch.into_handler(),
            poller,
            past: Past::default(),
        })
    }
}

/// The bots that are planned, each of them once.
pub(super) fn members_of(
    plans: Vec<AnyPlan>,
    handle: &Handle,
    store: &OpenStore,
) -> Result<Vec<Member>, String> {
    let mut members: Vec<Member> = Vec::new();
    for plan in plans {
        let member = plan(handle, Arc::clone(store)).map_err(|error| error.to_string())?;
        if members.iter().any(|other| other.id == member.id) {
            return Err(format!(
                "two of the tokens are bot {}'s; a bot is polled once: leave one of them away",
                member.id.0
            ));
        }
        members.push(member);
    }
    Ok(members)
}

impl Member {
    /// The poller's name and what follows its end. Alone it is critical; of several the last one is, and the others are
    /// tried again without end where their server cannot be reached.
    pub(super) fn spec(&self, is_alone: bool) -> ServiceSpec {
        let start_timeout = self.poller.start_patience.saturating_add(START_MARGIN);
        if is_alone {
            return ServiceSpec::new("poller")
                .start_timeout(start_timeout)
                .restarts_on_request();
        }
        let policy = RestartPolicy::new(Restart::Transient)
            .intensity(MOST_RESTARTS, RESTART_WINDOW)
            .expect("the waits fit into the window");
        ServiceSpec::new(format!("poller-{}", self.id.0))
            .start_timeout(start_timeout)
            .restart(policy)
            .one_of("pollers")
    }

    pub(super) fn poller(&self, store: Store) -> Poller {
        Poller::new(
            self.client.clone(),
            store,
            self.identity.clone(),
            self.poller.clone(),
        )
        .after(self.past.clone())
    }
}

/// Every bot's handler in one: an entry goes to its own bot's.
pub(super) fn handler_of(members: &[Member]) -> lanes::Handler {
    let handlers = members
        .iter()
        .map(|member| (member.id, Arc::clone(&member.handler)));
    let handlers: HashMap<BotId, lanes::Handler> = handlers.collect();
    Arc::new(move |entry| match handlers.get(&entry.bot) {
        Some(handler) => handler(entry),
        // The gate lets nobody else in.
        None => Box::pin(async {
            let error = "its bot is not among those of this process".to_owned();
            Outcome::Failed { error }
        }),
    })
}

/// No handler starts before it can be told who its bot is; each bot's wait for their own getMe.
pub(super) fn gate_of(members: &[Member]) -> Gate {
    let bots = members
        .iter()
        .map(|member| (member.id, member.identity.clone()));
    let bots: Vec<_> = bots.collect();
    Arc::new(move || {
        let known = bots.iter().cloned().map(|(bot, identity)| async move {
            identity.known().await;
            bot
        });
        known.collect::<FuturesUnordered<_>>().boxed()
    })
}
