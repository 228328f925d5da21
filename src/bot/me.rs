//! teloxide's `Me` from what getMe answered, also where a server leaves fields out.

use serde_json::{Value, json};
use teloxide::types::Me;
use tracing::warn;

/// Reads the bot's user object. What a server does not say is filled in and named in the log.
pub(super) fn me(answer: &Value) -> Me {
    if let Ok(me) = serde_json::from_value(answer.clone()) {
        return me;
    }
    let mut filled = json!({
        "id": 0,
        "is_bot": true,
        "first_name": "bot",
        "username": "bot",
        "can_join_groups": false,
        "can_read_all_group_messages": false,
        "supports_inline_queries": false,
        "has_main_web_app": false,
    });
    let mut missing = Vec::new();
    if let Some(fields) = filled.as_object_mut() {
        for (name, value) in fields {
            match answer.get(name) {
                Some(said) => *value = said.clone(),
                None => missing.push(name.clone()),
            }
        }
    }
    warn!(
        missing = missing.join(", "),
        "getMe answered without fields that the Bot API promises; assuming the plainest values"
    );
    serde_json::from_value(filled.clone()).unwrap_or_else(|_| {
        filled["id"] = json!(0);
        filled["is_bot"] = json!(true);
        serde_json::from_value(filled).expect("the plainest values are of the right types")
    })
}
