//! Group-join verification: who comes into a group is muted until they have shown that they are no program.
//!
//! ```text
//!  updates ──→ the group's lane: desk ── machine ──→ cases, group        (documents)
//!                 ▲                        └───────→ work, committed with the decision (timers)
//!                 │                                       │
//!                 └── what came of it ── deeds, prompt, notices, private ←┘  each in a lane of its own
//! ```
//!
//! **Authority**: the documents. What a decision asks for is committed with it, and forgotten with its result, so a process
//! that is killed between any two steps goes on with the next one. What is done to members is looked at before it is done
//! again; a message that was sent and could not be noted is sent once more, for the Bot API cannot be asked about it.
//!
//! Invariants:
//! - A group's cases are decided in the group's lane, one event after another; what is done for one group waits for no other.
//! - A person is answered for their own case alone, whatever they press.
//! - Who is removed can come back after five minutes; no ban is ever lifted, and who is banned already is not banned anew.
//! - What is lifted are the mute's own limits: the group's default permissions hold again.
//! - Nobody loses time to a pause of the bot.
//!
//! It has no task of its own. Updates and timers come through the lanes, which the supervisor drains like any service: a stop
//! starts no new piece of work, and the next start goes on where it was.

mod admin;
mod administrators;
mod captcha;
mod case;
mod clock;
mod deeds;
mod desk;
mod group;
mod machine;
mod migrate;
mod notices;
mod orphans;
mod overview;
mod private;
mod prompt;
mod raid;
mod scan;
mod texts;
mod trouble;
mod updates;
mod work;

use std::sync::Arc;

use teloxide::prelude::*;
use teloxide::types::{AllowedUpdate, Me};

use super::{Failed, moment};
use crate::bot::{State, Timer, UpdateHandler};
use crate::lifecycle::Handle;
use crate::telegram::outgoing::Outgoing;
pub(crate) use overview::overview;
use work::Work;

/// Kinds of updates that the tree takes.
pub const UPDATES: [AllowedUpdate; 5] = [
    AllowedUpdate::Message,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::ChatMember,
    AllowedUpdate::MyChatMember,
    AllowedUpdate::ChatJoinRequest,
];

/// What one bot's guard has to be told by the program.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    operator: Box<dyn Fn() -> Option<i64> + Send + Sync>,
    administrators: administrators::Cache,
}

impl Guard {
    /// A guard whose operator's chat is asked for when it is needed.
    #[must_use]
    pub fn new(operator: impl Fn() -> Option<i64> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            operator: Box::new(operator),
            administrators: administrators::Cache::default(),
        }))
    }

    fn operator(&self) -> Option<i64> {
        (self.0.operator)()
    }

    fn administrators(&self) -> &administrators::Cache {
        &self.0.administrators
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
    guard: Guard,
}

/// The handler tree for updates. It needs a [`Guard`] and a [`Handle`] among the dependencies.
#[must_use]
pub fn handler() -> UpdateHandler<Failed> {
    with_tools(dptree::entry().branch(scan::tree()).branch(updates::tree()))
}

/// The handler tree for timers; the same dependencies.
#[must_use]
pub fn timers() -> UpdateHandler<Failed> {
    let is_ours = |timer: Timer| timer.name().starts_with("guard/");
    with_tools(dptree::filter(is_ours).endpoint(on_timer))
}

fn with_tools(tree: UpdateHandler<Failed>) -> UpdateHandler<Failed> {
    let tools =
        |bot: Bot, me: Me, outgoing: Outgoing, state: State, handle: Handle, guard: Guard| Tools {
            bot,
            me,
            outgoing,
            state,
            handle,
            guard,
        };
    dptree::map(tools).chain(tree)
}

async fn on_timer(tools: Tools, timer: Timer) -> Result<(), Failed> {
    let work: Work = timer.body()?;
    let was_killed = timer.attempts() > 0;
    if let Some(chat) = work.follows()
        && let Some(to) = migrate::moved_to(&tools, chat).await?
    {
        return Ok(work.in_group(to).now(&tools.state)?);
    }
    match work {
        Work::Event { chat, user, event } => updates::decide(&tools, chat, user, &event).await,
        Work::Due { chat, user } => updates::decide(&tools, chat, user, &machine::Event::Due).await,
        Work::Do {
            chat,
            user,
            deed,
            tries,
        } => deeds::carry_out(&tools, chat, user, deed, tries, was_killed).await,
        Work::Ask {
            chat,
            user,
            to,
            tries,
        } => private::ask(&tools, chat, user, to, tries).await,
        Work::TakeBack { chat, to } => private::take_back(&tools, chat, to).await,
        Work::Tell { chat, to, tell } => private::tell(&tools, chat, to, tell).await,
        Work::Write { to, text, tries } => private::write(&tools, to, text, tries).await,
        Work::Prompt { chat } => prompt::look(&tools, chat, was_killed).await,
        Work::Notices { chat } => notices::say(&tools, chat).await,
        Work::Noticed { chat, before } => notices::said(&tools, chat, before).await,
        Work::Delete {
            chat,
            message,
            tries,
        } => notices::delete(&tools, chat, message, tries).await,
        Work::Raid { chat } => updates::look_at_raid(&tools, chat).await,
        Work::TellAdministrators { chat, text } => {
            notices::tell_administrators(&tools, chat, &text).await
        }
        Work::Show {
            chat,
            view,
            message,
            tries,
        } => admin::show(&tools, chat, view, message, tries).await,
        Work::Reply { chat, text, tries } => admin::reply(&tools, chat, text, tries).await,
        Work::CheckRights { chat } => admin::check_rights(&tools, chat).await,
        Work::Complain { chat, text } => admin::complain(&tools, chat, text).await,
        Work::Skipped { chat, user, deed } => updates::skipped(&tools, chat, user, deed).await,
        Work::Migrate { chat, to } => migrate::carry_over(&tools, chat, to).await,
        Work::Pulse => clock::pulse(&tools).await,
        Work::Scan(step) => scan::take(&tools, step).await,
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
