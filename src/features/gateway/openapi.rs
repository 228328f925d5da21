//! What there is, for programs that read it.

use axum::http::header;
use axum::response::IntoResponse;

pub(super) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(super) async fn document() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT)
}
