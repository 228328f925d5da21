//! Where answers will be: a message that says so, with a button that stops it.

use std::time::Duration;

use teloxide::RequestError;
use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardMarkup, MessageId};
use tracing::{debug, info};

use super::trouble::taken;
use super::{WAIT, message_in, reply};
use crate::features::Failed;
use crate::features::assistant::buttons::{self, Press, button};
use crate::features::assistant::conversation::{Place, Shown};
use crate::features::assistant::machine::Event;
use crate::features::assistant::work::Work;
use crate::features::assistant::{Tools, desk, words};
use crate::features::errors::{brief, is_about_the_server};
use crate::lifecycle::crash_point;

/// A place that could not be made because of the network or the server is tried once more, after this; the answer does without
/// it then.
const AGAIN: Duration = Duration::from_secs(1);
/// A flood is waited out for the sake of a place where it is no longer than this.
const FLOOD: Duration = Duration::from_secs(10);

/// What is shown of a question with so many others before it.
pub(in super::super) fn placeholder(
    at: Place,
    id: u64,
    before: usize,
) -> (String, InlineKeyboardMarkup) {
    let (text, label) = match before {
        0 => (words::SOON.to_owned(), "Stop"),
        before => (words::position(before), "Cancel"),
    };
    let stop = button(label, at.thread, &Press::Stop { id });
    (text, buttons::keyboard(&[stop]).unwrap_or_default())
}

/// Makes the place of an answer.
///
/// Where the process is killed between this and its being noted, the next start makes another one, as the Bot API cannot be
/// asked what a bot has written: a "…" stays that nothing takes the place of.
pub(in super::super) async fn show(
    tools: &Tools,
    at: Place,
    id: u64,
    tries: u32,
) -> Result<(), Failed> {
    let conversation = desk::read(tools, at).await?;
    let Some(before) = conversation.position(id) else {
        return Ok(());
    };
    let question = &conversation.queue[before];
    if question.shown != Shown::NotYet {
        return Ok(());
    }
    let (text, keyboard) = placeholder(at, id, before);
    let request = message_in(tools, at, &text)
        .reply_parameters(reply(question.message))
        .reply_markup(keyboard);
    crash_point("assistant-before-show");
    let sent = tools.outgoing.send_within(WAIT, request).await;
    crash_point("assistant-after-show");
    let event = match sent {
        Ok(message) => {
            let message = Some(message.id.0);
            Event::Shown { id, message }
        }
        Err(RequestError::Api(error)) if !is_about_the_server(&error) => {
            info!(chat_id = at.chat, %error, "nothing can be written here");
            Event::Unreachable { id }
        }
        Err(error) => match wait_for_place(&error).filter(|_| tries == 0) {
            Some(wait) => {
                let tries = 1;
                return Ok(Work::Show { at, id, tries }.after(&tools.state, wait)?);
            }
            None => {
                let (chat_id, error_text) = (at.chat, brief(&error));
                debug!(chat_id, error = error_text, "the answer has no place");
                let message = place_in(&error);
                Event::Shown { id, message }
            }
        },
    };
    Ok(Work::Event { at, event }.now(&tools.state)?)
}

/// After which time another try may make the place; none where it would not.
fn wait_for_place(error: &RequestError) -> Option<Duration> {
    match error {
        RequestError::RetryAfter(wait) => Some(wait.duration()).filter(|wait| *wait <= FLOOD),
        RequestError::Api(_) | RequestError::Network(_) | RequestError::Io(_) => Some(AGAIN),
        RequestError::InvalidJson { .. } | RequestError::MigrateToChatId(_) => None,
    }
}

/// The message that was sent, although the answer to that cannot be read as a whole.
fn place_in(error: &RequestError) -> Option<i32> {
    let message = taken(error)?["result"]["message_id"].as_i64()?;
    i32::try_from(message).ok()
}

/// Shows those who wait how many are before them. They may wait longer for that than for their answer, so nothing is tried twice.
pub(in super::super) async fn positions(tools: &Tools, at: Place) -> Result<(), Failed> {
    let waiting = desk::read(tools, at).await?.queue;
    for (before, question) in waiting.iter().enumerate().skip(1) {
        let Some(message) = question.shown.message() else {
            continue;
        };
        let (text, keyboard) = placeholder(at, question.id, before);
        let (chat, message) = (ChatId(at.chat), MessageId(message));
        let request = tools.bot.edit_message_text(chat, message, text);
        let request = request.reply_markup(keyboard);
        if let Err(error) = tools.outgoing.send_now(request).await {
            debug!(
                chat_id = at.chat,
                error = brief(&error),
                "a position is old"
            );
        }
    }
    Ok(())
}
