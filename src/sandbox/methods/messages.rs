//! Messages: sent, edited, deleted; and the answers to buttons.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::world::{World, now};

/// The Bot API counts UTF-16 units.
const TEXT_MAX: usize = 4096;
const CAPTION_MAX: usize = 1024;

pub(super) fn send_message(world: &mut World, args: &Args) -> Answer {
    let text = message_text(args)?.into_owned();
    send(world, args, |message| message["text"] = json!(text))
}

pub(super) fn send_photo(world: &mut World, args: &Args) -> Answer {
    let photo = args
        .get("photo")
        .ok_or_else(|| ApiError::bad_request("there is no photo in the request"))?;
    let size = photo["file_size"].as_u64().unwrap_or(0);
    let caption = args.text("caption").unwrap_or_default().into_owned();
    if units(&caption) > CAPTION_MAX {
        return Err(ApiError::bad_request("message caption is too long"));
    }
    send(world, args, |message| {
        let id = format!("photo{}", message["message_id"]);
        message["photo"] = json!([{ "file_id": id, "file_unique_id": id, "width": 90, "height": 90, "file_size": size }]);
        if !caption.is_empty() {
            message["caption"] = json!(caption);
        }
    })
}

fn send(world: &mut World, args: &Args, fill: impl FnOnce(&mut Value)) -> Answer {
    let bot = world.bot();
    let chat = world.chat(args.chat_id()?)?;
    let mut message = chat.new_message(&bot);
    fill(&mut message);
    if let Some(markup) = args
        .json("reply_markup")
        .filter(|markup| markup.get("inline_keyboard").is_some())
    {
        message["reply_markup"] = markup;
    }
    let replied = args
        .json("reply_parameters")
        .and_then(|reply| reply["message_id"].as_i64());
    chat.set_reply(&mut message, replied)?;
    chat.keep(message.clone());
    let said = message["text"]
        .as_str()
        .or(message["caption"].as_str())
        .unwrap_or("(a photo)");
    chat.narrate(&bot.first_name, said);
    Ok(message)
}

pub(super) fn edit_message_text(world: &mut World, args: &Args) -> Answer {
    let text = message_text(args)?.into_owned();
    let markup = args.json("reply_markup").unwrap_or(Value::Null);
    let bot = world.bot();
    let chat = world.chat(args.chat_id()?)?;
    let message = chat
        .messages
        .get_mut(&args.need_int("message_id")?)
        .ok_or_else(|| ApiError::bad_request("message to edit not found"))?;
    if message["from"]["id"].as_i64() != Some(bot.id) {
        return Err(ApiError::bad_request("message can't be edited"));
    }
    if message.get("text").is_none() {
        return Err(ApiError::bad_request(
            "there is no text in the message to edit",
        ));
    }
    if message["text"] == json!(text)
        && message.get("reply_markup").unwrap_or(&Value::Null) == &markup
    {
        return Err(ApiError::bad_request(
            "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message",
        ));
    }
    message["text"] = json!(text);
    message["edit_date"] = json!(now());
    if let Some(fields) = message.as_object_mut() {
        fields.remove("reply_markup");
        if !markup.is_null() {
            fields.insert("reply_markup".to_owned(), markup);
        }
    }
    let edited = message.clone();
    chat.narrate(&bot.first_name, &format!("(edited) {text}"));
    Ok(edited)
}

pub(super) fn delete_message(world: &mut World, args: &Args) -> Answer {
    let chat = world.chat(args.chat_id()?)?;
    match chat.messages.remove(&args.need_int("message_id")?) {
        Some(_) => Ok(json!(true)),
        None => Err(ApiError::bad_request("message to delete not found")),
    }
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
    let chat = world.chat(args.chat_id()?)?;
    for id in ids {
        // What is not there is skipped, as the documentation says.
        chat.messages.remove(&id);
    }
    Ok(json!(true))
}

pub(super) fn send_chat_action(world: &mut World, args: &Args) -> Answer {
    world.chat(args.chat_id()?)?;
    match args.text("action") {
        Some(_) => Ok(json!(true)),
        None => Err(ApiError::bad_request("wrong parameter action in request")),
    }
}

pub(super) fn answer_callback_query(world: &mut World, args: &Args) -> Answer {
    let id = args.text("callback_query_id").unwrap_or_default();
    match world.callbacks.iter().position(|open| *open == id) {
        Some(index) => {
            world.callbacks.remove(index);
            Ok(json!(true))
        }
        None => Err(ApiError::bad_request(
            "query is too old and response timeout expired or query ID is invalid",
        )),
    }
}

fn message_text(args: &Args) -> Result<Cow<'_, str>, ApiError> {
    let text = args.text("text").unwrap_or_default();
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("message text is empty"));
    }
    if units(&text) > TEXT_MAX {
        return Err(ApiError::bad_request("message is too long"));
    }
    Ok(text)
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
