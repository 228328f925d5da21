//! Answers as they are written: how they come, end and break.

use serde_json::{Value, json};

use super::upstream::{
    Step, Upstream, delta, done, error, frame, head, says, status, stop, text, whole,
};
use super::{KEY, ai, ask, read, restless, spec};
use crate::ai::{Ai, Broken, Usage};

async fn told(script: Vec<Step>) -> (String, Option<Broken>) {
    let upstream = Upstream::start([script]).await;
    let mut answer = ai([spec("up", &upstream)]).stream(ask()).await.unwrap();
    read(&mut answer).await
}

fn whole_text(text: &str) -> (String, Option<Broken>) {
    (text.to_owned(), None)
}

#[tokio::test]
async fn the_request_goes_through_with_the_key_and_the_providers_own_name_of_the_model() {
    let mut upstream = Upstream::start([says("hello")]).await;
    let mut spec = spec("up", &upstream);
    spec.aliases.insert("fast".into(), "vendor/fast-1".into());
    let mut asked = ask();
    asked.body.insert("model".into(), "fast".into());
    asked.body.insert("provider".into(), "up".into());
    let mut answer = ai([spec]).stream(asked).await.unwrap();
    assert_eq!((answer.provider(), answer.model()), ("up", "vendor/fast-1"));
    assert_eq!(read(&mut answer).await, whole_text("hello"));
    let (head, body) = upstream.asked().await;
    assert!(
        head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("authorization: Bearer {KEY}\r\n")),
        "{head}"
    );
    let expected = json!({
        "messages": [{ "role": "user", "content": "hi" }], "seed": 7, "model": "vendor/fast-1", "stream": true,
        "stream_options": { "include_usage": true },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn chunks_come_as_they_are_from_the_first_on() {
    let first = json!({ "choices": [{ "index": 0, "delta": { "role": "assistant", "content": null } }], "odd": 1 });
    let call = json!([{ "index": 0, "id": "c", "function": { "name": "f", "arguments": "{" } }]);
    let script = vec![
        head(),
        frame(&first.to_string()),
        delta(json!({ "tool_calls": call })),
        stop(),
        done(),
    ];
    let upstream = Upstream::start([script]).await;
    let mut answer = ai([spec("up", &upstream)]).stream(ask()).await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap().0, first);
    let second = answer.next().await.unwrap().unwrap();
    assert_eq!(Value::from(second.tool_calls().to_vec()), call);
    let last = answer.next().await.unwrap().unwrap();
    assert_eq!(last.finish_reason(), Some("stop"));
    assert!(answer.next().await.is_none());
}

#[tokio::test]
async fn pieces_may_end_anywhere_and_lines_with_crlf() {
    let Step::Send(text) = text("né 😀") else {
        unreachable!()
    };
    let text = String::from_utf8(text).unwrap().replace('\n', "\r\n");
    let mut script = vec![head(), Step::Send(b": ping\r\n\r\n".to_vec())];
    script.extend(text.bytes().map(|byte| Step::Send(vec![byte])));
    script.extend([stop(), done()]);
    assert_eq!(told(script).await, whole_text("né 😀"));
}

#[tokio::test]
async fn an_answer_with_a_finish_reason_is_whole_however_it_ends_after() {
    for ending in [vec![done()], vec![], vec![Step::Reset], vec![frame("{")]] {
        let mut script = vec![head(), text("a"), stop()];
        script.extend(ending);
        assert_eq!(told(script).await, whole_text("a"));
    }
}

#[tokio::test]
async fn an_answer_without_a_finish_reason_is_truncated() {
    for ending in [
        vec![done()],
        vec![],
        vec![Step::Send(b"data: {\"choi".to_vec())],
    ] {
        let mut script = vec![head(), text("a")];
        script.extend(ending);
        assert_eq!(
            told(script).await,
            ("a".to_owned(), Some(Broken::Truncated))
        );
    }
}

#[tokio::test]
async fn every_choice_has_to_come_to_its_end() {
    let choice = |index: u64, finish: Value| {
        frame(&json!({ "choices": [{ "index": index, "delta": { "content": "a" }, "finish_reason": finish }] }).to_string())
    };
    let script = vec![
        head(),
        choice(0, Value::Null),
        choice(1, Value::Null),
        choice(0, "stop".into()),
        done(),
    ];
    assert_eq!(told(script).await.1, Some(Broken::Truncated));
}

async fn told_two(script: Vec<Step>) -> (String, Option<Broken>) {
    let upstream = Upstream::start([script]).await;
    let mut asked = ask();
    asked.body.insert("n".into(), 2.into());
    let mut answer = ai([spec("up", &upstream)]).stream(asked).await.unwrap();
    read(&mut answer).await
}

#[tokio::test]
async fn a_choice_that_has_not_begun_when_the_stream_breaks_is_missed() {
    let (text, broken) = told_two(vec![head(), text("a"), stop(), frame("{")]).await;
    assert_eq!(text, "a");
    assert!(matches!(broken, Some(Broken::Malformed(_))), "{broken:?}");
}

#[tokio::test]
async fn a_server_that_gives_one_choice_where_two_are_wanted_is_whole_when_it_ends_well() {
    for ending in [vec![done()], vec![]] {
        let mut script = vec![head(), text("a"), stop()];
        script.extend(ending);
        assert_eq!(told_two(script).await, whole_text("a"));
    }
    let nothing = vec![head(), stop(), done()];
    assert_eq!(told_two(nothing).await, whole_text(""));
}

#[tokio::test]
async fn reasoning_of_any_form_begins_an_answer() {
    let thought = || delta(json!({ "reasoning_details": [{ "text": "hm" }] }));
    let mut script = vec![head()];
    script.extend((0..300).map(|_| thought()));
    script.extend([
        delta(json!({ "content": [{ "type": "text", "text": "a" }] })),
        stop(),
        done(),
    ]);
    assert_eq!(told(script).await, whole_text("a"));
}

#[tokio::test]
async fn little_is_kept_of_what_says_nothing() {
    let empty = frame(&json!({ "choices": [], "pad": "x".repeat(600_000) }).to_string());
    let upstream = Upstream::start([vec![head(), empty.clone(), empty, Step::Hold]]).await;
    let refusal = ai([spec("up", &upstream)]).stream(ask()).await.unwrap_err();
    assert!(refusal.message.contains("say nothing"), "{refusal}");
}

#[tokio::test]
async fn what_goes_wrong_mid_stream_is_named() {
    let failed = |text: &str| Some(Broken::Failed(text.to_owned()));
    let said = format!(r#"{{"error":{{"message":"overloaded {KEY}","code":502}}}}"#);
    assert_eq!(
        told(vec![head(), text("a"), frame(&said)]).await.1,
        failed("overloaded [key]")
    );
    assert_eq!(
        told(vec![
            head(),
            text("a"),
            frame(r#"{"error":"out of memory"}"#)
        ])
        .await
        .1,
        failed("out of memory")
    );
    for malformed in ["{", "7", "<html>"] {
        let broken = told(vec![head(), text("a"), frame(malformed)]).await.1;
        assert!(matches!(broken, Some(Broken::Malformed(_))), "{broken:?}");
    }
    let large = Step::Send(vec![b'x'; 1024 * 1024 + 1]);
    let broken = told(vec![head(), text("a"), large]).await.1;
    assert!(matches!(broken, Some(Broken::Malformed(_))), "{broken:?}");
    let chunked =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let piece = br#"data: {"choices":[{"delta":{"content":"a"}}]}"#;
    let mut bytes = chunked.to_vec();
    bytes.extend(format!("{:x}\r\n", piece.len() + 2).bytes());
    bytes.extend_from_slice(piece);
    bytes.extend(b"\n\n\r\n");
    let broken = told(vec![Step::Send(bytes)]).await;
    assert!(
        matches!(broken.1, Some(Broken::Disconnected(_))),
        "{broken:?}"
    );
    assert_eq!(broken.0, "a");
}

#[tokio::test]
async fn silence_mid_stream_ends_it_and_hangs_up() {
    let mut upstream = Upstream::start([vec![head(), text("a"), Step::Hold]]).await;
    let mut answer = ai([restless("up", &upstream)]).stream(ask()).await.unwrap();
    assert_eq!(
        read(&mut answer).await,
        ("a".to_owned(), Some(Broken::Stalled))
    );
    upstream.asked().await;
    upstream.hung_up().await;
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_one() {
    assert_eq!(told(vec![head(), stop(), done()]).await, whole_text(""));
}

#[tokio::test]
async fn a_server_that_does_not_stream_answers_at_once() {
    assert_eq!(told(whole("all of it")).await, whole_text("all of it"));
}

async fn usage(script: Vec<Step>, wants_usage: bool) -> (usize, Option<Usage>) {
    let upstream = Upstream::start([script]).await;
    let mut asked = ask();
    if wants_usage {
        let options = json!({ "include_usage": true });
        asked.body.insert("stream_options".into(), options);
    }
    let mut answer = ai([spec("up", &upstream)]).stream(asked).await.unwrap();
    let mut shown = 0;
    while let Some(chunk) = answer.next().await {
        let chunk = chunk.unwrap();
        shown += usize::from(chunk.0.get("usage").is_some());
    }
    (shown, answer.usage())
}

#[tokio::test]
async fn usage_is_known_in_all_its_forms_and_shown_to_whoever_asked() {
    let cost = json!({ "prompt_tokens": 3, "completion_tokens": 4 });
    let known = Some(Usage {
        prompt: 3,
        completion: 4,
    });
    let nothing = frame(r#"{"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}"#);
    for choices in [json!([]), json!([{ "index": 0, "delta": {} }])] {
        let extra = frame(&json!({ "choices": choices, "usage": cost }).to_string());
        let script = vec![head(), nothing.clone(), stop(), extra, done()];
        assert_eq!(usage(script.clone(), false).await, (0, known));
        assert_eq!(usage(script, true).await, (2, known));
    }
    let choices = json!([{ "index": 0, "delta": { "content": "b" }, "finish_reason": "stop" }]);
    let last = frame(&json!({ "choices": choices, "usage": cost }).to_string());
    assert_eq!(
        usage(vec![head(), nothing, last, done()], false).await,
        (1, known)
    );
    assert_eq!(usage(says("a"), false).await, (0, None));
}

#[tokio::test]
async fn a_server_that_refuses_to_be_asked_for_usage_is_not_asked_again() {
    let refusal = error(
        400,
        "",
        json!({ "message": "Unrecognized request argument: stream_options" }),
    );
    let mut upstream = Upstream::start([refusal, says("a"), says("b")]).await;
    let ai: Ai = ai([spec("up", &upstream)]);
    for expected in ["a", "b"] {
        let mut answer = ai.stream(ask()).await.unwrap();
        assert_eq!(read(&mut answer).await, whole_text(expected));
    }
    let mut options = Vec::new();
    for _ in 0..3 {
        options.push(upstream.asked().await.1.get("stream_options").is_some());
    }
    assert_eq!(options, [true, false, false]);
}

#[tokio::test]
async fn what_a_client_does_wrong_with_the_field_is_not_held_against_the_server() {
    let said = json!({ "message": "stream_options: unknown option `x`" });
    let refusal = || error(400, "", said.clone());
    let scripts = [refusal(), refusal(), refusal(), says("a"), says("b")];
    let mut upstream = Upstream::start(scripts).await;
    let ai: Ai = ai([spec("up", &upstream)]);
    let options = [json!({ "x": 1 }), json!({ "x": 1 }), Value::Null];
    // The first is refused twice; what the second asks is taken without our part of it.
    for (options, is_refused) in options.into_iter().zip([true, false, false]) {
        let mut asked = ask();
        asked.body.insert("stream_options".into(), options);
        assert_eq!(ai.stream(asked).await.is_err(), is_refused);
    }
    let mut last = Value::Null;
    for _ in 0..5 {
        last = upstream.asked().await.1["stream_options"].take();
    }
    assert_eq!(last, json!({ "include_usage": true }));
}

#[tokio::test]
async fn a_server_that_refuses_the_request_also_without_the_field_is_asked_with_it_again() {
    let refusal = || {
        error(
            400,
            "",
            json!({ "message": "no stream_options, and no seed" }),
        )
    };
    let mut upstream = Upstream::start([refusal(), refusal(), says("a")]).await;
    let ai: Ai = ai([spec("up", &upstream)]);
    ai.stream(ask()).await.unwrap_err();
    ai.stream(ask()).await.unwrap();
    let mut options = Vec::new();
    for _ in 0..3 {
        options.push(upstream.asked().await.1.get("stream_options").is_some());
    }
    assert_eq!(options, [true, false, true]);
}

#[tokio::test]
async fn a_web_page_is_no_answer() {
    let page = "<html>Welcome</html>";
    for headers in ["content-type: text/html; charset=utf-8\r\n", ""] {
        let upstream = Upstream::start([status(200, headers, page)]).await;
        let refusal = ai([spec("up", &upstream)]).stream(ask()).await.unwrap_err();
        assert_eq!(refusal.status, 502);
        assert!(!refusal.message.contains("Welcome"), "{refusal}");
    }
}
