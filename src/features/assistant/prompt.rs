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

/// Leaves the newest turns that together have no more than about so many tokens. The last one stays in any case, shortened where
/// it alone has more: the next question is about it.
pub(super) fn trim(turns: &mut Vec<Turn>, tokens: u64) {
    let mut left = tokens;
    let fits = |turn: &&Turn| {
        let cost = cost_of(turn);
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    };
    let kept = turns.iter().rev().take(TURNS).take_while(fits).count();
    let is_any = usize::from(tokens > 0);
    turns.drain(..turns.len() - kept.max(is_any).min(turns.len()));
    if let [last] = turns.as_mut_slice()
        && cost_of(last) > tokens
    {
        shorten(last, tokens);
    }
}

fn cost_of(turn: &Turn) -> u64 {
    estimate::text(&turn.asked) + estimate::text(&turn.answered)
}

/// Keeps the end of the answer, which is what "go on" goes on from, and the beginning of the question.
fn shorten(turn: &mut Turn, tokens: u64) {
    turn.asked = beginning(turn.asked.chars(), tokens / 2).collect();
    let left = tokens - estimate::text(&turn.asked);
    let end: Vec<_> = beginning(turn.answered.chars().rev(), left).collect();
    turn.answered = end.into_iter().rev().collect();
}

/// As many characters as are so many tokens, by the rule of [`estimate`].
fn beginning(text: impl Iterator<Item = char>, tokens: u64) -> impl Iterator<Item = char> {
    // Four ASCII characters are a token, and so is another one.
    let mut quarters = tokens.saturating_mul(4);
    let mut fits = move |c: &char| {
        let cost = if c.is_ascii() { 1 } else { 4 };
        let fits = cost <= quarters;
        quarters = quarters.saturating_sub(cost);
        fits
    };
    text.take_while(move |c| fits(c))
}
