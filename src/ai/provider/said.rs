//! The errors of servers that speak OpenAI's protocol, in all the forms they have, and what each means for whoever asked.

use std::time::Duration;

use serde_json::Value;

use super::failure::{Blame, Failure};
use super::redact::redact;
use crate::ai::breaker::Fault;
use crate::ai::{Refusal, Secret};

/// An error object, fit to be handed on.
#[derive(Debug, Default)]
pub(super) struct Said {
    message: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    code: Option<Value>,
}

impl Said {
    /// What is in a body or a frame: none where it tells of no error. `error` may be an object, or the message itself; some
    /// servers say `message` or `detail` without it, which counts where the HTTP status is an error.
    pub(super) fn of(body: &Value, key: Option<&Secret>) -> Option<Self> {
        let error = match body.get("error")? {
            Value::Null | Value::Bool(false) => return None,
            Value::String(text) if text.is_empty() => return None,
            Value::Object(fields) if fields.is_empty() => return None,
            error => error,
        };
        let text = |field: &str| {
            let text = error.get(field).and_then(Value::as_str);
            text.map(|text| redact(text, key))
        };
        let message = error.as_str().map(|text| redact(text, key));
        Some(Self {
            message: message.or_else(|| text("message")),
            kind: text("type"),
            param: text("param"),
            code: error.get("code").and_then(|code| match code {
                Value::String(code) => Some(redact(code, key).into()),
                Value::Number(_) => Some(code.clone()),
                _ => None,
            }),
        })
    }

    /// What the body of an HTTP error says; nothing where it is no JSON.
    pub(super) fn of_body(body: &[u8], key: Option<&Secret>) -> Self {
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let loose = |field| body.get(field).and_then(Value::as_str);
        Self::of(&body, key).unwrap_or_else(|| Self {
            message: loose("message")
                .or_else(|| loose("detail"))
                .map(|text| redact(text, key)),
            ..Self::default()
        })
    }

    /// The message, or that there is none.
    pub(super) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("it does not say why")
    }

    /// The field that is meant, or named in the message.
    pub(super) fn is_about(&self, field: &str) -> bool {
        [&self.param, &self.message]
            .into_iter()
            .flatten()
            .any(|text| text.contains(field))
    }

    /// The HTTP status that an error without one would have had: of an error frame in a stream that began with 200.
    pub(super) fn status(&self) -> u16 {
        let number = self.code.as_ref().and_then(|code| match code {
            Value::Number(code) => code.as_u64(),
            code => code.as_str()?.parse().ok(),
        });
        let number = number.and_then(|code| u16::try_from(code).ok());
        if let Some(status) = number.filter(|status| (400..=599).contains(status)) {
            return status;
        }
        let is = |word: &str| {
            let code = self.code.as_ref().and_then(Value::as_str);
            code.is_some_and(|code| code.contains(word))
                || self.kind.as_ref().is_some_and(|kind| kind.contains(word))
        };
        match () {
            () if is("rate_limit") => 429,
            () if is("authentication") || is("invalid_api_key") => 401,
            () if is("model_not_found") => 404,
            () if is("invalid_request") || is("context_length_exceeded") => 400,
            () => 502,
        }
    }

    /// What an answer with this status means.
    pub(super) fn failure(
        self,
        status: u16,
        provider: &str,
        retry_after: Option<Duration>,
    ) -> Failure {
        if status == 402 && self.is_about_the_length() {
            return too_long(provider);
        }
        let blame = self.blame(status, retry_after);
        let message = match blame {
            Blame::Request | Blame::Model if self.message.is_some() => self.message().to_owned(),
            Blame::Request | Blame::Model => {
                format!(
                    "provider `{provider}` refused the request with HTTP status {status}, and does not say why"
                )
            }
            // What it says about the account is nobody's business but the operator's.
            Blame::Provider(Fault::Denied) => format!(
                "provider `{provider}` does not serve the operator of this service (HTTP status {status}): its key is \
                 refused, or its account has nothing left; the operator has to mend that"
            ),
            Blame::Provider(Fault::Limited(_)) => {
                format!(
                    "provider `{provider}` is asked too often: {}",
                    self.message()
                )
            }
            Blame::Provider(Fault::Failing) | Blame::Aside => {
                format!(
                    "provider `{provider}` failed with HTTP status {status}: {}",
                    self.message()
                )
            }
        };
        let (outward_status, kind) = match blame {
            Blame::Request | Blame::Model => (status, "invalid_request_error"),
            Blame::Provider(Fault::Limited(_)) => (429, "rate_limit_error"),
            Blame::Provider(Fault::Denied) => (502, "server_error"),
            Blame::Provider(Fault::Failing) | Blame::Aside => (outward(status), "server_error"),
        };
        let is_hidden = blame == Blame::Provider(Fault::Denied);
        let refusal = Refusal {
            status: outward_status,
            message,
            kind: self
                .kind
                .filter(|_| !is_hidden)
                .unwrap_or_else(|| kind.to_owned()),
            param: self.param.filter(|_| !is_hidden),
            code: self.code.filter(|_| !is_hidden),
            retry_after: retry_after.filter(|_| !is_hidden),
            provider: Some(provider.to_owned()),
        };
        Failure {
            refusal: Box::new(refusal),
            blame,
            status,
        }
    }

    fn blame(&self, status: u16, retry_after: Option<Duration>) -> Blame {
        let is = |word: &str| {
            self.code.as_ref().and_then(Value::as_str) == Some(word)
                || self.kind.as_deref() == Some(word)
        };
        let is_unknown_model =
            || is("model_not_found") || (status == 404 && self.is_about("model"));
        match status {
            403 if self.is_about_what_was_said() => Blame::Request,
            401..=403 => Blame::Provider(Fault::Denied),
            // OpenAI's word for an account with nothing left: no patience helps.
            429 if is("insufficient_quota") => Blame::Provider(Fault::Denied),
            429 => Blame::Provider(Fault::Limited(retry_after)),
            408 => Blame::Provider(Fault::Failing),
            400 if self.calls_the_model_unknown() => Blame::Model,
            400..=499 if is_unknown_model() => Blame::Model,
            // No server that speaks the protocol says so without a word: the address is not one of its own.
            404 | 405 if self.message.is_none() => Blame::Provider(Fault::Failing),
            400..=499 => Blame::Request,
            _ => Blame::Provider(Fault::Failing),
        }
    }
}

/// What some say in words only.
impl Said {
    /// OpenRouter's 403 for what a moderator has flagged, which is not about the operator's key.
    fn is_about_what_was_said(&self) -> bool {
        self.says(&["flagged", "moderation"]) && !self.says(&["account", "api key"])
    }

    /// OpenRouter's 402 for an answer that may become longer than what is left pays for; a shorter one is paid for.
    fn is_about_the_length(&self) -> bool {
        self.says(&["max_tokens", "fewer"])
    }

    /// The 400 of OpenRouter, DeepSeek, Mistral and others for a model that they do not have.
    fn calls_the_model_unknown(&self) -> bool {
        let unknown = ["not a valid", "not exist", "not found", "invalid model"];
        self.says(&["model"]) && self.says(&unknown)
    }

    /// Whether the message has one of these in it, in small letters.
    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        words.iter().any(|word| message.contains(word))
    }
}

/// In our own words, for theirs say how much the account has left. Another provider may well give as long an answer.
fn too_long(provider: &str) -> Failure {
    let text = format!(
        "provider `{provider}` gives no answer that may become so long; ask for fewer tokens (`max_tokens`)"
    );
    let refusal = Refusal {
        provider: Some(provider.to_owned()),
        ..Refusal::new(400, "invalid_request_error", text).param("max_tokens")
    };
    Failure {
        refusal: Box::new(refusal),
        blame: Blame::Model,
        status: 402,
    }
}

/// The status with which a provider's failure is told to whoever asked here.
fn outward(status: u16) -> u16 {
    match status {
        503 | 529 => 503,
        408 | 504 => 504,
        _ => 502,
    }
}
