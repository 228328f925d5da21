//! The name that is in a path.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::error::Problem;

/// A provider's or a model's; one that is no UTF-8 is refused as everything else is here.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(name)| Self(name)).map_err(|_| {
            let text = format!("the name in {} is no UTF-8", parts.uri.path());
            Problem::new(400, "invalid_request_error", text)
        })
    }
}
