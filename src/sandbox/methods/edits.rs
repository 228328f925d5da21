//! Messages that are edited or deleted.

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::chat::Chat;
use super::super::html::Parsed;
use super::super::world::World;
use super::buttons::inline_keyboard;
use super::content;

/// A bot deletes no message that is older than this.
const DELETABLE: u64 = 48 * 3_600;

pub(super) fn edit_message_text(world: &mut World, args: &Args) -> Answer {
    let text = content::text(world, args)?;
    edit(world, args, Some(("text", &text)))
}

pub(super) fn edit_message_caption(world: &mut World, args: &Args) -> Answer {
    let caption = content::caption(world, args)?;
    edit(world, args, Some(("caption", &caption)))
}

pub(super) fn edit_message_reply_markup(world: &mut World, args: &Args) -> Answer {
    edit(world, args, None)
}

/// Writes new content where there is some, and new buttons in any case.
fn edit(world: &mut World, args: &Args, new: Option<(&str, &Parsed)>) -> Answer {
    let keyboard = inline_keyboard(args)?;
    let bot = world.bot();
    let chat = world.reachable(args.chat_id()?)?;
    let now = chat.now();
    let message = chat
        .messages
        .get_mut(&args.need_int("message_id")?)
        .ok_or_else(|| ApiError::bad_request("message to edit not found"))?;
    if message["from"]["id"].as_i64() != Some(bot.id) {
        return Err(ApiError::bad_request("message can't be edited"));
    }
    let before = message.clone();
    let mut edited = message.clone();
    if let Some((name, parsed)) = new {
        let kind = if name == "caption" { "photo" } else { "text" };
        if edited.get(kind).is_none() {
            return Err(ApiError::bad_request(&format!(
                "there is no {name} in the message to edit"
            )));
        }
        content::put(&mut edited, name, parsed);
    }
    if let Some(fields) = edited.as_object_mut() {
        fields.remove("reply_markup");
    }
    // A keyboard without buttons takes the buttons away.
    if let Some(keyboard) = keyboard.filter(|keyboard| keyboard["inline_keyboard"] != json!([])) {
        edited["reply_markup"] = keyboard;
    }
    if same(&edited, &before) {
        return Err(ApiError::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        ));
    }
    edited["edit_date"] = json!(now);
    *message = edited.clone();
    if let Some((_, parsed)) = new {
        chat.record(edited["message_id"].as_i64().unwrap_or(0), &parsed.text);
        chat.narrate(&bot.first_name, &format!("(edited) {}", parsed.text));
    }
    Ok(edited)
}

/// Whether an edit changes nothing. No buttons and an empty keyboard are the same.
fn same(edited: &Value, before: &Value) -> bool {
    let none = json!({ "inline_keyboard": [] });
    let fields = ["text", "entities", "caption", "caption_entities"];
    let buttons = |message: &Value| message.get("reply_markup").unwrap_or(&none).clone();
    fields
        .iter()
        .all(|name| edited.get(name) == before.get(name))
        && buttons(edited) == buttons(before)
}

pub(super) fn delete_message(world: &mut World, args: &Args) -> Answer {
    let bot_id = world.bot_id;
    let chat = world.reachable(args.chat_id()?)?;
    let id = args.need_int("message_id")?;
    if !chat.messages.contains_key(&id) {
        return Err(ApiError::bad_request("message to delete not found"));
    }
    if !delete(chat, id, bot_id) {
        return Err(ApiError::bad_request("message can't be deleted"));
    }
    Ok(json!(true))
}

pub(super) fn delete_messages(world: &mut World, args: &Args) -> Answer {
    let ids: Vec<i64> = args
        .json("message_ids")
        .and_then(|ids| serde_json::from_value(ids).ok())
        .ok_or_else(|| ApiError::bad_request("message identifiers are not specified"))?;
    if !(1..=100).contains(&ids.len()) {
        return Err(ApiError::bad_request(
            "the number of messages must be from 1 to 100",
        ));
    }
    let bot_id = world.bot_id;
    let chat = world.reachable(args.chat_id()?)?;
    for id in ids {
        // What is not there or cannot be deleted is skipped, as the documentation says.
        delete(chat, id, bot_id);
    }
    Ok(json!(true))
}

/// Deletes what is young enough and the bot's own, or somebody else's where the bot has the right to.
fn delete(chat: &mut Chat, id: i64, bot_id: i64) -> bool {
    let may_delete = !chat.is_group() || chat.grants(bot_id, "can_delete_messages");
    let now = chat.now();
    let deletable = chat.messages.get(&id).is_some_and(|message| {
        let is_own = message["from"]["id"].as_i64() == Some(bot_id);
        let date = message["date"].as_u64().unwrap_or(0);
        (is_own || may_delete) && now < date + DELETABLE
    });
    if deletable {
        chat.messages.remove(&id);
        chat.photos.remove(&id);
        chat.documents.remove(&id);
    }
    deletable
}
