//! What is answered in a group: in the lane of what is said there, and away again after a while.

use serde::{Deserialize, Serialize};
use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardMarkup, MessageId, ParseMode};
use teloxide::{ApiError, RequestError};
use tracing::{debug, warn};

use super::{STAYS, menu, people, rights};
use crate::features::guard::desk::{Desk, group_name};
use crate::features::guard::group::Group;
use crate::features::guard::texts::Text;
use crate::features::guard::trouble::{TRIES, Trouble, weigh};
use crate::features::guard::work::Work;
use crate::features::guard::{Failed, Tools};
use crate::lifecycle::crash_point;

/// A message with buttons that change what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::features::guard) enum View {
    Menu,
    Pending,
}

impl View {
    /// Has it shown as it is after the decision in hand: anew, or in the message where it is already.
    pub(super) fn now(self, desk: &Desk<'_>, message: Option<i32>) -> Result<(), Failed> {
        let (chat, view, tries) = (desk.chat, self, 0);
        let work = Work::Show {
            chat,
            view,
            message,
            tries,
        };
        Ok(work.now(&desk.tools.state)?)
    }
}

/// Sends or edits it.
pub(in crate::features::guard) async fn show(
    tools: &Tools,
    chat: i64,
    view: View,
    message: Option<i32>,
    tries: u8,
) -> Result<(), Failed> {
    let group: Option<Group> = tools.state.get(&group_name(chat)).await?;
    let group = group.unwrap_or_default();
    let (text, keyboard) = match view {
        View::Menu => (
            menu_text(tools, chat, &group).await,
            menu::keyboard(&group.settings),
        ),
        View::Pending => people::list(tools, chat, &group).await?,
    };
    let shown = match message {
        Some(message) => edit(tools, chat, message, text, keyboard).await,
        None => post(tools, chat, text, Some(keyboard)).await,
    };
    let tries_more = tries.saturating_add(1);
    let again = Work::Show {
        chat,
        view,
        message,
        tries: tries_more,
    };
    finish(tools, chat, shown, tries, again)
}

/// Above the buttons, with what the bot lacks.
async fn menu_text(tools: &Tools, chat: i64, group: &Group) -> String {
    let language = group.settings.language;
    let title = &group.title;
    let text = language.say(&Text::Menu { group: title });
    match rights::missing(tools, chat).await {
        Ok(missing) if missing.is_empty() => text,
        Ok(missing) => {
            let lacks = language.say(&Text::Rights { missing: &missing });
            format!("{text}\n\n{lacks}")
        }
        Err(error) => {
            let trouble = weigh(&error, TRIES);
            warn!(chat_id = chat, ?trouble, "the bot's rights are not known");
            text
        }
    }
}

/// Says something.
pub(in crate::features::guard) async fn reply(
    tools: &Tools,
    chat: i64,
    text: String,
    tries: u8,
) -> Result<(), Failed> {
    let sent = post(tools, chat, text.clone(), None).await;
    let again = Work::Reply {
        chat,
        text,
        tries: tries.saturating_add(1),
    };
    finish(tools, chat, sent, tries, again)
}

/// Cleans up later, or tries again.
fn finish(
    tools: &Tools,
    chat: i64,
    sent: ResponseResult<i32>,
    tries: u8,
    again: Work,
) -> Result<(), Failed> {
    match sent {
        // A menu that is edited stays for longer: it is the same timer.
        Ok(message) => Work::delete(chat, message).after(&tools.state, STAYS)?,
        Err(error) => match weigh(&error, tries) {
            Trouble::Passing(wait) => again.after(&tools.state, wait)?,
            // Who wants to know asks again in the new group.
            Trouble::Moved(to) => Work::Migrate { chat, to }.now(&tools.state)?,
            Trouble::Refused(reason) => {
                debug!(chat_id = chat, reason, "a command is not answered");
            }
        },
    }
    Ok(())
}

async fn post(
    tools: &Tools,
    chat: i64,
    text: String,
    keyboard: Option<InlineKeyboardMarkup>,
) -> ResponseResult<i32> {
    let mut request = tools
        .bot
        .send_message(ChatId(chat), text)
        .parse_mode(ParseMode::Html)
        .disable_notification(true);
    if let Some(keyboard) = keyboard {
        request = request.reply_markup(keyboard);
    }
    crash_point("guard-before-answer");
    let message = tools.outgoing.send(request).await?;
    crash_point("guard-after-answer");
    Ok(message.id.0)
}

async fn edit(
    tools: &Tools,
    chat: i64,
    message: i32,
    text: String,
    keyboard: InlineKeyboardMarkup,
) -> ResponseResult<i32> {
    let request = tools
        .bot
        .edit_message_text(ChatId(chat), MessageId(message), text)
        .parse_mode(ParseMode::Html)
        .reply_markup(keyboard);
    match tools.outgoing.send(request).await {
        Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => Ok(message),
        Err(error) => Err(error),
    }
}
