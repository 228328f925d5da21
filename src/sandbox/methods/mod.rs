//! The Bot API's methods, but for getUpdates.

mod buttons;
mod chats;
mod content;
mod edits;
mod entities;
mod members;
mod messages;
mod requests;
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
        "deletemycommands" => setup::delete_my_commands(world, args),
        "getmycommands" => setup::get_my_commands(world, args),
        "sendmessage" => messages::send_message(world, args),
        "senddocument" => messages::send_document(world, args),
        "sendphoto" => messages::send_photo(world, args),
        "sendchataction" => messages::send_chat_action(world, args),
        "editmessagetext" => edits::edit_message_text(world, args),
        "editmessagecaption" => edits::edit_message_caption(world, args),
        "editmessagereplymarkup" => edits::edit_message_reply_markup(world, args),
        "deletemessage" => edits::delete_message(world, args),
        "deletemessages" => edits::delete_messages(world, args),
        "answercallbackquery" => buttons::answer_callback_query(world, args),
        "getchat" => chats::get_chat(world, args),
        "getchatmember" => chats::get_chat_member(world, args),
        "getchatmembercount" => chats::get_chat_member_count(world, args),
        "getchatadministrators" => chats::get_chat_administrators(world, args),
        "leavechat" => chats::leave_chat(world, args),
        "restrictchatmember" => members::restrict_chat_member(world, args),
        "banchatmember" => members::ban_chat_member(world, args),
        "unbanchatmember" => members::unban_chat_member(world, args),
        "approvechatjoinrequest" => requests::approve_chat_join_request(world, args),
        "declinechatjoinrequest" => requests::decline_chat_join_request(world, args),
        _ => Err(ApiError::new(404, "Not Found: method not found")),
    }
}
