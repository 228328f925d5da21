//! The browser's commands in chats.
//!
//! ```text
//!  a command ─→ the chat's lane: taken, or refused ─→ work, committed with that (a timer)
//!                    ▲                                   │
//!                    │ crossed out                       ▼
//!                    └─────────────── browser/CHAT: the page is read, and sent
//! ```
//!
//! **Authority**: the work's timer. What was taken is carried out, over restarts: a stop lets go of a page at once and of what
//! is being sent after three seconds, and the next start does it anew. After a kill in the middle of a send it is sent again.
//!
//! Invariants:
//! - The chat's own lane is never held up by a page: `/ping` is answered while pages hang.
//! - One page at a time is read for a chat, and one person waits there for three of them at most. Over all chats pages take no
//!   more than their seats (`Settings::seats`); who finds none looks again a second later.
//! - A step in an open page is done once: where its result cannot be sent, only the look at the page is repeated.

mod order;
mod reply;
mod waiting;
mod work;

use std::time::Duration;

use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use teloxide::types::{AllowedUpdate, ChatAction, Me};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use super::reader::{Browser, Render, Seat, Wish};
use crate::bot::{State, Timer, UpdateHandler, Verdict};
use crate::features::errors::brief;
use crate::features::moment::Moment;
use crate::features::origin::{asker_of, is_by_a_person};
use crate::features::{Failed, Origin};
use crate::lifecycle::{Handle, crash_point};
use crate::telegram::outgoing::Outgoing;
pub(crate) use order::COMMANDS;
pub(super) use order::Step;
pub(crate) use order::url as url_of;
use order::{Order, Told};
pub(super) use reply::Reply;
pub(super) use reply::why;
use reply::{Trouble, is_nobody_there, weigh};
use waiting::Waiting;
use work::{Asker, Job, OURS, Work};

/// Kinds of updates that the tree takes.
pub(crate) const UPDATES: [AllowedUpdate; 1] = [AllowedUpdate::Message];

/// Telegram shows for five seconds that the bot is busy.
const BUSY_EVERY: Duration = Duration::from_millis(4_500);
/// What finds no seat within this looks for one again after as long.
const FOR_A_SEAT: Duration = Duration::from_secs(1);
/// What is being sent when the bot stops may take so long; then the next start sends it.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// What has ended the process so often is not tried again.
const DEADLY: u32 = 2;

/// What a handler works with.
#[derive(Clone)]
struct Tools {
    bot: Bot,
    me: Me,
    outgoing: Outgoing,
    state: State,
    handle: Handle,
    browser: Browser,
}

/// The handler tree for updates. It needs a [`Browser`] and a [`Handle`] among the dependencies.
pub(crate) fn handler() -> UpdateHandler<Failed> {
    with_tools(tree())
}

/// The handler tree for timers; the same dependencies.
pub(crate) fn timers() -> UpdateHandler<Failed> {
    let is_ours = |timer: Timer| timer.name().starts_with(OURS);
    with_tools(dptree::filter(is_ours).endpoint(on_timer))
}

fn tree() -> UpdateHandler<Failed> {
    Update::filter_message().branch(dptree::filter_map(told_in).endpoint(told))
}

fn with_tools(tree: UpdateHandler<Failed>) -> UpdateHandler<Failed> {
    let tools =
        |bot: Bot, me: Me, outgoing: Outgoing, state: State, handle: Handle, browser: Browser| {
            Tools {
                bot,
                me,
                outgoing,
                state,
                handle,
                browser,
            }
        };
    dptree::map(tools).chain(tree)
}

/// A command of a person's, not one that is told about.
fn told_in(message: Message, tools: Tools) -> Option<Told> {
    if !is_by_a_person(&message) || message.forward_origin().is_some() {
        return None;
    }
    Order::parse(message.text()?, tools.me.username())
}

/// Takes a command, in the chat's lane.
async fn told(tools: Tools, message: Message, told: Told) -> Result<(), Failed> {
    let Some(by) = command_of(&message) else {
        return Ok(());
    };
    if !tools.browser.settings().serves(by.user) {
        // In a group it would let anybody make the bot talk.
        return match message.chat.is_private() {
            true => say(&tools, by, &not_for(by.user)),
            false => Ok(()),
        };
    }
    let order = match told {
        Ok(order) => order,
        Err(hint) => return say(&tools, by, hint),
    };
    let (state, now) = (&tools.state, Moment::now());
    let mut waiting = Waiting::read(state, by.chat).await?;
    if !waiting.add(by, now) {
        let text = "You wait for three things already. Ask again when one of them is there.";
        return say(&tools, by, text);
    }
    waiting.write(state, by.chat)?;
    let job = Job {
        by,
        order,
        since: now,
        tries: 0,
    };
    Ok(Work::Do(job).now(state)?)
}

fn command_of(message: &Message) -> Option<Asker> {
    let thread = message.thread_id.filter(|_| message.is_topic_message);
    Some(Asker {
        chat: message.chat.id.0,
        thread: thread.map_or(0, |thread| thread.0.0),
        user: asker_of(message)?,
        message: message.id.0,
    })
}

fn not_for(user: i64) -> String {
    format!("I read pages only for those whom my operator has named. Your number is {user}.")
}

fn say(tools: &Tools, by: Asker, text: &str) -> Result<(), Failed> {
    let work = Work::Say {
        by,
        text: text.to_owned(),
        since: Moment::now(),
        tries: 0,
    };
    Ok(work.now(&tools.state)?)
}

async fn on_timer(tools: Tools, timer: Timer, verdict: Verdict) -> Result<(), Failed> {
    match timer.body()? {
        Work::Do(job) => carry_out(&tools, job, timer.attempts(), &verdict).await,
        Work::Over { by } => {
            let mut waiting = Waiting::read(&tools.state, by.chat).await?;
            waiting.cross_out(by);
            Ok(waiting.write(&tools.state, by.chat)?)
        }
        Work::Say {
            by,
            text,
            since,
            tries,
        } => {
            let sent = deliver(&tools, by, Reply::plain(&text), since, tries).await;
            let again = |by, tries| Work::Say {
                by,
                text,
                since,
                tries,
            };
            match sent {
                Sent::Over | Sent::FileRefused(_) => Ok(()),
                Sent::Later { by, wait } => Ok(again(by, tries + 1).after(&tools.state, wait)?),
                Sent::NextStart => Ok(again(by, tries).now(&tools.state)?),
            }
        }
    }
}

/// Does what was asked for, and sends what came of it.
async fn carry_out(tools: &Tools, job: Job, deaths: u32, verdict: &Verdict) -> Result<(), Failed> {
    // In turn with models, which wait for theirs; but not for long, for this is a handler.
    let Ok(seat) = timeout(FOR_A_SEAT, tools.browser.seat_in_turn()).await else {
        return Ok(Work::Do(job).after(&tools.state, FOR_A_SEAT)?);
    };
    let began = Instant::now();
    let reply = if deaths >= DEADLY {
        warn!(
            chat_id = job.by.chat,
            "a command that ended the process twice is given up"
        );
        Reply::plain("I was ended twice while I was busy with that, and do not try it again.")
    } else {
        tokio::select! {
            biased;
            reply = reply_to(tools, &job, &seat) => reply,
            () = tools.handle.stop_requested() => {
                debug!(chat_id = job.by.chat, "the next start does it");
                // A stop does not wait for that.
                verdict.retry_after(Duration::ZERO);
                return Ok(());
            }
            never = show_busy(tools, &job) => match never {},
        }
    };
    let elapsed_ms = began.elapsed().as_millis();
    debug!(chat_id = job.by.chat, order = job.order.name(), %elapsed_ms, "a command was carried out");
    crash_point("browser-before-send");
    let sent = deliver(tools, job.by, reply, job.since, job.tries).await;
    crash_point("browser-after-send");
    match sent {
        Sent::Over => Ok(Work::Over { by: job.by }.now(&tools.state)?),
        Sent::FileRefused(why) => {
            Work::Over { by: job.by }.now(&tools.state)?;
            let text = format!("I have it, but it could not be sent as a file: {why}.");
            say(tools, job.by, &text)
        }
        Sent::Later { by, wait } => {
            let again = Job {
                by,
                order: job.order.again(),
                tries: job.tries + 1,
                ..job
            };
            Ok(Work::Do(again).after(&tools.state, wait)?)
        }
        Sent::NextStart => {
            let order = job.order.again();
            Ok(Work::Do(Job { order, ..job }).now(&tools.state)?)
        }
    }
}

async fn reply_to(tools: &Tools, job: &Job, seat: &Seat) -> Reply {
    let browser = &tools.browser;
    let reply = match &job.order {
        Order::Read { url, in_browser } => {
            let render = match in_browser {
                true => Render::Always,
                false => Render::Auto,
            };
            let wish = Wish {
                render,
                ..Wish::default()
            };
            let page = browser.read(seat, url, wish).await;
            page.map(|page| Reply::page(&page))
        }
        Order::Shot { url } => {
            let shot = browser.shot(seat, url, false).await;
            shot.and_then(Reply::shot)
        }
        Order::Search { terms } => {
            let hits = browser.search(terms).await;
            hits.map(|hits| Reply::hits(terms, &hits))
        }
        Order::Step(step) => {
            let bot = i64::try_from(tools.me.id.0).unwrap_or(i64::MAX);
            let outline = browser.step(bot, job.by.chat, step).await;
            outline.map(|outline| match outline {
                Some(outline) => Reply::outline(&outline),
                None => Reply::plain("The page is closed."),
            })
        }
    };
    reply.unwrap_or_else(|problem| Reply::plain(format!("Sorry: {problem}.")))
}

/// Tells the chat now and then that the bot is busy with it.
async fn show_busy(tools: &Tools, job: &Job) -> std::convert::Infallible {
    let action = match job.order {
        Order::Shot { .. } => ChatAction::UploadPhoto,
        _ => ChatAction::Typing,
    };
    loop {
        let mut telling = tools.bot.send_chat_action(ChatId(job.by.chat), action);
        let thread = (job.by.thread != 0).then_some(job.by.thread);
        telling.message_thread_id =
            thread.map(|id| teloxide::types::ThreadId(teloxide::types::MessageId(id)));
        if let Err(error) = tools.outgoing.send_now(telling).await {
            debug!(error = brief(&error), "nobody is told that I am busy");
        }
        sleep(BUSY_EVERY).await;
    }
}

/// What came of sending.
enum Sent {
    /// It has arrived, or never will.
    Over,
    /// It is to be sent again, perhaps elsewhere.
    Later { by: Asker, wait: Duration },
    /// The bot goes down; the next start sends it.
    NextStart,
    /// The file in it does not arrive, and this is why; a text may.
    FileRefused(String),
}

async fn deliver(tools: &Tools, by: Asker, reply: Reply, since: Moment, tries: u32) -> Sent {
    let origin = Origin {
        bot: tools.bot.clone(),
        outgoing: tools.outgoing.clone(),
        chat: by.chat,
        thread: by.thread,
        message: by.message,
        user: by.user,
    };
    let has_file = reply.has_file();
    let out_of_patience = async {
        tools.handle.stop_requested().await;
        sleep(LAST_WORDS).await;
    };
    let sent = tokio::select! {
        biased;
        sent = reply.deliver(&origin) => sent,
        () = out_of_patience => {
            debug!(chat_id = by.chat, "the next start sends it");
            return Sent::NextStart;
        }
    };
    let Err(error) = sent else {
        return Sent::Over;
    };
    match weigh(&error, since, tries, has_file, Moment::now()) {
        Trouble::Passing(wait) => {
            debug!(chat_id = by.chat, ?wait, "it is sent later");
            Sent::Later { by, wait }
        }
        Trouble::Moved(chat) => {
            let wait = Duration::ZERO;
            let by = Asker { chat, ..by };
            Sent::Later { by, wait }
        }
        Trouble::Refused => {
            let reason = brief(&error);
            if is_nobody_there(&error) {
                debug!(chat_id = by.chat, reason, "nobody is there any more");
                return Sent::Over;
            }
            debug!(chat_id = by.chat, reason, "what was to be sent is refused");
            match has_file {
                true => Sent::FileRefused(why(&error)),
                false => Sent::Over,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::kinds::assert_takes;

    #[test]
    fn the_tree_takes_the_kinds_that_are_asked_for() {
        assert_takes(&tree(), &UPDATES);
    }
}
