//! A model that does as it is told: it calls a tool with an address, and then says what it was answered.

use std::sync::{Arc, Mutex};

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Ends with the test.
pub(super) struct Model {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
    _server: JoinSet<()>,
}

impl Model {
    /// One that calls this tool with the question, as an address or as what to search for.
    pub(super) async fn that_calls(tool: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let shared = Arc::clone(&asked);
        let answer = post(move |Json(body): Json<Value>| async move {
            shared.lock().unwrap().push(body.clone());
            speak(tool, &body)
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

    /// The table that names it, for the bot's configuration.
    pub(super) fn settings(&self) -> String {
        format!(
            "[[provider]]\nname = \"test\"\nkind = \"openai\"\nbase_url = \"{}\"\nmodels = [\"m\"]",
            self.url
        )
    }

    /// The tools that it was offered first.
    pub(super) fn offered(&self) -> String {
        self.asked.lock().unwrap()[0]["tools"].to_string()
    }
}

fn speak(tool: &str, body: &Value) -> impl IntoResponse + use<> {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    let words = last["content"].as_str().unwrap_or_default();
    let (delta, reason) = if last["role"] == "tool" {
        (json!({ "content": format!("I read: {words}") }), "stop")
    } else {
        let argument = if tool == "search_web" { "terms" } else { "url" };
        let arguments = json!({ argument: words }).to_string();
        let function = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "index": 0, "id": "c1", "type": "function", "function": function });
        (json!({ "tool_calls": [call] }), "tool_calls")
    };
    let chunk = |delta: Value, reason: Value| json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] });
    let (text, end) = (chunk(delta, Value::Null), chunk(json!({}), reason.into()));
    let stream = format!("data: {text}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([(CONTENT_TYPE, "text/event-stream")], stream)
}
