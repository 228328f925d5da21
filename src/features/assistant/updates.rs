//! What updates mean to the assistant.

use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use teloxide::types::{MessageEntityKind, MessageKind};
use tracing::debug;

use super::buttons::{self, Press};
use super::commands::{self, FULL, Order, choose, of_retry, say};
use super::conversation::Place;
use super::machine::{Asked, Event, Reply};
use super::outbox::Parcel;
use super::{Failed, Tools, desk, spent, words};
use crate::bot::UpdateHandler;
use crate::features::errors::brief;
use crate::features::origin::{asker_of, is_by_a_person, number_of};

/// Of a message that is replied to, so many characters are sent along.
const QUOTED: usize = 2_000;

pub(super) fn tree() -> UpdateHandler<Failed> {
    dptree::entry()
        .branch(
            Update::filter_callback_query().branch(dptree::filter_map(press_of).endpoint(pressed)),
        )
        .branch(
            Update::filter_message()
                .branch(dptree::filter_map(order_of).endpoint(commands::told))
                .branch(dptree::filter_map(question_of).endpoint(asked))
                .branch(dptree::filter(is_no_text).endpoint(not_understood)),
        )
}

fn order_of(message: Message, tools: Tools) -> Option<Order> {
    // What somebody has said elsewhere is told here, not ordered.
    if message.forward_origin().is_some() || !is_by_a_person(&message) {
        return None;
    }
    Order::parse(message.text()?, tools.me.username())
}

/// A question: its text.
fn question_of(message: Message, tools: Tools) -> Option<String> {
    let text = message.text().or(message.caption())?;
    if text.starts_with('/') || !is_by_a_person(&message) {
        return None;
    }
    if message.chat.is_private() {
        return Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    }
    match without_mention(&message, &tools) {
        Some(rest) => Some(rest),
        None => is_reply_to_us(&message, &tools).then(|| text.trim().to_owned()),
    }
}

async fn asked(tools: Tools, message: Message, text: String) -> Result<(), Failed> {
    let at = place_of(&message);
    let quoted = quote_of(&tools, &message);
    match (text.is_empty(), quoted) {
        (false, quoted) => ask(&tools, at, &message, text, quoted).await,
        // A mention alone, as a reply to what is to be answered.
        (true, Some(quoted)) => ask(&tools, at, &message, quoted.text, None).await,
        (true, None) => Ok(()),
    }
}

/// Puts a question, or says why it is not taken.
pub(super) async fn ask(
    tools: &Tools,
    at: Place,
    message: &Message,
    text: String,
    quoted: Option<Quote>,
) -> Result<(), Failed> {
    let Some(user) = asker_of(message) else {
        return Ok(());
    };
    if !may_ask(tools, at, user) {
        return refuse(tools, at, message, user);
    }
    if let Some(wait) = spent::is_over(tools, user).await? {
        let text = format!("Sorry: {}.", words::over_budget(wait));
        return say(tools, at, message, Parcel::plain(&text));
    }
    let asked = Asked {
        user,
        message: message.id.0,
        text,
        quotes_us: quoted.as_ref().is_some_and(|quote| quote.is_ours),
        quoted: quoted.map(|quote| quote.text),
    };
    match desk::decide(tools, at, Event::Asked(asked)).await? {
        Reply::Full => say(tools, at, message, Parcel::plain(FULL)),
        _ => Ok(()),
    }
}

fn is_no_text(message: Message) -> bool {
    let is_content = matches!(message.kind, MessageKind::Common(_));
    // Of an album at most one has words.
    let is_of_album = message.media_group_id().is_some();
    let has_words = message.text().or(message.caption()).is_some();
    message.chat.is_private() && is_content && !has_words && !is_of_album
}

async fn not_understood(tools: Tools, message: Message) -> Result<(), Failed> {
    let text = "I understand text only. Please write your question, or put it below as a caption.";
    say(&tools, place_of(&message), &message, Parcel::plain(text))
}

/// Whether this person is answered there.
pub(super) fn may_ask(tools: &Tools, at: Place, user: i64) -> bool {
    let settings = tools.assistant.settings();
    let is_group_known = settings.groups.is_empty() || settings.groups.contains(&at.chat);
    let is_user_known = settings.users.is_empty() || settings.users.contains(&user);
    is_user_known && (at.is_private() || is_group_known)
}

/// Says so in private; in a group it would let anybody make the bot talk.
pub(super) fn refuse(tools: &Tools, at: Place, message: &Message, user: i64) -> Result<(), Failed> {
    if !at.is_private() {
        return Ok(());
    }
    let text = format!("I answer only those whom my operator has named. Your number is {user}.");
    say(tools, at, message, Parcel::plain(&text))
}

pub(super) fn place_of(message: &Message) -> Place {
    let thread = message.thread_id.filter(|_| message.is_topic_message);
    Place {
        chat: message.chat.id.0,
        thread: thread.map_or(0, |thread| thread.0.0),
    }
}

/// What a message replies to, shortened.
pub(super) struct Quote {
    pub(super) text: String,
    is_ours: bool,
}

pub(super) fn quote_of(tools: &Tools, message: &Message) -> Option<Quote> {
    let quoted = message.reply_to_message()?;
    let text = quoted.text().or(quoted.caption())?.trim();
    let text: String = text.chars().take(QUOTED).collect();
    let is_ours = is_by(tools, quoted);
    Some(Quote { text, is_ours }).filter(|quote| !quote.text.is_empty())
}

fn is_by(tools: &Tools, message: &Message) -> bool {
    let from = message.from.as_ref();
    from.is_some_and(|from| from.id == tools.me.id)
}

/// The text without the bot's name, where somebody calls it by that.
fn without_mention(message: &Message, tools: &Tools) -> Option<String> {
    let entities = message
        .parse_entities()
        .or(message.parse_caption_entities())?;
    let me = format!("@{}", tools.me.username());
    let mention = entities.iter().find(|entity| match entity.kind() {
        MessageEntityKind::Mention => entity.text().eq_ignore_ascii_case(&me),
        MessageEntityKind::TextMention { user } => user.id == tools.me.id,
        _ => false,
    })?;
    let text = message.text().or(message.caption())?;
    let (before, after) = (text.get(..mention.start())?, text.get(mention.end()..)?);
    let rest = match (before.trim(), after.trim()) {
        ("", rest) | (rest, "") => rest.to_owned(),
        (before, after) => format!("{before} {after}"),
    };
    Some(rest.trim_start_matches([',', ':']).trim().to_owned())
}

/// Whether it replies to something that the bot has said, and that is no other feature's prompt with buttons.
fn is_reply_to_us(message: &Message, tools: &Tools) -> bool {
    let Some(replied) = message.reply_to_message() else {
        return false;
    };
    let is_mine = is_by(tools, replied);
    let buttons = replied.reply_markup().map(|markup| &markup.inline_keyboard);
    let mut buttons = buttons.into_iter().flatten().flatten();
    let is_ours = buttons.all(|button| match &button.kind {
        teloxide::types::InlineKeyboardButtonKind::CallbackData(data) => buttons::is_ours(data),
        _ => false,
    });
    // A topic's messages reply to the message that opened it, which has no words.
    is_mine && is_ours && replied.text().is_some()
}

fn press_of(query: CallbackQuery) -> Option<(Place, Press)> {
    let (thread, press) = buttons::parse(query.data.as_deref()?)?;
    let message = query.message.as_ref()?;
    let chat = message.chat().id.0;
    let at = Place { chat, thread };
    // What a button carries is the client's to say; it may name a conversation that there is not.
    let is_there = |message: &Message| place_of(message) == at;
    message
        .regular_message()
        .is_none_or(is_there)
        .then_some((at, press))
}

async fn pressed(
    tools: Tools,
    query: CallbackQuery,
    (at, press): (Place, Press),
) -> Result<(), Failed> {
    let user = number_of(&query.from);
    let text = if may_ask(&tools, at, user) {
        carry_out(&tools, at, user, press).await?
    } else {
        Some("I do not answer you here.".to_owned())
    };
    // A press that is not answered keeps turning in the client for a while, and nothing else comes of it.
    let mut answer = tools.bot.answer_callback_query(query.id);
    answer.text = text;
    if let Err(error) = answer.await {
        debug!(error = brief(&error), "a press is not answered");
    }
    Ok(())
}

async fn carry_out(
    tools: &Tools,
    at: Place,
    user: i64,
    press: Press,
) -> Result<Option<String>, Failed> {
    let owned = |text: &str| Some(text.to_owned());
    Ok(match press {
        Press::Stop { id } => {
            let (by, only) = (Some(user), Some(id));
            match desk::decide(tools, at, Event::Stop { by, id: only }).await? {
                Reply::NotYours => Some(not_yours(tools, at, id).await?),
                Reply::NothingToStop => owned("That is over."),
                _ => None,
            }
        }
        Press::Again { id } => {
            if let Some(wait) = spent::is_over(tools, user).await? {
                return Ok(Some(format!("Sorry: {}.", words::over_budget(wait))));
            }
            let (by, id) = (user, Some(id));
            of_retry(desk::decide(tools, at, Event::Again { by, id }).await?).and_then(owned)
        }
        Press::Choose { model } => Some(choose(tools, at, &model).await?),
    })
}

/// A press says who somebody is, also where they have asked in a group's or a channel's name; a command does not.
async fn not_yours(tools: &Tools, at: Place, id: u64) -> Result<String, Failed> {
    let conversation = desk::read(tools, at).await?;
    let question = conversation.position(id).map(|at| &conversation.queue[at]);
    let text = if question.is_some_and(|question| question.user < 0) {
        "This was asked in the name of a group or a channel. If it was you, use /stop."
    } else {
        "Only who has asked can stop that."
    };
    Ok(text.to_owned())
}
