//! Prompts that were sent and could not be noted, because the process was killed in between.
//!
//! The Bot API cannot be asked what a bot has written. But it says of an edit that changes nothing that it changes nothing:
//! a message that has exactly this keyboard already is a prompt. Others' messages cannot be edited at all, and a message of
//! the bot's own that was given the keyboard by this loses it again.

use teloxide::payloads::EditMessageReplyMarkupSetters;
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardMarkup, MessageId};
use teloxide::{ApiError, RequestError};
use tracing::{debug, info};

use super::{Tools, prompt};

/// So many messages before the one that was sent now are looked at: what may have been written while the bot was down.
const LOOKED_AT: i32 = 20;

/// Deletes the prompt that was left behind before this message, where there is one.
pub(super) async fn sweep(
    tools: &Tools,
    chat: ChatId,
    before: i32,
    keyboard: &InlineKeyboardMarkup,
) -> Result<(), RequestError> {
    for message in (1.max(before - LOOKED_AT)..before).rev() {
        if has_keyboard(tools, chat, message, keyboard).await? {
            info!(chat_id = chat.0, "a prompt was left behind, and is deleted");
            return prompt::delete(tools, chat, message).await;
        }
    }
    debug!(chat_id = chat.0, "no prompt was left behind");
    Ok(())
}

async fn has_keyboard(
    tools: &Tools,
    chat: ChatId,
    message: i32,
    keyboard: &InlineKeyboardMarkup,
) -> Result<bool, RequestError> {
    let edit = |keyboard: &InlineKeyboardMarkup| {
        let edit = tools
            .bot
            .edit_message_reply_markup(chat, MessageId(message));
        edit.reply_markup(keyboard.clone())
    };
    match tools.outgoing.call(chat, edit(keyboard)).await {
        Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(true),
        // Somebody else's, or none any more.
        Err(RequestError::Api(_)) => Ok(false),
        Err(error) => Err(error),
        Ok(_) => {
            let none = InlineKeyboardMarkup::default();
            tools.outgoing.call(chat, edit(&none)).await?;
            Ok(false)
        }
    }
}
