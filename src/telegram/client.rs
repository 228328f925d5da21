//! One call of the Bot API: request, envelope, error.

use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Token;

/// Calls the Bot API for one bot.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    root: Url,
    token: Token,
}

/// Why a call failed. It holds neither the URL, which has the token in it, nor the body, which may hold users' data.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No answer came: refused, reset, timed out.
    #[error("{method}: no answer from {host}: {detail}")]
    Network {
        /// Method that was called.
        method: &'static str,
        /// Host and port that were asked.
        host: String,
        /// What the network said.
        detail: String,
    },
    /// An answer came that is none of the Bot API.
    #[error(
        "{method}: {host} answered with something that is not the Bot API's: HTTP {status}, {detail}"
    )]
    Malformed {
        /// Method that was called.
        method: &'static str,
        /// Host and port that were asked.
        host: String,
        /// Status of the answer.
        status: u16,
        /// What is wrong with it.
        detail: String,
    },
    /// The Bot API answered with an error.
    #[error("{method}: {code} {description}")]
    Api {
        /// Method that was called.
        method: &'static str,
        /// The envelope's `error_code`.
        code: u16,
        /// The envelope's `description`.
        description: String,
        /// The envelope's `parameters.retry_after`.
        retry_after: Option<Duration>,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

impl Client {
    /// A client for the server at `root`, `https://api.telegram.org` or another one.
    #[must_use]
    pub fn new(http: reqwest::Client, root: Url, token: Token) -> Self {
        Self { http, root, token }
    }

    /// The bot's token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Calls a method with JSON parameters.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the request; whether the server has acted on it is not known then.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: &Value,
        timeout: Duration,
    ) -> Result<T, CallError> {
        let response = self
            .http
            .post(self.url(method))
            .timeout(timeout)
            .header("content-type", "application/json")
            .body(parameters.to_string())
            .send()
            .await
            .map_err(|error| self.network(method, error))?;
        let status = response.status().as_u16();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.network(method, error))?;
        self.read(method, status, &body)
    }

    fn read<T: DeserializeOwned>(
        &self,
        method: &'static str,
        status: u16,
        body: &[u8],
    ) -> Result<T, CallError> {
        let malformed = |detail: String| CallError::Malformed {
            method,
            host: self.host(),
            status,
            detail,
        };
        let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| {
            malformed(format!(
                "{} bytes that are no envelope (column {})",
                body.len(),
                error.column()
            ))
        })?;
        if !envelope.ok {
            return Err(CallError::Api {
                method,
                code: envelope.error_code.unwrap_or(status),
                description: envelope
                    .description
                    .unwrap_or_else(|| "no description".to_owned()),
                retry_after: envelope
                    .parameters
                    .and_then(|parameters| parameters.retry_after)
                    .map(Duration::from_secs),
            });
        }
        let result = envelope
            .result
            .ok_or_else(|| malformed("ok without a result".to_owned()))?;
        serde_json::from_str(result.get()).map_err(|error| {
            malformed(format!(
                "a result of an unexpected form (column {})",
                error.column()
            ))
        })
    }

    fn url(&self, method: &str) -> Url {
        let mut url = self.root.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/bot{}/{method}", self.token.expose()));
        url
    }

    fn host(&self) -> String {
        let host = self.root.host_str().unwrap_or("?");
        match self.root.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    fn network(&self, method: &'static str, error: reqwest::Error) -> CallError {
        let timed_out = error.is_timeout();
        let error = error.without_url();
        let mut detail = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            // The innermost cause is the one that says something.
            detail = error.to_string();
            cause = error.source();
        }
        if timed_out {
            "the time for an answer ran out".clone_into(&mut detail);
        }
        CallError::Network {
            method,
            host: self.host(),
            detail,
        }
    }
}
