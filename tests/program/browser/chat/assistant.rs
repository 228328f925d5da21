//! The assistant reads pages by itself.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::reading::{Reading, text_of};

const ADA: i64 = 81;

/// A model that calls `read_page` with the question for an address, and then says what it has read.
struct Model {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    _server: JoinSet<()>,
}

impl Model {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let shared = Arc::clone(&asked);
        let answer = post(move |Json(body): Json<Value>| async move {
            shared.lock().unwrap().push(body.clone());
            speak(&body)
        });
        let routes = Router::new().route("/v1/chat/completions", answer);
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, routes).await.unwrap() });
        Self {
            url,
            asked,
            _server: server,
        }
    }

    fn settings(&self) -> String {
        format!(
            "[[provider]]\nname = \"test\"\nkind = \"openai\"\nbase_url = \"{}\"\nmodels = [\"m\"]",
            self.url
        )
    }
}

fn speak(body: &Value) -> impl IntoResponse + use<> {
    let last = body["messages"].as_array().unwrap().last().unwrap().clone();
    let words = last["content"].as_str().unwrap_or_default();
    let delta = if last["role"] == "tool" {
        json!({ "content": format!("I read: {words}") })
    } else {
        let arguments = json!({ "url": words }).to_string();
        let function = json!({ "name": "read_page", "arguments": arguments });
        json!({ "tool_calls": [{ "index": 0, "id": "c1", "type": "function", "function": function }] })
    };
    let reason = match last["role"] == "tool" {
        true => "stop",
        false => "tool_calls",
    };
    let chunk = |delta: Value, reason: Value| json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
    let (text, end) = (chunk(delta, Value::Null), chunk(json!({}), reason.into()));
    let stream = format!("data: {text}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], stream)
}

#[tokio::test]
async fn a_model_reads_a_page_and_is_told_of_sites_that_do_not_want_that() {
    let model = Model::start().await;
    let reading = Reading::new(&model.settings()).await;
    let _bot = reading.bot();
    for (person, path, says) in [
        (ADA, "/article", "hot water"),
        (82, "/private", "robots.txt"),
    ] {
        reading.server.say(person, &reading.web.url(path)).await;
        let give_up = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let text = text_of(&reading.answer(person, 1).await);
            if text.starts_with("I read: ") && text.contains(says) {
                break;
            }
            assert!(tokio::time::Instant::now() < give_up, "{path}: {text}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await; // between two looks at a condition
        }
    }
    let asked = model.asked.lock().unwrap().clone();
    let offered = asked[0]["tools"].to_string();
    assert!(
        offered.contains("read_page") && !offered.contains("search_web"),
        "{offered}"
    );
    // A person may read there.
    reading.asks(83, "/read", "/private").await;
    assert!(reading.text(83).await.contains("Nobody's business"));
}
