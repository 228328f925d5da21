//! An upstream that answers at once, or never.

use std::convert::Infallible;
use std::future::{IntoFuture, pending};
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Json, Router};
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

const TOKENS: usize = 20;
/// Requests that wait for an answer that does not come.
static STALLED: LazyLock<watch::Sender<usize>> = LazyLock::new(watch::Sender::default);

/// What `/chat/completions` is added to.
pub(crate) async fn start() -> String {
    let routes = Router::new().route("/v1/chat/completions", post(answer));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let address = listener.local_addr().expect("an address");
    let mut running = JoinSet::new();
    // Otherwise small frames wait for the acknowledgement of those before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    running.spawn(axum::serve(listener, routes).into_future());
    running.detach_all();
    format!("http://{address}/v1")
}

pub(crate) async fn until_stalled(count: usize) {
    let mut stalled = STALLED.subscribe();
    let all = stalled.wait_for(|stalled| *stalled >= count).await;
    drop(all.expect("the sender is never dropped"));
}

async fn answer(Json(question): Json<Value>) -> Response {
    if question["model"] == "stall" {
        STALLED.send_modify(|stalled| *stalled += 1);
        return pending().await;
    }
    if question["stream"] != true {
        return Json(json!({
            "id": "1", "object": "chat.completion", "created": 1, "model": "fast",
            "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": { "role": "assistant", "content": "token ".repeat(TOKENS) },
            }],
            "usage": { "prompt_tokens": 1, "completion_tokens": TOKENS, "total_tokens": TOKENS + 1 },
        }))
        .into_response();
    }
    let frame = |delta: Value, finish: Value| {
        let chunk = json!({
            "id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fast",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        });
        format!("data: {chunk}\n\n")
    };
    let token = || frame(json!({ "content": "token " }), Value::Null);
    let mut frames: Vec<String> = (0..TOKENS).map(|_| token()).collect();
    frames.push(frame(json!({}), "stop".into()));
    frames.push("data: [DONE]\n\n".to_owned());
    let frames = stream::iter(frames.into_iter().map(Ok::<_, Infallible>));
    let headers = [("content-type", "text/event-stream")];
    (headers, Body::from_stream(frames)).into_response()
}
