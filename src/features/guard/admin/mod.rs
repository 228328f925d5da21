//! What administrators tell the guard in their group, and what the operator asks in private.
//!
//! Who is no administrator with the right to restrict members is not heard: a command without a bot's name may be meant for another bot, and an answer would
//! let anybody make this one talk. A press is answered, because a button that does nothing looks broken. Where the guard is off, its commands without its name may be another bot's, too: only `/guard` is heard.
//!
//! Commands are decided in the group's lane like everything else. What is answered is a [`Work`] like everything else: said in
//! the lane of what is said there, and deleted after a while together with the command.

mod commands;
mod menu;
mod operator;
mod people;
mod rights;
mod settings;
mod show;

use std::time::Duration;

use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use teloxide::types::User;

use super::desk::Desk;
use super::texts::{Language, Person};
use super::updates::person;
use super::work::Work;
use super::{Failed, Tools, administrators, migrate};
use crate::bot::UpdateHandler;
use commands::{Command, Order};
pub(super) use rights::{check as check_rights, complain};
pub(super) use show::{View, reply, show};

/// How long a command and its answer stay in the group.
pub(super) const STAYS: Duration = Duration::from_secs(120);

pub(super) fn tree() -> UpdateHandler<Failed> {
    let is_in_group = |message: Message| message.chat.is_group() || message.chat.is_supergroup();
    let is_operator =
        |message: Message, tools: Tools| tools.guard.operator() == Some(message.chat.id.0);
    let asks_for_groups = |order: Order| order.command == Command::Guard;
    dptree::entry()
        .branch(Update::filter_my_chat_member().endpoint(rights::changed))
        .branch(
            Update::filter_callback_query()
                .branch(dptree::filter_map(menu::press_of).endpoint(menu::pressed))
                .branch(dptree::filter_map(people::press_of).endpoint(people::pressed)),
        )
        .branch(
            Update::filter_message()
                .branch(dptree::filter_map(migrate::of).endpoint(migrated))
                .branch(
                    dptree::filter(is_in_group)
                        .filter_map(order_of)
                        .endpoint(told),
                )
                .branch(
                    dptree::filter(is_operator)
                        .filter_map(order_of)
                        .filter(asks_for_groups)
                        .endpoint(operator::list),
                ),
        )
}

fn order_of(message: Message, tools: Tools) -> Option<Order> {
    // What somebody has said elsewhere is told here, not ordered.
    if message.forward_origin().is_some() {
        return None;
    }
    Order::parse(message.text()?, tools.me.username.as_deref()?)
}

/// The group's last message under its old number says the new one.
async fn migrated(tools: Tools, message: Message, to: i64) -> Result<(), Failed> {
    migrate::carry_over(&tools, message.chat.id.0, to).await
}

async fn told(tools: Tools, message: Message, order: Order) -> Result<(), Failed> {
    let chat = message.chat.id.0;
    let mut desk = Desk::open(&tools, chat).await?;
    if !desk.group.settings.is_on && !order.is_for_one_that_is_off() {
        return Ok(());
    }
    let Some(by) = administrator(&tools, &message).await else {
        return Ok(());
    };
    meet(&mut desk, message.chat.title(), message.from.as_ref());
    match order.command {
        Command::Guard => menu::told(&mut desk, &message, &order.rest).await?,
        Command::Approve => people::approve(&mut desk, &message, &order.rest, &by).await?,
        Command::Reject => people::reject(&mut desk, &message, &order.rest).await?,
        Command::Trust => people::trust(&mut desk, &message, &order.rest, &by).await?,
        Command::Untrust => people::untrust(&mut desk, &message, &order.rest).await?,
        Command::Pending => View::Pending.now(&desk, None)?,
        Command::Stats => people::stats(&desk).await?,
    }
    let message = message.id.0;
    Work::delete(chat, message).after(&tools.state, STAYS)?;
    // A group begins with `/guard`: nobody else has asked for one to be kept.
    if desk.is_new() && order.command != Command::Guard {
        return Ok(());
    }
    desk.close()
}

/// A group that is not known yet speaks the language of whoever comes first.
fn meet(desk: &mut Desk<'_>, title: Option<&str>, by: Option<&User>) {
    if desk.is_new() {
        let code = by.and_then(|user| user.language_code.as_deref());
        desk.group.settings.language = Language::of_code(code);
    }
    if let Some(title) = title {
        title.clone_into(&mut desk.group.title);
    }
}

/// Who has written this, where it is an administrator. An anonymous one writes in the name of the group.
async fn administrator(tools: &Tools, message: &Message) -> Option<Person> {
    let from = message.from.as_ref()?;
    match &message.sender_chat {
        Some(sender) if sender.id == message.chat.id => {
            let name = message.chat.title().unwrap_or_default().to_owned();
            Some(Person {
                name,
                ..person(from)
            })
        }
        // A channel's voice.
        Some(_) => None,
        None => administrators::may_decide(tools, message.chat.id.0, from.id)
            .await
            .then(|| person(from)),
    }
}

/// Has something said in the group, in Telegram's HTML.
fn answer(desk: &Desk<'_>, text: String) -> Result<(), Failed> {
    let (chat, tries) = (desk.chat, 0);
    Ok(Work::Reply { chat, text, tries }.now(&desk.tools.state)?)
}
