//! A group that gets another number: a basic group that becomes a supergroup.

#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use teloxide::prelude::*;
use tracing::info;

use super::case::{Case, Route};
use super::desk::{Mark, case_name, group_name, past_name, pending_of, person_prefix, trust_name};
use super::group::Group;
use super::machine::{Deed, REMEMBERED};
use super::moment::Moment;
use super::work::{self, Work};
use super::{Failed, Tools, notices, prompt, scan};

fn moved_name(chat: i64) -> String {
    format!("guard/moved/{chat}")
}

/// The number that a group has now, where it is another one. Links and buttons that were sent before still mean it.
pub(super) async fn moved_to(tools: &Tools, chat: i64) -> Result<Option<i64>, Failed> {
    Ok(tools.state.get(&moved_name(chat)).await?)
}

/// The new number, in the last message under the old one.
pub(super) fn of(message: Message) -> Option<i64> {
    message.migrate_to_chat_id().map(|to| to.0)
}

/// Moves everything that is known of a group to its new number, in one commit, and has done there what was to be done here.
///
/// What is already on its way here follows: see [`Work::in_group`].
pub(super) async fn carry_over(tools: &Tools, from: i64, to: i64) -> Result<(), Failed> {
    let state = &tools.state;
    if from == to || moved_to(tools, from).await?.is_some() {
        return Ok(());
    }
    let Some(mut group) = state.get::<Group>(&group_name(from)).await? else {
        return Ok(());
    };
    // Whoever has written to the new number meanwhile runs again, on what is there then.
    let _: Option<Group> = state.get(&group_name(to)).await?;
    let now = Moment::now();
    for case in pending_of(tools, from).await? {
        pending_case(tools, case, to, now)?;
    }
    for case in all::<Case>(tools, &format!("guard/past/{from}/")).await? {
        past_case(tools, case, to, now)?;
    }
    let trusted = format!("guard/trust/{from}/");
    for (name, mark) in named::<Mark>(tools, &trusted).await? {
        if let Some(user) = name
            .strip_prefix(&trusted)
            .and_then(|user| user.parse().ok())
        {
            state.put(&trust_name(to, user), &mark)?;
        }
        state.delete(&name)?;
    }
    messages(tools, from, to).await?;
    scan::moved(tools, from).await?;
    (group.prompt_due, group.notices_due) = (Moment::default(), Moment::default());
    if group.raid.on.is_some() {
        Work::Raid { chat: to }.now(state)?;
    }
    state.put(&group_name(to), &group)?;
    state.delete(&group_name(from))?;
    state.put(&moved_name(from), &to)?;
    info!(chat_id = from, to, "the group has another number");
    Ok(())
}

/// The prompt is sent anew: a basic group's messages have other numbers in the supergroup. Up to where notices have been said
/// is known there too.
async fn messages(tools: &Tools, from: i64, to: i64) -> Result<(), Failed> {
    let state = &tools.state;
    let said: Option<Value> = state.get(&notices::said_name(from)).await?;
    if let Some(said) = said {
        state.put(&notices::said_name(to), &said)?;
        state.delete(&notices::said_name(from))?;
    }
    state.delete(&prompt::shown_name(from))?;
    Work::Prompt { chat: to }.now(state)?;
    Work::Notices { chat: to }.now(state)?;
    Ok(())
}

fn pending_case(tools: &Tools, case: Case, to: i64, now: Moment) -> Result<(), Failed> {
    let (from, user) = (case.chat, case.user);
    let state = &tools.state;
    state.delete(&case_name(from, user))?;
    state.delete(&format!("{}{from}", person_prefix(user)))?;
    state.put(&format!("{}{to}", person_prefix(user)), &Mark {})?;
    state.cancel_timer(&work::due(from, user))?;
    let case = Case { chat: to, ..case };
    if let Some(deed) = to_do(&case) {
        let (chat, tries) = (to, 0);
        Work::Do {
            chat,
            user,
            deed,
            tries,
        }
        .now(state)?;
    }
    if case.ending.is_none() {
        // With the pauses of the bot it may be later; then it is set again.
        let at = case.opened + case.allowance;
        Work::Due { chat: to, user }.at(state, at, now)?;
    }
    put(tools, &case_name(to, user), &case)
}

fn past_case(tools: &Tools, case: Case, to: i64, now: Moment) -> Result<(), Failed> {
    let (from, user) = (case.chat, case.user);
    let state = &tools.state;
    state.delete(&past_name(from, user))?;
    state.cancel_timer(&work::due(from, user))?;
    let at = if case.is_left_muted(now) {
        now
    } else {
        case.ended.unwrap_or(now) + REMEMBERED
    };
    Work::Due { chat: to, user }.at(state, at, now)?;
    let case = Case { chat: to, ..case };
    put(tools, &past_name(to, user), &case)
}

/// What is to be done to somebody pending, whether it has been done before or not.
fn to_do(case: &Case) -> Option<Deed> {
    match (case.route, case.ending) {
        (Route::Joined, None) => Some(Deed::Mute),
        (Route::Joined, Some(_)) => Some(Deed::Remove),
        (Route::Requested { .. }, None) => None,
        (Route::Requested { .. }, Some(_)) => Some(Deed::Decline),
    }
}

fn put(tools: &Tools, name: &str, value: &impl Serialize) -> Result<(), Failed> {
    Ok(tools.state.put(name, value)?)
}

async fn all<T: DeserializeOwned>(tools: &Tools, prefix: &str) -> Result<Vec<T>, Failed> {
    let named = named(tools, prefix).await?;
    Ok(named.into_iter().map(|(_, value)| value).collect())
}

async fn named<T: DeserializeOwned>(
    tools: &Tools,
    prefix: &str,
) -> Result<Vec<(String, T)>, Failed> {
    const PAGE: usize = 500;
    let mut found: Vec<(String, T)> = Vec::new();
    loop {
        let after = found.last().map(|(name, _)| name.as_str());
        let page = tools.state.scan(prefix, after, PAGE).await?;
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}
