//! What must arrive in a chat: answers, places for them, and what is said to commands. A piece of work in the lane
//! `assistant/say/CHAT` sends one message; the next one follows when that is kept.
//!
//! Invariants:
//! - Nothing waits here for longer than a few seconds: a longer wait is a timer, so that no time-out of a handler's and no
//!   stop cuts anything off.
//! - A parcel goes on until it has arrived, was refused for good, or is a day old; a flood wait only delays it.
//! - A part that was sent and noted is not sent again. One that was sent while the process was killed is: but for the first
//!   part, where that takes the place of a message, because an edit that says the same changes nothing.
//! - What is said in one chat is said in the order in which it was decided, but for what Telegram does not take yet.

mod parcel;
mod places;
mod trouble;

use std::time::Duration;

use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters};
use teloxide::prelude::*;
use teloxide::types::{MessageId, ReplyParameters, ThreadId};
use teloxide::{ApiError, RequestError};
use tracing::{debug, warn};

use super::conversation::Place;
use super::moment::Moment;
use super::text::Rich;
use super::work::Work;
use super::{Failed, Tools, buttons};
use crate::features::errors::brief;
use crate::lifecycle::crash_point;
pub(super) use parcel::Parcel;
pub(super) use places::{placeholder, positions, show};
use trouble::{Trouble, weigh};

/// A chat's own rate is waited for here, which keeps the order; a flood is not.
const WAIT: Duration = Duration::from_secs(3);

/// Sends the next part of a parcel.
pub(super) async fn deliver(
    tools: &Tools,
    at: Place,
    what: String,
    mut parcel: Parcel,
) -> Result<(), Failed> {
    let parts = parcel.parts();
    let Some(part) = parts.get(parcel.part) else {
        return Ok(());
    };
    let is_last = parcel.part + 1 == parts.len();
    crash_point("assistant-before-part");
    let sent = send_part(tools, at, &parcel, part, is_last).await;
    crash_point("assistant-after-part");
    let state = &tools.state;
    match sent.or_else(trouble::or_has_arrived) {
        Ok(()) if is_last => Ok(()),
        Ok(()) => {
            parcel.goes_on();
            Ok(Work::Deliver { at, what, parcel }.now(state)?)
        }
        Err(error) => match weigh(&error, &parcel, Moment::now()) {
            Trouble::Passing(wait) => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                debug!(chat_id = at.chat, wait_ms, "it is sent later");
                // A flood is no sign of a network in trouble.
                let has_failed = !matches!(error, RequestError::RetryAfter(_));
                parcel.tries = parcel.tries.saturating_add(has_failed.into());
                Ok(Work::Deliver { at, what, parcel }.after(state, wait)?)
            }
            Trouble::Moved(to) => {
                parcel.message = None;
                parcel.reply_to = None;
                let at = Place { chat: to, ..at };
                Ok(Work::Deliver { at, what, parcel }.now(state)?)
            }
            Trouble::Entities => {
                warn!(chat_id = at.chat, "the formatting is refused; sent without");
                parcel.is_bare = true;
                Ok(Work::Deliver { at, what, parcel }.now(state)?)
            }
            Trouble::Refused(reason) => {
                warn!(
                    chat_id = at.chat,
                    error = reason,
                    "what was to be said is refused"
                );
                Ok(())
            }
        },
    }
}

/// Shows the first part at once, where that takes the place of a message: for a process that is about to end, and will not
/// come to deliver it.
pub(super) async fn show_first(tools: &Tools, at: Place, parcel: &Parcel) {
    let parts = parcel.parts();
    if let (Some(message), Some(part)) = (parcel.message, parts.first()) {
        let is_last = parts.len() == 1;
        if let Err(error) = edit(tools, at, message, parcel, part, is_last).await {
            let error = brief(&error);
            debug!(chat_id = at.chat, error, "the next start says it");
        }
    }
}

async fn send_part(
    tools: &Tools,
    at: Place,
    parcel: &Parcel,
    part: &Rich,
    is_last: bool,
) -> Result<(), RequestError> {
    let is_first = parcel.part == 0;
    if let Some(message) = parcel.message.filter(|_| is_first) {
        match edit(tools, at, message, parcel, part, is_last).await {
            Ok(true) => return Ok(()),
            // Somebody has deleted it.
            Ok(false) if parcel.is_only_there => return Ok(()),
            Ok(false) => {}
            Err(error) => return Err(error),
        }
    }
    let mut request = message_in(tools, at, &part.text).entities(part.entities.clone());
    if let Some(reply_to) = parcel.reply_to.filter(|_| is_first) {
        request = request.reply_parameters(reply(reply_to));
    }
    if let Some(keyboard) = buttons::keyboard(&parcel.buttons).filter(|_| is_last) {
        request = request.reply_markup(keyboard);
    }
    tools.outgoing.send_within(WAIT, request).await.map(drop)
}

/// False where there is nothing to edit any more.
async fn edit(
    tools: &Tools,
    at: Place,
    message: i32,
    parcel: &Parcel,
    part: &Rich,
    is_last: bool,
) -> Result<bool, RequestError> {
    let (chat, message) = (ChatId(at.chat), MessageId(message));
    let request = tools.bot.edit_message_text(chat, message, &part.text);
    let mut request = request.entities(part.entities.clone());
    if let Some(keyboard) = buttons::keyboard(&parcel.buttons).filter(|_| is_last) {
        request = request.reply_markup(keyboard);
    }
    match tools.outgoing.send_within(WAIT, request).await {
        Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(true),
        Err(RequestError::Api(
            ApiError::MessageToEditNotFound
            | ApiError::MessageIdInvalid
            | ApiError::MessageCantBeEdited,
        )) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A new message in a conversation.
fn message_in(tools: &Tools, at: Place, text: &str) -> <Bot as Requester>::SendMessage {
    let request = tools.bot.send_message(ChatId(at.chat), text);
    match at.thread {
        0 => request,
        thread => request.message_thread_id(ThreadId(MessageId(thread))),
    }
}

/// To a message that may be gone.
fn reply(message: i32) -> ReplyParameters {
    ReplyParameters::new(MessageId(message)).allow_sending_without_reply()
}
