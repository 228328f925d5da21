//! The private chat, in which people show that they are people.

use serde::{Deserialize, Serialize};
use teloxide::RequestError;
use teloxide::payloads::{SendMessageSetters, SendPhotoSetters};
use teloxide::prelude::*;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup, InputFile, ParseMode};
use tracing::{debug, warn};

use super::captcha::{Challenge, Kind};
use super::case::Case;
use super::desk::{case_of, group_of, person_prefix};
use super::group::Group;
use super::machine::{Event, Tell};
use super::moment::Moment;
use super::prompt;
use super::texts::{End, Label, Language, Text};
use super::trouble::{Trouble, brief, weigh};
use super::work::Work;
use super::{Failed, Tools};
use crate::lifecycle::crash_point;

/// A person waits in no more groups than this at a time, as far as they are looked for.
const GROUPS: usize = 50;
/// A wrong answer is one word of no more characters; anything else costs nothing, and the challenge is sent again.
const ANSWER: usize = 12;
/// So often what somebody is told is sent again where it is not known whether it has arrived.
const AGAIN: u8 = 2;
const BUTTONS_IN_A_ROW: usize = 4;
/// What the button of those who cannot see a picture carries, before the group's number.
pub(super) const BLIND: &str = "guard:blind:";

/// The challenge that somebody was sent last; written in the private chat's lane alone.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Asked {
    message: i32,
}

fn asked_name(chat: i64, to: i64) -> String {
    format!("guard/asked/{to}/{chat}")
}

/// The groups in which somebody has to verify.
pub(super) async fn cases_of(tools: &Tools, user: i64) -> Result<Vec<Case>, Failed> {
    let prefix = person_prefix(user);
    let marks: Vec<(String, super::desk::Mark)> = tools.state.scan(&prefix, None, GROUPS).await?;
    let mut cases = Vec::new();
    for (name, _) in marks {
        let chat = name
            .strip_prefix(&prefix)
            .and_then(|chat| chat.parse().ok());
        if let Some(chat) = chat
            && !group_of(tools, chat).await?.settings.dry_run
            && let Some(case) = case_of(tools, chat, user).await?
            && case.is_waiting()
        {
            cases.push(case);
        }
    }
    Ok(cases)
}

/// What somebody's private message means for one of their cases: the one that it answers, or the one that was asked last.
pub(super) fn understand(cases: &[Case], text: &str) -> Option<(i64, Event)> {
    let typed = || Event::Typed {
        text: text.to_owned(),
    };
    let answers = |case: &&Case| {
        let challenge = case.challenge.as_ref();
        challenge.is_some_and(|challenge| challenge.is_right_text(text))
    };
    if let Some(case) = cases.iter().find(answers) {
        return Some((case.chat, typed()));
    }
    let case = cases.iter().max_by_key(|case| (case.asked, case.opened))?;
    let text = text.trim();
    let is_command = text.starts_with('/');
    let is_answer =
        !is_command && text.chars().count() <= ANSWER && !text.contains(char::is_whitespace);
    let has_been_asked = case.challenge.as_ref().map(|challenge| challenge.kind);
    let event = match has_been_asked {
        // Whoever has to type something is heard by nobody else before they have: it would answer them in the guard's place.
        Some(kind) if kind != Kind::Button && !is_command => {
            if is_answer {
                typed()
            } else {
                Event::Opened
            }
        }
        // Whoever comes without the link.
        _ if text == "/start" => Event::Opened,
        None if !is_command => Event::Opened,
        // Meant for something else than the guard.
        _ => return None,
    };
    Some((case.chat, event))
}

/// Sends somebody their challenge, and takes the one before it away.
pub(super) async fn ask(
    tools: &Tools,
    chat: i64,
    user: i64,
    to: i64,
    tries: u8,
) -> Result<(), Failed> {
    let group = group_of(tools, chat).await?;
    let Some(case) = case_of(tools, chat, user).await?.filter(Case::is_waiting) else {
        return Ok(());
    };
    let Some(challenge) = &case.challenge else {
        return Ok(());
    };
    crash_point("guard-before-ask");
    let sent = send(tools, to, &group, &case, challenge).await;
    crash_point("guard-after-ask");
    match sent {
        Ok(message) => {
            forget_asked(tools, chat, to).await?;
            tools.state.put(&asked_name(chat, to), &Asked { message })?;
        }
        Err(error) => match weigh(&error, tries) {
            Trouble::Passing(wait) => {
                let tries = tries.saturating_add(1);
                Work::Ask {
                    chat,
                    user,
                    to,
                    tries,
                }
                .after(&tools.state, wait)?;
            }
            Trouble::Moved(_) | Trouble::Refused(_) => {
                debug!(
                    chat_id = chat,
                    user_id = user,
                    error = brief(&error),
                    "cannot be written to"
                );
                let event = Event::Unreachable;
                Work::Event { chat, user, event }.now(&tools.state)?;
            }
        },
    }
    Ok(())
}

async fn send(
    tools: &Tools,
    to: i64,
    group: &Group,
    case: &Case,
    challenge: &Challenge,
) -> ResponseResult<i32> {
    let language = group.settings.language;
    let text = language.say(&Text::Challenge {
        challenge,
        group: &group.title,
        time: (case.opened + case.allowance).since(Moment::now()),
    });
    let keyboard = keyboard(case.chat, language, challenge);
    let (bot, to) = (&tools.bot, ChatId(to));
    let message = match challenge.picture() {
        Some(picture) => {
            let file = InputFile::memory(picture).file_name("challenge.png");
            let request = bot.send_photo(to, file).caption(text);
            let request = request.parse_mode(ParseMode::Html).reply_markup(keyboard);
            tools.outgoing.send(request).await?
        }
        None => {
            let request = bot.send_message(to, text).parse_mode(ParseMode::Html);
            tools.outgoing.send(request.reply_markup(keyboard)).await?
        }
    };
    Ok(message.id.0)
}

fn keyboard(chat: i64, language: Language, challenge: &Challenge) -> InlineKeyboardMarkup {
    let label = |option: &String| match challenge.kind {
        Kind::Button => language.label(&Label::Human),
        _ => option.clone(),
    };
    let buttons = challenge.options.iter().enumerate().map(|(index, option)| {
        InlineKeyboardButton::callback(label(option), challenge.data(chat, index))
    });
    let buttons: Vec<_> = buttons.collect();
    let mut rows: Vec<Vec<_>> = buttons
        .chunks(BUTTONS_IN_A_ROW)
        .map(<[_]>::to_vec)
        .collect();
    if challenge.kind == Kind::Image {
        let data = format!("{BLIND}{chat}");
        rows.push(vec![InlineKeyboardButton::callback(
            language.label(&Label::CannotSee),
            data,
        )]);
    }
    InlineKeyboardMarkup::new(rows)
}

/// Says how it went.
pub(super) async fn tell(tools: &Tools, chat: i64, to: i64, tell: Tell) -> Result<(), Failed> {
    let group = group_of(tools, chat).await?;
    let text = group.settings.language.say(&text_of(tell, &group.title));
    write(tools, to, text, 0).await?;
    Ok(())
}

/// Takes the last challenge away.
pub(super) async fn take_back(tools: &Tools, chat: i64, to: i64) -> Result<(), Failed> {
    forget_asked(tools, chat, to).await?;
    Ok(tools.state.delete(&asked_name(chat, to))?)
}

fn text_of(tell: Tell, group: &str) -> Text<'_> {
    let ended = |end| Text::YourRequestEnded { group, end };
    match tell {
        Tell::Passed => Text::Passed { group },
        Tell::LetIn => ended(End::Approved),
        Tell::Wrong { left } => Text::Wrong { left: left.into() },
        Tell::OutOfAttempts => Text::OutOfAttempts { group },
        Tell::TooLate => Text::TooLate { group },
        Tell::Expired => ended(End::Expired),
        Tell::TurnedAway => ended(End::Declined),
    }
}

/// Writes to somebody who may not want it; then nothing is lost by that.
pub(super) async fn write(tools: &Tools, to: i64, text: String, tries: u8) -> Result<(), Failed> {
    let request = tools.bot.send_message(ChatId(to), &text);
    let request = request.parse_mode(ParseMode::Html);
    crash_point("guard-before-write");
    let sent = tools.outgoing.send(request).await;
    crash_point("guard-after-write");
    let Err(error) = sent else { return Ok(()) };
    // One whose answer was lost may have arrived; it is not sent again and again.
    let is_refused_so_far = matches!(error, RequestError::RetryAfter(_)) || tries < AGAIN;
    match weigh(&error, tries) {
        Trouble::Passing(wait) if is_refused_so_far => {
            let tries = tries.saturating_add(1);
            Work::Write { to, text, tries }.after(&tools.state, wait)?;
        }
        _ => debug!(error = brief(&error), "cannot be written to"),
    }
    Ok(())
}

async fn forget_asked(tools: &Tools, chat: i64, to: i64) -> Result<(), Failed> {
    let asked: Option<Asked> = tools.state.get(&asked_name(chat, to)).await?;
    if let Some(Asked { message }) = asked
        && let Err(error) = prompt::delete(tools, ChatId(to), message).await
    {
        warn!(error = brief(&error), "an old challenge stays");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::case::{Route, Status};
    use super::*;

    fn case(chat: i64, kind: Option<Kind>) -> Case {
        let challenge = kind.map(|kind| Challenge::new(kind, &mut fastrand::Rng::with_seed(3)));
        Case {
            chat,
            user: 7,
            name: "Eve".to_owned(),
            status: Status::Pending,
            route: Route::Joined,
            opened: Moment(1_000),
            came: Moment(1_000),
            allowance: Duration::from_secs(60),
            warnings: 3,
            attempts: 3,
            asked: challenge.is_some().then_some(Moment(2_000)),
            challenge,
            is_unreachable: false,
            is_muted: true,
            ending: None,
            ended: None,
        }
    }

    fn typed(text: &str) -> Event {
        let text = text.to_owned();
        Event::Typed { text }
    }

    #[test]
    fn a_word_answers_and_for_a_sentence_the_challenge_is_sent_again() {
        let cases = [case(-1, None), case(-2, Some(Kind::Code))];
        assert_eq!(understand(&cases, " 4711 "), Some((-2, typed(" 4711 "))));
        for text in ["what do you want of me?", "averyverylongword"] {
            assert_eq!(
                understand(&cases, text),
                Some((-2, Event::Opened)),
                "{text}"
            );
        }
        let cases = [case(-2, Some(Kind::Button))];
        assert_eq!(understand(&cases, "what do you want of me?"), None);
    }

    #[test]
    fn commands_are_for_somebody_else_but_for_the_first() {
        let cases = [case(-2, Some(Kind::Code))];
        assert_eq!(understand(&cases, "/help"), None);
        assert_eq!(understand(&cases, "/start"), Some((-2, Event::Opened)));
    }

    #[test]
    fn whoever_was_not_asked_yet_is_asked_whatever_they_write() {
        assert_eq!(
            understand(&[case(-1, None)], "hello there"),
            Some((-1, Event::Opened))
        );
        assert_eq!(understand(&[], "hello there"), None);
    }
}
