//! Reading a request's body, which may be too large, too slow, or broken off.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use tokio::time::timeout;

/// Time for the whole of a request's body.
pub(super) const BODY_TIME: Duration = Duration::from_secs(60);

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than are taken: 413.
    #[error("the request's body is larger than {0} bytes")]
    TooLarge(usize),
    /// It did not come in time: 408.
    #[error("the request's body did not come within {} s", BODY_TIME.as_secs())]
    TooSlow,
    /// The connection broke: whoever asked is gone.
    #[error("the request's body broke off")]
    Broken,
}

/// Reads a request's body of up to `max` bytes, for a minute at most.
///
/// # Errors
/// See [`BodyError`].
///
/// # Cancel safety
/// Dropped, what has been read is lost.
pub async fn read_body(body: Body, max: usize) -> Result<Bytes, BodyError> {
    let read = timeout(BODY_TIME, to_bytes(body, max)).await;
    let read = read.map_err(|_| BodyError::TooSlow)?;
    read.map_err(|error| match error.source() {
        Some(source) if source.to_string().contains("length limit exceeded") => {
            BodyError::TooLarge(max)
        }
        _ => BodyError::Broken,
    })
}
