//! The control surface: what the people of the sandbox do, and what goes wrong.
//!
//! Every call takes and answers JSON. `bot`, a bot's number, says whose world is meant; it can be left out where
//! there is only one.
//!
//! | call | body | does |
//! |---|---|---|
//! | `POST /control/bot` | `token` | lets a bot exist before it has called |
//! | `POST /control/group` | `chat_id` (negative), `title`, `kind`?, `permissions`?, `members`? | makes a group with the bot as administrator; one that is there gets the permissions and the members |
//! | `POST /control/message` | `user`, `text`, `chat_id`?, `reply_to`?, `message_thread_id`? | a person writes; to the bot, in a group, or in a topic of one (any number is a topic) |
//! | `POST /control/press` | `user`, `chat_id`, `message_id`, `data` | a person presses a button that is there |
//! | `POST /control/join` | `user`, `chat_id`, `by`?, `invite_link`? | a person joins a group, or is added by another one |
//! | `POST /control/leave` | `user`, `chat_id` | a person leaves a group |
//! | `POST /control/request` | `user`, `chat_id`, `bio`?, `invite_link`? | a person asks to join a group |
//! | `POST /control/member` | `user`, `chat_id`, `status`, `permissions`?, `rights`?, `until_date`?, `by`? | somebody (the owner) changes a person's place in a group by hand, or the bot's own |
//! | `POST /control/migrate` | `chat_id`, `to` | a basic group becomes a supergroup with another number |
//! | `POST /control/block` | `user`, `blocked`? (true) | a person blocks the bot, or lets it in again |
//! | `POST /control/clock` | `advance`, in seconds | the bot's world is so much later: dates, the ends of bans, and of the time to answer a request |
//! | `POST /control/update` | `kind`, `payload` | queues an update of any kind and form, wanted or not |
//! | `POST /control/ids` | `next` | the next update gets this id: a gap, or a restart of the numbering |
//! | `POST /control/fault` | `fault`, `method`?, `chat_id`?, `times`?, `every`?, … | the next calls of a method fail, or those about a chat, or every so many-th; `*` is any method but getUpdates; one that is open goes on |
//! | `GET /control/messages` | `?chat_id=` | the messages of a chat |
//! | `GET /control/edits` | `?chat_id=`, `&message_id=` | what a message of the bot's said, at first and after each edit: `at_ms` (since 1970), `text`; also of a deleted one |
//! | `GET /control/photo` | `?chat_id=`, `&message_id=` | the picture of a message, as it was uploaded |
//! | `GET /control/document` | `?chat_id=`, `&message_id=` | the file of a message, as it was uploaded |
//! | `GET /control/members` | `?chat_id=` | all who have a place in a chat, as `getChatMember` shows them, by number |
//! | `GET /control/answers` | | what was answered to buttons: `id`, `text`, `show_alert`, `url` |
//! | `GET /control/state` | | chats, waiting updates, calls by method |
//!
//! `user` and `by` are `{"id", "first_name"?, "username"?}`; a group's owner is there from its beginning. `kind` is
//! `supergroup`, which is the default, or `group`; `permissions` and `rights` are the Bot API's objects, in which what is
//! not named is not granted. The clock is a world's own, and the bot's is not moved. The faults, and what is answered then:
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

mod groups;
mod people;
mod views;
mod wire;

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
use super::world::World;

pub(super) fn router() -> Router<Shared> {
    let people = Router::new()
        .route(
            "/message",
            post(|state, body| act(state, body, people::message)),
        )
        .route(
            "/press",
            post(|state, body| act(state, body, people::press)),
        )
        .route("/join", post(|state, body| act(state, body, people::join)))
        .route(
            "/leave",
            post(|state, body| act(state, body, people::leave)),
        )
        .route(
            "/request",
            post(|state, body| act(state, body, people::request)),
        )
        .route(
            "/block",
            post(|state, body| act(state, body, people::block)),
        );
    let groups = Router::new()
        .route(
            "/group",
            post(|state, body| act(state, body, groups::group)),
        )
        .route(
            "/member",
            post(|state, body| act(state, body, groups::member)),
        )
        .route(
            "/migrate",
            post(|state, body| act(state, body, groups::migrate)),
        );
    let wire = Router::new()
        .route(
            "/update",
            post(|state, body| act(state, body, wire::update)),
        )
        .route("/ids", post(|state, body| act(state, body, wire::ids)))
        .route("/clock", post(|state, body| act(state, body, wire::clock)))
        .route("/fault", post(|state, body| act(state, body, wire::fault)));
    let views = Router::new()
        .route(
            "/messages",
            get(|state, query| look(state, query, views::messages)),
        )
        .route(
            "/edits",
            get(|state, query| look(state, query, views::edits)),
        )
        .route(
            "/members",
            get(|state, query| look(state, query, views::members)),
        )
        .route(
            "/answers",
            get(|state, query| look(state, query, views::answers)),
        )
        .route(
            "/state",
            get(|state, query| look(state, query, views::state_of)),
        )
        .route("/document", get(views::document))
        .route("/photo", get(views::photo));
    let routes = people.merge(groups).merge(wire).merge(views);
    routes.route("/bot", post(add_bot))
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
    message_id: Option<i64>,
}

impl Which {
    fn chat_id(&self) -> Result<i64, ApiError> {
        self.chat_id
            .ok_or_else(|| ApiError::bad_request("say which chat_id"))
    }
}

async fn look(
    State(shared): State<Shared>,
    Query(which): Query<Which>,
    look: fn(&mut World, &Which) -> Answer,
) -> Response {
    respond(
        shared
            .lock()
            .of_bot(which.bot)
            .and_then(|world| look(world, &which)),
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
