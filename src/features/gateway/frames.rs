//! The frames of a stream, as text.

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::ai::{Broken, Refusal, Usage};

/// What keeps proxies and clients from taking a silence for an end.
pub(super) const PING: Bytes = Bytes::from_static(b": ping\n\n");
/// The end of a stream that is whole.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

/// JSON has no bare line end in it, so that it is one line.
pub(super) fn data(value: &Value) -> Bytes {
    format!("data: {value}\n\n").into()
}

pub(super) fn broken(broken: &Broken) -> Bytes {
    failed(&broken.to_string(), "stream_broken")
}

pub(super) fn stopping() -> Bytes {
    failed(
        "the service stopped before the answer was whole",
        "service_stopping",
    )
}

pub(super) fn refused(refusal: &Refusal) -> Bytes {
    data(&super::error::body(refusal))
}

/// The frame with the usage, where the provider sent none: in the name of the chunk before it.
pub(super) fn usage(last: Option<&Value>, usage: Usage) -> Bytes {
    let of = |name: &str| last.and_then(|chunk| chunk.get(name)).cloned();
    data(&json!({
        "id": of("id"),
        "object": "chat.completion.chunk",
        "created": of("created"),
        "model": of("model"),
        "choices": [],
        "usage": {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.total(),
        },
    }))
}

fn failed(message: &str, code: &str) -> Bytes {
    let refusal = Refusal::new(502, "server_error", message).code(code);
    refused(&refusal)
}
