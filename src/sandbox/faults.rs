//! Faults on demand: what a network or a server in trouble does to a call.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio_stream::StreamExt;
use tracing::debug;

use super::Shared;
use super::answer::{Answer, ApiError, respond};

/// A fault for the next calls of a method.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Fault {
    /// Method that it strikes, in any case; `*` for any but getUpdates. Default `getUpdates`.
    #[serde(default = "get_updates")]
    method: String,
    /// The chat that it strikes calls about. Default any call.
    chat_id: Option<i64>,
    /// How many calls it strikes. Default 1.
    #[serde(default = "once")]
    times: u32,
    /// It strikes every so many-th call. Default 1, which is every call.
    #[serde(default = "once")]
    every: u32,
    /// The calls that it could have struck.
    #[serde(skip)]
    seen: u32,
    #[serde(flatten)]
    kind: Kind,
}

fn get_updates() -> String {
    "getUpdates".to_owned()
}

fn once() -> u32 {
    1
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
enum Kind {
    /// An error envelope with this code.
    Status {
        code: u16,
        description: Option<String>,
        retry_after: Option<u64>,
    },
    /// A proxy's page instead of an answer.
    Html { code: u16 },
    /// Somebody else is to be asked.
    Redirect { to: String },
    /// The connection breaks in the middle of the body.
    Reset,
    /// No answer for so many seconds, then the connection breaks.
    Hang { seconds: u64 },
    /// An answer that comes a byte at a time and never ends.
    Trickle,
    /// An answer with what waits, longer by so many MiB of white space, and not kept to a server's usual 4 MiB.
    Oversize { mebibytes: u32 },
    /// Half an answer, as if it were whole.
    Malformed,
    /// `ok` without a result.
    Empty,
    /// HTTP 200 with this text, whatever it is.
    Body { text: String },
    /// The updates that were confirmed last come once more, before those that wait.
    Repeat,
    /// All is well, but so many seconds later.
    Late { seconds: u64 },
}

/// Between two bytes of an answer that trickles.
const TRICKLE: Duration = Duration::from_millis(20);

/// Faults that wait to strike.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// The fault that strikes this call, if one does.
    pub(super) fn strike(&mut self, method: &str, chat_id: Option<i64>) -> Option<Fault> {
        let mut index = None;
        for (place, fault) in self.0.iter_mut().enumerate() {
            if !fault.is_about(method, chat_id) {
                continue;
            }
            // Each one counts all of its calls, also those that another one strikes.
            fault.seen = fault.seen.wrapping_add(1);
            if index.is_none() && fault.seen.is_multiple_of(fault.every.max(1)) {
                index = Some(place);
            }
        }
        let index = index?;
        let fault = self.0[index].clone();
        self.0[index].times = fault.times.saturating_sub(1);
        if self.0[index].times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}

impl Fault {
    fn is_about(&self, method: &str, chat_id: Option<i64>) -> bool {
        let is_method = match self.method.as_str() {
            "*" => !method.eq_ignore_ascii_case("getUpdates"),
            name => name.eq_ignore_ascii_case(method),
        };
        is_method && (self.chat_id.is_none() || self.chat_id == chat_id)
    }

    /// What is answered instead. None where the call is to be carried out all the same.
    pub(super) async fn respond(self, shared: &Shared, token: &str) -> Option<Response> {
        Some(match self.kind {
            Kind::Status {
                code,
                description,
                retry_after,
            } => {
                let description = description.unwrap_or_else(|| reason(code));
                respond(Err(ApiError {
                    retry_after,
                    ..ApiError::new(code, description)
                }))
            }
            Kind::Html { code } => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
                );
                (status, [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Kind::Redirect { to } => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
            Kind::Reset => broken_off().into_response(),
            Kind::Hang { seconds } => {
                let watch = Watch("hanging");
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                std::mem::forget(watch);
                broken_off().into_response()
            }
            Kind::Trickle => trickle().into_response(),
            Kind::Oversize { mebibytes } => match waiting(shared, token) {
                Ok(updates) => padded(mebibytes, &updates).into_response(),
                Err(error) => respond(Err(error)),
            },
            Kind::Malformed => json_text(r#"{"ok":true,"result":[{"update_id":1,"mess"#),
            Kind::Empty => json_text(r#"{"ok":true}"#),
            Kind::Body { text } => json_text(text),
            Kind::Repeat => respond(repeated(shared, token)),
            Kind::Late { seconds } => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                return None;
            }
        })
    }
}

/// A body that ends in its middle, after its first part has left.
fn broken_off() -> impl IntoResponse {
    let start = Ok::<_, std::io::Error>("{\"ok\":true,\"res");
    let end = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let parts = tokio_stream::iter([start, end]).then(async |part| {
        // The server writes out what it has when a part keeps it waiting.
        tokio::task::yield_now().await;
        part
    });
    Body::from_stream(parts)
}

/// The head of an answer, and then white space, which says nothing, for ever.
fn trickle() -> impl IntoResponse {
    let watch = Watch("trickling");
    let head = tokio_stream::iter([Bytes::from_static(b"{\"ok\":true,\"result\":[")]);
    let rest = tokio_stream::iter(std::iter::repeat(Bytes::from_static(b" "))).then(async |byte| {
        tokio::time::sleep(TRICKLE).await;
        byte
    });
    Body::from_stream(head.chain(rest).map(move |bytes| {
        let _alive = &watch;
        Ok::<_, Infallible>(bytes)
    }))
}

/// An answer with white space before its end.
fn padded(mebibytes: u32, updates: &Value) -> impl IntoResponse {
    let count = usize::try_from(mebibytes).unwrap_or(usize::MAX);
    let head = Bytes::from(format!("{{\"ok\":true,\"result\":{updates}"));
    let space = Bytes::from(vec![b' '; 1 << 20]);
    let parts = std::iter::once(head)
        .chain(std::iter::repeat_n(space, count))
        .chain([Bytes::from_static(b"}")]);
    Body::from_stream(tokio_stream::iter(parts.map(Ok::<_, Infallible>)))
}

fn waiting(shared: &Shared, token: &str) -> Answer {
    let mut worlds = shared.lock();
    let queue = &worlds.of_token(token)?.queue;
    Ok(queue.everything().into())
}

fn repeated(shared: &Shared, token: &str) -> Answer {
    let mut worlds = shared.lock();
    let queue = &worlds.of_token(token)?.queue;
    let mut updates = queue.confirmed();
    updates.extend(queue.everything());
    Ok(updates.into())
}

/// Dropped, it tells that the caller of a call without an end has hung up.
struct Watch(&'static str);

impl Drop for Watch {
    fn drop(&mut self) {
        debug!(call = self.0, "the caller hung up");
    }
}

fn json_text(text: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.into()).into_response()
}

fn reason(code: u16) -> String {
    match code {
        429 => "Too Many Requests: retry later".to_owned(),
        409 => "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running".to_owned(),
        _ => StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error").to_owned(),
    }
}
