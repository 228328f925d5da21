//! AI answers in chats.
//!
//! ```text
//!  updates ──→ the chat's lane: machine ──→ the conversation           (a document)
//!                 ▲                 └─────→ work, committed with the decision (timers)
//!                 │                               │
//!                 │    assistant/say/CHAT         ├─ a place for the answer, and the answer when it is there: must arrive
//!                 │    assistant/answer/PLACE     └─ the model is asked; previews are shown, or left out
//!                 └── what came of it ←───────────────┘
//! ```
//!
//! **Authority**: the document of the conversation. What a decision asks for is committed with it, and forgotten with its
//! result; so a process that is killed between any two steps goes on with the next one, and asks the model again where it was
//! killed while the model spoke.
//!
//! Invariants:
//! - Every question that was taken is over once: answered, stopped, cut off, failed or cancelled.
//! - One answer is written at a time in a conversation, a chat or a forum's topic; conversations do not wait for each other,
//!   and while a model is silent the chat's own lane is free.
//! - What is shown while an answer is written may be left out; the answer may not: it waits out floods and restarts.
//! - A question that failed does not get into the history; of one that was stopped or cut off what there is does.
//! - Answers use half of the handlers at most (one at least); the others are free for commands, however slow a model is.
//! - A wait of more than a few seconds is a timer, never a handler that waits.
//! - Nothing of what people and models write stands in the log.
//!
//! In a group it hears commands, whoever mentions it, and whoever replies to what it has said, where that has no buttons of
//! another feature's. A question is stopped by who has asked it; in private that is the only one there. Who writes in a group's or
//! a channel's name asks, stops and spends as that, for the account behind it is everybody's.
//!
//! It has no task of its own: the lanes run it. A stop lets an answer that has begun go on for the settings' `drain`, and keeps
//! what there is of it then; one of which nothing is there yet is asked for again by the next start.
//!
//! Not done: pictures and voices as questions; a conversation does not follow a group that gets another number.

mod answer;
mod buttons;
mod commands;
mod conversation;
mod desk;
mod machine;
mod outbox;
mod prompt;
mod seats;
mod settings;
mod spent;
mod stops;
mod text;
mod updates;
mod words;
mod work;

use std::sync::Arc;

use teloxide::prelude::*;
use teloxide::types::{AllowedUpdate, Me};

use super::{Failed, Origin, moment};
use crate::ai::{Ai, Clock, Tool, ToolLimits, Tools as AiTools};
use crate::bot::{State, Timer, UpdateHandler, Verdict};
use crate::lifecycle::Handle;
use crate::telegram::outgoing::Outgoing;
pub use commands::COMMANDS;
pub use seats::{Handlers, Seats};
pub use settings::Settings;
use spent::Ledger;
use stops::Stops;
use work::Work;

/// Kinds of updates that the tree takes.
pub const UPDATES: [AllowedUpdate; 2] = [AllowedUpdate::Message, AllowedUpdate::CallbackQuery];

/// Makes the tools for an answer to a message.
pub(crate) type MoreTools = Arc<dyn Fn(&Origin) -> Vec<Arc<dyn Tool>> + Send + Sync>;

/// What one bot's assistant has to be told by the program. Each bot has one of its own; clones are the same one.
#[derive(Clone)]
pub struct Assistant(Arc<Inner>);

struct Inner {
    ai: Ai,
    /// What a model may use, besides a clock.
    more_tools: MoreTools,
    settings: Settings,
    seats: Seats,
    ledger: Arc<Ledger>,
    stops: Arc<Stops>,
}

impl Assistant {
    /// An assistant for whom these providers answer. Their models may use these tools, besides a clock.
    #[must_use]
    pub(crate) fn new(ai: Ai, settings: Settings, seats: Seats, more_tools: MoreTools) -> Self {
        let (ledger, stops) = (Arc::default(), Arc::default());
        Self(Arc::new(Inner {
            ai,
            more_tools,
            settings,
            seats,
            ledger,
            stops,
        }))
    }

    fn ai(&self) -> &Ai {
        &self.0.ai
    }

    /// What a model may use for an answer to this message.
    fn ai_tools(&self, origin: &Origin) -> AiTools {
        let mut tools: Vec<Arc<dyn Tool>> = vec![Arc::new(Clock)];
        tools.extend((self.0.more_tools)(origin));
        AiTools::new(tools, ToolLimits::default())
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn seats(&self) -> &Seats {
        &self.0.seats
    }

    fn ledger(&self) -> &Arc<Ledger> {
        &self.0.ledger
    }

    fn stops(&self) -> &Arc<Stops> {
        &self.0.stops
    }
}

/// What a handler works with.
#[derive(Clone)]
struct Tools {
    bot: Bot,
    me: Me,
    outgoing: Outgoing,
    state: State,
    handle: Handle,
    assistant: Assistant,
}

/// The handler tree for updates. It needs an [`Assistant`] and a [`Handle`] among the dependencies.
#[must_use]
pub fn handler() -> UpdateHandler<Failed> {
    with_tools(updates::tree())
}

/// The handler tree for timers; the same dependencies.
#[must_use]
pub fn timers() -> UpdateHandler<Failed> {
    let is_ours = |timer: Timer| timer.name().starts_with("assistant/");
    with_tools(dptree::filter(is_ours).endpoint(on_timer))
}

fn with_tools(tree: UpdateHandler<Failed>) -> UpdateHandler<Failed> {
    let tools = |bot: Bot,
                 me: Me,
                 outgoing: Outgoing,
                 state: State,
                 handle: Handle,
                 assistant: Assistant| Tools {
        bot,
        me,
        outgoing,
        state,
        handle,
        assistant,
    };
    dptree::map(tools).chain(tree)
}

async fn on_timer(tools: Tools, timer: Timer, verdict: Verdict) -> Result<(), Failed> {
    let work: Work = timer.body()?;
    let was_killed = timer.attempts() > 0;
    match work {
        Work::Event { at, event } => desk::decide(&tools, at, event).await.map(drop),
        Work::Show { at, id, tries } => outbox::show(&tools, at, id, tries).await,
        Work::Answer { at, id, tries } if was_killed => answer::after_a_kill(&tools, at, id, tries),
        Work::Answer { at, id, tries } => answer::answer(&tools, at, id, tries, &verdict).await,
        Work::Deliver { at, what, parcel } => outbox::deliver(&tools, at, what, parcel).await,
        Work::Positions { at } => outbox::positions(&tools, at).await,
        Work::Look { at, id, is_suspect } => desk::look(&tools, at, id, is_suspect).await,
        Work::Quiet { at } => desk::decide(&tools, at, machine::Event::Quiet)
            .await
            .map(drop),
        Work::Spend { user, tokens, .. } => spent::add(&tools, user, tokens).await,
        Work::Midnight { user } => spent::forget(&tools, user).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::kinds::assert_takes;

    #[test]
    fn the_tree_takes_the_kinds_that_are_asked_for() {
        assert_takes(&updates::tree(), &UPDATES);
    }
}
