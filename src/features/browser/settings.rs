//! What an operator decides about the browser.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::address::Allowed;
use crate::ai::Secret;

/// More seats than this make nothing faster: two pages at a time are read through.
const MOST_SEATS: usize = 16;

/// The browser's settings, as plain data.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Chromium's program. None: the first of its usual names that is on `PATH`.
    pub(crate) chromium: Option<PathBuf>,
    /// Pages that are read or drawn by Chromium at a time: 1 to 16. Those that chats have open come on top. Each takes 0.1 GB where
    /// it is small, and a script's heap may grow to 0.5 GB.
    pub(crate) pages: usize,
    /// Pages that are in hand at a time, in whatever way and over all chats. Each is a handler that may take minutes, and
    /// some 20 MB.
    pub(crate) seats: usize,
    /// What a page may take in Chromium, from its start to the result; then it is killed.
    pub(crate) page_timeout: Duration,
    /// What may be reached although it is not public.
    pub(crate) allow: Vec<Allowed>,
    /// How long a page that was read is not read again.
    pub(crate) cache_for: Duration,
    /// The users for whom pages are read, by number. Empty: everybody.
    pub(crate) users: BTreeSet<i64>,
    /// Who is asked for pages about something. None: nobody.
    pub(crate) search: Option<Engine>,
}

impl Settings {
    /// Seats where there are so many handlers: most of these stay free for what else comes.
    pub(crate) fn seats_of(handlers: usize) -> usize {
        (handlers / 4).clamp(1, MOST_SEATS)
    }

    /// Whether pages are read for this user.
    pub(crate) fn serves(&self, user: i64) -> bool {
        self.users.is_empty() || self.users.contains(&user)
    }
}

/// Who is asked for pages about something.
#[derive(Clone, Debug)]
pub(crate) enum Engine {
    /// A SearXNG server that answers in JSON, by the address to which `/search` is added.
    SearXng {
        /// Without `/search`.
        url: Url,
    },
    /// Brave's Search API.
    Brave {
        /// What its requests go to.
        url: Url,
        /// What it knows the operator by.
        key: Secret,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            chromium: None,
            pages: 2,
            seats: MOST_SEATS,
            page_timeout: Duration::from_secs(20),
            allow: Vec::new(),
            cache_for: Duration::from_secs(15 * 60),
            users: BTreeSet::new(),
            search: None,
        }
    }
}
