//! The conversationalist that is built in.

use futures::{Stream, stream};
use serde_json::{Map, Value, json};

use crate::ai::{Broken, Chunk};

pub(super) fn stream(
    model: &str,
    body: &Map<String, Value>,
) -> impl Stream<Item = Result<Chunk, Broken>> + Send + 'static {
    let chunk = |delta: Value, finish: Value| {
        Ok(Chunk(json!({
            "id": "chatcmpl-offline", "object": "chat.completion.chunk", "created": 0, "model": model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        })))
    };
    let reply = reply(body);
    let words = reply.split_inclusive(' ');
    let mut chunks: Vec<_> = words
        .map(|word| chunk(json!({ "content": word }), Value::Null))
        .collect();
    chunks.push(chunk(json!({}), "stop".into()));
    stream::iter(chunks)
}

pub(super) fn complete(model: &str, body: &Map<String, Value>) -> Value {
    json!({
        "id": "chatcmpl-offline", "object": "chat.completion", "created": 0, "model": model,
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": reply(body) }, "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 },
    })
}

fn reply(body: &Map<String, Value>) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    let last = messages.and_then(|messages| messages.last());
    let text = last.and_then(|message| message["content"].as_str());
    format!("Why do you say: {}", text.unwrap_or("nothing"))
}
