//! What there is to look at.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::Shared;
use super::super::answer::{Answer, ApiError, respond};
use super::super::chat::Chat;
use super::super::members::Member;
use super::super::photo::Photo;
use super::super::world::World;
use super::Which;

pub(super) fn messages(world: &mut World, which: &Which) -> Answer {
    let chat = world.chat(which.chat_id()?)?;
    Ok(chat.messages.values().cloned().collect())
}

pub(super) fn edits(world: &mut World, which: &Which) -> Answer {
    let chat = world.chat(which.chat_id()?)?;
    let edits = which.message_id.and_then(|id| chat.edits.get(&id));
    edits
        .map(|edits| json!(edits))
        .ok_or_else(|| ApiError::bad_request("the bot has sent no message of this number"))
}

pub(super) fn members(world: &mut World, which: &Which) -> Answer {
    let chat = world.chat(which.chat_id()?)?;
    Ok(chat.members.values().map(Member::as_json).collect())
}

pub(super) fn answers(world: &mut World, _: &Which) -> Answer {
    Ok(json!(world.answers))
}

pub(super) fn state_of(world: &mut World, _: &Which) -> Answer {
    Ok(json!({
        "bot": world.bot(),
        "pending_update_count": world.queue.len(),
        "next_update_id": world.queue.next_id(),
        "calls": world.calls,
        "chats": world.chats.values().map(Chat::as_json).collect::<Vec<Value>>(),
        "commands": world.commands.get("").cloned().unwrap_or_else(|| json!([])),
    }))
}

pub(super) async fn photo(State(shared): State<Shared>, Query(which): Query<Which>) -> Response {
    let found = shared
        .lock()
        .of_bot(which.bot)
        .and_then(|world| picture(world, &which));
    match found {
        Ok(photo) => ([(CONTENT_TYPE, photo.kind)], photo.bytes).into_response(),
        Err(error) => respond(Err(error)),
    }
}

pub(super) async fn document(State(shared): State<Shared>, Query(which): Query<Which>) -> Response {
    let found = shared
        .lock()
        .of_bot(which.bot)
        .and_then(|world| file(world, &which));
    match found {
        // Never shown as a page of this server's.
        Ok(bytes) => ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response(),
        Err(error) => respond(Err(error)),
    }
}

fn file(world: &mut World, which: &Which) -> Result<Bytes, ApiError> {
    let chat = world.chat(which.chat_id()?)?;
    let file = which.message_id.and_then(|id| chat.documents.get(&id));
    file.cloned()
        .ok_or_else(|| ApiError::new(404, "Not Found: that message has no file that was uploaded"))
}

fn picture(world: &mut World, which: &Which) -> Result<Photo, ApiError> {
    let chat = world.chat(which.chat_id()?)?;
    let photo = which.message_id.and_then(|id| chat.photos.get(&id));
    photo.cloned().ok_or_else(|| {
        ApiError::new(
            404,
            "Not Found: that message has no picture that was uploaded",
        )
    })
}
