//! Groups, and what their owner or another administrator changes by hand.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::chat::Kind;
use super::super::grants::Grants;
use super::super::members::{Member, Status, User, end_of};
use super::super::world::{Entry, World, owner};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    chat_id: i64,
    title: String,
    kind: Option<Kind>,
    permissions: Option<Value>,
    #[serde(default)]
    members: Vec<User>,
}

pub(super) fn group(world: &mut World, group: Group) -> Answer {
    if group.chat_id >= 0 {
        return Err(ApiError::bad_request("a group's chat_id is negative"));
    }
    let kind = group.kind.unwrap_or(Kind::Supergroup);
    if kind == Kind::Private {
        return Err(ApiError::bad_request(
            "a group's kind is \"group\" or \"supergroup\"",
        ));
    }
    let chat = world.group(group.chat_id, &group.title, kind);
    if let Some(permissions) = group.permissions {
        chat.permissions = Grants::permissions(&permissions);
    }
    for user in group.members {
        // They have been there for long, so nobody is told.
        if !chat.has(user.id) {
            chat.set_member(user, Status::Member);
        }
    }
    Ok(chat.as_json())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    chat_id: i64,
    user: User,
    status: Status,
    permissions: Option<Value>,
    rights: Option<Value>,
    until_date: Option<i64>,
    by: Option<User>,
}

pub(super) fn member(world: &mut World, place: Place) -> Answer {
    let bot = world.bot();
    let user = if place.user.id == bot.id {
        bot
    } else {
        place.user
    };
    let chat = world.living(place.chat_id)?;
    if !chat.is_group() {
        return Err(ApiError::bad_request("that chat is no group"));
    }
    if place.status == Status::Restricted && chat.kind != Kind::Supergroup {
        return Err(ApiError::bad_request(
            "only supergroups have restricted members",
        ));
    }
    let was_present = chat.has(user.id);
    let mut member = Member::new(user, place.status);
    match (place.status, place.permissions, place.rights) {
        (Status::Restricted, permissions, _) => {
            member.grants = Grants::permissions(&permissions.unwrap_or_default());
            member.is_member = was_present;
        }
        (Status::Administrator, _, Some(rights)) => member.grants = Grants::rights(&rights),
        _ => {}
    }
    if matches!(place.status, Status::Restricted | Status::Kicked) {
        member.until = end_of(place.until_date, chat.now());
    }
    let by = place.by.unwrap_or_else(owner);
    let told = member.as_json();
    world.change_member(place.chat_id, &by, member, &Entry::default())?;
    Ok(told)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Migration {
    chat_id: i64,
    to: i64,
}

pub(super) fn migrate(world: &mut World, Migration { chat_id, to }: Migration) -> Answer {
    if to >= 0 || world.chats.contains_key(&to) {
        return Err(ApiError::bad_request(
            "to is a negative number that no chat has",
        ));
    }
    let old = world.living(chat_id)?;
    if old.kind != Kind::Group {
        return Err(ApiError::bad_request(
            "only a basic group becomes a supergroup; make one with kind \"group\"",
        ));
    }
    let title = old.title.clone().unwrap_or_default();
    let (members, requests) = (old.members.clone(), std::mem::take(&mut old.requests));
    let permissions = old.permissions.clone();
    let mut last = old.new_message(&owner());
    last["migrate_to_chat_id"] = json!(to);
    old.keep(last.clone());
    world.push_from(chat_id, "message", &last);

    let new = world.group(to, &title, Kind::Supergroup);
    (new.members, new.requests, new.permissions) = (members, requests, permissions);
    let mut first = new.new_message(&owner());
    first["migrate_from_chat_id"] = json!(chat_id);
    new.keep(first.clone());
    let chat = new.as_json();
    world.push_from(to, "message", &first);
    // The members have moved, and only now: the bot was still told in the old group.
    if let Ok(old) = world.chat(chat_id) {
        old.members.clear();
        old.migrated_to = Some(to);
    }
    Ok(chat)
}
