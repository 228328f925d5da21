//! What the Bot API's errors mean, for every feature.

use teloxide::{ApiError, RequestError};

/// Whether a server in trouble says so as if it had refused: the code of its answer is not handed on.
pub(super) fn is_about_the_server(error: &ApiError) -> bool {
    const SAYS: [&str; 5] = [
        "Internal Server Error",
        "Bad Gateway",
        "Gateway Time",
        "Service Unavailable",
        "restart",
    ];
    matches!(error, ApiError::Unknown(text) if SAYS.iter().any(|says| text.contains(says)))
}

/// An error for the log: without what it quotes of an answer, which holds people's names and words.
pub(super) fn brief(error: &RequestError) -> String {
    match error {
        RequestError::InvalidJson { .. } => "the answer cannot be read".to_owned(),
        error => error.to_string(),
    }
}
