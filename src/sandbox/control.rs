//! The control surface: what the people of the sandbox do, and what goes wrong.
//!
//! Every call takes and answers JSON. `bot`, a bot's number, says whose world is meant; it can be left out where
//! there is only one.
//!
//! | call | body | does |
//! |---|---|---|
//! | `POST /control/bot` | `token` | lets a bot exist before it has called |
//! | `POST /control/group` | `chat_id` (negative), `title` | makes a group with the bot as administrator |
//! | `POST /control/message` | `user`, `text`, `chat_id`?, `reply_to`? | a person writes; to the bot, or in a group |
//! | `POST /control/press` | `user`, `chat_id`, `message_id`, `data` | a person presses a button |
//! | `POST /control/join`, `/leave`, `/request` | `user`, `chat_id` | a person joins, leaves, asks to join a group |
//! | `POST /control/update` | `kind`, `payload` | queues an update of any kind and form, wanted or not |
//! | `POST /control/ids` | `next` | the next update gets this id: a gap, or a restart of the numbering |
//! | `POST /control/fault` | `fault`, `method`?, `chat_id`?, `times`?, … | the next calls of a method fail, or those about a chat; one that is open goes on |
//! | `GET /control/messages` | `?chat_id=` | the messages of a chat |
//! | `GET /control/state` | | chats, waiting updates, calls by method |
//!
//! `user` is `{"id", "first_name"?, "username"?}`. The faults, and what is answered then:
//!
//! | fault | with | does |
//! |---|---|---|
//! | `status` | `code`, `description`?, `retry_after`? | an error envelope |
//! | `html` | `code` | a proxy's page |
//! | `redirect` | `to` | HTTP 302 to this address |
//! | `reset` | | the connection breaks in the middle of an answer |
//! | `hang` | `seconds` | nothing for so long; then the connection breaks |
//! | `trickle` | | a byte at a time, without an end |
//! | `oversize` | `mebibytes` | all updates that wait, and so many MiB of white space |
//! | `malformed` | | half an answer, as if it were whole |
//! | `empty` | | `ok` without a result |
//! | `body` | `text` | HTTP 200 with this text |
//! | `repeat` | | the last ten confirmed updates once more, then all that wait |
//! | `late` | `seconds` | the call is carried out and answered, so much later |
//!
//! But for `late`, a call that a fault strikes does nothing else: its offset confirms nothing.

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Answer, ApiError, respond};
use super::faults::Fault;
use super::world::{Member, User, World, now};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/bot", post(add_bot))
        .route("/group", post(|state, body| act(state, body, group)))
        .route("/message", post(|state, body| act(state, body, message)))
        .route("/press", post(|state, body| act(state, body, press)))
        .route("/join", post(|state, body| act(state, body, join)))
        .route("/leave", post(|state, body| act(state, body, leave)))
        .route("/request", post(|state, body| act(state, body, request)))
        .route("/update", post(|state, body| act(state, body, update)))
        .route("/ids", post(|state, body| act(state, body, ids)))
        .route("/fault", post(|state, body| act(state, body, fault)))
        .route(
            "/messages",
            get(|state, query| look(state, query, messages)),
        )
        .route("/state", get(|state, query| look(state, query, state_of)))
}

type Act<T> = fn(&mut World, T) -> Answer;

/// Carries out a call with a body.
async fn act<T: DeserializeOwned>(
    State(shared): State<Shared>,
    Json(mut body): Json<Value>,
    act: Act<T>,
) -> Response {
    let bot = body
        .as_object_mut()
        .and_then(|body| body.remove("bot"))
        .and_then(|bot| bot.as_i64());
    let done = match serde_json::from_value(body) {
        Ok(input) => shared
            .lock()
            .of_bot(bot)
            .and_then(|world| act(world, input)),
        Err(error) => Err(ApiError::bad_request(&error.to_string())),
    };
    respond(done)
}

#[derive(Deserialize)]
struct Which {
    bot: Option<i64>,
    chat_id: Option<i64>,
}

async fn look(
    State(shared): State<Shared>,
    Query(which): Query<Which>,
    look: fn(&mut World, Option<i64>) -> Answer,
) -> Response {
    respond(
        shared
            .lock()
            .of_bot(which.bot)
            .and_then(|world| look(world, which.chat_id)),
    )
}

#[derive(Deserialize)]
struct NewBot {
    token: String,
}

async fn add_bot(State(shared): State<Shared>, Json(new): Json<NewBot>) -> Response {
    respond(
        shared
            .lock()
            .of_token(&new.token)
            .map(|world| json!(world.bot())),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    chat_id: i64,
    title: String,
}

fn group(world: &mut World, group: Group) -> Answer {
    if group.chat_id >= 0 {
        return Err(ApiError::bad_request("a group's chat_id is negative"));
    }
    Ok(world.group(group.chat_id, &group.title).as_json())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    user: User,
    text: String,
    chat_id: Option<i64>,
    reply_to: Option<i64>,
}

fn message(world: &mut World, message: Message) -> Answer {
    let chat_id = message.chat_id.unwrap_or(message.user.id);
    world.say(chat_id, &message.user, &message.text, message.reply_to)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Press {
    user: User,
    chat_id: i64,
    message_id: i64,
    data: String,
}

fn press(world: &mut World, press: Press) -> Answer {
    let message = world
        .chat(press.chat_id)?
        .messages
        .get(&press.message_id)
        .cloned();
    let message = message.ok_or_else(|| ApiError::bad_request("message not found"))?;
    let id = fastrand::u64(..).to_string();
    world.callbacks.push(id.clone());
    let query = json!({ "id": id, "from": press.user, "message": message, "chat_instance": "1", "data": press.data });
    world.push("callback_query", &query);
    Ok(json!(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    user: User,
    chat_id: i64,
}

fn join(world: &mut World, who: Move) -> Answer {
    enter(world, who, "member", "new_chat_members")
}

fn leave(world: &mut World, who: Move) -> Answer {
    enter(world, who, "left", "left_chat_member")
}

fn enter(
    world: &mut World,
    Move { user, chat_id }: Move,
    status: &'static str,
    field: &str,
) -> Answer {
    world.change_member(chat_id, &user, Member::new(user.clone(), status))?;
    let chat = world.chat(chat_id)?;
    let mut service = chat.new_message(&user);
    service[field] = if status == "member" {
        json!([user])
    } else {
        json!(user)
    };
    chat.keep(service.clone());
    chat.narrate(
        &user.first_name,
        if status == "member" {
            "(joins)"
        } else {
            "(leaves)"
        },
    );
    world.push("message", &service);
    Ok(service)
}

fn request(world: &mut World, Move { user, chat_id }: Move) -> Answer {
    let chat = world.chat(chat_id)?;
    chat.requests.insert(user.id, user.clone());
    let request =
        json!({ "chat": chat.as_json(), "from": user, "user_chat_id": user.id, "date": now() });
    world.private_chat(&user);
    world.push("chat_join_request", &request);
    Ok(request)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnyUpdate {
    kind: String,
    payload: Value,
}

fn update(world: &mut World, update: AnyUpdate) -> Answer {
    let id = world.queue.push_any(&update.kind, &update.payload);
    world.bell.notify_waiters();
    Ok(json!(id))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    next: i64,
}

fn ids(world: &mut World, ids: Ids) -> Answer {
    if !(1..=1 << 30).contains(&ids.next) {
        return Err(ApiError::bad_request("next is an id from 1 to 2^30"));
    }
    world.queue.continue_at(ids.next);
    Ok(json!(true))
}

fn fault(world: &mut World, fault: Fault) -> Answer {
    world.faults.add(fault);
    Ok(json!(true))
}

fn messages(world: &mut World, chat_id: Option<i64>) -> Answer {
    let chat_id = chat_id.ok_or_else(|| ApiError::bad_request("say which chat_id"))?;
    Ok(world.chat(chat_id)?.messages.values().cloned().collect())
}

fn state_of(world: &mut World, _: Option<i64>) -> Answer {
    Ok(json!({
        "bot": world.bot(),
        "pending_update_count": world.queue.len(),
        "next_update_id": world.queue.next_id(),
        "calls": world.calls,
        "chats": world.chats.values().map(super::world::Chat::as_json).collect::<Vec<_>>(),
        "commands": world.commands,
    }))
}
