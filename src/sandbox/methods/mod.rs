//! The Bot API's methods, but for getUpdates.

mod chats;
mod messages;
mod setup;

use super::answer::{Answer, ApiError};
use super::args::Args;
use super::world::World;

/// Calls a method by its name, in any case, as the public server does.
pub(super) fn call(world: &mut World, method: &str, args: &Args) -> Answer {
    match method.to_ascii_lowercase().as_str() {
        "getme" => setup::get_me(world),
        "setwebhook" => setup::set_webhook(world, args),
        "deletewebhook" => setup::delete_webhook(world, args),
        "getwebhookinfo" => setup::get_webhook_info(world),
        "setmycommands" => setup::set_my_commands(world, args),
        "getmycommands" => setup::get_my_commands(world),
        "sendmessage" => messages::send_message(world, args),
        "sendphoto" => messages::send_photo(world, args),
        "editmessagetext" => messages::edit_message_text(world, args),
        "deletemessage" => messages::delete_message(world, args),
        "deletemessages" => messages::delete_messages(world, args),
        "sendchataction" => messages::send_chat_action(world, args),
        "answercallbackquery" => messages::answer_callback_query(world, args),
        "getchat" => chats::get_chat(world, args),
        "getchatmember" => chats::get_chat_member(world, args),
        "getchatadministrators" => chats::get_chat_administrators(world, args),
        "restrictchatmember" => chats::restrict_chat_member(world, args),
        "banchatmember" => chats::ban_chat_member(world, args),
        "unbanchatmember" => chats::unban_chat_member(world, args),
        "approvechatjoinrequest" => chats::approve_chat_join_request(world, args),
        "declinechatjoinrequest" => chats::decline_chat_join_request(world, args),
        _ => Err(ApiError::new(404, "Not Found: method not found")),
    }
}
