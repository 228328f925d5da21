//! The one message in a group that tells those who have come what to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup, MessageId, ParseMode};
use teloxide::{ApiError, RequestError};
use tracing::warn;

use super::case::Case;
use super::desk::{group_of, pending_of};
use super::group::Group;
use super::moment::Moment;
use super::texts::{Label, Person, Text};
use super::trouble::{Trouble, brief, weigh};
use super::work::Work;
use super::{Failed, Tools, orphans};
use crate::lifecycle::crash_point;

/// Who comes within this time after it was sent is added to the prompt; later ones get a new one, where they can see it.
const FRESH: Duration = Duration::from_secs(60);
/// More names than this are counted only.
const NAMED: usize = 20;
/// In a raid the count is brought up to date so often.
const RAID_PACE: Duration = Duration::from_secs(10);
/// What the button in the group carries.
pub(super) const HERE: &str = "guard:here";
/// With this a deep link's payload begins.
pub(super) const LINK: &str = "v_";

/// The prompt as it was last sent. It is written in its own lane alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Shown {
    message: Option<i32>,
    sent: Moment,
    changed: Moment,
    named: Vec<i64>,
    text: String,
    has_button: bool,
    /// Tries that have failed in a row.
    tries: u8,
    /// The process was killed while it may have been sending another one.
    is_in_doubt: bool,
}

/// What it should say.
struct Wanted {
    text: String,
    people: Vec<i64>,
    has_button: bool,
    is_raid: bool,
    keyboard: InlineKeyboardMarkup,
}

pub(super) fn shown_name(chat: i64) -> String {
    format!("guard/shown/{chat}")
}

/// Brings the prompt up to date: sends, changes or deletes it. It may be that the process was killed while it did.
pub(super) async fn look(tools: &Tools, chat: i64, was_killed: bool) -> Result<(), Failed> {
    let name = shown_name(chat);
    let group = group_of(tools, chat).await?;
    let mut cases = pending_of(tools, chat).await?;
    cases.retain(Case::is_in_group);
    cases.sort_by_key(|case| std::cmp::Reverse(case.opened));
    let mut shown: Shown = tools.state.get(&name).await?.unwrap_or_default();
    shown.is_in_doubt |= was_killed;
    let is_shown = !cases.is_empty() && group.settings.is_on && !group.settings.dry_run;
    let wanted = is_shown.then(|| Wanted::new(tools, chat, &group, &cases));
    if let Some(wait) = shown.too_soon(wanted.as_ref()) {
        tools.state.put(&name, &shown)?;
        Work::Prompt { chat }.after(&tools.state, wait)?;
        return Ok(());
    }
    match update(tools, ChatId(chat), &mut shown, wanted).await {
        Ok(()) => shown.tries = 0,
        Err(error) => match weigh(&error, shown.tries) {
            Trouble::Passing(wait) => {
                shown.tries = shown.tries.saturating_add(1);
                Work::Prompt { chat }.after(&tools.state, wait)?;
            }
            Trouble::Moved(to) => return Ok(Work::Migrate { chat, to }.now(&tools.state)?),
            Trouble::Refused(reason) => {
                shown.tries = 0;
                warn!(chat_id = chat, reason, "the prompt cannot be shown");
                Work::CheckRights { chat }.now(&tools.state)?;
            }
        },
    }
    tools.state.put(&name, &shown)?;
    Ok(())
}

async fn update(
    tools: &Tools,
    chat: ChatId,
    shown: &mut Shown,
    wanted: Option<Wanted>,
) -> Result<(), RequestError> {
    let Some(wanted) = wanted else {
        if let Some(message) = shown.message {
            delete(tools, chat, message).await?;
        }
        let is_in_doubt = shown.is_in_doubt;
        *shown = Shown {
            is_in_doubt,
            ..Shown::default()
        };
        return Ok(());
    };
    if shown.is_still_good(&wanted) {
        if !shown.says(&wanted) && !edit(tools, chat, shown, &wanted).await? {
            send(tools, chat, shown, &wanted).await?;
        }
        return Ok(());
    }
    let old = shown.message;
    send(tools, chat, shown, &wanted).await?;
    if let Some(message) = old
        && let Err(error) = delete(tools, chat, message).await
    {
        warn!(
            chat_id = chat.0,
            error = brief(&error),
            "an old prompt stays"
        );
    }
    Ok(())
}

async fn send(
    tools: &Tools,
    chat: ChatId,
    shown: &mut Shown,
    wanted: &Wanted,
) -> Result<(), RequestError> {
    let request = tools
        .bot
        .send_message(chat, &wanted.text)
        .parse_mode(ParseMode::Html)
        .reply_markup(wanted.keyboard.clone());
    crash_point("guard-before-prompt");
    let message = tools.outgoing.send(request).await?;
    crash_point("guard-after-prompt");
    let was_in_doubt = shown.is_in_doubt;
    *shown = Shown {
        message: Some(message.id.0),
        sent: Moment::now(),
        ..Shown::default()
    };
    shown.note(wanted);
    if was_in_doubt
        && let Err(error) = orphans::sweep(tools, chat, message.id.0, &wanted.keyboard).await
    {
        warn!(
            chat_id = chat.0,
            error = brief(&error),
            "a prompt may be there twice"
        );
    }
    Ok(())
}

/// False where there is nothing to edit any more.
async fn edit(
    tools: &Tools,
    chat: ChatId,
    shown: &mut Shown,
    wanted: &Wanted,
) -> Result<bool, RequestError> {
    let Some(message) = shown.message else {
        return Ok(false);
    };
    let request = tools
        .bot
        .edit_message_text(chat, MessageId(message), &wanted.text)
        .parse_mode(ParseMode::Html)
        .reply_markup(wanted.keyboard.clone());
    match tools.outgoing.send(request).await {
        Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => {
            shown.note(wanted);
            Ok(true)
        }
        Err(RequestError::Api(ApiError::MessageToEditNotFound | ApiError::MessageIdInvalid)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Deletes a message that may be gone already.
pub(super) async fn delete(tools: &Tools, chat: ChatId, message: i32) -> Result<(), RequestError> {
    let request = tools.bot.delete_message(chat, MessageId(message));
    match tools.outgoing.call(chat, request).await {
        Ok(_)
        | Err(RequestError::Api(ApiError::MessageToDeleteNotFound | ApiError::MessageIdInvalid)) => {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

impl Wanted {
    fn new(tools: &Tools, chat: i64, group: &Group, cases: &[Case]) -> Self {
        let settings = &group.settings;
        let language = settings.language;
        let time = settings.deadline;
        let named = cases.iter().filter(|case| !group.raid.hides(case.opened));
        let people: Vec<Person> = named.take(NAMED).map(Case::person).collect();
        let more = cases.len() - people.len();
        let counted = group.raid.on.map(|raid| raid.count);
        let counted = counted.map_or(more, |count| usize::try_from(count).unwrap_or(usize::MAX));
        let text = if people.is_empty() {
            let people = counted;
            language.say(&Text::RaidPrompt { people, time })
        } else {
            language.say(&Text::Prompt {
                people: &people,
                more,
                time,
            })
        };
        let has_button =
            settings.captcha.is_in_group() || cases.iter().any(|case| case.is_unreachable);
        let mut rows = Vec::new();
        if let Some(link) = link(tools, chat)
            && !settings.captcha.is_in_group()
        {
            rows.push(vec![InlineKeyboardButton::url(
                language.label(&Label::Verify),
                link,
            )]);
        }
        if has_button {
            let label = language.label(&Label::Human);
            rows.push(vec![InlineKeyboardButton::callback(label, HERE)]);
        }
        Self {
            text,
            people: cases.iter().map(|case| case.user).collect(),
            has_button,
            is_raid: group.raid.on.is_some(),
            keyboard: InlineKeyboardMarkup::new(rows),
        }
    }
}

/// The link by which a person opens the private chat.
fn link(tools: &Tools, chat: i64) -> Option<reqwest::Url> {
    let name = tools.me.username.as_deref()?;
    format!("https://t.me/{name}?start={LINK}{chat}")
        .parse()
        .ok()
}

impl Shown {
    fn note(&mut self, wanted: &Wanted) {
        self.changed = Moment::now();
        self.text.clone_from(&wanted.text);
        self.has_button = wanted.has_button;
        self.named.clone_from(&wanted.people);
    }

    fn says(&self, wanted: &Wanted) -> bool {
        self.text == wanted.text && self.has_button == wanted.has_button
    }

    /// Whether those who are to read it have seen it, or are still looking.
    fn is_still_good(&self, wanted: &Wanted) -> bool {
        let is_fresh = Moment::now().since(self.sent) < FRESH;
        let are_named = wanted.people.iter().all(|user| self.named.contains(user));
        self.message.is_some() && (is_fresh || are_named || wanted.is_raid)
    }

    /// In a raid it does not change with everybody who comes.
    fn too_soon(&self, wanted: Option<&Wanted>) -> Option<Duration> {
        let is_slow = wanted.is_some_and(|wanted| wanted.is_raid) && self.message.is_some();
        let left = RAID_PACE.saturating_sub(Moment::now().since(self.changed));
        (is_slow && !left.is_zero()).then_some(left)
    }
}
