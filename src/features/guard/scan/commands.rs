//! What people do about scans: `/scan`, and the button that cancels one.

use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;

use super::super::admin::STAYS;
use super::super::desk::group_name;
use super::super::group::Group;
use super::super::texts::{Label, Language};
use super::super::updates::answer;
use super::super::work::Work;
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
                .chain(dptree::filter_map(order_of))
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Order {
    is_named: bool,
}

fn order_of(message: Message, tools: Tools) -> Option<Order> {
    if message.forward_origin().is_some() {
        return None;
    }
    parse(message.text()?, tools.me.username.as_deref()?)
}

fn parse(text: &str, bot: &str) -> Option<Order> {
    let command = text.split_whitespace().next()?.strip_prefix("/scan")?;
    match command.strip_prefix('@') {
        Some(name) => name
            .eq_ignore_ascii_case(bot)
            .then_some(Order { is_named: true }),
        None => command.is_empty().then_some(Order { is_named: false }),
    }
}

fn is_operators(message: Message, tools: Tools) -> bool {
    message.chat.is_private() && tools.guard.operator() == Some(message.chat.id.0)
}

/// Nobody but administrators is answered: the bot is not to say more than they do. Where the guard is off, it has to be
/// called by its name.
async fn asked_in_group(tools: Tools, message: Message, order: Order) -> Result<(), Failed> {
    let chat = message.chat.id.0;
    let group: Option<Group> = tools.state.get(&group_name(chat)).await?;
    let is_on = group.is_some_and(|group| group.settings.is_on);
    if !(is_on || order.is_named) {
        return Ok(());
    }
    let is_allowed = match (&message.sender_chat, &message.from) {
        // An anonymous administrator writes in the name of the group; another name is a channel's.
        (Some(sender), _) => sender.id == message.chat.id,
        (None, Some(from)) => administrators::may_decide(&tools, chat, from.id).await,
        (None, None) => false,
    };
    if is_allowed {
        start_here(&tools, chat).await?;
        let message = message.id.0;
        Work::delete(chat, message).after(&tools.state, STAYS)?;
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
        answer(&tools, query, None).await;
        return Ok(());
    };
    let is_allowed = if chat < 0 {
        administrators::may_decide(&tools, chat, query.from.id).await
    } else {
        tools.guard.operator() == Some(chat)
    };
    let mut said = None;
    if is_allowed {
        let place = Place::Chat(chat);
        run::cancel(&tools, RunId { place, number }).await?;
    } else {
        let language = Language::of_code(query.from.language_code.as_deref());
        said = Some(language.label(&Label::AdministratorsOnly));
    }
    answer(&tools, query, said).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_is_asked_of_this_bot_or_of_whichever_is_there() {
        let is_named = |text| parse(text, "tea_bot").map(|order| order.is_named);
        assert_eq!(is_named("/scan"), Some(false));
        assert_eq!(is_named("/scan@Tea_Bot now"), Some(true));
        for other in ["/scan@other_bot", "/scanner", "scan", "", "say /scan"] {
            assert_eq!(is_named(other), None, "{other:?}");
        }
    }
}
