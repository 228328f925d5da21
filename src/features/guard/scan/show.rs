//! The message in which a run is seen: its progress, and at the end what has come of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use teloxide::payloads::{EditMessageTextSetters, SendMessageSetters};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup, MessageId, ParseMode};
use teloxide::{ApiError, RequestError};
use tracing::warn;

use super::super::admin::STAYS;
use super::super::moment::Moment;
use super::super::texts::{GroupScan, Label, ScanState, Tally, Text, Would};
use super::super::trouble::{Trouble, weigh};
use super::super::work::Work;
use super::super::{Failed, Tools};
use super::Step;
use super::commands::cancel_data;
use super::run::{Line, LineState, Run, shown_in};
use crate::lifecycle::crash_point;

/// The message is edited no more often. An edit counts as a message to a group, which takes twenty a minute of all kinds.
const PACE: Duration = Duration::from_secs(4);
/// How long a summary stays in a group; a private chat keeps it.
const SUMMARY_STAYS: Duration = Duration::from_secs(3_600);
/// More groups than this are counted only.
const LINES: usize = 40;

/// The message as it is. It is written in its own lane alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Shown {
    run: u64,
    message: Option<i32>,
    changed: Moment,
    text: String,
    /// Tries that have failed in a row.
    tries: u8,
}

pub(super) fn name_of(chat: i64) -> String {
    format!("guard/progress/{chat}")
}

/// When it is next looked at: at once for the first time, then at its pace.
pub(super) fn soon(due: &mut Moment, now: Moment) -> Moment {
    if *due == Moment::default() {
        *due = now;
    } else if *due <= now {
        *due = now + PACE;
    }
    *due
}

/// Brings the message up to date.
pub(super) async fn show(tools: &Tools, chat: i64) -> Result<(), Failed> {
    let name = name_of(chat);
    let Some(run) = shown_in(tools, chat).await? else {
        return Ok(());
    };
    let mut shown: Shown = tools.state.get(&name).await?.unwrap_or_default();
    if shown.run != run.number {
        shown = Shown {
            run: run.number,
            ..Shown::default()
        };
    }
    let text = text_of(&run);
    if shown.text == text {
        return Ok(());
    }
    let left = PACE.saturating_sub(Moment::now().since(shown.changed));
    if !left.is_zero() {
        return Step::Show { chat }.after(&tools.state, left);
    }
    match update(tools, chat, &mut shown, &run, &text).await {
        Ok(()) => shown.tries = 0,
        Err(error) => match weigh(&error, shown.tries) {
            Trouble::Passing(wait) => {
                shown.tries = shown.tries.saturating_add(1);
                tools.state.put(&name, &shown)?;
                return Step::Show { chat }.after(&tools.state, wait);
            }
            Trouble::Moved(_) => return Ok(()),
            Trouble::Refused(reason) => {
                warn!(chat_id = chat, reason, "how far a scan is cannot be shown");
            }
        },
    }
    shown.text = text;
    shown.changed = Moment::now();
    if let Some(message) = shown.message
        && chat < 0
        && run.ended.is_some()
    {
        Work::delete(chat, message).after(&tools.state, SUMMARY_STAYS)?;
    }
    tools.state.put(&name, &shown)?;
    Ok(())
}

/// Edits the message, or sends it where there is none.
async fn update(
    tools: &Tools,
    chat: i64,
    shown: &mut Shown,
    run: &Run,
    text: &str,
) -> Result<(), RequestError> {
    let (bot, outgoing) = (&tools.bot, &tools.outgoing);
    let keyboard = keyboard(run);
    if let Some(message) = shown.message {
        let edit = bot.edit_message_text(ChatId(chat), MessageId(message), text);
        let edit = edit
            .parse_mode(ParseMode::Html)
            .reply_markup(keyboard.clone());
        match outgoing.send(edit).await {
            Err(RequestError::Api(
                ApiError::MessageToEditNotFound | ApiError::MessageIdInvalid,
            )) => {}
            Ok(_) | Err(RequestError::Api(ApiError::MessageNotModified)) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    let request = bot.send_message(ChatId(chat), text);
    let request = request.parse_mode(ParseMode::Html).reply_markup(keyboard);
    crash_point("guard-before-scan-progress");
    let message = outgoing.send(request).await?;
    crash_point("guard-after-scan-progress");
    shown.message = Some(message.id.0);
    Ok(())
}

/// While it goes on there is something to cancel.
fn keyboard(run: &Run) -> InlineKeyboardMarkup {
    let mut rows: Vec<Vec<InlineKeyboardButton>> = Vec::new();
    if run.ended.is_none() && !run.is_cancelled {
        let label = run.language.label(&Label::CancelScan);
        rows.push(vec![InlineKeyboardButton::callback(
            label,
            cancel_data(run.number),
        )]);
    }
    InlineKeyboardMarkup::new(rows)
}

fn text_of(run: &Run) -> String {
    if run.ended.is_some() {
        return summary(run);
    }
    let groups: Vec<GroupScan<'_>> = run.lines.iter().map(progress).collect();
    run.language.say(&Text::ScanProgress {
        groups: &groups[..groups.len().min(LINES)],
        more: groups.len().saturating_sub(LINES),
    })
}

fn progress(line: &Line) -> GroupScan<'_> {
    let state = match &line.state {
        LineState::Waiting => ScanState::Waiting,
        LineState::Running => ScanState::Running,
        LineState::Over(outcome) if outcome.failed.is_some() => ScanState::Failed,
        LineState::Over(outcome) if outcome.is_cancelled => ScanState::Cancelled,
        LineState::Over(_) => ScanState::Done,
        LineState::Dropped => ScanState::Cancelled,
    };
    GroupScan {
        title: &line.title,
        done: line.done,
        of: line.of,
        state,
    }
}

/// What has come of a run, a line a group; those that had no turn are counted.
pub(super) fn summary(run: &Run) -> String {
    let language = run.language;
    let tallies: Vec<Tally<'_>> = run
        .outcomes()
        .map(|(line, outcome)| Tally {
            title: &line.title,
            unverified: outcome.unverified,
            warned: outcome.warned,
            removed: outcome.removed,
            failed: outcome.failed.as_deref(),
        })
        .collect();
    let is_nothing = |tally: &Tally<'_>| tally.unverified == 0 && tally.failed.is_none();
    if tallies.iter().all(is_nothing) {
        return language.say(if run.is_cancelled {
            &Text::ScanCancelled
        } else {
            &Text::ScanNothing
        });
    }
    let shown = &tallies[..tallies.len().min(LINES)];
    let ended = run.ended.unwrap_or(run.began);
    let mut paragraphs = vec![language.say(&Text::ScanSummary {
        groups: shown,
        more: run.lines.len() - shown.len(),
        took: ended.since(run.began),
        cancelled: run.is_cancelled,
    })];
    let sum =
        |of: fn(&super::Outcome) -> usize| run.outcomes().map(|(_, outcome)| of(outcome)).sum();
    let would: [(Would, usize); 2] = [
        (Would::Warn, sum(|outcome| outcome.would_warn)),
        (Would::Remove, sum(|outcome| outcome.would_remove)),
    ];
    for (would, more) in would.into_iter().filter(|(_, more)| *more > 0) {
        let people = &[];
        paragraphs.push(language.say(&Text::DryRun {
            would,
            people,
            more,
        }));
    }
    paragraphs.join("\n\n")
}

/// Answers a command; nothing is lost where that cannot be said.
pub(super) async fn answer(tools: &Tools, chat: i64, text: String) -> Result<(), Failed> {
    let request = tools.bot.send_message(ChatId(chat), &text);
    match tools
        .outgoing
        .send(request.parse_mode(ParseMode::Html))
        .await
    {
        Ok(message) if chat < 0 => {
            let message = message.id.0;
            Work::delete(chat, message).after(&tools.state, STAYS)?;
        }
        Ok(_) => {}
        Err(error) => match weigh(&error, 0) {
            // Any other answer that was lost may have been a yes.
            Trouble::Passing(wait) if matches!(error, RequestError::RetryAfter(_)) => {
                Step::Answer { chat, text }.after(&tools.state, wait)?;
            }
            Trouble::Passing(_) => warn!(
                chat_id = chat,
                "whether a command was answered is not known"
            ),
            Trouble::Moved(_) => {}
            Trouble::Refused(reason) => warn!(chat_id = chat, reason, "a command is not answered"),
        },
    }
    Ok(())
}
