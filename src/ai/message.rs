//! What stands in a message of a conversation.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A request's messages; none where it has none, or they are no list.
pub(super) fn all(body: &Map<String, Value>) -> &[Value] {
    let messages = body.get("messages").and_then(Value::as_array);
    messages.map_or(&[], Vec::as_slice)
}

/// Who says it; somebody who is not named is the user.
pub(super) fn role(message: &Value) -> &str {
    let role = message.get("role").and_then(Value::as_str);
    role.unwrap_or("user")
}

/// Its text: all of it, or its parts that are text, one a line.
pub(super) fn text(message: &Value) -> Cow<'_, str> {
    match message.get("content") {
        Some(Value::String(text)) => text.into(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            texts.collect::<Vec<_>>().join("\n").into()
        }
        _ => "".into(),
    }
}
