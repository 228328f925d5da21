//! About the bot itself: who it is, its commands, its webhook.

use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError};
use super::super::args::Args;
use super::super::world::World;

pub(super) fn get_me(world: &World) -> Answer {
    let mut me = json!(world.bot());
    me["can_join_groups"] = json!(true);
    me["can_read_all_group_messages"] = json!(true);
    me["supports_inline_queries"] = json!(false);
    me["can_connect_to_business"] = json!(false);
    me["has_main_web_app"] = json!(false);
    Ok(me)
}

pub(super) fn set_webhook(world: &mut World, args: &Args) -> Answer {
    match args.text("url").as_deref() {
        None | Some("") => delete_webhook(world, args),
        Some(url) if url.starts_with("https://") => {
            world.webhook = Some(url.to_owned());
            drop_pending(world, args);
            Ok(json!(true))
        }
        Some(_) => Err(ApiError::bad_request(
            "bad webhook: An HTTPS URL must be provided for webhook",
        )),
    }
}

pub(super) fn delete_webhook(world: &mut World, args: &Args) -> Answer {
    world.webhook = None;
    drop_pending(world, args);
    Ok(json!(true))
}

fn drop_pending(world: &mut World, args: &Args) {
    if args.flag("drop_pending_updates") {
        world.queue.clear();
    }
    world.bell.notify_waiters();
}

pub(super) fn get_webhook_info(world: &World) -> Answer {
    let mut info = json!({
        "url": world.webhook.as_deref().unwrap_or_default(),
        "has_custom_certificate": false,
        "pending_update_count": world.queue.len(),
    });
    if let Some(kinds) = world.queue.allowed() {
        info["allowed_updates"] = json!(kinds);
    }
    Ok(info)
}

pub(super) fn set_my_commands(world: &mut World, args: &Args) -> Answer {
    let commands = args
        .json("commands")
        .filter(Value::is_array)
        .ok_or_else(|| ApiError::bad_request("parameter \"commands\" is required"))?;
    world.commands.insert(commands_key(args)?, commands);
    Ok(json!(true))
}

pub(super) fn delete_my_commands(world: &mut World, args: &Args) -> Answer {
    world.commands.remove(&commands_key(args)?);
    Ok(json!(true))
}

pub(super) fn get_my_commands(world: &World, args: &Args) -> Answer {
    let commands = world.commands.get(&commands_key(args)?);
    Ok(commands.cloned().unwrap_or_else(|| json!([])))
}

/// Whom commands are for; each scope and language has its own. The default one has an empty name.
fn commands_key(args: &Args) -> Result<String, ApiError> {
    const SCOPES: [&str; 7] = [
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    ];
    let scope = args.json("scope").unwrap_or(json!({ "type": "default" }));
    let kind = scope["type"].as_str().unwrap_or_default();
    if !SCOPES.contains(&kind) {
        return Err(ApiError::bad_request(
            "can't parse BotCommandScope: unsupported type specified",
        ));
    }
    let language = args.text("language_code").unwrap_or_default();
    let of_all = kind == "default" && language.is_empty();
    Ok(if of_all {
        String::new()
    } else {
        format!("{language} {scope}")
    })
}
