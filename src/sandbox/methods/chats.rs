//! Chats and their members.

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::world::{Chat, Member, World};

pub(super) fn get_chat(world: &mut World, args: &Args) -> Answer {
    let chat = world.chat(args.chat_id()?)?;
    let mut full = chat.as_json();
    full["accent_color_id"] = json!(0);
    full["max_reaction_count"] = json!(11);
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
        "gifts_from_channels": false,
    });
    if chat.title.is_some() {
        full["permissions"] = json!({ "can_send_messages": true, "can_invite_users": true });
    }
    Ok(full)
}

pub(super) fn get_chat_member(world: &mut World, args: &Args) -> Answer {
    Ok(member(world, args)?.as_json())
}

pub(super) fn get_chat_administrators(world: &mut World, args: &Args) -> Answer {
    let chat = group(world, args)?;
    let rules = |member: &&Member| matches!(member.status, "administrator" | "creator");
    Ok(chat
        .members
        .values()
        .filter(rules)
        .map(Member::as_json)
        .collect())
}

pub(super) fn restrict_chat_member(world: &mut World, args: &Args) -> Answer {
    let permissions = args
        .json("permissions")
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::bad_request("can't parse ChatPermissions: expected an object"))?;
    let old = restrictable(world, args)?;
    let lifts = permissions["can_send_messages"] == json!(true)
        && permissions["can_send_other_messages"] == json!(true);
    let status = if lifts { "member" } else { "restricted" };
    let until = args.int("until_date").unwrap_or(0);
    change(
        world,
        args,
        Member {
            status,
            permissions,
            until,
            user: old.user,
        },
    )
}

pub(super) fn ban_chat_member(world: &mut World, args: &Args) -> Answer {
    let old = restrictable(world, args)?;
    let until = args.int("until_date").unwrap_or(0);
    change(
        world,
        args,
        Member {
            status: "kicked",
            permissions: json!({}),
            until,
            user: old.user,
        },
    )
}

pub(super) fn unban_chat_member(world: &mut World, args: &Args) -> Answer {
    let old = member(world, args)?;
    match old.status {
        "kicked" => change(world, args, Member::new(old.user, "left")),
        "left" => Ok(json!(true)),
        _ if args.flag("only_if_banned") => Ok(json!(true)),
        // Without that flag the method throws a member out, as the documentation warns.
        _ => change(world, args, Member::new(old.user, "left")),
    }
}

pub(super) fn approve_chat_join_request(world: &mut World, args: &Args) -> Answer {
    let user = take_request(world, args)?;
    change(world, args, Member::new(user, "member"))
}

pub(super) fn decline_chat_join_request(world: &mut World, args: &Args) -> Answer {
    take_request(world, args).map(|_| json!(true))
}

fn take_request(world: &mut World, args: &Args) -> Result<super::super::world::User, ApiError> {
    let user_id = args.need_int("user_id")?;
    group(world, args)?
        .requests
        .remove(&user_id)
        .ok_or_else(|| ApiError::bad_request("HIDE_REQUESTER_MISSING"))
}

fn change(world: &mut World, args: &Args, member: Member) -> Answer {
    let bot = world.bot();
    world.change_member(args.chat_id()?, &bot, member)?;
    Ok(json!(true))
}

fn restrictable(world: &mut World, args: &Args) -> Result<Member, ApiError> {
    let member = member(world, args)?;
    match member.status {
        "creator" => Err(ApiError::bad_request("can't remove chat owner")),
        "administrator" => Err(ApiError::bad_request(
            "user is an administrator of the chat",
        )),
        _ => Ok(member),
    }
}

fn member(world: &mut World, args: &Args) -> Result<Member, ApiError> {
    let user_id = args.need_int("user_id")?;
    let chat = group(world, args)?;
    chat.members
        .get(&user_id)
        .cloned()
        .ok_or_else(|| ApiError::bad_request("user not found"))
}

fn group<'a>(world: &'a mut World, args: &Args) -> Result<&'a mut Chat, ApiError> {
    let chat = world.chat(args.chat_id()?)?;
    if chat.title.is_none() {
        return Err(ApiError::bad_request(
            "method is available for supergroup and channel chats only",
        ));
    }
    Ok(chat)
}
