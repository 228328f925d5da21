//! `robots.txt` (RFC 9309), obeyed for what is fetched without a person having asked for it.
//!
//! **Authority**: the site's operator. What they forbid `Sundown`, or everybody, is not fetched.
//!
//! | what is at `/robots.txt` | what may be fetched | remembered for |
//! |---|---|---|
//! | rules | what they allow | an hour |
//! | 4xx, or too many redirects | everything | an hour |
//! | 5xx, no answer, or an address that is not reached | nothing | five minutes |
//!
//! Invariants:
//! - It is fetched like a page is: the same guard, the same limits of time, and at most 500 KiB of it.
//! - What is remembered is bounded: 64 sites, and of each what concerns us.
//!
//! Not done here: `Crawl-delay` and other lines that are no part of the standard. The parser is our own: the few rules
//! that matter are a small file, which the standard's own cases test.

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

/// Asks sites what may be fetched. Clones share what they remember.
#[derive(Clone)]
pub(crate) struct Robots {
    fetcher: Fetcher,
    sites: Arc<Mutex<HashMap<Origin, Remembered>>>,
}

#[derive(Clone)]
struct Remembered {
    rules: Arc<Rules>,
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
    pub(crate) async fn allowed(&self, url: &Url) -> bool {
        let origin = url.origin();
        let rules = match self.remembered(&origin) {
            Some(rules) => rules,
            None => {
                let (rules, time) = self.ask(url).await;
                let rules = Arc::new(rules);
                self.remember(origin, Arc::clone(&rules), time);
                rules
            }
        };
        rules.allow(url)
    }

    async fn ask(&self, url: &Url) -> (Rules, Duration) {
        let Ok(place) = url.join("/robots.txt") else {
            return (Rules::forbid_all(), MOMENT);
        };
        match self.fetcher.fetch_with(&place, Types::Any, BYTES).await {
            Ok(found) if found.status < 300 => (Rules::read(&found.bytes, PRODUCT), HOUR),
            Ok(found) if found.status < 500 => (Rules::allow_all(), HOUR),
            Ok(_) => (Rules::forbid_all(), MOMENT),
            Err(FetchError::Redirects { .. }) => (Rules::allow_all(), HOUR),
            Err(error) => {
                debug!(%error, "a robots.txt could not be fetched, so nothing of its site is");
                (Rules::forbid_all(), MOMENT)
            }
        }
    }

    fn remembered(&self, origin: &Origin) -> Option<Arc<Rules>> {
        let sites = self.sites();
        let site = sites.get(origin);
        let site = site.filter(|site| site.until > Instant::now());
        site.map(|site| Arc::clone(&site.rules))
    }

    /// Where there is no room, what would be forgotten first is forgotten.
    fn remember(&self, origin: Origin, rules: Arc<Rules>, time: Duration) {
        let mut sites = self.sites();
        if sites.len() >= SITES && !sites.contains_key(&origin) {
            let first = sites.iter().min_by_key(|(_, site)| site.until);
            if let Some(first) = first.map(|(origin, _)| origin.clone()) {
                sites.remove(&first);
            }
        }
        let until = Instant::now() + time;
        sites.insert(origin, Remembered { rules, until });
    }

    fn sites(&self) -> MutexGuard<'_, HashMap<Origin, Remembered>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
