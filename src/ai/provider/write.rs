//! Writes what a provider of this house says as chunks, as OpenAI's server would.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::ai::{Chunk, estimate, message};

/// Writes one answer: the role first, then the text or the calls, then why it ends, and the usage: to whom it is shown is decided
/// elsewhere.
#[derive(Debug)]
pub(super) struct Writer {
    id: String,
    created: u64,
    model: String,
    prompt_tokens: u64,
    completion_tokens: u64,
    text: String,
}

impl Writer {
    pub(super) fn new(model: &str, body: &Map<String, Value>) -> Self {
        let id: String = (0..24).map(|_| fastrand::alphanumeric()).collect();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            id: format!("chatcmpl-{id}"),
            created: now.map_or(0, |now| now.as_secs()),
            model: model.to_owned(),
            prompt_tokens: estimate::messages(message::all(body)),
            completion_tokens: 0,
            text: String::new(),
        }
    }

    pub(super) fn role(&self) -> Chunk {
        self.delta(json!({ "role": "assistant", "content": "" }), None)
    }

    pub(super) fn text(&mut self, text: &str) -> Chunk {
        self.text.push_str(text);
        self.delta(json!({ "content": text }), None)
    }

    /// The call of a tool, in one piece.
    pub(super) fn call(&mut self, name: &str, arguments: &Value) -> Chunk {
        let arguments = arguments.to_string();
        self.completion_tokens += estimate::text(name) + estimate::text(&arguments);
        let id: String = (0..24).map(|_| fastrand::alphanumeric()).collect();
        let function = json!({ "name": name, "arguments": arguments });
        let call = json!({
            "index": 0, "id": format!("call_{id}"), "type": "function", "function": function,
        });
        self.delta(json!({ "tool_calls": [call] }), None)
    }

    /// The end: why, and the usage behind it.
    pub(super) fn end(&self, finish_reason: &str) -> Vec<Chunk> {
        let completion = self.completion_tokens + estimate::text(&self.text);
        let usage = json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
        });
        let last = self.delta(json!({}), Some(finish_reason));
        vec![last, self.chunk(json!([]), usage)]
    }

    fn delta(&self, delta: Value, finish_reason: Option<&str>) -> Chunk {
        let choice = json!({
            "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason,
        });
        self.chunk(json!([choice]), Value::Null)
    }

    fn chunk(&self, choices: Value, usage: Value) -> Chunk {
        Chunk(json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices, "usage": usage,
        }))
    }
}
