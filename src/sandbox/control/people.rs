//! What people do themselves.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::chat::Request;
use super::super::members::User;
use super::super::world::{About, Entry, World};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    user: User,
    text: String,
    chat_id: Option<i64>,
    #[serde(alias = "reply_to_message_id")]
    reply_to: Option<i64>,
    message_thread_id: Option<i64>,
}

pub(super) fn message(world: &mut World, message: Message) -> Answer {
    let chat_id = message.chat_id.unwrap_or(message.user.id);
    let about = About {
        reply_to: message.reply_to,
        thread: message.message_thread_id,
    };
    world.say(chat_id, &message.user, &message.text, about)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Press {
    user: User,
    chat_id: i64,
    message_id: i64,
    data: String,
}

pub(super) fn press(world: &mut World, press: Press) -> Answer {
    let message = world
        .living(press.chat_id)?
        .messages
        .get(&press.message_id)
        .cloned();
    let message = message.ok_or_else(|| ApiError::bad_request("message not found"))?;
    if !has_button(&message, &press.data) {
        return Err(ApiError::bad_request(
            "no button of this message has that data",
        ));
    }
    let id = fastrand::u64(..).to_string();
    world.callbacks.push(id.clone());
    let query = json!({ "id": id, "from": press.user, "message": message, "chat_instance": "1", "data": press.data });
    world.push_from(press.chat_id, "callback_query", &query);
    Ok(json!(id))
}

fn has_button(message: &Value, data: &str) -> bool {
    let rows = message["reply_markup"]["inline_keyboard"].as_array();
    let mut buttons = rows
        .into_iter()
        .flatten()
        .filter_map(Value::as_array)
        .flatten();
    buttons.any(|button| button["callback_data"] == data)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    user: User,
    chat_id: i64,
    by: Option<User>,
    invite_link: Option<Value>,
}

pub(super) fn join(world: &mut World, join: Join) -> Answer {
    let member = group(world, join.chat_id)?.entering(&join.user)?;
    let entry = Entry {
        via_join_request: false,
        invite_link: join.invite_link,
    };
    let by = join.by.unwrap_or(join.user);
    world.change_member(join.chat_id, &by, member, &entry)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Leave {
    user: User,
    chat_id: i64,
}

pub(super) fn leave(world: &mut World, Leave { user, chat_id }: Leave) -> Answer {
    let member = group(world, chat_id)?.members.get(&user.id).cloned();
    let member = member.filter(|member| member.is_present());
    let member = member.ok_or_else(|| ApiError::bad_request("USER_NOT_PARTICIPANT"))?;
    world.change_member(chat_id, &user, member.gone(), &Entry::default())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    user: User,
    chat_id: i64,
    bio: Option<String>,
    invite_link: Option<Value>,
}

pub(super) fn request(world: &mut World, ask: Ask) -> Answer {
    let bot_id = world.bot_id;
    let user = ask.user;
    let chat = group(world, ask.chat_id)?;
    chat.entering(&user)?;
    let date = chat.now();
    let request = Request {
        user: user.clone(),
        date,
    };
    chat.requests.insert(user.id, request);
    let mut request =
        json!({ "chat": chat.as_json(), "from": user, "user_chat_id": user.id, "date": date });
    if let Some(bio) = ask.bio {
        request["bio"] = json!(bio);
    }
    if let Some(link) = ask.invite_link {
        request["invite_link"] = link;
    }
    // Only an administrator who may let people in is told of those who ask.
    let is_told = chat.grants(bot_id, "can_invite_users");
    chat.narrate(&user.first_name, "(asks to join)");
    world.private_chat(&user);
    if is_told {
        world.push("chat_join_request", &request);
    }
    Ok(request)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Block {
    user: User,
    #[serde(default = "yes")]
    blocked: bool,
}

fn yes() -> bool {
    true
}

pub(super) fn block(world: &mut World, block: Block) -> Answer {
    world.block(&block.user, block.blocked);
    Ok(json!(true))
}

fn group(world: &mut World, chat_id: i64) -> Result<&mut super::super::chat::Chat, ApiError> {
    let chat = world.living(chat_id)?;
    if !chat.is_group() {
        return Err(ApiError::bad_request("that chat is no group"));
    }
    Ok(chat)
}
