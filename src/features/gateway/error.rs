//! What goes wrong, in the shape in which OpenAI's clients read it.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::ai::Refusal;

pub(super) const PROVIDER: HeaderName = HeaderName::from_static("x-sundown-provider");
pub(super) const MODEL: HeaderName = HeaderName::from_static("x-sundown-model");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct Problem {
    refusal: Box<Refusal>,
    /// Trying again is no use, or has been done here.
    is_final: bool,
}

impl Problem {
    pub(super) fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            refusal: Refusal::new(status, kind, message).into(),
            is_final: false,
        }
    }

    /// The request itself cannot be answered.
    pub(super) fn bad(param: &str, message: impl Into<String>) -> Self {
        let mut problem = Self::new(400, "invalid_request_error", message);
        problem.refusal = Box::new(problem.refusal.param(param));
        problem
    }

    /// The providers have been tried.
    pub(super) fn tried(refusal: Box<Refusal>) -> Self {
        Self {
            refusal,
            is_final: true,
        }
    }

    pub(super) fn code(mut self, code: &str) -> Self {
        self.refusal.code = Some(code.into());
        self
    }

    pub(super) fn param(mut self, param: &str) -> Self {
        self.refusal.param = Some(param.to_owned());
        self
    }

    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.refusal.retry_after = Some(wait);
        self
    }

    /// Where another try cannot help.
    pub(super) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    pub(super) fn status(&self) -> u16 {
        self.refusal.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let refusal = self.refusal;
        let status = StatusCode::from_u16(refusal.status).ok();
        let status = status.filter(|status| status.is_client_error() || status.is_server_error());
        let status = status.unwrap_or(StatusCode::BAD_GATEWAY);
        let mut response = (status, Json(body(&refusal))).into_response();
        let headers = response.headers_mut();
        if self.is_final {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(wait) = refusal.retry_after {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            headers.insert(header::RETRY_AFTER, wait_ms.div_ceil(1_000).into());
            headers.insert(RETRY_AFTER_MS, wait_ms.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            let how = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, how);
        }
        name(&mut response, PROVIDER, refusal.provider.as_deref());
        response
    }
}

/// OpenAI's error object.
pub(super) fn body(refusal: &Refusal) -> Value {
    json!({ "error": {
        "message": refusal.message,
        "type": refusal.kind,
        "param": refusal.param,
        "code": refusal.code,
    } })
}

/// Names somebody in a header, where the name can be in one.
pub(super) fn name(response: &mut Response, header: HeaderName, name: Option<&str>) {
    if let Some(Ok(value)) = name.map(HeaderValue::from_str) {
        response.headers_mut().insert(header, value);
    }
}

pub(super) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let text = format!(
        "{method} is not what {} takes; /openapi.json lists what there is",
        uri.path()
    );
    Problem::new(405, "invalid_request_error", text).code("method_not_allowed")
}
