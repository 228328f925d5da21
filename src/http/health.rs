//! `/health`: the phase of the process and the states of its services.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::lifecycle::{Handle, Phase};

pub(super) const PATH: &str = "/health";

pub(super) fn router(handle: Handle) -> Router {
    let look = move || {
        let response = look(&handle);
        async move { response }
    };
    Router::new().route(PATH, get(look))
}

/// 200 while the process runs, and 503 while it starts or stops. What services say of themselves is left out: it is for the
/// operator, and this is for everybody who can connect.
fn look(handle: &Handle) -> Response {
    let snapshot = handle.snapshot();
    let status = match snapshot.phase {
        Phase::Running => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let services: Vec<Value> = snapshot
        .services
        .iter()
        .map(|service| {
            json!({
                "name": service.name,
                "state": service.state.to_string(),
                "restarts": service.restarts,
            })
        })
        .collect();
    let body = json!({
        "phase": snapshot.phase.to_string(),
        "uptime_s": handle.uptime().as_secs(),
        "services": services,
    });
    (status, Json(body)).into_response()
}
