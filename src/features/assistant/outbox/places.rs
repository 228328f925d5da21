//! Where answers will be: a message that says so, with a button that stops it.

use std::time::Duration;

use teloxide::payloads::{
    EditMessageReplyMarkupSetters, EditMessageTextSetters, SendMessageSetters,
};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardMarkup, MessageId};
use teloxide::{ApiError, RequestError};
use tracing::{debug, info};

use super::{message_in, reply};
use crate::features::Failed;
use crate::features::assistant::buttons::{self, Press, button};
use crate::features::assistant::conversation::{Place, Shown};
use crate::features::assistant::machine::Event;
use crate::features::assistant::work::Work;
use crate::features::assistant::{Tools, desk, words};
use crate::features::errors::brief;
use crate::lifecycle::crash_point;

/// A place that could not be made because of the network is tried once more, after this; the answer does without it then.
const AGAIN: Duration = Duration::from_secs(1);
/// So many messages behind a question are looked at for a place that was made while the process was killed.
const LOOKED_AT: i32 = 20;

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
pub(in super::super) async fn show(
    tools: &Tools,
    at: Place,
    id: u64,
    tries: u32,
    was_killed: bool,
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
    let left = if was_killed {
        left_behind(tools, at, question.message, &keyboard).await
    } else {
        None
    };
    let shown = match left {
        Some(message) => Ok(message),
        None => {
            let request = message_in(tools, at, &text)
                .reply_parameters(reply(question.message))
                .reply_markup(keyboard);
            crash_point("assistant-before-show");
            let sent = tools.outgoing.send(request).await;
            crash_point("assistant-after-show");
            sent.map(|message| message.id.0)
        }
    };
    let event = match shown {
        Ok(message) => {
            let message = Some(message);
            Event::Shown { id, message }
        }
        Err(RequestError::Api(error)) => {
            info!(chat_id = at.chat, %error, "nothing can be written here");
            Event::Unreachable { id }
        }
        Err(RequestError::Network(_) | RequestError::Io(_)) if tries == 0 => {
            let tries = 1;
            return Ok(Work::Show { at, id, tries }.after(&tools.state, AGAIN)?);
        }
        Err(error) => {
            let error = brief(&error);
            debug!(chat_id = at.chat, error, "the answer has no place yet");
            Event::Shown { id, message: None }
        }
    };
    Ok(Work::Event { at, event }.now(&tools.state)?)
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

/// The place that was made and could not be noted, because the process was killed in between.
///
/// The Bot API cannot be asked what a bot has written. But it says of an edit that changes nothing that it changes nothing: a
/// message that has exactly this keyboard already is the one. Others' messages cannot be edited at all, and a message of the
/// bot's own that was given the keyboard by this loses it again.
async fn left_behind(
    tools: &Tools,
    at: Place,
    question: i32,
    keyboard: &InlineKeyboardMarkup,
) -> Option<i32> {
    let edit = |message: i32, keyboard: &InlineKeyboardMarkup| {
        let (chat, message) = (ChatId(at.chat), MessageId(message));
        let edit = tools.bot.edit_message_reply_markup(chat, message);
        tools
            .outgoing
            .call(chat, edit.reply_markup(keyboard.clone()))
    };
    for message in question + 1..=question + LOOKED_AT {
        match edit(message, keyboard).await {
            Err(RequestError::Api(ApiError::MessageNotModified)) => return Some(message),
            // Somebody else's, or none.
            Err(RequestError::Api(_)) => {}
            Err(_) => return None,
            Ok(_) => {
                let _ = edit(message, &InlineKeyboardMarkup::default()).await;
            }
        }
    }
    None
}
