//! Texts and captions, with what is marked in them.

use serde_json::{Value, json};

use super::super::answer::ApiError;
use super::super::args::Args;
use super::super::html::{self, Parsed};
use super::super::world::World;
use super::entities::given;

/// The Bot API counts UTF-16 units.
const TEXT_MAX: usize = 4096;
const CAPTION_MAX: usize = 1024;

/// A message's text, which there must be.
pub(super) fn text(world: &World, args: &Args) -> Result<Parsed, ApiError> {
    let parsed = marked(world, args, "text", "entities")?;
    if parsed.text.trim().is_empty() {
        return Err(ApiError::bad_request("message text is empty"));
    }
    if units(&parsed.text) > TEXT_MAX {
        return Err(ApiError::bad_request("message is too long"));
    }
    Ok(parsed)
}

/// A photo's caption, which may be empty.
pub(super) fn caption(world: &World, args: &Args) -> Result<Parsed, ApiError> {
    let parsed = marked(world, args, "caption", "caption_entities")?;
    if units(&parsed.text) > CAPTION_MAX {
        return Err(ApiError::bad_request("message caption is too long"));
    }
    Ok(parsed)
}

/// Puts a text or a caption into a message, instead of the one that was there.
pub(super) fn put(message: &mut Value, name: &str, parsed: &Parsed) {
    let entities = entities_of(name);
    if let Some(fields) = message.as_object_mut() {
        fields.remove(name);
        fields.remove(entities);
    }
    if !parsed.text.is_empty() {
        message[name] = json!(parsed.text);
    }
    if !parsed.entities.is_empty() {
        message[entities] = json!(parsed.entities);
    }
}

/// The field that holds what is marked in a text or a caption.
fn entities_of(name: &str) -> &'static str {
    match name {
        "caption" => "caption_entities",
        _ => "entities",
    }
}

fn marked(world: &World, args: &Args, name: &str, entities: &str) -> Result<Parsed, ApiError> {
    let text = args.text(name).unwrap_or_default();
    let mode = args.text("parse_mode").unwrap_or_default();
    let mut parsed = match mode.to_ascii_lowercase().as_str() {
        "html" => html::parse(&text)?,
        // Markdown is taken as it is written.
        "" | "markdown" | "markdownv2" => Parsed {
            entities: given(args, entities, &text)?,
            text: text.into_owned(),
        },
        _ => return Err(ApiError::bad_request("unsupported parse_mode")),
    };
    name_people(world, &mut parsed.entities);
    Ok(parsed)
}

/// Puts persons in for the numbers in mentions. Somebody whom the bot has not met stays unmentioned.
fn name_people(world: &World, entities: &mut Vec<Value>) {
    entities.retain_mut(|entity| {
        let Some(id) = entity["user"]["id"].as_i64() else {
            return true;
        };
        let person = world.person(id);
        entity["user"] = json!(person);
        person.is_some()
    });
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
