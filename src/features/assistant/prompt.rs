//! What the model is asked: the conversation as it is sent along with a question.

use serde_json::{Map, Value, json};

use super::Settings;
use super::conversation::{Conversation, Question, Turn};
use crate::ai::{Ask, estimate};

/// More turns than this are not kept, however short they are.
const TURNS: usize = 200;

/// The request for an answer to this question.
pub(super) fn ask(conversation: &Conversation, question: &Question, settings: &Settings) -> Ask {
    let mut body = Map::new();
    let model = conversation.model.as_ref().or(settings.model.as_ref());
    if let Some(model) = model {
        body.insert("model".to_owned(), json!(model));
    }
    body.insert(
        "messages".to_owned(),
        messages(conversation, question, settings),
    );
    body.insert(
        "stream_options".to_owned(),
        json!({ "include_usage": true }),
    );
    Ask {
        body,
        providers: Vec::new(),
    }
}

fn messages(conversation: &Conversation, question: &Question, settings: &Settings) -> Value {
    let say = |role: &str, text: &str| json!({ "role": role, "content": text });
    let mut messages = Vec::new();
    messages.extend(settings.system.iter().map(|text| say("system", text)));
    let is_sent = |turn: &&Turn| Some(turn.id) != question.replaces;
    for turn in conversation.turns.iter().filter(is_sent) {
        messages.push(say("user", &turn.asked));
        messages.push(say("assistant", &turn.answered));
    }
    messages.push(say("user", &question.asked()));
    Value::Array(messages)
}

/// What a request costs, where nobody says so.
pub(super) fn estimate_of(ask: &Ask) -> u64 {
    let messages = ask.body.get("messages").and_then(Value::as_array);
    messages.map_or(0, |messages| estimate::messages(messages))
}

/// Leaves the newest turns that together have no more than about so many tokens.
pub(super) fn trim(turns: &mut Vec<Turn>, tokens: u64) {
    let mut left = tokens;
    let fits = |turn: &&Turn| {
        let cost = estimate::text(&turn.asked) + estimate::text(&turn.answered);
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    };
    let kept = turns.iter().rev().take(TURNS).take_while(fits).count();
    turns.drain(..turns.len() - kept);
}
