//! What people do about scans: `/scan`, and the button that cancels one.

use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use tracing::debug;

use super::super::texts::{Label, Language};
use super::super::{Failed, Tools, administrators};
use super::{Place, RunId, run, start_here};
use crate::bot::UpdateHandler;

/// With this the data of the button begins that cancels a run; the run's number follows.
const CANCEL: &str = "guard:scan:";

pub(in super::super) fn tree() -> UpdateHandler<Failed> {
    let is_in_group = |message: Message| message.chat.is_group() || message.chat.is_supergroup();
    dptree::entry()
        .branch(
            Update::filter_message()
                .filter(is_scan)
                .branch(dptree::filter(is_in_group).endpoint(asked_in_group))
                .branch(dptree::filter(is_operators).endpoint(asked_for_all)),
        )
        .branch(
            Update::filter_callback_query()
                .chain(dptree::filter_map(run_to_cancel))
                .endpoint(cancel_pressed),
        )
}

/// What the button of this run carries.
pub(super) fn cancel_data(number: u64) -> String {
    format!("{CANCEL}{number}")
}

/// `/scan`, to this bot or to whichever is there.
fn is_scan(message: Message, tools: Tools) -> bool {
    let mut words = message.text().unwrap_or_default().split_whitespace();
    let Some(command) = words.next().and_then(|word| word.strip_prefix("/scan")) else {
        return false;
    };
    match command.strip_prefix('@') {
        Some(name) => tools
            .me
            .username
            .as_deref()
            .is_some_and(|mine| mine.eq_ignore_ascii_case(name)),
        None => command.is_empty(),
    }
}

fn is_operators(message: Message, tools: Tools) -> bool {
    message.chat.is_private() && tools.guard.operator() == Some(message.chat.id.0)
}

/// Nobody but administrators is answered: the bot is not to say more than they do.
async fn asked_in_group(tools: Tools, message: Message) -> Result<(), Failed> {
    let chat = message.chat.id;
    let sender = message.sender_chat.as_ref();
    let is_anonymous = sender.is_some_and(|sender| sender.id == chat);
    let is_allowed = match &message.from {
        _ if is_anonymous => true,
        Some(from) => administrators::is_one(&tools, chat.0, from.id).await?,
        None => false,
    };
    if is_allowed {
        start_here(&tools, chat.0).await?;
    }
    Ok(())
}

async fn asked_for_all(tools: Tools, message: Message) -> Result<(), Failed> {
    let from = message.from.as_ref();
    let language = Language::of_code(from.and_then(|from| from.language_code.as_deref()));
    run::start_all(&tools, message.chat.id.0, language).await
}

/// The number of the run that a button belongs to.
fn run_to_cancel(query: CallbackQuery) -> Option<u64> {
    let number = query.data.as_deref()?.strip_prefix(CANCEL)?;
    number.parse().ok()
}

async fn cancel_pressed(tools: Tools, query: CallbackQuery, number: u64) -> Result<(), Failed> {
    let Some(chat) = query.message.as_ref().map(|message| message.chat().id.0) else {
        return Ok(());
    };
    let is_allowed = if chat < 0 {
        administrators::is_one(&tools, chat, query.from.id).await?
    } else {
        tools.guard.operator() == Some(chat)
    };
    let mut answer = tools.bot.answer_callback_query(query.id);
    if is_allowed {
        let place = Place::Chat(chat);
        run::cancel(&tools, RunId { place, number }).await?;
    } else {
        let language = Language::of_code(query.from.language_code.as_deref());
        answer = answer.text(language.label(&Label::AdministratorsOnly));
    }
    if let Err(error) = answer.await {
        debug!(%error, "a press is not answered");
    }
    Ok(())
}
