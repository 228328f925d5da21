//! The operator's console, with what it can do through the other rooms.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use futures::stream::{self, StreamExt};
use serde_json::{Map, Value, json};
use teloxide::Bot;
use teloxide::prelude::Requester;
use teloxide::types::ChatId;
use tokio::sync::broadcast::error::RecvError;

use super::bots::OpenStore;
use super::browser::Parts as BrowserParts;
use super::polling::{Polling, default_state_dir};
use crate::ai::{Ai, Answer, Ask};
use crate::config::Config;
use crate::features::assistant;
use crate::features::browser::{self, Browser, Wish};
use crate::features::console::{
    self, Abilities, Console, Doing, Lines, LocalPrompt, Socket, Writing,
};
use crate::features::guard;
use crate::lifecycle::{Handle, LastWords, Restart, RestartPolicy, ServiceSpec};
use crate::store::BotId;
use crate::telegram::Token;
use crate::telegram::outgoing::Outgoing;
use crate::telemetry;

/// The history's name in the state directory.
const HISTORY: &str = "console.history";

/// A bot with its limits on what is sent.
pub(super) type Sender = (Bot, Outgoing);

/// What the console needs of the program.
pub(super) struct Operating {
    state_dir: PathBuf,
    bots: Vec<BotId>,
    say: console::Say,
    ask: Option<console::Ask>,
    read: Option<console::Read>,
    has_prompt: bool,
}

impl Operating {
    pub(super) fn new(
        config: &Config,
        senders: Vec<Sender>,
        ai: Ai,
        assistant: Option<&assistant::Settings>,
        browsing: &BrowserParts,
    ) -> Self {
        let ids = senders.iter().map(|(bot, _)| Token::parse(bot.token()));
        let bots: Vec<_> = ids.flatten().map(|token| token.bot()).collect();
        let first = bots.first().copied().unwrap_or(BotId(0));
        Self {
            state_dir: config
                .state_dir
                .clone()
                .unwrap_or_else(|| default_state_dir(first)),
            bots,
            say: Arc::new(move |chat, text| say(senders.clone(), chat, text)),
            ask: assistant.map(|settings| asking(ai, settings)),
            read: browsing.is_on.then(|| reading(browsing.browser.clone())),
            has_prompt: config.console,
        }
    }

    /// The socket is there from before the first update until the store is about to close; the prompt is among what stops
    /// first, so that the terminal is as it was when the stop begins.
    pub(super) fn beside<E>(self, polling: Polling<E>) -> Polling<E> {
        let (has_prompt, history) = (self.has_prompt, self.state_dir.join(HISTORY));
        let shared = Arc::<OnceLock<Console>>::default();
        let made = Arc::clone(&shared);
        let polling = polling.before_the_lanes(move |supervisor, store| {
            let dir = console::runtime_dir().unwrap_or_else(|| self.state_dir.clone());
            let console = Console::new(self.abilities(supervisor.handle(), store));
            let _ = made.set(console.clone());
            supervisor.service(spec("attach"), move || {
                Socket::new(dir.clone(), console.clone())
            })
        });
        if !has_prompt {
            return polling;
        }
        polling.beside_the_pollers(move |supervisor| match shared.get().cloned() {
            Some(console) => supervisor.beside(spec("console"), move || {
                LocalPrompt::new(console.clone(), history.clone())
            }),
            // The socket's tier is added first.
            None => supervisor,
        })
    }

    fn abilities(self, handle: Handle, store: OpenStore) -> Abilities {
        Abilities {
            handle,
            guard: guarding(self.bots, Arc::clone(&store)),
            store: Arc::new(move || store()),
            state_dir: self.state_dir,
            lines: lines(),
            level: Arc::new(level),
            say: Some(self.say),
            ask: self.ask,
            read: self.read,
        }
    }
}

/// The bot goes on without it.
fn spec(name: &str) -> ServiceSpec {
    ServiceSpec::new(name)
        .restart(RestartPolicy::new(Restart::Transient))
        .optional()
}

fn lines() -> Lines {
    Lines {
        recent: Arc::new(telemetry::recent),
        follow: Arc::new(|| {
            let coming = telemetry::follow();
            let next = async |mut coming: tokio::sync::broadcast::Receiver<Arc<str>>| {
                let line = match coming.recv().await {
                    Ok(line) => line.to_string(),
                    Err(RecvError::Lagged(missed)) => {
                        format!("({missed} log lines are left out here)\n")
                    }
                    Err(RecvError::Closed) => return None,
                };
                Some((line, coming))
            };
            stream::unfold(coming, next).boxed()
        }),
        divert: Arc::new(|| {
            let unshown = LastWords::new(telemetry::write_unshown);
            Box::new((telemetry::divert(), unshown))
        }),
    }
}

fn level(filter: &str) -> Result<String, String> {
    match telemetry::set_level(filter)? {
        true => Ok(format!("logged from now on: {filter}")),
        false => Err("$RUST_LOG decides what is logged; start without it to change that".into()),
    }
}

/// Tells of every bot's groups.
fn guarding(bots: Vec<BotId>, store: OpenStore) -> console::Guard {
    Arc::new(move || {
        let (bots, store) = (bots.clone(), store());
        Box::pin(async move {
            let mut text = String::new();
            for bot in &bots {
                let groups = guard::overview(&store, *bot).await;
                let groups = groups.map_err(|error| error.to_string())?;
                if bots.len() > 1 && !groups.is_empty() {
                    text += &format!("bot {}\n", bot.0);
                }
                text += &groups;
            }
            if text.is_empty() {
                text += "no group is known";
            }
            Ok(text)
        })
    })
}

/// Sends through the first bot that can.
fn say(senders: Vec<Sender>, chat: i64, text: String) -> Doing {
    Box::pin(async move {
        let mut refusal = "there is no bot".to_owned();
        for (bot, outgoing) in senders {
            match outgoing.send(bot.send_message(ChatId(chat), &text)).await {
                Ok(message) => return Ok(format!("sent as message {}", message.id)),
                Err(error) => refusal = telemetry::redact(&error.to_string()),
            }
        }
        Err(format!("chat {chat} was not told: {refusal}"))
    })
}

/// Reads as for somebody in a chat.
fn reading(browser: Browser) -> console::Read {
    Arc::new(move |url| {
        let browser = browser.clone();
        Box::pin(async move {
            let url = browser::url_of(&url).ok_or_else(|| {
                "that is no address; write it like https://example.org".to_owned()
            })?;
            let seat = browser.seat_in_turn().await;
            let page = browser.read(&seat, &url, Wish::default()).await;
            let page = page.map_err(|problem| problem.to_string())?;
            Ok(page.as_markdown())
        })
    })
}

/// Asks as the assistant does in a chat, without what was said before.
fn asking(ai: Ai, settings: &assistant::Settings) -> console::Ask {
    let (model, system) = (settings.model.clone(), settings.system.clone());
    Arc::new(move |text| {
        let mut messages = Vec::new();
        if let Some(system) = &system {
            messages.push(json!({ "role": "system", "content": system }));
        }
        messages.push(json!({ "role": "user", "content": text }));
        let mut body = Map::new();
        body.insert("messages".to_owned(), Value::Array(messages));
        if let Some(model) = &model {
            body.insert("model".to_owned(), json!(model));
        }
        let providers = Vec::new();
        ask(ai.clone(), Ask { body, providers })
    })
}

/// An answer's text as it is written.
fn ask(ai: Ai, ask: Ask) -> Writing {
    let first = async move { ai.stream(ask).await.map_err(|refusal| refusal.message) };
    stream::once(first)
        .flat_map(|answer| match answer {
            Ok(answer) => stream::unfold(Some(answer), piece).boxed(),
            Err(refusal) => stream::once(async { Err(refusal) }).boxed(),
        })
        .boxed()
}

async fn piece(answer: Option<Answer>) -> Option<(Result<String, String>, Option<Answer>)> {
    let mut answer = answer?;
    loop {
        match answer.next().await? {
            Ok(chunk) => match chunk.text() {
                Some(text) if !text.is_empty() => {
                    return Some((Ok(text.into_owned()), Some(answer)));
                }
                _ => {}
            },
            Err(broken) => return Some((Err(broken.to_string()), None)),
        }
    }
}
