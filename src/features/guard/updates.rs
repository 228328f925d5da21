//! What updates mean to the guard.

use std::time::Duration;

use chrono::{DateTime, Utc};
use teloxide::dispatching::UpdateFilterExt;
use teloxide::prelude::*;
use teloxide::types::{
    ChatJoinRequest, ChatMember, ChatMemberKind, ChatMemberUpdated, User, UserId,
};
use tokio::time::timeout;
use tracing::{debug, warn};

use super::captcha::parse_data;
use super::case::{Case, Status};
use super::desk::Desk;
use super::group::{Notice, NoticeKind};
use super::machine::{Deed, Event, Reply};
use super::private::{self, BLIND};
use super::prompt::{HERE, LINK};
use super::raid::Raid;
use super::scan::schedule;
use super::texts::{Label, Language, Person, Text};
use super::trouble::brief;
use super::work::Work;
use super::{Failed, Tools, admin, administrators, clock, migrate};
use crate::bot::UpdateHandler;

pub(super) fn tree() -> UpdateHandler<Failed> {
    dptree::entry()
        .branch(admin::tree())
        .branch(Update::filter_chat_member().endpoint(member_changed))
        .branch(Update::filter_chat_join_request().endpoint(asks_to_join))
        .branch(
            Update::filter_callback_query()
                .branch(dptree::filter(is_here).endpoint(pressed_here))
                .branch(dptree::filter_map(challenge_pressed).endpoint(pressed)),
        )
        .branch(
            Update::filter_message()
                .filter(|message: Message| message.chat.is_private())
                .branch(dptree::filter_map(link_of).endpoint(opened))
                .branch(dptree::filter_map_async(answer_of).endpoint(answered)),
        )
}

/// Decides what an event changes, and keeps it.
pub(super) async fn decide(
    tools: &Tools,
    chat: i64,
    user: i64,
    event: &Event,
) -> Result<(), Failed> {
    let mut desk = Desk::open(tools, chat).await?;
    desk.event(user, event).await?;
    desk.close()
}

/// A dry run has come to something that it does not do: the case goes on as if it were done, and what that is is said.
pub(super) async fn skipped(tools: &Tools, chat: i64, user: i64, deed: Deed) -> Result<(), Failed> {
    let mut desk = Desk::open(tools, chat).await?;
    let name = desk.case(user).await?.map(|case| case.name);
    let name = name.unwrap_or_default();
    desk.event(user, &Event::Done(deed)).await?;
    // Nobody has been removed.
    let is_untrue =
        |notice: &Notice| notice.kind == NoticeKind::Removed && notice.person.id == user;
    desk.group.notices.retain(|notice| !is_untrue(notice));
    desk.notice(NoticeKind::Skipped { deed }, Person { id: user, name })?;
    desk.close()
}

async fn member_changed(tools: Tools, update: ChatMemberUpdated) -> Result<(), Failed> {
    let (old, new) = (&update.old_chat_member, &update.new_chat_member);
    let chat = update.chat.id.0;
    if old.is_privileged() || new.is_privileged() {
        tools.guard.administrators().forget(chat);
    }
    let mut desk = Desk::open(&tools, chat).await?;
    if new.user.is_bot {
        return Ok(());
    }
    if !desk.group.settings.is_on {
        return returns(desk, &update).await;
    }
    desk.group.title = update.chat.title().unwrap_or_default().to_owned();
    let event = match (old.is_present(), new.is_present()) {
        (false, true) => Some(join_of(&tools, &desk, &update).await?),
        // What the bot does it knows already.
        _ if update.from.id == tools.me.id => None,
        (true, false) => Some(if new.user.id == update.from.id {
            Event::Left
        } else {
            Event::Removed
        }),
        (true, true) if new.is_privileged() => Some(Event::Approved {
            by: person(&update.from),
        }),
        (true, true) if is_restricted(old) && is_restricted(new) => Some(Event::TakenOver),
        (true, true) if !may_write(old) && may_write(new) => Some(Event::Unmuted {
            by: person(&update.from),
        }),
        _ => None,
    };
    if let Some(event) = event {
        if matches!(event, Event::Joined { .. }) {
            clock::start(&tools).await?;
            schedule::begin(&mut desk)?;
        }
        if let Event::Joined {
            is_vouched: false, ..
        } = event
        {
            count(&mut desk, id_of(&new.user), update.date).await?;
        }
        desk.event(id_of(&new.user), &event).await?;
    }
    desk.close()
}

/// Whoever comes back under a mute of ours after the guard was switched off is let in.
async fn returns(mut desk: Desk<'_>, update: &ChatMemberUpdated) -> Result<(), Failed> {
    let user = id_of(&update.new_chat_member.user);
    let comes = !update.old_chat_member.is_present() && update.new_chat_member.is_present();
    if comes && desk.has_muted(user).await? {
        let event = Event::Joined {
            name: update.new_chat_member.user.full_name(),
            is_vouched: true,
            since: update.date.into(),
        };
        desk.event(user, &event).await?;
    }
    desk.close()
}

async fn join_of(
    tools: &Tools,
    desk: &Desk<'_>,
    update: &ChatMemberUpdated,
) -> Result<Event, Failed> {
    let (old, new, by) = (
        &update.old_chat_member,
        &update.new_chat_member,
        &update.from,
    );
    let was_let_in = update.via_join_request && !desk.group.settings.approve_first;
    let is_added = by.id != new.user.id && by.id != tools.me.id;
    let was_added = is_added && is_administrator(tools, desk.chat, by.id).await;
    // Who comes back under a restriction that is not ours is the administrators'.
    let is_another =
        is_restricted(old) && !may_write(new) && !desk.has_muted(id_of(&new.user)).await?;
    Ok(Event::Joined {
        name: new.user.full_name(),
        is_vouched: was_let_in || was_added || new.is_privileged() || is_another,
        since: update.date.into(),
    })
}

/// Where that cannot be found out, nobody is taken for one.
async fn is_administrator(tools: &Tools, chat: i64, user: UserId) -> bool {
    const PATIENCE: Duration = Duration::from_secs(10);
    let is_one = timeout(PATIENCE, administrators::is_one(tools, chat, user)).await;
    let Ok(Ok(is_one)) = is_one else {
        warn!(chat_id = chat, "the administrators are not known");
        return false;
    };
    is_one
}

async fn asks_to_join(tools: Tools, request: ChatJoinRequest) -> Result<(), Failed> {
    let mut desk = Desk::open(&tools, request.chat.id.0).await?;
    if !desk.group.settings.is_on {
        return Ok(());
    }
    desk.group.title = request.chat.title().unwrap_or_default().to_owned();
    clock::start(&tools).await?;
    let user = id_of(&request.from);
    // Who is let in first is counted then.
    if !desk.group.settings.approve_first {
        count(&mut desk, user, request.date).await?;
    }
    let event = Event::Requested {
        name: request.from.full_name(),
        write_to: request.user_chat_id.0,
        since: request.date.into(),
    };
    desk.event(user, &event).await?;
    desk.close()
}

/// Counts who comes, by when they came, and says when it has become a raid.
async fn count(desk: &mut Desk<'_>, user: i64, date: DateTime<Utc>) -> Result<(), Failed> {
    if desk.is_trusted(user).await? {
        return Ok(());
    }
    let (chat, state) = (desk.chat, &desk.tools.state);
    let settings = &desk.group.settings;
    let limit = settings.raid_limit;
    if !desk.group.raid.comes(user, date.into(), limit) {
        return Ok(());
    }
    Work::Raid { chat }.after(state, Raid::LOOK_AGAIN)?;
    if desk.group.raid.is_news(desk.now) {
        let count = desk.group.raid.on.map_or(0, |raid| raid.count);
        let text = settings.language.say(&Text::RaidBegun {
            group: &desk.group.title,
            joins: usize::try_from(count).unwrap_or(usize::MAX),
            declines: settings.raid_declines,
        });
        Work::TellAdministrators { chat, text }.now(state)?;
    }
    Ok(())
}

/// Whether a raid is over.
pub(super) async fn look_at_raid(tools: &Tools, chat: i64) -> Result<(), Failed> {
    let mut desk = Desk::open(tools, chat).await?;
    let limit = desk.group.settings.raid_limit;
    match desk.group.raid.ends(desk.now, limit) {
        Some(raid) if !raid.is_told => desk.prompt_soon()?,
        Some(raid) => {
            let text = desk.group.settings.language.say(&Text::RaidEnded {
                group: &desk.group.title,
                joins: usize::try_from(raid.count).unwrap_or(usize::MAX),
                lasted: desk.now.since(raid.since),
            });
            Work::TellAdministrators { chat, text }.now(&tools.state)?;
            desk.prompt_soon()?;
        }
        None if desk.group.raid.on.is_some() => {
            Work::Raid { chat }.after(&tools.state, Raid::LOOK_AGAIN)?;
        }
        None => {}
    }
    desk.close()
}

fn is_here(query: CallbackQuery) -> bool {
    query.data.as_deref() == Some(HERE)
}

/// The button in the group.
async fn pressed_here(tools: Tools, query: CallbackQuery) -> Result<(), Failed> {
    let Some(chat) = query.message.as_ref().map(|message| message.chat().id.0) else {
        return Ok(());
    };
    let mut desk = Desk::open(&tools, chat).await?;
    let reply = desk
        .event(id_of(&query.from), &Event::PressedInGroup)
        .await?;
    let label = match reply {
        Reply::Ok => Label::Passed,
        Reply::ElsewherePlease => Label::UseTheLink,
        Reply::NotTheirs | Reply::Wrong => Label::NotForYou,
    };
    let text = desk.group.settings.language.label(&label);
    answer(&tools, query, Some(text)).await;
    desk.close()
}

/// A button of a challenge: the group, and what it means there.
fn challenge_pressed(query: CallbackQuery) -> Option<(i64, Event)> {
    let data = query.data.as_deref()?;
    if let Some(chat) = data.strip_prefix(BLIND) {
        return Some((chat.parse().ok()?, Event::Blind));
    }
    let press = parse_data(data)?;
    let (challenge, option) = (press.id, press.index);
    Some((press.chat, Event::Pressed { challenge, option }))
}

/// It is decided in the group's lane, for whoever has pressed.
async fn pressed(
    tools: Tools,
    query: CallbackQuery,
    (chat, event): (i64, Event),
) -> Result<(), Failed> {
    let user = id_of(&query.from);
    Work::Event { chat, user, event }.now(&tools.state)?;
    answer(&tools, query, None).await;
    Ok(())
}

/// A press that is not answered keeps turning in the client for a while, and nothing else comes of it.
pub(super) async fn answer(tools: &Tools, query: CallbackQuery, text: Option<String>) {
    let mut request = tools.bot.answer_callback_query(query.id);
    if let Some(text) = text {
        request = request.text(text);
    }
    if let Err(error) = request.await {
        debug!(error = brief(&error), "a press is not answered");
    }
}

/// The group whose deep link was followed.
fn link_of(message: Message) -> Option<i64> {
    let payload = message.text()?.strip_prefix("/start ")?.trim();
    payload.strip_prefix(LINK)?.parse().ok()
}

async fn opened(tools: Tools, message: Message, chat: i64) -> Result<(), Failed> {
    let Some(from) = &message.from else {
        return Ok(());
    };
    let user = id_of(from);
    let chat = migrate::moved_to(&tools, chat).await?.unwrap_or(chat);
    let case = super::desk::case_of(&tools, chat, user).await?;
    if case.as_ref().is_some_and(Case::is_waiting) {
        let event = Event::Opened;
        Work::Event { chat, user, event }.now(&tools.state)?;
    } else {
        let language = Language::of_code(from.language_code.as_deref());
        let has_passed = case.is_some_and(|case| case.status == Status::Passed);
        let desk = Desk::open(&tools, chat).await?;
        let group = &desk.group.title;
        let text = if has_passed {
            language.say(&Text::AlreadyPassed { group })
        } else {
            language.say(&Text::NothingToVerify)
        };
        private::write(&tools, message.chat.id.0, text, 0).await?;
    }
    Ok(())
}

/// What a private message means for somebody who has to verify. Everybody else's is not for the guard.
async fn answer_of(tools: Tools, message: Message) -> Option<(i64, Event)> {
    let (text, from) = (message.text()?, message.from.as_ref()?);
    let cases = private::cases_of(&tools, id_of(from)).await;
    match cases {
        Ok(cases) => private::understand(&cases, text),
        Err(error) => {
            debug!(%error, "whether somebody has to verify is not known");
            None
        }
    }
}

async fn answered(
    tools: Tools,
    message: Message,
    (chat, event): (i64, Event),
) -> Result<(), Failed> {
    if let Some(from) = &message.from {
        let user = id_of(from);
        Work::Event { chat, user, event }.now(&tools.state)?;
    }
    Ok(())
}

pub(super) fn id_of(user: &User) -> i64 {
    i64::try_from(user.id.0).unwrap_or(i64::MAX)
}

fn is_restricted(member: &ChatMember) -> bool {
    matches!(member.kind, ChatMemberKind::Restricted(_)) && !may_write(member)
}

pub(super) fn may_write(member: &ChatMember) -> bool {
    match &member.kind {
        ChatMemberKind::Restricted(restricted) => restricted.can_send_messages,
        _ => member.is_present(),
    }
}

pub(super) fn person(user: &User) -> Person {
    let (id, name) = (id_of(user), user.full_name());
    Person { id, name }
}
