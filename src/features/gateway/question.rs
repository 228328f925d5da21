//! A request's body: what is looked at of it, and what is wrong with it.

use axum::body::Body;
use serde_json::{Map, Value};

use super::Shared;
use super::error::Problem;
use crate::ai::Ask;
use crate::http::{BodyError, read_body};

/// What is asked.
pub(super) struct Question {
    pub(super) ask: Ask,
    pub(super) is_streamed: bool,
    /// Whether the last frame is to say what it cost.
    pub(super) wants_usage: bool,
}

impl Question {
    /// Reads it, whatever its content type is called: JSON is what counts.
    pub(super) async fn read(
        shared: &Shared,
        provider: Option<String>,
        body: Body,
    ) -> Result<Self, Problem> {
        let bytes = read_body(body, shared.settings().body_bytes).await;
        let bytes = bytes.map_err(unread)?;
        let body = serde_json::from_slice(&bytes).map_err(|error| {
            let text = format!("the request's body is not a JSON object: {error}");
            Problem::new(400, "invalid_request_error", text).code("invalid_json")
        })?;
        Self::of(shared, provider, body)
    }

    fn of(
        shared: &Shared,
        provider: Option<String>,
        mut body: Map<String, Value>,
    ) -> Result<Self, Problem> {
        let wish = providers(body.remove("provider"))?;
        let providers = match provider {
            Some(name) => vec![name],
            None if wish.is_empty() => shared.settings().providers.clone(),
            None => wish,
        };
        let messages = body.get("messages").and_then(Value::as_array);
        if messages.is_none_or(Vec::is_empty) {
            return Err(Problem::bad(
                "messages",
                "`messages` has to be a list with at least one message",
            ));
        }
        if !matches!(
            body.get("model"),
            None | Some(Value::Null | Value::String(_))
        ) {
            return Err(Problem::bad(
                "model",
                "`model` has to be a model's name; GET /v1/models lists those there are",
            ));
        }
        let is_streamed = flag(&body, "stream")?;
        let options = body.get("stream_options").and_then(Value::as_object);
        let wants_usage =
            is_streamed && options.map_or(Ok(false), |it| flag(it, "include_usage"))?;
        Ok(Self {
            ask: Ask { body, providers },
            is_streamed,
            wants_usage,
        })
    }
}

/// One provider, or several in the order in which they are to be tried.
fn providers(wish: Option<Value>) -> Result<Vec<String>, Problem> {
    let names = match wish {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(name)) if name.is_empty() => Some(Vec::new()),
        Some(Value::String(name)) => Some(vec![name]),
        Some(Value::Array(names)) => names
            .into_iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    };
    names.ok_or_else(|| {
        Problem::bad("provider", "`provider` has to be a provider's name, or a list of them in the order in which they are to be tried")
    })
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, Problem> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Problem::bad(
            name,
            format!("`{name}` has to be true or false"),
        )),
    }
}

fn unread(error: BodyError) -> Problem {
    let status = match error {
        BodyError::TooLarge(_) => 413,
        BodyError::TooSlow => 408,
        BodyError::Broken => 400,
    };
    Problem::new(status, "invalid_request_error", error.to_string()).finally()
}
