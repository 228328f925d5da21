//! Chats: what they are, who is in them, and the bot's leave.

use serde_json::json;

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::members::{Member, Status};
use super::super::world::{Entry, World};

pub(super) fn get_chat(world: &mut World, args: &Args) -> Answer {
    let chat = world.reachable(args.chat_id()?)?;
    let mut full = chat.as_json();
    full["accent_color_id"] = json!(0);
    full["max_reaction_count"] = json!(11);
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
        "gifts_from_channels": false,
    });
    if chat.is_group() {
        full["permissions"] = json!({});
        chat.permissions.write_into(&mut full["permissions"]);
    }
    Ok(full)
}

pub(super) fn get_chat_member(world: &mut World, args: &Args) -> Answer {
    Ok(member(world, args)?.as_json())
}

pub(super) fn get_chat_member_count(world: &mut World, args: &Args) -> Answer {
    let chat = world.reachable(args.chat_id()?)?;
    let present = chat.members.values().filter(|member| member.is_present());
    Ok(json!(present.count()))
}

pub(super) fn get_chat_administrators(world: &mut World, args: &Args) -> Answer {
    let chat = world.reachable(args.chat_id()?)?;
    if !chat.is_group() {
        return Err(ApiError::bad_request(
            "there are no administrators in the private chat",
        ));
    }
    let administrators = chat.members.values();
    Ok(administrators
        .filter(|member| member.is_administrator())
        .map(Member::as_json)
        .collect())
}

pub(super) fn leave_chat(world: &mut World, args: &Args) -> Answer {
    let (chat_id, bot) = (args.chat_id()?, world.bot());
    world.reachable_group(chat_id)?;
    let gone = Member::new(bot.clone(), Status::Left);
    world.change_member(chat_id, &bot, gone, &Entry::default())?;
    Ok(json!(true))
}

/// The person who is meant and their place in the group, which is `left` for somebody from elsewhere.
pub(super) fn member(world: &mut World, args: &Args) -> Result<Member, ApiError> {
    let (chat_id, user_id) = (args.chat_id()?, args.need_int("user_id")?);
    let met = world.person(user_id).cloned();
    let chat = world.reachable_group(chat_id)?;
    let member = chat.members.get(&user_id).cloned();
    member
        .or_else(|| met.map(|person| Member::new(person, Status::Left)))
        .ok_or_else(|| ApiError::bad_request("user not found"))
}
