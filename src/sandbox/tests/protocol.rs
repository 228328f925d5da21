//! How calls are made: names, arguments, tokens.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn method_names_are_taken_in_any_case_and_by_get_too() {
    let fixture = fixture().await;
    for method in ["getMe", "GetMe", "GETME"] {
        assert_eq!(fixture.ok(method, json!({})).await["is_bot"], json!(true));
    }
    let url = format!("{}/bot{}/getme", fixture.url, fixture.token);
    let answer: Value = fixture
        .http
        .get(url)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["ok"], json!(true));
}

#[tokio::test]
async fn arguments_are_taken_from_query_json_form_and_multipart() {
    let fixture = fixture().await;
    fixture.say("hi").await;
    let url = format!("{}/bot{}/sendMessage", fixture.url, fixture.token);
    let pairs = [
        ("chat_id", "5"),
        ("text", "hello"),
        ("reply_markup", r#"{"inline_keyboard":[]}"#),
    ];
    let form = pairs
        .iter()
        .fold(reqwest::multipart::Form::new(), |form, (name, value)| {
            form.text(*name, *value)
        });
    let requests = [
        fixture.http.get(&url).query(&pairs),
        fixture.http.post(&url).form(&pairs),
        fixture.http.post(&url).multipart(form),
        fixture.http.post(&url).json(
            &json!({ "chat_id": 5, "text": "hello", "reply_markup": { "inline_keyboard": [] } }),
        ),
    ];
    for request in requests {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["result"]["text"], json!("hello"), "{answer}");
        assert_eq!(
            answer["result"]["reply_markup"],
            json!({ "inline_keyboard": [] }),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_foreign_token_is_401_and_no_token_at_all_is_404() {
    let fixture = fixture().await;
    for (token, code) in [("1:abcdefgh", 401), ("nonsense", 404), ("x:abcdefgh", 404)] {
        let url = format!("{}/bot{token}/getMe", fixture.url);
        let answer: Value = fixture
            .http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(answer["error_code"], json!(code), "{token}");
    }
    assert_eq!(
        fixture.error("getTea", json!({})).await,
        (404, "Not Found: method not found".to_owned())
    );
}

#[tokio::test]
async fn commands_are_kept() {
    let fixture = fixture().await;
    let commands = json!([{ "command": "ping", "description": "pong" }]);
    fixture
        .ok("setMyCommands", json!({ "commands": commands }))
        .await;
    assert_eq!(fixture.ok("getMyCommands", json!({})).await, commands);
}

#[tokio::test]
async fn commands_are_kept_by_scope() {
    let fixture = fixture().await;
    let all = json!([{ "command": "ping", "description": "pong" }]);
    let some = json!([{ "command": "scan", "description": "look at all" }]);
    let scope = json!({ "type": "all_chat_administrators" });
    fixture
        .ok("setMyCommands", json!({ "commands": all }))
        .await;
    fixture
        .ok("setMyCommands", json!({ "commands": some, "scope": scope }))
        .await;
    let of_scope = json!({ "scope": scope });
    assert_eq!(fixture.ok("getMyCommands", of_scope.clone()).await, some);
    fixture.ok("deleteMyCommands", of_scope.clone()).await;
    assert_eq!(fixture.ok("getMyCommands", of_scope).await, json!([]));
    assert_eq!(fixture.ok("getMyCommands", json!({})).await, all);
}
