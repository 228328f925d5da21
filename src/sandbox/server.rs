//! The HTTP surface: the Bot API's paths, the control surface, the chat page.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tracing::debug;

use super::answer::{ApiError, respond};
use super::args::Args;
use super::{Shared, control, methods, polling};

/// The largest upload that is taken: the Bot API's 50 MB for files, and something for the rest of the form.
const BODY_LIMIT: usize = 52 << 20;

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .nest("/control", control::router())
        .fallback(bot_api)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(shared)
}

/// `/bot<TOKEN>/<method>`, by GET or POST.
async fn bot_api(State(shared): State<Shared>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some((token, method)) = path
        .strip_prefix("/bot")
        .and_then(|rest| rest.split_once('/'))
    else {
        return respond(Err(ApiError::new(404, "Not Found")));
    };
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    // A fault strikes also where they cannot be read.
    let args = Args::of(request).await;
    let fault = {
        let mut worlds = shared.lock();
        match worlds.of_token(token) {
            Ok(world) => {
                *world.calls.entry(method.to_ascii_lowercase()).or_default() += 1;
                let chat_id = args.as_ref().ok().and_then(|args| args.int("chat_id"));
                world.faults.strike(method, chat_id)
            }
            Err(error) => return respond(Err(error)),
        }
    };
    debug!(method, fault = fault.is_some(), "call");
    if let Some(fault) = fault
        && let Some(answer) = fault.respond(&shared, token).await
    {
        return answer;
    }
    let args = match args {
        Ok(args) => args,
        Err(error) => return respond(Err(error)),
    };
    if method.eq_ignore_ascii_case("getUpdates") {
        return respond(polling::get_updates(&shared, token, &args).await);
    }
    let answer = match shared.lock().of_token(token) {
        Ok(world) => methods::call(world, method, &args),
        Err(error) => Err(error),
    };
    respond(answer)
}
