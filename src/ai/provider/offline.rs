//! The conversationalist that is built in.
//!
//! It follows the method of Weizenbaum's ELIZA (CACM 9, 1966): keywords with ranks, patterns that take a sentence apart, replies
//! that put it together again and are taken in turn, a memory of what was said about "my …", and something to say when
//! nothing fits. The script is our own. It keeps nothing between two requests: where it stands in its script is found by
//! hearing the conversation again, so the same conversation always has the same answer. It hears the last 50 messages, and the
//! first 4,000 characters of each: the work is done where the request is served, and has to stay short.
//!
//! It is there so that a first run, a demonstration and the tests need no key and no network. Asked for the time, it calls
//! the tool `clock` where the request has it, and hands on what that says.

mod clock;
mod eliza;
mod pattern;
mod reflect;
mod script;
#[cfg(test)]
mod tests;
mod tongue;

use std::borrow::Cow;

use futures::{StreamExt, stream};
use serde_json::{Map, Value};

use super::collect::Chunks;
use super::write::Writer;
use crate::ai::{Chunk, Refusal, message};
use eliza::Eliza;
use tongue::Tongue;

/// Of a longer conversation only the end is heard.
const MESSAGES_HEARD: usize = 50;

/// Of a longer message only the beginning is heard.
const CHARACTERS_HEARD: usize = 4000;

/// The answer to a conversation, word by word.
///
/// # Errors
/// Where the request has no messages.
pub(super) async fn stream(model: &str, body: &Map<String, Value>) -> Result<Chunks, Box<Refusal>> {
    if message::all(body).is_empty() {
        let text = "`messages` is missing or empty; send at least one";
        let refusal = Refusal::new(400, "invalid_request_error", text);
        return Err(refusal.param("messages").into());
    }
    let chunks = chunks(Writer::new(model, body), answer(body));
    Ok(stream::iter(chunks.into_iter().map(Ok)).boxed())
}

enum Said {
    Text(String),
    /// Call the tool with these arguments.
    Call(&'static str, Value),
}

fn chunks(mut writer: Writer, said: Said) -> Vec<Chunk> {
    let mut chunks = vec![writer.role()];
    let finish_reason = match said {
        Said::Text(text) => {
            chunks.extend(words(&text).map(|word| writer.text(word)));
            "stop"
        }
        Said::Call(name, arguments) => {
            chunks.push(writer.call(name, &arguments));
            "tool_calls"
        }
    };
    chunks.extend(writer.end(finish_reason));
    chunks
}

/// Each word with the space behind it; where words are not written apart, the text up to a comma or an end.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive([' ', ',', '。', '，', '？'])
}

fn answer(body: &Map<String, Value>) -> Said {
    let messages = message::all(body);
    let messages = &messages[messages.len().saturating_sub(MESSAGES_HEARD)..];
    let last = messages.last();
    if let Some(result) = last.filter(|last| message::role(last) == "tool") {
        return Said::Text(clock::told(&heard(result)));
    }
    let mut said = messages
        .iter()
        .filter(|one| message::role(one) == "user")
        .map(heard);
    let now = said.next_back().unwrap_or_default();
    let tongue = Tongue::of(&now);
    if clock::is_asked_for(&now) {
        return match clock::is_offered(body) {
            true => Said::Call(clock::NAME, clock::arguments(&now)),
            false => Said::Text(tongue.without_clock().to_owned()),
        };
    }
    let mut eliza = Eliza::default();
    let mut foreign = 0;
    for earlier in said {
        match Tongue::of(&earlier) {
            Tongue::English => drop(eliza.hear(&earlier)),
            other if other == tongue => foreign += 1,
            _ => {}
        }
    }
    Said::Text(match tongue {
        Tongue::English => eliza.hear(&now),
        other => other.reply(&now, foreign).to_owned(),
    })
}

/// As much of a message as is listened to.
fn heard(message: &Value) -> Cow<'_, str> {
    let text = message::text(message);
    match text.char_indices().nth(CHARACTERS_HEARD) {
        Some((end, _)) => text[..end].to_owned().into(),
        None => text,
    }
}
