//! Entities that a bot gives beside a text, held to what the server demands of them.

use serde_json::{Value, json};

use super::super::answer::ApiError;
use super::super::args::Args;

/// The server takes no notice of further ones.
const MOST: usize = 100;

/// Those that it gives by itself too can be given; it would find them again.
const KINDS: [&str; 19] = [
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
];

/// The entities of this argument, in the order of their beginnings. Empty ones are left out.
pub(super) fn given(args: &Args, name: &str, text: &str) -> Result<Vec<Value>, ApiError> {
    let Some(Value::Array(mut entities)) = args.json(name) else {
        return Ok(Vec::new());
    };
    entities.truncate(MOST);
    entities.retain(|entity| entity["length"] != json!(0));
    for entity in &entities {
        check(entity, text)?;
    }
    entities.sort_by_key(|entity| {
        let place = |name: &str| entity[name].as_u64().unwrap_or(0);
        (place("offset"), std::cmp::Reverse(place("length")))
    });
    Ok(entities)
}

fn check(entity: &Value, text: &str) -> Result<(), ApiError> {
    let kind = entity["type"].as_str().unwrap_or_default();
    if !KINDS.contains(&kind) {
        return Err(ApiError::bad_request(
            "can't parse MessageEntity: Unsupported type specified",
        ));
    }
    let number = |name: &str| {
        entity[name]
            .as_u64()
            .and_then(|it| usize::try_from(it).ok())
    };
    let (Some(offset), Some(length)) = (number("offset"), number("length")) else {
        return Err(ApiError::bad_request(
            "can't parse MessageEntity: offset and length must be numbers",
        ));
    };
    check_place(offset, offset.saturating_add(length), text)?;
    if kind == "text_link" {
        let url = entity["url"].as_str().unwrap_or_default();
        check_url(url).map_err(|what| {
            ApiError::bad_request(&format!("entity URL '{url}' is invalid: {what}"))
        })?;
    }
    Ok(())
}

fn check_place(offset: usize, end: usize, text: &str) -> Result<(), ApiError> {
    let units = text.encode_utf16().count();
    if offset >= units {
        return Err(ApiError::bad_request(&format!(
            "entity begins after the end of the text at UTF-16 offset {offset}"
        )));
    }
    if end > units {
        return Err(ApiError::bad_request(&format!(
            "entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {end}"
        )));
    }
    let is_border = |place: usize| {
        let mut seen = 0;
        let mut places = text.chars().map(|next| {
            seen += next.len_utf16();
            seen
        });
        place == 0 || places.any(|border| border == place)
    };
    if !is_border(offset) || !is_border(end) {
        return Err(ApiError::bad_request(&format!(
            "entity beginning at UTF-16 offset {offset} lies in a middle of a UTF-16 symbol"
        )));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" if host.contains('.') => Ok(()),
        "http" | "https" => Err("Wrong HTTP URL"),
        "tg" if !host.is_empty() => Ok(()),
        "tg" => Err("Wrong tg URL"),
        _ => Err("Unsupported URL protocol"),
    }
}
