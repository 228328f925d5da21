//! What can go wrong, before the first token and after it.

use std::time::Duration;

use serde_json::Value;

/// Why there is no answer at all. It has the parts of OpenAI's error object; nothing in it shows a key.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status that says the same: 400 to 599.
    pub status: u16,
    /// What was tried, on what, and what can be done.
    pub message: String,
    /// OpenAI's `type`, such as `invalid_request_error`.
    pub kind: String,
    /// The field that is meant.
    pub param: Option<String>,
    /// OpenAI's `code`: a string or a number, or nothing.
    pub code: Option<Value>,
    /// When asking again may help.
    pub retry_after: Option<Duration>,
    /// The provider that said so; none where that was said here.
    pub provider: Option<String>,
}

impl Refusal {
    /// One that was said here.
    #[must_use]
    pub fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            kind: kind.to_owned(),
            param: None,
            code: None,
            retry_after: None,
            provider: None,
        }
    }

    /// With OpenAI's `code`.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With the field that is meant.
    #[must_use]
    pub fn param(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    pub(super) fn nobody() -> Self {
        Self::new(503, "server_error", "no provider could be asked")
    }
}

/// Why an answer that has begun does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// Nothing came for as long as the provider is given between two tokens.
    #[error("the provider fell silent")]
    Stalled,
    /// The connection broke, or the command ended badly.
    #[error("the connection to the provider broke: {0}")]
    Disconnected(String),
    /// It said something that is no chunk.
    #[error("the provider sent what is no chunk: {0}")]
    Malformed(String),
    /// It said that it failed.
    #[error("the provider failed: {0}")]
    Failed(String),
    /// It ended without a `finish_reason`.
    #[error("the answer is cut off: the provider ended it without a finish_reason")]
    Truncated,
}

/// Why a provider cannot be used as it is described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The name of another one.
    #[error("two providers are called `{name}`; give each a name of its own")]
    Twice {
        /// The name.
        name: String,
    },
    /// Something in it cannot be used.
    #[error("provider `{name}`: {what}")]
    Unusable {
        /// The provider.
        name: String,
        /// What is wrong, and what to do.
        what: String,
    },
}
