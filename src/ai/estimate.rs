//! How many tokens a text may have. An estimate: only the model's own tokenizer knows, and each model has another one.
//!
//! The rule: four ASCII characters are a token, and so is each other character. For English prose that is near what common
//! tokenizers count; for Chinese, Japanese and Cyrillic it is rather too much, so that a limit which is held by it is held.

use serde_json::Value;

use super::message;

/// What each message costs besides its text: its role, and the marks around it.
const PER_MESSAGE: u64 = 4;

/// What the beginning of the answer costs.
const PER_ANSWER: u64 = 3;

/// The tokens of a text, by the rule above; none where it is empty.
#[must_use]
pub fn text(text: &str) -> u64 {
    let (mut ascii, mut other) = (0_u64, 0_u64);
    for c in text.chars() {
        *(if c.is_ascii() { &mut ascii } else { &mut other }) += 1;
    }
    ascii.div_ceil(4) + other
}

/// The tokens of a request's `messages`: their texts, the calls of tools in them, and what goes around each. Pictures and
/// sounds count as nothing.
#[must_use]
pub fn messages(messages: &[Value]) -> u64 {
    let one = |said: &Value| {
        let calls = said.get("tool_calls").filter(|calls| !calls.is_null());
        let calls = calls.map_or(0, |calls| text(&calls.to_string()));
        PER_MESSAGE + text(&message::text(said)) + calls
    };
    PER_ANSWER + messages.iter().map(one).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn four_ascii_characters_or_one_other_are_a_token() {
        assert_eq!(text(""), 0);
        assert_eq!(text("a"), 1);
        assert_eq!(text("abcd"), 1);
        assert_eq!(text("abcde"), 2);
        assert_eq!(text("你好"), 2);
        assert_eq!(text("abcd你好"), 3);
    }

    #[test]
    fn messages_cost_their_texts_and_what_goes_around_them() {
        assert_eq!(messages(&[]), 3);
        let parts = json!([{ "type": "text", "text": "abcd" }, { "type": "image_url" }]);
        let said = [
            json!({ "role": "user", "content": "abcd" }),
            json!({ "role": "user", "content": parts }),
        ];
        assert_eq!(messages(&said), 3 + 5 + 5);
        let call = json!({ "role": "assistant", "content": null, "tool_calls": [{ "id": "1" }] });
        assert_eq!(messages(&[call]), 3 + 4 + 3);
    }
}
