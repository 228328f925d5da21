use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::ai::{Answer, Chunk, Clock, Tool, ToolError, ToolLimits};

fn ask(text: &str) -> Ask {
    let body = json!({ "messages": [{ "role": "user", "content": text }] });
    Ask {
        body: body.as_object().unwrap().clone(),
        providers: Vec::new(),
    }
}

fn clock() -> Tools {
    Tools::new(vec![Arc::new(Clock)], ToolLimits::default())
}

async fn all(mut talk: Talk) -> Vec<Result<Said, Broken>> {
    let mut all = Vec::new();
    while let Some(said) = talk.next().await {
        all.push(said);
    }
    all
}

fn text(all: &[Result<Said, Broken>]) -> String {
    let text = |said: &Result<Said, Broken>| match said {
        Ok(Said::Text(text)) => Some(text.clone()),
        _ => None,
    };
    all.iter().filter_map(text).collect()
}

#[tokio::test]
async fn without_tools_it_is_one_plain_stream() {
    let ai = Ai::new(Vec::new()).unwrap();
    let talk = Talk::begin(&ai, ask("hello"), Tools::default(), Talk::ROUNDS);
    let all = all(talk.await.unwrap()).await;
    assert_eq!(text(&all), "Hello. What is on your mind?");
    let end = Said::End {
        finish_reason: "stop".to_owned(),
        usage: Some(Usage {
            prompt: 9,
            completion: 7,
        }),
        provider: "offline".to_owned(),
        model: "eliza".to_owned(),
    };
    assert_eq!(all.last(), Some(&Ok(end)));
}

#[tokio::test]
async fn the_built_in_one_asks_the_clock_and_hands_on_what_it_says() {
    let ai = Ai::new(Vec::new()).unwrap();
    let asked = ask("What time is it in Berlin?");
    let talk = Talk::begin(&ai, asked, clock(), Talk::ROUNDS);
    let all = all(talk.await.unwrap()).await;
    assert_eq!(all[0], Ok(Said::Calls("clock".to_owned())));
    let text = text(&all);
    assert!(text.starts_with("My clock says: "), "{text}");
    assert!(text.ends_with("Europe/Berlin"), "{text}");
    assert!(
        matches!(&all[all.len() - 1], Ok(Said::End { usage: Some(usage), .. }) if usage.prompt > 20)
    );
}

#[tokio::test]
async fn without_rounds_no_tool_is_offered() {
    let ai = Ai::new(Vec::new()).unwrap();
    let talk = Talk::begin(&ai, ask("What time is it?"), clock(), 0);
    let all = all(talk.await.unwrap()).await;
    assert_eq!(text(&all), "I have no clock here. Are you in a hurry?");
}

#[tokio::test]
async fn a_refusal_at_the_beginning_is_one() {
    let ai = Ai::new(Vec::new()).unwrap();
    let talk = Talk::begin(&ai, Ask::default(), clock(), Talk::ROUNDS).await;
    assert_eq!(talk.unwrap_err().status, 400);
}

/// A talk whose first answer is this, and whose further ones are the built-in one's.
async fn begun_with(chunks: Vec<Result<Chunk, Broken>>, tools: Tools) -> Talk {
    let ai = Ai::new(Vec::new()).unwrap();
    let rounds = Rounds::begin(ai, ask("Which time?"), tools, Talk::ROUNDS);
    let (rounds, _) = rounds.await.unwrap();
    let answer = Answer::new("offline", "eliza", false, stream::iter(chunks));
    Talk {
        provider: "offline".to_owned(),
        model: "eliza".to_owned(),
        usage: None,
        said: stream::unfold(rounds.reading(answer), Rounds::next).boxed(),
    }
}

fn delta(delta: Value) -> Result<Chunk, Broken> {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": null });
    Ok(Chunk(json!({ "choices": [choice] })))
}

fn finish(reason: &str, usage: Value) -> Result<Chunk, Broken> {
    let choice = json!({ "index": 0, "delta": {}, "finish_reason": reason });
    Ok(Chunk(json!({ "choices": [choice], "usage": usage })))
}

fn call(index: usize, name: &str, arguments: &str) -> Result<Chunk, Broken> {
    let function = json!({ "name": name, "arguments": arguments });
    delta(json!({ "tool_calls": [{ "index": index, "id": name, "function": function }] }))
}

#[tokio::test]
async fn several_calls_in_pieces_are_called_in_turn_and_all_rounds_are_counted() {
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 100 });
    let more = json!({ "tool_calls": [{ "index": 1, "function": { "arguments": "}" } }] });
    let talk = begun_with(
        vec![
            delta(json!({ "content": "Let me look." })),
            call(0, "nothing", "{}"),
            call(1, "clock", "{"),
            delta(more),
            // Some say `stop` behind a call.
            finish("stop", usage),
        ],
        clock(),
    );
    let all = all(talk.await).await;
    let calls = |name: &str| Ok(Said::Calls(name.to_owned()));
    assert_eq!(all[1..3], [calls("nothing"), calls("clock")]);
    let text = text(&all);
    let start = "Let me look.\n\nMy clock says: ";
    assert!(text.starts_with(start) && text.ends_with("UTC"), "{text}");
    let Some(Ok(Said::End { usage, .. })) = all.last() else {
        panic!("{all:?}");
    };
    let usage = usage.unwrap();
    assert!(usage.prompt > 1000 && usage.completion > 100, "{usage:?}");
}

#[tokio::test]
async fn what_a_round_cost_is_known_while_the_next_is_under_way() {
    let usage = json!({ "prompt_tokens": 1000, "completion_tokens": 100 });
    let chunks = vec![call(0, "clock", "{}"), finish("tool_calls", usage)];
    let mut talk = begun_with(chunks, clock()).await;
    assert_eq!(talk.usage(), None);
    let mut known = Vec::new();
    for _ in 0..2 {
        talk.next().await.unwrap().unwrap();
        known.push(talk.usage().map(Usage::total));
    }
    assert_eq!(
        known,
        [Some(1100); 2],
        "the call, and the second round's text"
    );
    while talk.next().await.is_some() {}
    assert!(talk.usage().unwrap().prompt > 1000);
}

#[tokio::test]
async fn calls_without_tools_are_the_end() {
    let chunks = vec![call(0, "clock", "{}"), finish("tool_calls", Value::Null)];
    let all = all(begun_with(chunks, Tools::default()).await).await;
    let [
        Ok(Said::End {
            finish_reason,
            usage,
            ..
        }),
    ] = &all[..]
    else {
        panic!("{all:?}");
    };
    assert_eq!((finish_reason.as_str(), *usage), ("tool_calls", None));
}

#[tokio::test]
async fn an_answer_that_breaks_is_broken_once() {
    let half = || delta(json!({ "content": "half" }));
    let cases = [
        (vec![half(), Err(Broken::Stalled)], Broken::Stalled),
        (vec![half()], Broken::Truncated),
        (vec![call(0, "clock", "{}")], Broken::Truncated),
    ];
    for (chunks, broken) in cases {
        let mut all = all(begun_with(chunks, clock()).await).await;
        assert_eq!(all.pop(), Some(Err(broken)));
        assert!(all.iter().all(Result::is_ok));
    }
}

/// Begins a call and tells when it is dropped.
struct Hanging(mpsc::UnboundedSender<&'static str>);

struct TellsItsEnd(mpsc::UnboundedSender<&'static str>);

impl Drop for TellsItsEnd {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[async_trait]
impl Tool for Hanging {
    fn name(&self) -> &str {
        "clock"
    }

    fn description(&self) -> &str {
        "Hangs."
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object" })
    }

    async fn call(&self, _: Map<String, Value>) -> Result<String, ToolError> {
        let _tells = TellsItsEnd(self.0.clone());
        let _ = self.0.send("called");
        pending().await
    }
}

#[tokio::test]
async fn a_call_outlives_a_wait_for_it_and_ends_with_the_talk() {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let ai = Ai::new(Vec::new()).unwrap();
    let tools = Tools::new(vec![Arc::new(Hanging(sender))], ToolLimits::default());
    let talk = Talk::begin(&ai, ask("What time is it?"), tools, Talk::ROUNDS);
    let mut talk = talk.await.unwrap();
    assert_eq!(talk.next().await, Some(Ok(Said::Calls("clock".to_owned()))));
    for _ in 0..3 {
        let waited = timeout(Duration::from_millis(1), talk.next()).await;
        assert!(waited.is_err());
    }
    assert_eq!(heard.recv().await, Some("called"));
    assert!(heard.try_recv().is_err(), "it was called once, and goes on");
    drop(talk);
    assert_eq!(heard.recv().await, Some("dropped"));
}
