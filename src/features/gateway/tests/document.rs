//! The OpenAPI document against what really is answered.

use super::schema::check;
use super::*;

fn document() -> Value {
    serde_json::from_str(openapi::DOCUMENT).unwrap()
}

/// Follows one `$ref`.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Every answer is declared, with its content type, and as its schema says.
async fn assert_declared(document: &Value, path: &str, method: &str, response: Response) {
    let operation = &document["paths"][path][method];
    let status = response.status().as_u16().to_string();
    let declared = operation["responses"].get(&status);
    let declared = declared.unwrap_or_else(|| panic!("{method} {path} does not declare {status}"));
    let declared = resolved(document, declared);
    let kind = response.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let schema = &declared["content"][&kind]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path} {status} does not declare {kind}"
    );
    let bodies = if kind == "text/event-stream" {
        let all = frames(response).await;
        all.into_iter().filter(|frame| frame != "[DONE]").collect()
    } else {
        vec![response.text().await.unwrap()]
    };
    for body in bodies {
        let body: Value = serde_json::from_str(&body).unwrap();
        check(document, schema, &body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    }
}

#[tokio::test]
async fn every_answer_is_as_the_document_declares_it() {
    let document = document();
    let up = Up::with(Settings::default()).await;
    let served: Value = up.get("/openapi.json").await.json().await.unwrap();
    assert_eq!(served, document);
    let gets = [
        ("/v1/models", "/v1/models"),
        ("/v1/models/{model}", "/v1/models/meta/large"),
        ("/v1/models/{model}", "/v1/models/none"),
        ("/api/{provider}/models", "/api/first/models"),
        ("/api/{provider}/models", "/api/none/models"),
        ("/v1/models/{model}", "/v1/models/%ff"),
        ("/api/{provider}/models", "/api/%ff/models"),
        ("/openapi.json", "/openapi.json"),
    ];
    for (path, url) in gets {
        assert_declared(&document, path, "get", up.get(url).await).await;
        let page = up.request(Method::GET, url).header("origin", "x");
        assert_declared(&document, path, "get", page.send().await.unwrap()).await;
    }
    let stream = with(&hello(), "stream", true.into());
    let usage = with(&stream, "stream_options", json!({ "include_usage": true }));
    let bodies = [
        hello(),
        stream,
        usage,
        with(&hello(), "model", "none".into()),
        with(&hello(), "messages", Value::Null),
        json!([]),
    ];
    let posts = [
        ("/v1/chat/completions", "/v1/chat/completions"),
        (
            "/api/{provider}/chat/completions",
            "/api/first/chat/completions",
        ),
        (
            "/api/{provider}/chat/completions",
            "/api/none/chat/completions",
        ),
        (
            "/api/{provider}/chat/completions",
            "/api/%ff/chat/completions",
        ),
    ];
    for (path, url) in posts {
        for body in &bodies {
            let response = up.ask_at(url, body).await;
            assert_declared(&document, path, "post", response).await;
        }
    }
}

#[tokio::test]
async fn refusals_at_the_door_are_declared() {
    let document = document();
    let key = GatewayKey {
        name: "ada".to_owned(),
        secret: Secret::new("sk-ada"),
        tokens_per_day: None,
        requests_per_minute: Some(1),
    };
    let settings = Settings {
        keys: vec![key],
        body_bytes: 200,
        ..Settings::default()
    };
    let up = Up::with(settings).await;
    let path = "/v1/chat/completions";
    assert_declared(&document, path, "post", up.ask(&hello()).await).await;
    let large = json!({ "messages": [{ "content": "x".repeat(300) }] });
    for _ in 0..2 {
        let request = up.request(Method::POST, path).bearer_auth("sk-ada");
        let response = request.json(&large).send().await.unwrap();
        assert_declared(&document, path, "post", response).await;
    }
}

/// The routes as they are written in the room's own file: axum cannot list them.
#[test]
fn every_route_is_in_the_document_and_every_path_is_a_route() {
    let source = include_str!("../mod.rs");
    let routes = source.split(".route(\"").skip(1).map(|rest| {
        let (path, rest) = rest.split_once("\", ").unwrap();
        let (method, _) = rest.split_once('(').unwrap();
        (path.replace("{*", "{"), method.to_owned())
    });
    let mut routes: Vec<_> = routes.collect();
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    let mut declared: Vec<_> = paths
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(|method| (path.clone(), method.clone()))
        })
        .collect();
    routes.sort();
    declared.sort();
    assert_eq!(routes, declared);
}
