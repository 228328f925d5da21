//! One piece of an answer.

use std::borrow::Cow;

use serde_json::Value;

/// A `chat.completion.chunk`, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk(pub Value);

/// How much was asked and answered, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the question with everything that goes with it.
    pub prompt: u64,
    /// Of the answer.
    pub completion: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// What a `usage` object says; none where it is no such object, or `null`.
    #[must_use]
    pub fn of(usage: &Value) -> Option<Self> {
        let count = |key: &str| usage.get(key).and_then(Value::as_u64);
        Some(Self {
            prompt: count("prompt_tokens")?,
            completion: count("completion_tokens").unwrap_or(0),
        })
    }
}

impl Chunk {
    /// The text that it adds: some servers give it as a list of parts.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let text: Cow<'_, str> = match self.delta()?.get("content")? {
            Value::String(text) => text.into(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect::<String>().into()
            }
            _ => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// The calls of tools that it begins or goes on with.
    #[must_use]
    pub fn tool_calls(&self) -> &[Value] {
        let calls = self.delta().and_then(|delta| delta.get("tool_calls"));
        calls.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody who reads along sees something of it, so that no other provider can take over any more: text, calls,
    /// reasoning, a refusal, sound, and whatever else servers put there; only the role is nothing to see.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        self.delta().is_some_and(says_something)
    }

    /// Why the answer ends here.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.choice()?.get("finish_reason")?.as_str()
    }

    /// The answer's usage, where this says it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.0.get("usage")?)
    }

    /// Whether it tells nothing but the usage. Servers send that with no choices, or with one that is empty.
    pub(super) fn is_only_usage(&self) -> bool {
        let choices = self.0.get("choices").and_then(Value::as_array);
        let is_empty = |choice: &Value| {
            let is_finished = choice.get("finish_reason").is_some_and(Value::is_string);
            !is_finished && !choice.get("delta").is_some_and(says_something)
        };
        self.usage().is_some() && choices.is_none_or(|choices| choices.iter().all(is_empty))
    }

    /// Takes away the `usage: null` that is there only where the usage was asked for.
    pub(super) fn forget_empty_usage(&mut self) {
        if let Some(chunk) = self.0.as_object_mut()
            && chunk.get("usage").is_some_and(Value::is_null)
        {
            chunk.shift_remove("usage");
        }
    }

    /// The first choice; the chunk with the usage has none.
    fn choice(&self) -> Option<&Value> {
        self.0.get("choices")?.get(0)
    }

    fn delta(&self) -> Option<&Value> {
        self.choice()?.get("delta")
    }
}

fn says_something(delta: &Value) -> bool {
    let mut fields = delta.as_object().into_iter().flatten();
    fields.any(|(name, value)| name != "role" && !is_empty(value))
}

/// Whether there is no text in it: lists and objects may hold nothing but empty ones, and a flag or a number is no answer.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(delta: Value) -> Chunk {
        Chunk(
            json!({ "choices": [{ "index": 0, "delta": delta }], "usage": { "prompt_tokens": 1 } }),
        )
    }

    #[test]
    fn whatever_is_said_is_visible_and_no_mere_usage() {
        for delta in [
            json!({ "content": "a" }),
            json!({ "content": [{ "type": "text", "text": "a" }] }),
            json!({ "content": "", "reasoning_details": [{ "type": "reasoning.text", "text": "a" }] }),
            json!({ "function_call": { "name": "f", "arguments": "" } }),
            json!({ "audio": { "id": "1", "data": "AAAA" } }),
            json!({ "images": [{ "image_url": { "url": "data:" } }] }),
            json!({ "tool_calls": [{ "index": 0, "id": "c" }] }),
            json!({ "refusal": "no" }),
        ] {
            let chunk = with(delta);
            assert!(chunk.is_visible() && !chunk.is_only_usage(), "{chunk:?}");
        }
    }

    #[test]
    fn a_role_and_what_is_empty_say_nothing() {
        for delta in [
            json!({}),
            json!({ "role": "assistant", "content": "" }),
            json!({ "role": "assistant", "content": null, "tool_calls": [], "prefix": false }),
            json!({ "provider_specific_fields": { "refusal": null, "index": 0 } }),
        ] {
            let chunk = with(delta);
            assert!(!chunk.is_visible() && chunk.is_only_usage(), "{chunk:?}");
        }
    }

    #[test]
    fn the_text_of_parts_is_joined() {
        let parts = json!([{ "type": "text", "text": "a" }, { "type": "image" }, { "text": "b" }]);
        assert_eq!(
            with(json!({ "content": parts })).text().as_deref(),
            Some("ab")
        );
        assert_eq!(with(json!({ "content": [] })).text(), None);
    }
}
