//! Members that are restricted, banned, and let in again.

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::chat::Kind;
use super::super::grants::Grants;
use super::super::members::{Member, Status, end_of};
use super::super::world::{Entry, World};
use super::chats::member;

pub(super) fn restrict_chat_member(world: &mut World, args: &Args) -> Answer {
    let permissions = args
        .json("permissions")
        .filter(Value::is_object)
        .ok_or_else(|| ApiError::bad_request("can't parse ChatPermissions: expected an object"))?;
    let mut grants = Grants::permissions(&permissions);
    if !args.flag("use_independent_chat_permissions") {
        grants = grants.with_implied();
    }
    if world.reachable(args.chat_id()?)?.kind != Kind::Supergroup {
        return Err(ApiError::bad_request(
            "method is available only for supergroups",
        ));
    }
    let old = restrictable(world, args)?;
    let chat = world.reachable(args.chat_id()?)?;
    // Who may do all that everybody may is not restricted.
    let (is_member, lifts) = (old.is_present(), grants.cover(&chat.permissions));
    let new = match (lifts, is_member) {
        (true, true) => Member::new(old.user, Status::Member),
        (true, false) => Member::new(old.user, Status::Left),
        (false, _) => Member {
            grants,
            is_member,
            until: end_of(args.int("until_date"), chat.now()),
            ..Member::new(old.user, Status::Restricted)
        },
    };
    change(world, args, new)
}

pub(super) fn ban_chat_member(world: &mut World, args: &Args) -> Answer {
    let old = restrictable(world, args)?;
    let banned = Member {
        until: end_of(args.int("until_date"), world.clock.now()),
        ..Member::new(old.user, Status::Kicked)
    };
    change(world, args, banned)
}

pub(super) fn unban_chat_member(world: &mut World, args: &Args) -> Answer {
    if world.reachable(args.chat_id()?)?.kind != Kind::Supergroup {
        return Err(ApiError::bad_request(
            "method is available for supergroup and channel chats only",
        ));
    }
    let old = member(world, args)?;
    if old.status != Status::Kicked && args.flag("only_if_banned") {
        return Ok(json!(true));
    }
    // Without that flag the method throws a member out, as the documentation warns.
    let old = restrictable(world, args)?;
    change(world, args, Member::new(old.user, Status::Left))
}

fn change(world: &mut World, args: &Args, member: Member) -> Answer {
    let bot = world.bot();
    world.change_member(args.chat_id()?, &bot, member, &Entry::default())?;
    Ok(json!(true))
}

/// The person who is meant, where the bot has the right and that person is not above it.
fn restrictable(world: &mut World, args: &Args) -> Result<Member, ApiError> {
    let bot_id = world.bot_id;
    world
        .reachable_group(args.chat_id()?)?
        .need_restricting(bot_id)?;
    let member = member(world, args)?;
    match member.status {
        _ if member.user.id == bot_id => Err(ApiError::bad_request("can't restrict self")),
        Status::Creator => Err(ApiError::bad_request("can't remove chat owner")),
        Status::Administrator => Err(ApiError::bad_request(
            "user is an administrator of the chat",
        )),
        _ => Ok(member),
    }
}
