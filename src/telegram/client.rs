//! One call of the Bot API: request, envelope, error.
//!
//! A server may be as hostile as it likes: a call is over within its time, however slowly the answer trickles in, and
//! takes no more memory than [`ANSWER_LIMIT`] and what reading it costs.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Token;
use super::connections::Connections;

/// Answers are longer than this by mistake or ill will: the public server's hold about 4 MiB at most.
const ANSWER_LIMIT: usize = 64 << 20;
/// In characters; the public server's are a line long.
const DESCRIPTION_LIMIT: usize = 300;

/// Calls the Bot API for one bot.
#[derive(Clone)]
pub struct Client {
    connections: Connections,
    root: Url,
    token: Token,
}

/// Why a call failed. It holds neither the URL, which has the token in it, nor the body, which may hold users' data.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No answer came: refused, reset.
    #[error("{method}: no answer from {host}: {detail}")]
    Network {
        /// Method that was called.
        method: &'static str,
        /// Host and port that were asked.
        host: String,
        /// What the network said.
        detail: String,
    },
    /// The answer did not come, or not to its end, while there was time.
    #[error("{method}: no whole answer from {host} within {} s", within.as_secs_f64())]
    TimedOut {
        /// Method that was called.
        method: &'static str,
        /// Host and port that were asked.
        host: String,
        /// The time it had.
        within: Duration,
    },
    /// The answer was longer than any of the Bot API's, and was cut off.
    #[error("{method}: {host} answered with more than {} MiB, which is cut off", limit >> 20)]
    TooLong {
        /// Method that was called.
        method: &'static str,
        /// Host and port that were asked.
        host: String,
        /// Bytes that would have been taken.
        limit: usize,
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
        Self {
            connections: Connections::new(http),
            root,
            token,
        }
    }

    /// After a call that hung, goes on with a client that is made by this, and so with new connections. Without it the
    /// hung call's connection is closed, and idle ones are kept.
    #[must_use]
    pub fn remade_by(
        self,
        make: impl Fn() -> reqwest::Result<reqwest::Client> + Send + Sync + 'static,
    ) -> Self {
        Self {
            connections: self.connections.made_by(Arc::new(make)),
            ..self
        }
    }

    /// The bot's token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// Calls a method with JSON parameters. `timeout` is for the whole of it, from the connection to the answer's last
    /// byte.
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
        let exchange = self.exchange(method, parameters, timeout);
        let outcome = match tokio::time::timeout(timeout, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out(method, timeout)),
        };
        if matches!(outcome, Err(CallError::TimedOut { .. })) {
            self.connections.renew();
        }
        let (status, body) = outcome?;
        self.read(method, status, &body)
    }

    /// Asks, and takes in the answer piece by piece.
    async fn exchange(
        &self,
        method: &'static str,
        parameters: &Value,
        timeout: Duration,
    ) -> Result<(u16, Vec<u8>), CallError> {
        let failed = |error| self.network(method, timeout, error);
        let request = self
            .connections
            .client()
            .post(self.url(method))
            // Instead of the client's own, which is likely to be shorter than a long poll.
            .timeout(timeout)
            .header("content-type", "application/json")
            .body(parameters.to_string());
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        // Where a client unpacks answers, its pieces are what comes out: a small answer that unpacks to a huge one ends
        // at the limit too.
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > ANSWER_LIMIT {
                return Err(CallError::TooLong {
                    method,
                    host: self.host(),
                    limit: ANSWER_LIMIT,
                });
            }
            body.extend_from_slice(&piece);
        }
        Ok((response.status().as_u16(), body))
    }

    /// A description goes into log lines, so it is not taken at any length, nor with a token: a server, or something on
    /// the way to it, may repeat the path that was asked for.
    fn brief(&self, description: &str) -> String {
        let mut description = self.token.strike_from(description);
        if let Some((end, _)) = description.char_indices().nth(DESCRIPTION_LIMIT) {
            description.truncate(end);
            description.push('…');
        }
        description
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
                    .map_or_else(|| "no description".to_owned(), |said| self.brief(&said)),
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

    fn timed_out(&self, method: &'static str, within: Duration) -> CallError {
        CallError::TimedOut {
            method,
            host: self.host(),
            within,
        }
    }

    fn network(&self, method: &'static str, within: Duration, error: reqwest::Error) -> CallError {
        // A connection has a shorter time-out of its own in most clients, which is no hanging call.
        if error.is_timeout() && !error.is_connect() {
            return self.timed_out(method, within);
        }
        let error = error.without_url();
        let mut detail = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            // The innermost cause is the one that says something.
            detail = error.to_string();
            cause = error.source();
        }
        CallError::Network {
            method,
            host: self.host(),
            detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_not_taken_at_any_length_nor_with_a_token() {
        let token = Token::parse("123456789:AAE-abc_DEF0123456789abcdefghijk").unwrap();
        let url = Url::parse("http://127.0.0.1:1").unwrap();
        let client = Client::new(reqwest::Client::new(), url, token.clone());
        assert_eq!(client.brief("Conflict: ä"), "Conflict: ä");
        assert_eq!(client.brief(&"ä".repeat(9_999)).chars().count(), 301);
        let repeated = format!("no such path: /bot{}/getMe", token.expose());
        for said in [repeated.replace(':', "%3A"), repeated] {
            let brief = client.brief(&said);
            assert!(!brief.contains("AAE-abc"), "{brief}");
        }
    }
}
