//! A request's body: what is looked at of it, and what is wrong with it.

use std::time::Duration;

use axum::body::Body;
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use super::Shared;
use super::error::Problem;
use super::meter;
use crate::ai::Ask;
use crate::http::{BodyError, Room};

/// What a value takes of memory besides its text, in bytes: as much as one in a list of small ones does, with the list's
/// room for growth.
const VALUE: usize = 128;
/// A larger body is parsed on a thread of its own, in bytes: this much takes a worker about a millisecond.
const LARGE: usize = 256 << 10;

/// What is asked.
pub(super) struct Question {
    pub(super) ask: Ask,
    pub(super) is_streamed: bool,
    /// Whether the last frame is to say what it cost.
    pub(super) wants_usage: bool,
    /// What it is taken to cost until the provider says so, in tokens.
    pub(super) tokens: u64,
    /// Its body's share of memory. To be kept as long as the body is.
    pub(super) room: Room,
}

/// A body that was understood.
struct Parsed {
    body: Map<String, Value>,
    tokens: u64,
    room: Room,
}

impl Question {
    /// Reads it, whatever its content type is called: JSON is what counts.
    pub(super) async fn read(
        shared: &Shared,
        provider: Option<String>,
        body: Body,
    ) -> Result<Self, Problem> {
        let bodies = &shared.gateway.0.bodies;
        let read = bodies.read(body, &shared.drain).await;
        let (bytes, room) = read.map_err(unread)?;
        let parsed = if bytes.len() > LARGE {
            let parsing = spawn_blocking(move || parse(&bytes, room)).await;
            parsing.map_err(|_| {
                let text = "the service failed at reading this request";
                Problem::new(500, "server_error", text)
            })?
        } else {
            parse(&bytes, room)
        };
        Self::of(shared, provider, parsed?)
    }

    fn of(shared: &Shared, provider: Option<String>, parsed: Parsed) -> Result<Self, Problem> {
        let mut body = parsed.body;
        let wish = providers(body.shift_remove("provider"))?;
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
            tokens: parsed.tokens,
            room: parsed.room,
        })
    }
}

fn parse(bytes: &[u8], mut room: Room) -> Result<Parsed, Problem> {
    // Before there are any: a small text can hold very many.
    room.add(values(bytes) * VALUE).map_err(unread)?;
    let body = serde_json::from_slice(bytes).map_err(|error| {
        let text = format!("the request's body is not a JSON object: {error}");
        Problem::new(400, "invalid_request_error", text).code("invalid_json")
    })?;
    let tokens = meter::asked(&body);
    Ok(Parsed { body, tokens, room })
}

/// How many values there are in a JSON text, or a few more.
fn values(text: &[u8]) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
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
    let problem = |status, kind| Problem::new(status, kind, error.to_string());
    let refused = |status| problem(status, "invalid_request_error").finally();
    let wait = Duration::from_secs;
    match error {
        BodyError::TooLarge(_) | BodyError::TooMuch => refused(413),
        BodyError::TooSlow => refused(408),
        BodyError::Broken => refused(400),
        BodyError::Full => {
            let problem = problem(429, "requests").code("rate_limit_exceeded");
            problem.retry_after(wait(1))
        }
        BodyError::Stopping => problem(503, "server_error").retry_after(wait(5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        for (text, count) in [
            (r#"{"a":1,"b":[1,2]}"#, 4),
            (r#"{"a":"1,2,[{"}"#, 1),
            (r#"["\",",1]"#, 2),
            (r#"["\\",1]"#, 2),
        ] {
            assert_eq!(values(text.as_bytes()), count, "{text}");
        }
    }
}
