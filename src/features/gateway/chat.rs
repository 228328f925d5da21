//! Chat completions: read, given their turn, asked for, handed on.

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use tracing::field::Empty;
use tracing::{Instrument, debug, debug_span};

use super::Shared;
use super::door::Caller;
use super::error::{MODEL, PROVIDER, Problem, name};
use super::meter::Meter;
use super::name::Name;
use super::question::Question;
use super::{stream, turn};

/// `POST /v1/chat/completions`
pub(super) async fn anybody(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Response {
    answer(shared, caller, None, body).await
}

/// `POST /api/{provider}/chat/completions`
pub(super) async fn provider(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Name(provider): Name,
    body: Body,
) -> Response {
    answer(shared, caller, Some(provider), body).await
}

async fn answer(shared: Shared, caller: Caller, provider: Option<String>, body: Body) -> Response {
    let key = caller.0.and_then(|place| shared.settings().keys.get(place));
    let key = key.map(|key| key.name.as_str());
    let span = debug_span!("completion", key, provider = Empty, model = Empty);
    async {
        ask(&shared, caller, provider, body)
            .await
            .unwrap_or_else(|problem| {
                debug!(status = problem.status(), "refused");
                problem.into_response()
            })
    }
    .instrument(span)
    .await
}

async fn ask(
    shared: &Shared,
    caller: Caller,
    provider: Option<String>,
    body: Body,
) -> Result<Response, Problem> {
    let place = turn::take(shared, caller)?;
    let question = Question::read(shared, provider, body).await?;
    let meter = Meter::new(shared, caller, place, question.tokens);
    if question.is_streamed {
        stream::respond(shared, question, meter).await
    } else {
        whole(shared, question, meter).await
    }
}

async fn whole(shared: &Shared, question: Question, mut meter: Meter) -> Result<Response, Problem> {
    let answer = shared.ai().complete(question.ask).await;
    drop(question.room);
    let answer = answer.map_err(|refusal| {
        meter.end(refusal.status, "refused by the providers");
        Problem::tried(refusal)
    })?;
    meter.provider(&answer.provider, &answer.model);
    meter.whole(&answer.body, answer.usage());
    meter.end(200, "answered");
    let mut response = Json(answer.body).into_response();
    name(&mut response, PROVIDER, Some(&answer.provider));
    name(&mut response, MODEL, Some(&answer.model));
    Ok(response)
}
