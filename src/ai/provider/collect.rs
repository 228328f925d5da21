//! Collects chunks to a whole answer, for providers that only ever stream.

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::{Value, json};

use crate::ai::{Broken, Chunk, Refusal};

/// What a kind of provider makes: the chunks of an answer that is being written, error frames among them.
pub(super) type Chunks = BoxStream<'static, Result<Chunk, Broken>>;

/// A `chat.completion` of all that comes.
///
/// # Errors
/// A [`Refusal`] with status 502 where the stream breaks: nobody has seen anything of it yet.
pub(super) async fn collect(mut chunks: Chunks) -> Result<Value, Box<Refusal>> {
    let mut first: Option<Value> = None;
    let (mut text, mut calls) = (String::new(), Vec::new());
    let (mut finish_reason, mut usage) = (None, None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|broken| refused(&broken))?;
        text.push_str(&chunk.text().unwrap_or_default());
        calls.extend(chunk.tool_calls().iter().map(whole_call));
        finish_reason = chunk
            .finish_reason()
            .map(ToOwned::to_owned)
            .or(finish_reason);
        usage = chunk
            .0
            .get("usage")
            .filter(|usage| !usage.is_null())
            .cloned()
            .or(usage);
        first.get_or_insert(chunk.0);
    }
    let finish_reason = finish_reason.ok_or_else(|| refused(&Broken::Truncated))?;
    let mut message = json!({ "role": "assistant", "content": text });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
        if text.is_empty() {
            message["content"] = Value::Null;
        }
    }
    let first = first.unwrap_or_default();
    Ok(json!({
        "id": first["id"], "object": "chat.completion", "created": first["created"], "model": first["model"],
        "choices": [{
            "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason,
        }],
        "usage": usage,
    }))
}

/// A call without its `index`, which only pieces have. The providers of this house say a call in one piece.
fn whole_call(call: &Value) -> Value {
    let mut call = call.clone();
    if let Some(call) = call.as_object_mut() {
        call.remove("index");
    }
    call
}

fn refused(broken: &Broken) -> Box<Refusal> {
    Refusal::new(502, "server_error", broken.to_string()).into()
}
