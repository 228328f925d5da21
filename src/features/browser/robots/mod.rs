//! `robots.txt` (RFC 9309), obeyed for what is fetched without a person having asked for it.
//!
//! **Authority**: the site's operator. What they forbid `Sundown`, or everybody, is not fetched.
//!
//! | what is at `/robots.txt` | what may be fetched | remembered for |
//! |---|---|---|
//! | rules | what they allow; the first 1,000 count, up to 128 KiB of them, and paths longer than 8 KiB are not allowed | an hour |
//! | 4xx, or too many redirects | everything | an hour |
//! | 5xx, no answer, or an address that is not reached | nothing: the site could not be asked | five minutes |
//!
//! Invariants:
//! - It is fetched like a page is: the same guard, the same limits of time, and at most 500 KiB of it, whatever it says to be.
//! - What is remembered is bounded: 64 sites, and of each what concerns us.
//!
//! Not done here: `Crawl-delay` and other lines that are no part of the standard. The parser is our own: the standard's few rules
//! are a hundred lines, with its own cases as tests.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;
use url::{Origin, Url};

use super::fetch::{FetchError, Fetcher, Types};
use rules::Rules;

/// How operators of sites call us.
const PRODUCT: &str = "sundown";
/// What the standard says must be read at least.
const BYTES: usize = 500 << 10;
const SITES: usize = 64;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A site that could not be asked may be back before an hour is over.
const MOMENT: Duration = Duration::from_secs(5 * 60);

/// What a site's operator says to a program that would fetch a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It may.
    Allowed,
    /// It may not.
    Forbidden,
    /// Nobody answered, so it may not; another time somebody may.
    NotAsked,
}

/// Asks sites what may be fetched. Clones share what they remember.
#[derive(Clone)]
pub(crate) struct Robots {
    fetcher: Fetcher,
    sites: Arc<Mutex<HashMap<Origin, Remembered>>>,
}

#[derive(Clone)]
struct Remembered {
    /// None where the site could not be asked.
    rules: Option<Arc<Rules>>,
    until: Instant,
}

impl Robots {
    /// One that fetches with this fetcher, and has asked nobody yet.
    pub(crate) fn new(fetcher: Fetcher) -> Self {
        let sites = Arc::default();
        Self { fetcher, sites }
    }

    /// Whether the site's operator lets programs fetch this. It takes as long as a page may, where the site was not asked
    /// lately.
    ///
    /// # Cancel safety
    /// Dropping it closes the connection, and remembers nothing.
    pub(crate) async fn ask(&self, url: &Url) -> Answer {
        let origin = url.origin();
        let rules = match self.remembered(&origin) {
            Some(site) => site.rules,
            None => {
                let rules = self.fetch(url).await.map(Arc::new);
                self.remember(origin, rules.clone());
                rules
            }
        };
        match rules.map(|rules| rules.allow(url)) {
            Some(true) => Answer::Allowed,
            Some(false) => Answer::Forbidden,
            None => Answer::NotAsked,
        }
    }

    /// None where the site cannot be asked.
    async fn fetch(&self, url: &Url) -> Option<Rules> {
        let place = url.join("/robots.txt").ok()?;
        match self.fetcher.fetch_with(&place, Types::Any, BYTES).await {
            Ok(found) if found.status < 300 => Some(Rules::read(&found.bytes, PRODUCT)),
            Ok(found) if found.status < 500 => Some(Rules::allow_all()),
            Ok(_) => None,
            Err(FetchError::Redirects { .. }) => Some(Rules::allow_all()),
            Err(error) => {
                let kind = error.kind();
                debug!("a robots.txt could not be fetched, so nothing of its site is: {kind}");
                None
            }
        }
    }

    fn remembered(&self, origin: &Origin) -> Option<Remembered> {
        let sites = self.sites();
        let site = sites.get(origin);
        site.filter(|site| site.until > Instant::now()).cloned()
    }

    /// Where there is no room, what would be forgotten first is forgotten.
    fn remember(&self, origin: Origin, rules: Option<Arc<Rules>>) {
        let mut sites = self.sites();
        if sites.len() >= SITES && !sites.contains_key(&origin) {
            let first = sites.iter().min_by_key(|(_, site)| site.until);
            if let Some(first) = first.map(|(origin, _)| origin.clone()) {
                sites.remove(&first);
            }
        }
        let until = Instant::now() + if rules.is_some() { HOUR } else { MOMENT };
        sites.insert(origin, Remembered { rules, until });
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<Origin, Remembered>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
