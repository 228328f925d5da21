//! What is in flight, and how a request is let through.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::{Frame, SizeHint};
use serde_json::json;
use tokio::sync::watch;
use tower::ServiceExt;
use tracing::error;

use super::drain::Drain;
use super::health;
use crate::lifecycle::caught;

/// The requests of a listener.
pub(super) struct Traffic {
    pub(super) drain: Drain,
    in_flight: watch::Sender<usize>,
    counts: Arc<Counts>,
}

/// What a listener has counted in all its lives.
#[derive(Default)]
pub(super) struct Counts {
    requests: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Traffic {
    pub(super) fn new(drain: Drain, counts: Arc<Counts>) -> Self {
        Self {
            drain,
            in_flight: watch::Sender::new(0),
            counts,
        }
    }

    /// Has one request answered, whatever happens meanwhile.
    pub(super) async fn answer(
        self: Arc<Self>,
        router: Router,
        request: Request<Body>,
    ) -> Response<Body> {
        if request.uri().path() == health::PATH {
            return served(router, request).await;
        }
        // Counted first: a stop that begins now either finds it in flight, or is seen in the next line.
        let guard = InFlight::begin(&self);
        if self.drain.is_draining() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            return stopping("the service is stopping and takes no new request");
        }
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let response = tokio::select! {
            biased;
            response = served(router, request) => response,
            () = self.drain.ending() => stopping("the service stopped before the answer was there"),
        };
        response.map(|body| {
            Body::new(Counted {
                body,
                _guard: guard,
            })
        })
    }

    pub(super) fn in_flight(&self) -> usize {
        *self.in_flight.borrow()
    }

    /// # Cancel safety
    /// Level-triggered.
    pub(super) async fn is_empty(&self) {
        // The sender is here.
        let _ = self
            .in_flight
            .subscribe()
            .wait_for(|count| *count == 0)
            .await;
    }
}

async fn served(router: Router, request: Request<Body>) -> Response<Body> {
    match caught(router.oneshot(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(panic) => {
            error!(%panic, "a request's handler panicked");
            failed(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the service failed at this request; its log says how",
            )
        }
    }
}

/// What is answered where no room serves the path.
pub(super) async fn nothing_here(request: Request<Body>) -> Response<Body> {
    let text = format!(
        "there is no {} {} here",
        request.method(),
        request.uri().path()
    );
    failed(StatusCode::NOT_FOUND, &text)
}

fn stopping(text: &str) -> Response<Body> {
    let mut response = failed(StatusCode::SERVICE_UNAVAILABLE, text);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// An error as OpenAI's clients read it; others see at least a text.
fn failed(status: StatusCode, text: &str) -> Response<Body> {
    let kind = if status.is_server_error() {
        "server_error"
    } else {
        "invalid_request_error"
    };
    let body = json!({ "error": { "message": text, "type": kind, "param": null, "code": null } });
    (status, axum::Json(body)).into_response()
}

/// A request that is in flight, until this is dropped.
struct InFlight(Arc<Traffic>);

impl InFlight {
    fn begin(traffic: &Arc<Traffic>) -> Self {
        traffic.in_flight.send_modify(|count| *count += 1);
        Self(Arc::clone(traffic))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.send_modify(|count| *count -= 1);
    }
}

/// An answer's body, which is in flight as long as it is there.
struct Counted {
    body: Body,
    _guard: InFlight,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
