//! The gateway over real connections, in front of the provider that needs no network.

mod document;
mod keys;
mod schema;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::ai::{Kind, ProviderSpec, Secret};
use crate::http::Http;
use crate::lifecycle::{Handle, Phase, Report, Supervisor};
use crate::store::Store;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(20);

struct Up {
    address: SocketAddr,
    handle: Handle,
    running: JoinSet<Report>,
    client: Client,
}

impl Up {
    async fn with(settings: Settings) -> Self {
        let mut second = ProviderSpec::offline("second");
        second.models = vec!["meta/large".to_owned(), "small".to_owned()];
        let ai = Ai::new(vec![ProviderSpec::offline("first"), second]).unwrap();
        Self::of(Gateway::new(ai, settings), None).await
    }

    async fn of(gateway: Gateway, store: Option<Store>) -> Self {
        let http = Http::bind(LOOPBACK).unwrap();
        let http = http.clone().mount(gateway.router(http.drain()));
        let address = http.address();
        let mut supervisor = Supervisor::builder("test")
            .signals(false)
            .stop_timeout(Duration::from_secs(3));
        if let Some(store) = store {
            supervisor = supervisor.service("gateway", move || gateway.keeper(store.clone()));
        }
        let supervisor = supervisor.service("http", move || http.clone());
        let handle = supervisor.handle();
        let mut running = JoinSet::new();
        running.spawn(supervisor.run());
        timeout(PATIENCE, handle.reached(Phase::Running))
            .await
            .unwrap();
        Self {
            address,
            handle,
            running,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        self.client.request(method, url).timeout(PATIENCE)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    async fn ask(&self, body: &Value) -> Response {
        self.ask_at("/v1/chat/completions", body).await
    }

    async fn ask_at(&self, path: &str, body: &Value) -> Response {
        let request = self.request(Method::POST, path).json(body);
        request.send().await.unwrap()
    }

    async fn end(mut self) -> Report {
        self.handle.request_stop("the test is over");
        let end = timeout(PATIENCE, self.running.join_next()).await;
        end.unwrap().unwrap().unwrap()
    }
}

fn hello() -> Value {
    json!({ "model": "eliza", "messages": [{ "role": "user", "content": "hello" }] })
}

fn with(body: &Value, key: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[key] = value;
    body
}

async fn error(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let mut body: Value = response.json().await.unwrap();
    (status, body["error"].take())
}

/// The frames of a stream without their `data: `.
async fn frames(response: Response) -> Vec<String> {
    let text = response.text().await.unwrap();
    let frames = text.split_terminator("\n\n");
    frames
        .map(|frame| frame.strip_prefix("data: ").unwrap_or(frame).to_owned())
        .collect()
}

#[tokio::test]
async fn a_whole_answer_names_its_provider_and_model() {
    let up = Up::with(Settings::default()).await;
    let response = up.ask(&hello()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["x-sundown-provider"], "first");
    assert_eq!(response.headers()["x-sundown-model"], "eliza");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["object"], "chat.completion");
    assert!(body["choices"][0]["message"]["content"].is_string());
}

#[tokio::test]
async fn a_stream_ends_with_done() {
    let up = Up::with(Settings::default()).await;
    let response = up.ask(&with(&hello(), "stream", true.into())).await;
    assert_eq!(response.status(), StatusCode::OK);
    for (name, value) in [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
        ("x-sundown-provider", "first"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    let frames = frames(response).await;
    let (last, chunks) = frames.split_last().unwrap();
    assert_eq!(last, "[DONE]");
    let chunks = chunks.iter().map(|it| serde_json::from_str(it).unwrap());
    let chunks: Vec<Value> = chunks.collect();
    assert!(
        chunks
            .iter()
            .all(|it| it["object"] == "chat.completion.chunk")
    );
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn the_usage_of_a_stream_comes_last_where_it_was_asked_for() {
    let up = Up::with(Settings::default()).await;
    let streamed = with(&hello(), "stream", true.into());
    let asked = with(
        &streamed,
        "stream_options",
        json!({ "include_usage": true }),
    );
    let frames_of = async |body: &Value| frames(up.ask(body).await).await;
    let all = frames_of(&asked).await;
    let usage: Value = serde_json::from_str(&all[all.len() - 2]).unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert!(
        usage["usage"]["total_tokens"].as_u64().unwrap() > 0,
        "{usage}"
    );
    assert!(usage["id"].is_string());
    let without = frames_of(&streamed).await;
    assert!(without.iter().all(|frame| !frame.contains("\"usage\":{")));
}

#[tokio::test]
async fn the_provider_is_the_paths_then_the_bodys_then_the_settings() {
    let settings = Settings {
        providers: vec!["second".to_owned()],
        ..Settings::default()
    };
    let up = Up::with(settings).await;
    let anything = with(&hello(), "model", Value::Null);
    let who = async |path: &str, body: Value| {
        let response = up.ask_at(path, &body).await;
        response.headers()["x-sundown-provider"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let path = "/v1/chat/completions";
    assert_eq!(who(path, anything.clone()).await, "second");
    let wish = with(&anything, "provider", "first".into());
    assert_eq!(who(path, wish.clone()).await, "first");
    let list = with(&anything, "provider", json!(["first", "second"]));
    assert_eq!(who(path, list).await, "first");
    assert_eq!(who("/api/second/chat/completions", wish).await, "second");
}

#[tokio::test]
async fn models_are_listed_and_found_by_names_with_slashes() {
    let up = Up::with(Settings::default()).await;
    let ids = async |path: &str| {
        let list: Value = up.get(path).await.json().await.unwrap();
        let models = list["data"].as_array().unwrap().clone();
        let ids = models.into_iter().map(|mut model| model["id"].take());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids("/v1/models").await, ["eliza", "meta/large", "small"]);
    assert_eq!(ids("/api/second/models").await, ["meta/large", "small"]);
    for path in ["/v1/models/meta/large", "/v1/models/meta%2Flarge"] {
        let model: Value = up.get(path).await.json().await.unwrap();
        assert_eq!(model["id"], "meta/large");
        assert_eq!(model["owned_by"], "second");
    }
    let (status, error) = error(up.get("/v1/models/none").await).await;
    assert_eq!(
        (status.as_u16(), &error["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let settings = Settings {
        body_bytes: 2_000,
        ..Settings::default()
    };
    let up = Up::with(settings).await;
    let with = |key: &str, value: Value| with(&hello(), key, value);
    let cases = [
        (with("messages", json!([])), 400, "messages"),
        (with("messages", json!("hello")), 400, "messages"),
        (with("model", json!(7)), 400, "model"),
        (with("stream", json!("yes")), 400, "stream"),
        (with("provider", json!(7)), 400, "provider"),
        (with("provider", json!(["first", 7])), 400, "provider"),
        (with("provider", json!("nobody")), 404, "provider"),
        (with("model", json!("nothing")), 404, "model"),
    ];
    for (body, status, param) in cases {
        let (found, error) = error(up.ask(&body).await).await;
        assert_eq!(
            (found.as_u16(), &error["param"]),
            (status, &json!(param)),
            "{body}"
        );
    }
    let large = with(
        "messages",
        json!([{ "role": "user", "content": "x".repeat(3_000) }]),
    );
    assert_eq!(up.ask(&large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let post = up.request(Method::POST, "/v1/chat/completions");
    let (status, error) = error(post.body("{\"messages\":\n  [}").send().await.unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("line 2 column"), "{message}");
}

#[tokio::test]
async fn a_body_of_very_many_values_is_refused_before_it_takes_its_memory() {
    let settings = Settings {
        body_bytes: 1 << 20,
        held_bytes: 1 << 20,
        ..Settings::default()
    };
    let up = Up::with(settings).await;
    let dense = format!("{{\"messages\":[{}1]}}", "1,".repeat(150_000));
    let post = up.request(Method::POST, "/v1/chat/completions").body(dense);
    let (status, problem) = error(post.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["type"], "invalid_request_error");
    // The same length in a text is no more than its length.
    let long = json!([{ "role": "user", "content": "1,".repeat(150_000) }]);
    let response = up.ask(&with(&hello(), "messages", long)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_held_at_the_same_time_have_a_limit_together() {
    let mut slow = ProviderSpec::new("slow", silent());
    slow.models = vec!["slow".to_owned()];
    let ai = Ai::new(vec![ProviderSpec::offline("first"), slow]).unwrap();
    let settings = Settings {
        body_bytes: 1_000,
        held_bytes: 3_000,
        ..Settings::default()
    };
    let up = Up::of(Gateway::new(ai, settings), None).await;
    let large = json!([{ "role": "user", "content": "x".repeat(800) }]);
    let ask = async |model: &str| {
        let body = with(
            &with(&hello(), "model", model.into()),
            "messages",
            large.clone(),
        );
        up.ask(&body).await
    };
    let (one, two) = (ask("slow"), ask("slow"));
    let meanwhile = async {
        loop {
            let response = ask("eliza").await;
            if response.status() != StatusCode::OK {
                break response;
            }
        }
    };
    let refused = tokio::select! {
        _ = one => panic!("it is silent"),
        _ = two => panic!("it is silent"),
        refused = meanwhile => refused,
    };
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, problem) = error(refused).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (429, &json!("rate_limit_exceeded"))
    );
    // Those who held it have hung up.
    while ask("eliza").await.status() != StatusCode::OK {}
}

#[tokio::test]
async fn a_provider_without_models_takes_any_name_and_lists_none() {
    let any = ProviderSpec::new("any", silent());
    let ai = Ai::new(vec![any, ProviderSpec::offline("first")]).unwrap();
    let up = Up::of(Gateway::new(ai, Settings::default()), None).await;
    let model = async |id: &str| {
        let model: Value = up
            .get(&format!("/v1/models/{id}"))
            .await
            .json()
            .await
            .unwrap();
        model["providers"].clone()
    };
    assert_eq!(model("whatever/it-is").await, json!(["any"]));
    assert_eq!(model("eliza").await, json!(["first"]));
    let list: Value = up.get("/v1/models").await.json().await.unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "{list}");
}

/// A provider that never says a word.
fn silent() -> Kind {
    Kind::Command {
        command: vec!["sleep".to_owned(), "600".to_owned()],
    }
}

#[tokio::test]
async fn json_is_taken_whatever_it_is_called() {
    let up = Up::with(Settings::default()).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let post = up.request(Method::POST, "/v1/chat/completions");
        let post = post.header("content-type", kind).body(hello().to_string());
        assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_openais_shape() {
    let up = Up::with(Settings::default()).await;
    let (status, problem) = error(up.get("/v1/elsewhere").await).await;
    assert_eq!(
        (status.as_u16(), &problem["type"]),
        (404, &json!("invalid_request_error"))
    );
    let response = up.get("/v1/chat/completions").await;
    assert_eq!(response.headers()["allow"], "POST");
    let (status, problem) = error(response).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (405, &json!("method_not_allowed"))
    );
}

#[tokio::test]
async fn without_a_key_no_page_in_a_browser_is_let_in() {
    let up = Up::with(Settings::default()).await;
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
    ] {
        let request = up.request(Method::GET, "/v1/models").header(header, value);
        let (status, _) = error(request.send().await.unwrap()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{header}: {value}");
    }
    for host in ["localhost:1", "127.0.0.1", "[::1]:80"] {
        let request = up.request(Method::GET, "/v1/models").header("host", host);
        assert_eq!(
            request.send().await.unwrap().status(),
            StatusCode::OK,
            "{host}"
        );
    }
}

#[tokio::test]
async fn more_requests_than_are_answered_at_once_are_refused() {
    let settings = Settings {
        concurrent: 1,
        ..Settings::default()
    };
    let up = Up::with(settings).await;
    // A body that does not come holds the place.
    let mut first = tokio::net::TcpStream::connect(up.address).await.unwrap();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut first, head.as_bytes())
        .await
        .unwrap();
    let refused = timeout(PATIENCE, async {
        loop {
            let response = up.ask(&hello()).await;
            if response.status() != StatusCode::OK {
                break response;
            }
        }
    });
    let refused = refused.await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, error) = error(refused).await;
    assert_eq!(
        (status.as_u16(), &error["code"]),
        (429, &json!("rate_limit_exceeded"))
    );
}
