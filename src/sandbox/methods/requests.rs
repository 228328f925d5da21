//! Requests to join that are approved or declined.

use serde_json::json;

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::members::User;
use super::super::world::{Entry, World};

pub(super) fn approve_chat_join_request(world: &mut World, args: &Args) -> Answer {
    let chat_id = args.chat_id()?;
    let user = take_request(world, args)?;
    let (bot, member) = (world.bot(), world.reachable(chat_id)?.entering(&user)?);
    let entry = Entry {
        via_join_request: true,
        invite_link: None,
    };
    world.change_member(chat_id, &bot, member, &entry)?;
    Ok(json!(true))
}

pub(super) fn decline_chat_join_request(world: &mut World, args: &Args) -> Answer {
    take_request(world, args).map(|_| json!(true))
}

fn take_request(world: &mut World, args: &Args) -> Result<User, ApiError> {
    let user_id = args.need_int("user_id")?;
    let bot_id = world.bot_id;
    let chat = world.reachable_group(args.chat_id()?)?;
    if !chat.grants(bot_id, "can_invite_users") {
        return Err(ApiError::bad_request(
            "not enough rights to manage chat join requests",
        ));
    }
    if chat.has(user_id) {
        return Err(ApiError::bad_request("USER_ALREADY_PARTICIPANT"));
    }
    let request = chat.requests.remove(&user_id);
    let request = request.ok_or_else(|| ApiError::bad_request("HIDE_REQUESTER_MISSING"))?;
    Ok(request.user)
}
