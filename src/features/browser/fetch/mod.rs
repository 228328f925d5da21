//! Pages over HTTP, without a browser.
//!
//! **Authority**: the [`AddressGuard`] on where it may go, [`Limits`] on how much of it.
//!
//! ```text
//!  URL ─→ guard ─→ a client that knows these addresses alone ─→ head ─→ a redirect: from the beginning, five times at most
//!                                                                  └─→ type ─→ unpacked and counted ─→ Fetched
//! ```
//!
//! Invariants:
//! - Each hop is checked anew, and connects to the addresses that were checked: its client cannot look anything up.
//! - Bytes are counted after unpacking, and no more are held than the limit; and before it, for there may be next to nothing in
//!   any number of them. Nothing is packed twice.
//! - One time for all of it, from the first lookup to the last byte. Dropping the future closes the connection.
//! - No cookies, no referrer, no proxy of the environment; nothing is remembered from one page to the next.
//!
//! Not done here: decoding characters, which needs a look into the page, and scripts.

mod body;
mod content;
mod error;
pub(super) mod hop;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, LOCATION, USER_AGENT};
use reqwest::{Response, StatusCode};
use tokio::time::{Instant, timeout};
use url::Url;

use super::address::AddressGuard;
use content::ContentType;

pub(crate) use error::FetchError;
pub(super) use error::innermost;

/// What every request says of itself, and what the operators of a site can address in their `robots.txt`: `Sundown`.
pub(crate) const AGENT: &str = concat!(
    "Mozilla/5.0 (compatible; Sundown/",
    env!("CARGO_PKG_VERSION"),
    ")"
);
const WANTED: &str = "text/html,application/xhtml+xml,application/pdf,text/*;q=0.9,application/xml;q=0.9,application/json;q=0.9,*/*;q=0.1";

/// What a page may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// From the first lookup to the last byte, redirects included. Default 15 s.
    pub(crate) total: Duration,
    /// For one connection, TLS included. Default 5 s.
    pub(crate) connect: Duration,
    /// Redirects that are followed. Default 5.
    pub(crate) redirects: usize,
    /// Bytes of a page after unpacking; what is longer is cut there. Default 2 MiB.
    pub(crate) bytes: usize,
    /// The same for a PDF. Default 10 MiB: its table of contents is at its end, so one that was cut cannot be read.
    pub(crate) pdf_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(15),
            connect: Duration::from_secs(5),
            redirects: 5,
            bytes: 2 << 20,
            pdf_bytes: 10 << 20,
        }
    }
}

/// What was found, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// Where it was found, after redirects.
    pub(crate) url: Url,
    /// 404 and 500 have pages too.
    pub(crate) status: u16,
    /// In lower case, without parameters: `text/html`. Empty where an error's page has none.
    pub(crate) content_type: String,
    /// What the header says of the characters, in lower case.
    pub(crate) charset: Option<String>,
    /// Unpacked. Empty for an error's page of a type that is not read.
    pub(crate) bytes: Vec<u8>,
    /// There is more, which was not read.
    pub(crate) truncated: bool,
    /// A redirect led from https to http, so that anybody on the way could have written this.
    pub(crate) downgraded: bool,
    /// From the first lookup to the last byte.
    pub(crate) elapsed: Duration,
}

/// Which types of content are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Types {
    /// Pages, texts, data in text, and PDFs.
    Readable,
    /// Whatever it says to be; then a PDF has no limit of its own.
    Any,
}

/// Fetches pages. Clones are cheap, and share nothing but the guard.
#[derive(Clone)]
pub(crate) struct Fetcher {
    guard: AddressGuard,
    limits: Limits,
}

impl Fetcher {
    /// One that goes where the guard lets it.
    pub(crate) fn new(guard: AddressGuard, limits: Limits) -> Self {
        Self { guard, limits }
    }

    /// Fetches what is at this address, following redirects.
    ///
    /// # Errors
    /// [`FetchError`]; a status of 400 and more is none.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection. A lookup that is under way ends by itself.
    pub(crate) async fn fetch(&self, url: &Url) -> Result<Fetched, FetchError> {
        self.fetch_with(url, Types::Readable, self.limits.bytes)
            .await
    }

    /// The same with other types, and another limit than [`Limits::bytes`].
    pub(super) async fn fetch_with(
        &self,
        url: &Url,
        types: Types,
        bytes: usize,
    ) -> Result<Fetched, FetchError> {
        let limits = Limits {
            bytes,
            ..self.limits
        };
        let total = self.limits.total;
        let going = self.follow(url.clone(), types, limits);
        timeout(total, going)
            .await
            .unwrap_or_else(|_| Err(FetchError::timed_out(url, total)))
    }

    async fn follow(
        &self,
        mut url: Url,
        types: Types,
        limits: Limits,
    ) -> Result<Fetched, FetchError> {
        let (began, mut downgraded) = (Instant::now(), false);
        for _ in 0..=limits.redirects {
            let answer = self.ask(&url).await?;
            let Some(next) = next(&url, &answer)? else {
                let mut fetched = read(url, answer, types, limits).await?;
                fetched.downgraded = downgraded;
                fetched.elapsed = began.elapsed();
                return Ok(fetched);
            };
            downgraded |= url.scheme() == "https" && next.scheme() == "http";
            url = next;
        }
        let limit = limits.redirects;
        Err(FetchError::Redirects { limit })
    }

    async fn ask(&self, url: &Url) -> Result<Response, FetchError> {
        let addresses = self.guard.resolve(url).await?;
        let broken = |error| FetchError::http(url, self.limits.connect, error);
        let client = hop::client(url, &addresses, self.limits.connect).map_err(broken)?;
        let request = client
            .get(url.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, WANTED)
            .header(ACCEPT_ENCODING, body::UNPACKED);
        request.send().await.map_err(broken)
    }
}

/// Where a redirect leads to; none where the answer is no redirect.
fn next(url: &Url, answer: &Response) -> Result<Option<Url>, FetchError> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(place) = answer.headers().get(LOCATION) else {
        return Ok(None);
    };
    let place = place.to_str().ok();
    let next = place.and_then(|place| url.join(place).ok());
    let host = || url.host_str().unwrap_or_default().to_owned();
    next.map(Some)
        .ok_or_else(|| FetchError::Nowhere { host: host() })
}

async fn read(
    url: Url,
    answer: Response,
    types: Types,
    limits: Limits,
) -> Result<Fetched, FetchError> {
    let status = answer.status();
    let found = ContentType::of(answer.headers());
    let is_wanted = types == Types::Any || found.is_readable();
    if !is_wanted && status.is_success() {
        return Err(FetchError::Type { found: found.name });
    }
    let limit = match (types, found.name.as_str()) {
        (Types::Readable, "application/pdf") => limits.pdf_bytes,
        _ => limits.bytes,
    };
    let (bytes, truncated) = if is_wanted && has_body(status, answer.headers()) {
        body::read(&url, answer, limit).await?
    } else {
        (Vec::new(), false)
    };
    Ok(Fetched {
        url,
        status: status.as_u16(),
        content_type: found.name,
        charset: found.charset,
        bytes,
        truncated,
        downgraded: false,
        elapsed: Duration::ZERO,
    })
}

/// An empty body is no valid gzip, whatever its header says.
fn has_body(status: StatusCode, headers: &HeaderMap) -> bool {
    let length = headers.get(reqwest::header::CONTENT_LENGTH);
    status != StatusCode::NO_CONTENT && length.is_none_or(|length| length != "0")
}
