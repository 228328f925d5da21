//! teloxide's `Me` from what getMe answered, also where a server leaves fields out.

use std::mem::discriminant;

use serde_json::{Value, json};
use teloxide::types::Me;
use tracing::warn;

/// Reads the bot's user object. A field that a server leaves out or fills with something else gets the plainest value
/// and is named in the log.
pub(super) fn me(answer: &Value) -> Me {
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
    for (name, value) in filled.as_object_mut().into_iter().flatten() {
        match answer
            .get(name)
            .filter(|said| discriminant(*said) == discriminant(value))
        {
            Some(said) => *value = said.clone(),
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        warn!(
            missing,
            "getMe answered without fields that the Bot API promises; assuming the plainest values"
        );
    }
    // Fields that teloxide knows beyond these are optional.
    let whole = serde_json::from_value(answer.clone())
        .ok()
        .filter(|me: &Me| me.user.username.is_some());
    whole.unwrap_or_else(|| serde_json::from_value(filled).unwrap_or_else(|_| plainest()))
}

/// For an id that is no id.
fn plainest() -> Me {
    me(&json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_kept_and_what_is_missing_or_odd_is_made_up() {
        let odd = json!({ "id": 666, "first_name": null, "username": 5, "can_join_groups": true });
        let me = me(&odd);
        assert_eq!(
            (me.user.id.0, me.username(), me.user.first_name.as_str()),
            (666, "bot", "bot")
        );
        assert!(me.can_join_groups && me.user.is_bot);
    }

    #[test]
    fn an_id_that_is_no_id_and_no_answer_at_all_are_survived() {
        for odd in [json!({ "id": -1.5 }), json!([]), json!(null)] {
            assert_eq!(me(&odd).username(), "bot");
        }
    }
}
