//! A server that speaks OpenAI's chat completions, over HTTP/1.
//!
//! The usage of a stream is always asked for, because budgets need it; a server that refuses the field is asked again without
//! it, and where it takes that, never with it again. No redirect is followed: it would carry the key to somebody else.

mod frames;
mod request;
mod retry_after;
mod sse;

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response, Url};
use serde_json::{Map, Value};
use tracing::debug;

use super::failure::Failure;
use super::redact::redact;
use super::said::Said;
use crate::ai::{Broken, Chunk, Secret, Timeouts};

/// The largest answer that is not streamed, and the largest error, in bytes.
const LARGEST: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct OpenAi {
    provider: String,
    client: Client,
    url: Url,
    key: Option<Secret>,
    authorization: Option<HeaderValue>,
    /// Until it refuses to be asked.
    tells_usage: AtomicBool,
}

impl OpenAi {
    /// Says what cannot be used, where something cannot.
    pub(super) fn new(
        provider: &str,
        base_url: &str,
        key: Option<&Secret>,
        timeouts: &Timeouts,
    ) -> Result<Self, String> {
        let client = Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .tcp_nodelay(true)
            .user_agent(concat!("sundown/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                format!("no HTTP client can be made: {}", told(&error.without_url()))
            })?;
        Ok(Self {
            provider: provider.to_owned(),
            client,
            url: endpoint(base_url)?,
            key: key.cloned(),
            authorization: key.map(authorization).transpose()?,
            tells_usage: AtomicBool::new(true),
        })
    }

    /// What it says, as it comes. An error frame is a chunk here.
    pub(super) async fn stream(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<BoxStream<'static, Result<Chunk, Broken>>, Failure> {
        let wants_usage = self.tells_usage.load(Ordering::Relaxed);
        let asked = request::streamed(model, body.clone(), wants_usage);
        let mut response = self.post(&asked, "text/event-stream").await?;
        if wants_usage && matches!(response.status().as_u16(), 400 | 422) {
            let (said, status) = (self.said(&mut response).await, response.status().as_u16());
            // Whoever asks may have options of their own, and those may be what is refused.
            let is_ours = body.get("stream_options").is_none_or(Value::is_null);
            let plain = request::streamed(model, body, false);
            if plain == asked || !said.is_about("stream_options") {
                return Err(said.failure(status, &self.provider, None));
            }
            response = self.post(&plain, "text/event-stream").await?;
            if is_ours && response.status().is_success() {
                debug!(
                    provider = &*self.provider,
                    "the provider cannot be asked for the usage of streams"
                );
                self.tells_usage.store(false, Ordering::Relaxed);
            }
        }
        let mut response = self.accepted(response).await?;
        match content_type(&response) {
            "text/html" => Err(self.unusable("answered with a web page; look at its base_url")),
            "application/json" => {
                let whole = self.json(&mut response).await?;
                Ok(stream::iter([Ok(frames::at_once(whole))]).boxed())
            }
            _ => Ok(frames::chunks(response)),
        }
    }

    /// A whole answer. A body that tells of an error is an answer here.
    pub(super) async fn complete(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<Value, Failure> {
        let asked = request::whole(model, body);
        let response = self.post(&asked, "application/json").await?;
        let mut response = self.accepted(response).await?;
        if content_type(&response) == "text/html" {
            return Err(self.unusable("answered with a web page; look at its base_url"));
        }
        self.json(&mut response).await
    }

    async fn post(
        &self,
        body: &Map<String, Value>,
        accept: &'static str,
    ) -> Result<Response, Failure> {
        let body = serde_json::to_vec(body)
            .map_err(|error| self.unusable(&format!("cannot be sent the request: {error}")))?;
        let mut request = self.client.post(self.url.clone()).body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept);
        request.send().await.map_err(|error| {
            let (status, what) = match (error.is_timeout(), error.is_connect()) {
                (true, _) => (504, "cannot be reached in time"),
                (_, true) => (502, "cannot be reached"),
                _ => (502, "hung up before it answered"),
            };
            let error = redact(&told(&error.without_url()), self.key.as_ref());
            Failure::failing(&self.provider, status, &format!("{what}: {error}"))
        })
    }

    /// The response, where its status is a success.
    async fn accepted(&self, mut response: Response) -> Result<Response, Failure> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.unusable(
                "answered with a redirect, which is not followed; set base_url to where it leads",
            ));
        }
        let retry_after = retry_after::retry_after(response.headers(), SystemTime::now());
        let said = self.said(&mut response).await;
        Err(said.failure(status.as_u16(), &self.provider, retry_after))
    }

    /// What a response with an error says: nothing, where it breaks off.
    async fn said(&self, response: &mut Response) -> Said {
        let body = read(response).await.unwrap_or_default();
        Said::of_body(&body, self.key.as_ref())
    }

    async fn json(&self, response: &mut Response) -> Result<Value, Failure> {
        let body = read(response).await.map_err(|what| self.unusable(&what))?;
        let whole: Value = serde_json::from_slice(&body)
            .map_err(|error| self.unusable(&format!("answered what is no JSON: {error}")))?;
        if whole.is_object() {
            Ok(whole)
        } else {
            Err(self.unusable("answered JSON that is no object"))
        }
    }

    fn unusable(&self, what: &str) -> Failure {
        Failure::failing(&self.provider, 502, what)
    }
}

/// Where chat completions are asked for.
fn endpoint(base_url: &str) -> Result<Url, String> {
    // What was given is not repeated: it may be a key in the wrong place.
    let mut url =
        Url::parse(base_url).map_err(|error| format!("base_url is no address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("base_url begins with neither http:// nor https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("base_url has a user or a password in it; give the key as the key".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "base_url has a query or a fragment; leave out what follows the path".to_owned(),
        );
    }
    let path = format!("{}/chat/completions", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn authorization(key: &Secret) -> Result<HeaderValue, String> {
    let header = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut header = header.map_err(|_| {
        "the key has characters that no header can hold; a line end, perhaps".to_owned()
    })?;
    header.set_sensitive(true);
    Ok(header)
}

fn content_type(response: &Response) -> &str {
    let value = response.headers().get(CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// The body, up to the largest that is taken.
async fn read(response: &mut Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let piece = response.chunk().await;
        match piece.map_err(|error| format!("broke off: {}", told(&error.without_url())))? {
            Some(piece) if body.len() + piece.len() > LARGEST => {
                return Err("answered with more than 16 MiB".to_owned());
            }
            Some(piece) => body.extend_from_slice(&piece),
            None => return Ok(body),
        }
    }
}

/// An error with what is behind it, in one line.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
