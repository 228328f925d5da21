//! Messages that are sent.

use serde_json::{Value, json};

use super::super::access::{DOCUMENT, PHOTO, TEXT, Writing};
use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::chat::put_into_topic;
use super::super::photo::Photo;
use super::super::world::World;
use super::buttons::inline_keyboard;
use super::content;

pub(super) fn send_message(world: &mut World, args: &Args) -> Answer {
    let text = content::text(world, args)?;
    send(world, args, &TEXT, |message| {
        content::put(message, "text", &text);
    })
}

pub(super) fn send_photo(world: &mut World, args: &Args) -> Answer {
    let upload = args.file("photo").cloned().map(Photo::read).transpose()?;
    // What is no upload is the name of a file that the server has, or an address.
    if upload.is_none() && args.text("photo").is_none_or(|name| name.is_empty()) {
        return Err(ApiError::bad_request("there is no photo in the request"));
    }
    let caption = content::caption(world, args)?;
    let (width, height, size) = upload.as_ref().map_or((90, 90, 0), |photo| {
        (photo.width, photo.height, photo.bytes.len())
    });
    let sent = send(world, args, &PHOTO, |message| {
        let id = format!("photo{}", message["message_id"]);
        message["photo"] = json!([{ "file_id": id, "file_unique_id": id, "width": width, "height": height, "file_size": size }]);
        content::put(message, "caption", &caption);
    })?;
    let chat = world.chat(args.chat_id()?)?;
    if let (Some(photo), Some(id)) = (upload, sent["message_id"].as_i64()) {
        chat.photos.insert(id, photo);
    }
    Ok(sent)
}

pub(super) fn send_document(world: &mut World, args: &Args) -> Answer {
    let upload = args.file("document").cloned();
    if upload.is_none() && args.text("document").is_none_or(|name| name.is_empty()) {
        return Err(ApiError::bad_request("there is no document in the request"));
    }
    if upload.as_ref().is_some_and(|bytes| bytes.is_empty()) {
        return Err(ApiError::bad_request("file must be non-empty"));
    }
    let caption = content::caption(world, args)?;
    let (name, size) = (
        args.file_name("document").unwrap_or_default(),
        upload.as_ref().map_or(0, |bytes| bytes.len()),
    );
    let sent = send(world, args, &DOCUMENT, |message| {
        let id = format!("document{}", message["message_id"]);
        message["document"] =
            json!({ "file_id": id, "file_unique_id": id, "file_name": name, "file_size": size });
        content::put(message, "caption", &caption);
    })?;
    let chat = world.chat(args.chat_id()?)?;
    if let (Some(bytes), Some(id)) = (upload, sent["message_id"].as_i64()) {
        chat.documents.insert(id, bytes);
    }
    Ok(sent)
}

fn send(world: &mut World, args: &Args, what: &Writing, fill: impl FnOnce(&mut Value)) -> Answer {
    let bot = world.bot();
    let keyboard = inline_keyboard(args)?;
    let chat = world.writable(args.chat_id()?, what)?;
    let replied = args.json("reply_parameters");
    let mut quote = json!({});
    if let Some(reply) = &replied
        && let Err(error) = chat.set_reply(&mut quote, reply["message_id"].as_i64())
        && reply["allow_sending_without_reply"] != json!(true)
    {
        return Err(error);
    }
    let mut message = chat.new_message(&bot);
    if let Some(thread) = args.int("message_thread_id") {
        put_into_topic(&mut message, thread);
    }
    fill(&mut message);
    if let Some(keyboard) = keyboard {
        message["reply_markup"] = keyboard;
    }
    if let Some(quoted) = quote.get("reply_to_message") {
        message["reply_to_message"] = quoted.clone();
    }
    chat.keep(message.clone());
    let said = message["text"]
        .as_str()
        .or(message["caption"].as_str())
        .unwrap_or("(a file)");
    chat.narrate(&bot.first_name, said);
    chat.record(message["message_id"].as_i64().unwrap_or(0), said);
    Ok(message)
}

pub(super) fn send_chat_action(world: &mut World, args: &Args) -> Answer {
    world.writable(args.chat_id()?, &TEXT)?;
    match args.text("action") {
        Some(_) => Ok(json!(true)),
        None => Err(ApiError::bad_request("wrong parameter action in request")),
    }
}
