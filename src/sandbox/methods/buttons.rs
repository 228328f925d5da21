//! The answers to buttons.

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::world::World;

/// The Bot API's limit for what is shown to who pressed, in UTF-16 units.
const ANSWER_MAX: usize = 200;

pub(super) fn answer_callback_query(world: &mut World, args: &Args) -> Answer {
    let id = args.text("callback_query_id").unwrap_or_default();
    let text = args.text("text");
    if text
        .as_ref()
        .is_some_and(|text| text.encode_utf16().count() > ANSWER_MAX)
    {
        return Err(ApiError::bad_request("MESSAGE_TOO_LONG"));
    }
    let open = world.callbacks.iter().position(|open| *open == id);
    let Some(index) = open else {
        return Err(ApiError::bad_request(
            "query is too old and response timeout expired or query ID is invalid",
        ));
    };
    world.callbacks.remove(index);
    world.answers.push(json!({
        "id": id,
        "text": text,
        "show_alert": args.flag("show_alert"),
        "url": args.text("url"),
    }));
    Ok(json!(true))
}

/// Buttons below a message; none where the argument is missing or asks for none.
pub(super) fn inline_keyboard(args: &Args) -> Result<Option<Value>, ApiError> {
    let Some(markup) = args.json("reply_markup") else {
        return Ok(None);
    };
    let Some(keyboard) = markup.get("inline_keyboard") else {
        return Ok(None);
    };
    let rows = keyboard.as_array().into_iter().flatten();
    for button in rows.filter_map(Value::as_array).flatten() {
        let data = button["callback_data"].as_str();
        if data.is_some_and(|data| !(1..=64).contains(&data.len())) {
            return Err(ApiError::bad_request("BUTTON_DATA_INVALID"));
        }
        if button["text"].as_str().is_none_or(str::is_empty) {
            return Err(ApiError::bad_request(
                "can't parse inline keyboard button: field \"text\" must be non-empty",
            ));
        }
    }
    Ok(Some(markup))
}
