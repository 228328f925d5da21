//! What a client sees of an upstream's faults.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Gateway, Setup, frames, said};

#[tokio::test]
async fn what_is_unknown_goes_through_in_both_directions() {
    let gateway = Gateway::start();
    let body = json!({
        "model": "nickname", "provider": ["up"], "x_asked": [1, { "deep": null }],
        "messages": [{ "role": "user", "content": "hello" }],
    });
    let response = gateway.post(&body).send().await.unwrap();
    assert_eq!(response.headers()["x-sundown-provider"], "up");
    assert_eq!(response.headers()["x-sundown-model"], "ok-2");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["x_unknown"]["asked"], body["x_asked"]);
    assert_eq!(answer["usage"]["completion_tokens"], 2);
    let text = gateway.ask("tools", true).await.text().await.unwrap();
    assert!(text.contains("\"tool_calls\":[{"), "{text}");
    assert!(text.contains("\"x_unknown\":7"), "{text}");
    assert_eq!(frames(&text).last(), Some(&"[DONE]"));
}

#[tokio::test]
async fn what_is_asked_reaches_the_upstream_word_for_word() {
    let gateway = Gateway::start();
    let asked = r#"{"z":[{"b":1,"a":-2.5}],"provider":"up","stream_options":null,"model":"nickname","big":18446744073709551615,"messages":[{"role":"user","name":"ada","content":"\u00fc / 🌞"}],"a":null}"#;
    let url = format!("{}/v1/chat/completions", gateway.url);
    let response = gateway.client.post(url).body(asked).send().await.unwrap();
    let answer = response.text().await.unwrap();
    let expected = r#"{"z":[{"b":1,"a":-2.5}],"model":"ok-2","big":18446744073709551615,"messages":[{"role":"user","name":"ada","content":"ü / 🌞"}],"a":null,"stream":false}"#;
    assert_eq!(gateway.upstream.heard(), [expected]);
    assert!(
        answer.starts_with(r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"#),
        "{answer}"
    );
}

#[tokio::test]
async fn refusals_have_statuses_of_their_own_and_are_not_to_be_tried_again() {
    for (model, status) in [
        ("400", 400),
        ("422", 422),
        ("401", 502),
        ("429", 429),
        ("stall", 504),
        ("stall-first", 504),
    ] {
        // One for each, as a provider that failed is put aside. No ping comes before the refusal.
        let gateway = Gateway::start_as(&Setup {
            ping_every: "1min",
            ..Setup::default()
        });
        let response = gateway.ask(model, true).await;
        assert_eq!(response.status(), status, "{model}");
        assert_eq!(response.headers()["x-should-retry"], "false");
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        let error: Value = response.json().await.unwrap();
        assert!(error["error"]["message"].is_string(), "{error}");
    }
}

#[tokio::test]
async fn a_silence_that_is_longer_than_the_pings_time_ends_with_an_error_frame() {
    for model in ["stall", "stall-first"] {
        let gateway = Gateway::start();
        let response = gateway.ask(model, true).await;
        assert_eq!(response.status(), StatusCode::OK);
        let text = response.text().await.unwrap();
        assert!(text.starts_with(": ping\n\n"), "{text}");
        let last = *frames(&text).last().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert!(last["error"]["message"].is_string(), "{last}");
        assert!(!text.contains("[DONE]"), "{text}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_ends_with_an_error_and_without_done() {
    for model in ["truncated", "malformed", "reset", "stall-after"] {
        let gateway = Gateway::start();
        let response = gateway.ask(model, true).await;
        assert_eq!(response.status(), StatusCode::OK);
        let text = response.text().await.unwrap();
        assert_eq!(said(&text), "token token token ", "{model}");
        let last = *frames(&text).last().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["error"]["code"], "stream_broken", "{model}");
        assert!(!text.contains("[DONE]"), "{model}: {text}");
    }
}

#[tokio::test]
async fn odd_framing_changes_nothing() {
    let gateway = Gateway::start();
    for (model, tail) in [("split", "grüße 🌞"), ("crlf", "crlf")] {
        let text = gateway.ask(model, true).await.text().await.unwrap();
        assert_eq!(said(&text), format!("token token token {tail}"));
        assert_eq!(frames(&text).last(), Some(&"[DONE]"));
    }
}

#[tokio::test]
async fn another_provider_takes_over_before_the_first_token_alone() {
    let gateway = Gateway::start();
    let ask = |model: &str| {
        gateway.post(&json!({
            "model": model, "provider": ["up", "spare"], "stream": true,
            "messages": [{ "role": "user", "content": "hello" }],
        }))
    };
    let spared = ask("500").send().await.unwrap();
    assert_eq!(spared.headers()["x-sundown-provider"], "spare");
    let text = spared.text().await.unwrap();
    assert_eq!(frames(&text).last(), Some(&"[DONE]"));
    assert!(!said(&text).contains("token"), "{text}");
    let broken = ask("reset").send().await.unwrap();
    assert_eq!(broken.headers()["x-sundown-provider"], "up");
    let text = broken.text().await.unwrap();
    assert_eq!(said(&text), "token token token ");
    let last: Value = serde_json::from_str(frames(&text).last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "stream_broken");
    assert_eq!(gateway.upstream.models(), ["500", "reset"]);
    let asked = gateway
        .process
        .count("provider=\"spare\" model=\"eliza\" status=200");
    assert_eq!(asked, 1, "only for the first of the two");
}
