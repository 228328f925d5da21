//! What whoever asked is told when a provider refuses.

use std::time::Duration;

use serde_json::{Value, json};

use super::upstream::{Step, Upstream, error, frame, head, says, status, whole};
use super::{KEY, ai, ask, hasty, spec};
use crate::ai::{Kind, ProviderSpec, Refusal, Secret, SpecError, Usage};

/// What comes of this answer to a stream and to a whole answer: the same.
async fn refused(script: Vec<Step>) -> Refusal {
    let upstream = Upstream::start([script.clone(), script]).await;
    let streamed = ai([spec("up", &upstream)]).stream(ask()).await.unwrap_err();
    let whole = ai([spec("up", &upstream)])
        .complete(ask())
        .await
        .unwrap_err();
    assert_eq!(streamed, whole);
    assert!(!format!("{whole:?}").contains(KEY), "{whole:?}");
    assert_eq!(whole.provider.as_deref(), Some("up"));
    *whole
}

#[tokio::test]
async fn what_is_wrong_with_the_request_is_handed_on_as_it_was_said() {
    let said = json!({ "message": "too long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded" });
    for status in [400, 404, 413, 422] {
        let refusal = refused(error(status, "", said.clone())).await;
        assert_eq!((refusal.status, &*refusal.message), (status, "too long"));
        assert_eq!(refusal.kind, "invalid_request_error");
        assert_eq!(refusal.param.as_deref(), Some("messages"));
        assert_eq!(refusal.code, Some("context_length_exceeded".into()));
    }
    let refusal = refused(error(400, "", json!({ "message": "no", "code": 400 }))).await;
    assert_eq!(refusal.code, Some(400.into()));
    assert_eq!(
        refused(error(400, "", json!("just no"))).await.message,
        "just no"
    );
    let loose = status(422, "", r#"{"detail":"field required"}"#);
    assert_eq!(refused(loose).await.message, "field required");
}

#[tokio::test]
async fn what_is_the_operators_trouble_is_not_the_clients() {
    let said =
        json!({ "message": format!("Incorrect API key {KEY} of acme"), "code": "invalid_api_key" });
    for status in [401, 402, 403] {
        let refusal = refused(error(status, "", said.clone())).await;
        assert_eq!((refusal.status, refusal.code), (502, None));
        assert!(!refusal.message.contains("acme"), "{}", refusal.message);
    }
    let quota =
        json!({ "message": "You exceeded your current quota", "code": "insufficient_quota" });
    assert_eq!(refused(error(429, "", quota)).await.status, 502);
}

#[tokio::test]
async fn what_is_about_the_request_is_not_the_operators_trouble() {
    let flagged = json!({ "message": "Your input was flagged", "code": 403 });
    let refusal = refused(error(403, "", flagged.clone())).await;
    assert_eq!(
        (refusal.status, &*refusal.message),
        (403, "Your input was flagged")
    );
    let dear = "This request requires more credits, or fewer max_tokens. You can only afford 77";
    let dear = json!({ "message": dear, "code": 402 });
    let refusal = refused(error(402, "", dear.clone())).await;
    assert_eq!(
        (refusal.status, refusal.param.as_deref()),
        (400, Some("max_tokens"))
    );
    assert!(!refusal.message.contains("77"), "{refusal}");

    let scripts = [error(403, "", flagged), error(402, "", dear), says("a")];
    let mut upstream = Upstream::start(scripts).await;
    let second = Upstream::start([says("b")]).await;
    let ai = ai([spec("up", &upstream), spec("second", &second)]);
    assert_eq!(ai.stream(ask()).await.unwrap_err().status, 403);
    let longer = ai.stream(ask()).await.unwrap();
    assert_eq!(longer.provider(), "second", "it may give a longer answer");
    assert_eq!(ai.stream(ask()).await.unwrap().provider(), "up");
    assert_eq!(upstream.requests(), 3);

    let blocked = json!({ "message": "Your account was flagged" });
    assert_eq!(refused(error(403, "", blocked)).await.status, 502);
}

#[tokio::test]
async fn a_model_may_be_unknown_in_many_words() {
    for words in [
        "gpt-9 is not a valid model ID",
        "Model Not Exist",
        "Invalid model: gpt-9",
        "The model `gpt-9` does not exist",
    ] {
        let unknown = error(400, "", json!({ "message": words, "code": 400 }));
        let first = Upstream::start([unknown]).await;
        let second = Upstream::start([says("a")]).await;
        let ai = ai([spec("first", &first), spec("second", &second)]);
        assert_eq!(
            ai.stream(ask()).await.unwrap().provider(),
            "second",
            "{words}"
        );
    }
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_again() {
    let refusal = refused(error(
        429,
        "retry-after: 7\r\n",
        json!({ "message": "slow down" }),
    ))
    .await;
    assert_eq!(
        (refusal.status, refusal.retry_after),
        (429, Some(Duration::from_secs(7)))
    );
    assert_eq!(refused(error(429, "", Value::Null)).await.retry_after, None);
}

#[tokio::test]
async fn failures_of_the_provider_keep_their_meaning() {
    for (said, told) in [
        (500, 502),
        (502, 502),
        (503, 503),
        (529, 503),
        (504, 504),
        (408, 504),
        (599, 502),
    ] {
        let page = status(said, "content-type: text/html\r\n", "<h1>Bad</h1>");
        let refusal = refused(page).await;
        assert_eq!(refusal.status, told, "{said}");
        assert!(!refusal.message.contains("<h1>"), "{refusal}");
    }
}

#[tokio::test]
async fn a_wrong_address_is_the_operators_trouble_too() {
    assert_eq!(
        refused(status(404, "content-type: text/html\r\n", "<h1>"))
            .await
            .status,
        502
    );
    let moved = status(307, "location: http://127.0.0.1:1/?key=abc\r\n", "");
    let refusal = refused(moved).await;
    assert_eq!(refusal.status, 502);
    assert!(!refusal.message.contains("abc"), "{refusal}");
}

#[tokio::test]
async fn an_error_in_a_good_response_is_a_refusal_while_nothing_was_said() {
    for (code, expected) in [
        (json!(429), 429),
        (json!("rate_limit_exceeded"), 429),
        (json!("invalid_api_key"), 502),
        (json!(400), 400),
        (Value::Null, 502),
    ] {
        let body = json!({ "error": { "message": "no", "code": code } }).to_string();
        let upstream = Upstream::start([
            vec![head(), frame(&body)],
            status(200, "content-type: application/json\r\n", &body),
        ])
        .await;
        let streamed = ai([spec("up", &upstream)]).stream(ask()).await.unwrap_err();
        let whole = ai([spec("up", &upstream)])
            .complete(ask())
            .await
            .unwrap_err();
        assert_eq!((streamed.status, whole.status), (expected, expected));
    }
}

#[tokio::test]
async fn what_breaks_before_the_first_token_is_a_refusal() {
    for script in [
        vec![],
        vec![Step::Reset],
        vec![head()],
        vec![head(), frame("[DONE]")],
        vec![head(), frame("{")],
        vec![head(), Step::Reset],
    ] {
        let upstream = Upstream::start([script.clone()]).await;
        let refusal = ai([spec("up", &upstream)]).stream(ask()).await.unwrap_err();
        assert_eq!(refusal.status, 502, "{script:?}");
    }
    for script in [vec![Step::Hold], vec![head(), Step::Hold]] {
        let upstream = Upstream::start([script]).await;
        let refusal = ai([hasty("up", &upstream)])
            .stream(ask())
            .await
            .unwrap_err();
        assert_eq!(refusal.status, 504);
    }
}

#[tokio::test]
async fn a_whole_answer_comes_as_it_is_or_is_refused() {
    let mut upstream = Upstream::start([whole("hello")]).await;
    let answer = ai([spec("up", &upstream)]).complete(ask()).await.unwrap();
    assert_eq!(answer.body["choices"][0]["message"]["content"], "hello");
    let cost = Usage {
        prompt: 3,
        completion: 4,
    };
    assert_eq!(answer.usage(), Some(cost));
    assert_eq!(upstream.asked().await.1["stream"], json!(false));

    let large = vec![b'x'; 16 * 1024 * 1024 + 1];
    for (script, expected) in [
        (status(200, "", "{"), 502),
        (status(200, "", "{}"), 502),
        (status(200, "", "[]"), 502),
        (vec![head(), Step::Send(large)], 502),
        (vec![Step::Hold], 504),
        (vec![head(), Step::Hold], 504),
    ] {
        let upstream = Upstream::start([script]).await;
        let spec = if expected == 504 {
            hasty("up", &upstream)
        } else {
            spec("up", &upstream)
        };
        let refusal = ai([spec]).complete(ask()).await.unwrap_err();
        assert_eq!(refusal.status, expected, "{refusal}");
    }
}

#[test]
fn nobody_but_the_operator_says_what_stands_in_a_commands_arguments() {
    let made = |command: &[&str], models: &[&str]| {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        let mut spec = ProviderSpec::new("a", Kind::Command { command });
        spec.models = models.iter().map(|model| (*model).to_owned()).collect();
        crate::ai::Ai::new(vec![spec]).map(|_| ())
    };
    assert_eq!(made(&["cat", "/models/{model}"], &["m"]), Ok(()));
    assert_eq!(made(&["cat"], &[]), Ok(()));
    let open = made(&["cat", "/models/{model}"], &[]).unwrap_err();
    assert!(open.to_string().contains("no models"), "{open}");
    let empty = made(&[], &["m"]).unwrap_err();
    assert!(empty.to_string().contains("name the program"), "{empty}");
}

#[test]
fn what_cannot_be_used_is_refused_before_anybody_asks() {
    let made = |name: &str, base_url: &str, key: &str| {
        let kind = Kind::OpenAi {
            base_url: base_url.to_owned(),
            key: Some(Secret::new(key)),
        };
        crate::ai::Ai::new(vec![ProviderSpec::new(name, kind)]).map(|_| ())
    };
    assert_eq!(made("a", "https://host/v1/", KEY), Ok(()));
    for (name, base_url, key) in [
        ("a b", "https://host", KEY),
        ("a", "host/v1", KEY),
        ("a", "ftp://host", KEY),
        ("a", "https://me:pass@host", KEY),
        ("a", "https://host?key=pass", KEY),
        ("a", "https://host", "line\nend"),
    ] {
        let error = made(name, base_url, key).unwrap_err();
        assert!(matches!(error, SpecError::Unusable { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            !text.contains("pass@") && !text.contains("=pass") && !text.contains("line\n"),
            "{text}"
        );
    }
}
