//! What is said in a group about people, several in one message, and cleaned up after.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use teloxide::payloads::SendMessageSetters;
use teloxide::prelude::*;
use teloxide::types::ParseMode;
use tracing::warn;

use super::deeds::REMOVAL;
use super::desk::{group_name, group_of};
use super::group::{Group, Notice, NoticeKind};
use super::machine::Deed;
use super::texts::{Language, Person, Text, Would};
use super::trouble::{Trouble, weigh};
use super::work::Work;
use super::{Failed, Tools, administrators, prompt};
use crate::lifecycle::crash_point;

/// How long a notice stays in the group.
const STAYS: Duration = Duration::from_secs(60);
/// More people than this are not named at once, so that the message is not too long.
const LINES: usize = 10;

/// Up to where notices have been said. It is written in its own lane alone.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Said {
    before: u64,
    tries: u8,
}

pub(super) fn said_name(chat: i64) -> String {
    format!("guard/said/{chat}")
}

pub(super) async fn say(tools: &Tools, chat: i64) -> Result<(), Failed> {
    let name = said_name(chat);
    let group = group_of(tools, chat).await?;
    let mut said: Said = tools.state.get(&name).await?.unwrap_or_default();
    let fresh = group.notices.iter();
    let fresh: Vec<&Notice> = fresh
        .filter(|notice| notice.number >= said.before)
        .collect();
    let Some(last) = fresh.last() else {
        return Ok(());
    };
    let before = last.number + 1;
    let text = text_of(&fresh, group.settings.language);
    if let Some(text) = text {
        match post(tools, chat, text).await {
            Ok(message) => Work::delete(chat, message).after(&tools.state, STAYS)?,
            Err(error) => match weigh(&error, said.tries) {
                Trouble::Passing(wait) => {
                    said.tries = said.tries.saturating_add(1);
                    tools.state.put(&name, &said)?;
                    Work::Notices { chat }.after(&tools.state, wait)?;
                    return Ok(());
                }
                Trouble::Moved(to) => return Ok(Work::Migrate { chat, to }.now(&tools.state)?),
                Trouble::Refused(reason) => warn!(chat_id = chat, reason, "a notice is not said"),
            },
        }
    }
    tools.state.put(&name, &Said { before, tries: 0 })?;
    Work::Noticed { chat, before }.now(&tools.state)?;
    Ok(())
}

async fn post(tools: &Tools, chat: i64, text: String) -> ResponseResult<i32> {
    let request = tools.bot.send_message(ChatId(chat), text);
    let request = request
        .parse_mode(ParseMode::Html)
        .disable_notification(true);
    crash_point("guard-before-notice");
    let message = tools.outgoing.send(request).await?;
    crash_point("guard-after-notice");
    Ok(message.id.0)
}

/// A line for each, and one for all who were removed, or would have been.
fn text_of(notices: &[&Notice], language: Language) -> Option<String> {
    let mut removed: Vec<Person> = Vec::new();
    let mut skipped: Vec<(Deed, Vec<Person>)> = Vec::new();
    let mut lines = Vec::new();
    for Notice { kind, person, .. } in notices {
        match kind {
            NoticeKind::Asks => lines.push(language.say(&Text::JoinRequest { person })),
            NoticeKind::Passed => lines.push(language.say(&Text::PassedNotice { person })),
            NoticeKind::Approved { by } => {
                lines.push(language.say(&Text::Approved { person, by }));
            }
            NoticeKind::Removed => removed.push(person.clone()),
            NoticeKind::Skipped { deed } => match skipped.iter_mut().find(|(of, _)| of == deed) {
                Some((_, people)) => people.push(person.clone()),
                None => skipped.push((*deed, vec![person.clone()])),
            },
        }
    }
    let surplus = lines.len().saturating_sub(LINES);
    lines.drain(..surplus);
    if !removed.is_empty() {
        let people = &removed[..removed.len().min(LINES)];
        let more = removed.len() - people.len();
        let back_after = REMOVAL;
        lines.push(language.say(&Text::Removed {
            people,
            more,
            back_after,
        }));
    }
    for (deed, people) in &skipped {
        let more = people.len().saturating_sub(LINES);
        lines.push(language.say(&Text::DryRun {
            would: would(*deed),
            people: &people[..people.len() - more],
            more,
        }));
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

const fn would(deed: Deed) -> Would {
    match deed {
        Deed::Mute => Would::Mute,
        Deed::Lift => Would::Unmute,
        Deed::Remove => Would::Remove,
        Deed::Approve => Would::Approve,
        Deed::Decline => Would::Decline,
    }
}

/// Forgets what has been said.
pub(super) async fn said(tools: &Tools, chat: i64, before: u64) -> Result<(), Failed> {
    let name = group_name(chat);
    if let Some(mut group) = tools.state.get::<Group>(&name).await? {
        group.notices.retain(|notice| notice.number >= before);
        tools.state.put(&name, &group)?;
    }
    Ok(())
}

pub(super) async fn delete(
    tools: &Tools,
    chat: i64,
    message: i32,
    tries: u8,
) -> Result<(), Failed> {
    if let Err(error) = prompt::delete(tools, ChatId(chat), message).await {
        match weigh(&error, tries) {
            Trouble::Passing(wait) => {
                let tries = tries.saturating_add(1);
                let again = Work::Delete {
                    chat,
                    message,
                    tries,
                };
                again.after(&tools.state, wait)?;
            }
            Trouble::Moved(_) => {}
            Trouble::Refused(reason) => warn!(chat_id = chat, reason, "a message stays"),
        }
    }
    Ok(())
}

/// Writes to every administrator who has ever written to the bot, and to the operator.
pub(super) async fn tell_administrators(
    tools: &Tools,
    chat: i64,
    text: &str,
) -> Result<(), Failed> {
    let mut told: Vec<i64> = tools.guard.operator().into_iter().collect();
    match administrators::of(tools, chat).await {
        Ok(members) => {
            let people = members.iter().filter(|member| !member.user.is_bot);
            told.extend(people.filter_map(|member| i64::try_from(member.user.id.0).ok()));
        }
        Err(error) => warn!(chat_id = chat, %error, "the administrators are not known"),
    }
    told.sort_unstable();
    told.dedup();
    for to in told {
        let text = text.to_owned();
        Work::write(to, text).now(&tools.state)?;
    }
    Ok(())
}
