use futures::StreamExt;
use serde_json::{Value, json};

use super::super::collect::collect;
use super::*;

fn body(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn conversation(said: &[&str]) -> Map<String, Value> {
    let messages: Vec<_> = said
        .iter()
        .map(|text| json!({ "role": "user", "content": text }))
        .collect();
    body(json!({ "messages": messages }))
}

fn reply(said: &[&str]) -> String {
    match answer(&conversation(said)) {
        Said::Text(text) => text,
        Said::Call(name, _) => panic!("calls {name}"),
    }
}

async fn chunks_of(body: &Map<String, Value>) -> Vec<Chunk> {
    let chunks = stream("eliza", body).await.unwrap();
    chunks.map(Result::unwrap).collect().await
}

#[test]
fn what_is_said_is_turned_round() {
    assert_eq!(
        reply(&["My boat frightens me."]),
        "Your boat frightens you?"
    );
    assert_eq!(
        reply(&["I'm worried about my exam"]),
        "I am sorry to hear it. How long have you felt so?"
    );
    assert_eq!(
        reply(&["I want a bigger boat"]),
        "What would it mean to you to get a bigger boat?"
    );
    assert_eq!(
        reply(&["well, you are not very talkative"]),
        "What makes you think that I am not very talkative?"
    );
}

#[test]
fn replies_are_taken_in_turn_and_the_same_conversation_has_the_same_answer() {
    let said = ["I want tea", "I want cake", "I want sleep", "I want tea"];
    let replies: Vec<_> = (1..=4).map(|turn| reply(&said[..turn])).collect();
    assert_eq!(replies[1], "Why do you want cake?");
    assert_eq!(replies[2], "Suppose you soon had sleep. What then?");
    assert_eq!(replies[0], replies[3]);
    assert_eq!(reply(&said), reply(&said));
}

#[test]
fn the_keyword_of_the_highest_rank_is_answered() {
    assert_eq!(
        reply(&["Hello. I remember the sea."]),
        "Do you often think of the sea?"
    );
}

#[test]
fn what_was_said_of_ones_own_comes_back_when_nothing_fits() {
    let said = ["My boat leaks", "Hm", "Hm hm"];
    assert_eq!(
        reply(&said[..2]),
        "Earlier you spoke of something else: your boat leaks. What about that?"
    );
    assert_eq!(reply(&said), "Please go on.");
}

#[test]
fn plain_things_have_plain_answers() {
    assert_eq!(reply(&["hello"]), "Hello. What is on your mind?");
    assert_eq!(reply(&["Thank you!"]), "You are welcome.");
    assert!(reply(&["What can you do?"]).contains("ELIZA"));
}

#[test]
fn other_languages_are_answered_politely() {
    assert_eq!(reply(&["你好"]), "你好。你在想什么？");
    assert_eq!(reply(&["我今天很累"]), "请继续说。");
    assert_eq!(reply(&["我今天很累", "真的"]), "你为什么这样想？");
    assert_eq!(
        reply(&["Ich bin heute nicht froh"]),
        "Erzählen Sie bitte weiter."
    );
    let other = "I follow best in English, but I am listening. Please go on.";
    assert_eq!(reply(&["Привет, как дела"]), other);
    assert_eq!(reply(&["こんにちは、元気ですか"]), other);
}

#[test]
fn odd_texts_have_an_answer_too() {
    let long = "my ".repeat(100_000);
    for text in ["", "   ", "???", "{1} {2}", "🙂", &long, "i am", "my"] {
        assert!(!reply(&[text]).is_empty(), "{text:.20}");
    }
    let parts = json!({ "messages": [
        { "role": "user", "content": [{ "type": "text", "text": "hello" }, { "type": "image_url" }] },
    ]});
    assert!(matches!(answer(&body(parts)), Said::Text(text) if text.starts_with("Hello")));
}

#[test]
fn of_a_long_message_the_beginning_is_heard() {
    let said = |spaces: usize| "hello".to_owned() + &" ".repeat(spaces) + "what time is it?";
    let question = "what time".len();
    let clockless = "I have no clock here. Are you in a hurry?";
    let last_heard = CHARACTERS_HEARD - "hello".len() - question;
    assert_eq!(reply(&[&said(last_heard)]), clockless);
    let too_late = said(last_heard + 1);
    assert_ne!(reply(&[&too_late]), clockless);
    let told = json!([{ "role": "tool", "content": "x".repeat(CHARACTERS_HEARD + 1) }]);
    let Said::Text(told) = answer(&body(json!({ "messages": told }))) else {
        panic!("calls");
    };
    assert_eq!(
        told,
        format!("My clock says: {}", "x".repeat(CHARACTERS_HEARD))
    );
}

#[test]
fn of_a_long_conversation_the_end_is_heard() {
    let mut said = vec!["I want cake", "I want tea"];
    said.extend(vec!["Hm"; MESSAGES_HEARD - 1]);
    said.push("I want sleep");
    assert_eq!(
        reply(&said),
        reply(&said[2..]),
        "neither wish is remembered"
    );
    said.remove(2);
    assert_ne!(
        reply(&said[1..]),
        reply(&said[2..]),
        "the tea is within reach"
    );
}

#[test]
fn a_zone_is_known_by_its_name_and_by_its_city() {
    let zone = |text: &str| clock::arguments(text)["zone"].clone();
    assert_eq!(zone("in EUROPE/berlin, please"), "Europe/Berlin");
    assert_eq!(zone("in Buenos Aires?"), "America/Argentina/Buenos_Aires");
    assert_eq!(zone("in nowhere"), Value::Null);
}

#[tokio::test]
async fn words_come_one_by_one_between_the_role_and_the_end() {
    let chunks = chunks_of(&conversation(&["hello"])).await;
    assert_eq!(
        chunks[0].0["choices"][0]["delta"],
        json!({ "role": "assistant", "content": "" })
    );
    let words: Vec<_> = chunks.iter().filter_map(Chunk::text).collect();
    assert_eq!(words, ["Hello. ", "What ", "is ", "on ", "your ", "mind?"]);
    assert_eq!(chunks[chunks.len() - 2].finish_reason(), Some("stop"));
    assert!(chunks[0].0["created"].as_u64().unwrap() > 1_700_000_000);
    let again = chunks_of(&conversation(&["hello"])).await;
    assert_ne!(chunks[0].0["id"], again[0].0["id"]);
}

#[tokio::test]
async fn the_usage_is_the_last_chunk() {
    let chunks = chunks_of(&conversation(&["hello"])).await;
    let (last, others) = chunks.split_last().unwrap();
    assert_eq!(last.0["choices"], json!([]));
    let usage = last.usage().unwrap();
    assert_eq!((usage.prompt, usage.completion), (3 + 4 + 2, 7));
    assert!(others.iter().all(|chunk| chunk.0["usage"].is_null()));
}

#[tokio::test]
async fn a_whole_answer_says_the_same_as_a_stream() {
    let body = conversation(&["hello"]);
    let chunks = stream("eliza", &body).await.unwrap();
    let whole = collect(chunks).await.unwrap();
    assert_eq!(
        whole["choices"][0]["message"]["content"],
        "Hello. What is on your mind?"
    );
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["usage"]["total_tokens"], 16);
}

#[tokio::test]
async fn asked_for_the_time_it_calls_the_clock() {
    let tools = json!([{ "type": "function", "function": { "name": "clock" } }]);
    let mut asked = conversation(&["What time is it in New York?"]);
    asked.insert("tools".to_owned(), tools);
    let chunks = chunks_of(&asked).await;
    let calls: Vec<_> = chunks.iter().flat_map(Chunk::tool_calls).collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["function"]["name"], "clock");
    assert_eq!(
        calls[0]["function"]["arguments"],
        r#"{"zone":"America/New_York"}"#
    );
    assert_eq!(chunks[chunks.len() - 2].finish_reason(), Some("tool_calls"));

    asked.insert("tool_choice".to_owned(), "none".into());
    let chunks = chunks_of(&asked).await;
    assert!(chunks.iter().all(|chunk| chunk.tool_calls().is_empty()));
}

#[test]
fn what_the_clock_says_is_handed_on() {
    let told = body(json!({ "messages": [
        { "role": "user", "content": "what time is it" },
        { "role": "assistant", "content": null, "tool_calls": [{ "id": "1" }] },
        { "role": "tool", "tool_call_id": "1", "content": "noon" },
    ]}));
    assert!(matches!(answer(&told), Said::Text(text) if text == "My clock says: noon"));
}

#[tokio::test]
async fn a_request_without_messages_is_refused() {
    let Err(refusal) = stream("eliza", &Map::new()).await else {
        panic!("answered");
    };
    assert_eq!(
        (refusal.status, refusal.param.as_deref()),
        (400, Some("messages"))
    );
}
