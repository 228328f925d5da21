//! The Bot API's envelope, for results and for errors.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error as the Bot API words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) code: u16,
    pub(super) description: String,
    pub(super) retry_after: Option<u64>,
    pub(super) migrate_to: Option<i64>,
}

pub(super) type Answer = Result<Value, ApiError>;

impl ApiError {
    pub(super) fn new(code: u16, description: impl Into<String>) -> Self {
        Self {
            code,
            description: description.into(),
            retry_after: None,
            migrate_to: None,
        }
    }

    pub(super) fn bad_request(what: &str) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    /// The group has become a supergroup with another number.
    pub(super) fn migrated(to: i64) -> Self {
        Self {
            migrate_to: Some(to),
            ..Self::bad_request("group chat was upgraded to a supergroup chat")
        }
    }
}

pub(super) fn respond(answer: Answer) -> Response {
    match answer {
        Ok(result) => Json(json!({ "ok": true, "result": result })).into_response(),
        Err(error) => {
            let mut envelope =
                json!({ "ok": false, "error_code": error.code, "description": error.description });
            if let Some(seconds) = error.retry_after {
                envelope["parameters"]["retry_after"] = json!(seconds);
            }
            if let Some(chat_id) = error.migrate_to {
                envelope["parameters"]["migrate_to_chat_id"] = json!(chat_id);
            }
            let status =
                StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Json(envelope)).into_response()
        }
    }
}
