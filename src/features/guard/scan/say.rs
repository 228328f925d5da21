//! What a scan says in a group: the list, and the last word before removals.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use teloxide::payloads::SendMessageSetters;
use teloxide::prelude::*;
use teloxide::types::ParseMode;
use tracing::{info, warn};

use super::super::case::Case;
use super::super::desk::{case_of, group_name};
use super::super::group::Group;
use super::super::texts::{Language, Person, Text};
use super::super::trouble::{Trouble, weigh};
use super::super::work::Work;
use super::super::{Failed, Tools};
use super::Step;
use super::group::{Listed, Stage, current};
use crate::lifecycle::crash_point;

/// How long the list stays, where no scan comes that posts the next one.
const LIST_STAYS: Duration = Duration::from_secs(6 * 3_600);
const NOTICE_STAYS: Duration = Duration::from_secs(3_600);
/// What Telegram takes in one message, in UTF-16 units.
const LONGEST: usize = 4_096;
/// More names are counted only.
const NAMED: usize = 50;

/// The list that was posted last. It is written in its own lane alone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Posted {
    message: i32,
}

pub(super) fn name_of(chat: i64) -> String {
    format!("guard/listed/{chat}")
}

/// Sends the message of a stage, and tells the scan.
pub(super) async fn say(
    tools: &Tools,
    chat: i64,
    number: u64,
    stage: Stage,
    tries: u8,
) -> Result<(), Failed> {
    let scan = current(tools, chat, number).await?;
    let Some(scan) = scan.filter(|scan| scan.stage == stage) else {
        return Ok(());
    };
    let group: Option<Group> = tools.state.get(&group_name(chat)).await?;
    let language = group.unwrap_or_default().settings.language;
    let listed: Vec<Listed> = match stage {
        Stage::Listing => scan.to_warn,
        _ => scan.to_remove.into(),
    };
    let cases = still_there(tools, chat, &listed).await?;
    let mut refused = None;
    if !cases.is_empty() {
        let text = match stage {
            Stage::Listing => list(language, &cases),
            _ => final_notice(language, &cases),
        };
        match post(tools, chat, stage, text).await {
            Ok(message) => clean_up(tools, chat, stage, message).await?,
            Err(error) => match weigh(&error, tries) {
                Trouble::Passing(wait) => {
                    let tries = tries.saturating_add(1);
                    let again = Step::Say {
                        chat,
                        number,
                        stage,
                        tries,
                    };
                    return again.after(&tools.state, wait);
                }
                Trouble::Moved(to) => refused = Some(format!("the group has the number {to} now")),
                Trouble::Refused(reason) => refused = Some(reason),
            },
        }
    }
    if let Some(reason) = &refused {
        warn!(chat_id = chat, reason, "a scan goes no further");
    }
    let said = Step::Said {
        chat,
        number,
        stage,
        refused,
    };
    said.now(&tools.state)
}

/// Who has passed or gone since the scan began is not named.
async fn still_there(tools: &Tools, chat: i64, listed: &[Listed]) -> Result<Vec<Case>, Failed> {
    let mut cases = Vec::new();
    for listed in listed {
        let case = case_of(tools, chat, listed.user).await?;
        cases.extend(case.filter(|case| listed.still_has(Some(case))));
    }
    Ok(cases)
}

async fn post(tools: &Tools, chat: i64, stage: Stage, text: String) -> ResponseResult<i32> {
    let request = tools.bot.send_message(ChatId(chat), text);
    let request = request.parse_mode(ParseMode::Html);
    let is_list = stage == Stage::Listing;
    crash_point(if is_list {
        "guard-before-scan-list"
    } else {
        "guard-before-final-notice"
    });
    let message = tools.outgoing.send(request).await?;
    info!(chat_id = chat, ?stage, "a scan has spoken");
    crash_point(if is_list {
        "guard-after-scan-list"
    } else {
        "guard-after-final-notice"
    });
    Ok(message.id.0)
}

/// The list before this one goes at once, everything else after some time.
async fn clean_up(tools: &Tools, chat: i64, stage: Stage, message: i32) -> Result<(), Failed> {
    let stays = if stage == Stage::Listing {
        let name = name_of(chat);
        if let Some(Posted { message }) = tools.state.get(&name).await? {
            let delete = Work::delete(chat, message);
            delete.now(&tools.state)?;
        }
        tools.state.put(&name, &Posted { message })?;
        LIST_STAYS
    } else {
        NOTICE_STAYS
    };
    Ok(Work::delete(chat, message).after(&tools.state, stays)?)
}

/// A paragraph for each number of warnings that are left after this one, the fewest first. So many are named that it is
/// one message; the others are counted.
fn list(language: Language, cases: &[Case]) -> String {
    let mut by_left: BTreeMap<u8, Vec<Person>> = BTreeMap::new();
    for case in cases {
        let left = case.warnings.saturating_sub(1);
        by_left.entry(left).or_default().push(case.person());
    }
    let with = |named: usize| {
        let mut free = named;
        let paragraphs = by_left.iter().map(|(left, people)| {
            let shown = people.len().min(free);
            free -= shown;
            language.say(&Text::ScanList {
                people: &people[..shown],
                more: people.len() - shown,
                left: u32::from(*left),
            })
        });
        paragraphs.collect::<Vec<_>>().join("\n\n")
    };
    let fitting = (0..=NAMED.min(cases.len())).rev().map(with);
    let mut fitting = fitting.filter(|text| text.encode_utf16().count() <= LONGEST);
    fitting.next().unwrap_or_default()
}

fn final_notice(language: Language, cases: &[Case]) -> String {
    let people: Vec<Person> = cases.iter().map(Case::person).collect();
    language.say(&Text::FinalNotice {
        people: &people,
        more: 0,
    })
}
