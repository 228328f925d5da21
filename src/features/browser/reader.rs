//! Reading a page: over plain HTTP, in a browser where that is not enough, and not at all where it was read a moment ago.
//!
//! ```text
//!            robots.txt ─→ cache ─→ fetch ─→ extract ─→ enough? ─→ page
//!  (for the assistant)                ▲                    │ no, or the browser was asked for
//!                                     └──── chromium ←─────┘
//!                                           through a proxy of its own
//! ```

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use reqwest::Url;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::debug;

use super::address::AddressGuard;
use super::cache::{Cache, Key, Limits as CacheLimits};
use super::chat::Step;
use super::chromium::{
    Chromium, ChromiumSettings, Dumped, Outline, Rooms, SessionSettings, Sessions, Shot, sessions,
};
use super::extract::{Extracted, Extractor, Input, Kind, MAX_INPUT_BYTES};
use super::fetch::{Fetched, Fetcher, Limits as FetchLimits};
use super::need::needs_browser;
use super::page::{Engine, Page};
use super::problem::Problem;
use super::robots::{Answer, Robots};
use super::search::{Hit, Search};
use super::settings::Settings;
use crate::lifecycle::DedicatedThread;

/// When a real browser is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Render {
    /// Where a page is not enough without one.
    #[default]
    Auto,
    /// In any case.
    Always,
}

/// How a page is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) render: Render,
    /// Pages that their sites do not want programs to read of their own accord are left alone.
    pub(crate) obeys_robots: bool,
}

/// Leave to have a page in hand, until it is dropped. There are so many as the settings say.
pub(crate) struct Seat(
    #[expect(dead_code, reason = "it is there to be dropped")] OwnedSemaphorePermit,
);

/// The service in which pages stay open.
pub(crate) type Host = DedicatedThread<Rooms>;

/// Reads pages. Cheap to clone; the clones share the cache and the pool of browsers.
#[derive(Clone)]
pub(crate) struct Browser(Arc<Inner>);

struct Inner {
    settings: Settings,
    guard: AddressGuard,
    fetcher: Fetcher,
    robots: Robots,
    extractor: Extractor,
    chromium: Chromium,
    sessions: Sessions,
    search: Option<Search>,
    cache: Mutex<Cache<Arc<Page>>>,
    seats: Arc<Semaphore>,
}

impl Browser {
    /// One that starts nothing yet, and the service that it needs for pages that stay open.
    ///
    /// # Errors
    /// Where there is no place for browsers' profiles, or no way to send requests.
    pub(crate) fn new(settings: Settings) -> io::Result<(Self, Host)> {
        let guard = AddressGuard::new(settings.allow.clone());
        let fetcher = Fetcher::new(guard.clone(), FetchLimits::default());
        let of_chromium = ChromiumSettings {
            program: settings.chromium.clone(),
            deadline: settings.page_timeout,
            pool: settings.pages,
            ..ChromiumSettings::default()
        };
        let chromium = Chromium::guarded(of_chromium, guard.clone())?;
        let limits = CacheLimits {
            time_to_live: settings.cache_for,
            ..CacheLimits::default()
        };
        let (host, sessions) = sessions(chromium.clone(), SessionSettings::default());
        let search = settings.search.clone().map(Search::new);
        let browser = Self(Arc::new(Inner {
            robots: Robots::new(fetcher.clone()),
            extractor: Extractor::of_this_program()?,
            search: search.transpose().map_err(io::Error::other)?,
            cache: Mutex::new(Cache::new(limits)),
            seats: Arc::new(Semaphore::new(settings.seats)),
            guard,
            fetcher,
            chromium,
            sessions,
            settings,
        }));
        Ok((browser, host))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Whether there is a browser to start. Without one pages are read over plain HTTP, and there are no pictures of them.
    pub(crate) fn has_chromium(&self) -> bool {
        self.0.chromium.is_installed()
    }

    /// The next seat that is free.
    ///
    /// # Cancel safety
    /// Dropped, the turn is lost.
    pub(crate) async fn seat_in_turn(&self) -> Seat {
        let seat = Arc::clone(&self.0.seats).acquire_owned().await;
        Seat(seat.expect("seats are never closed"))
    }

    /// Reads a page.
    ///
    /// # Errors
    /// [`Problem`], for people. A status of 400 and more is none where there is a text.
    ///
    /// # Cancel safety
    /// Dropped, connections are closed and processes killed.
    pub(crate) async fn read(
        &self,
        _seat: &Seat,
        url: &Url,
        wish: Wish,
    ) -> Result<Arc<Page>, Problem> {
        self.0.guard.check_url(url)?;
        self.ask_robots(url, wish.obeys_robots).await?;
        let key = Key::new(url, kept_as(wish.render));
        if let Some(page) = self.kept(&key) {
            debug!("a page was still there");
            self.ask_robots_of_the_end(url, &page.url, wish.obeys_robots)
                .await?;
            return Ok(page);
        }
        let (page, is_makeshift) = match wish.render {
            Render::Auto => self.read_somehow(url).await?,
            Render::Always => (self.read_in_chromium(url).await?, false),
        };
        self.ask_robots_of_the_end(url, &page.url, wish.obeys_robots)
            .await?;
        let page = Arc::new(page);
        if !is_makeshift && page.status.is_none_or(|status| status < 400) {
            let (weight, now) = (page.weight(), Instant::now());
            self.cache().put(key, Arc::clone(&page), weight, now);
        }
        Ok(page)
    }

    /// Takes a picture of a page, of the whole of it; or leaves it alone where `robots.txt` is obeyed and says so.
    ///
    /// # Errors
    /// [`Problem`], for people.
    ///
    /// # Cancel safety
    /// As with [`read`](Self::read).
    pub(crate) async fn shot(
        &self,
        _seat: &Seat,
        url: &Url,
        obeys_robots: bool,
    ) -> Result<Shot, Problem> {
        let chromium = self.chromium_for(url).await?;
        self.ask_robots(url, obeys_robots).await?;
        let shot = chromium.shot(url).await?;
        self.ask_robots_of_the_end(url, &shot.url, obeys_robots)
            .await?;
        Ok(shot)
    }

    /// Asks for pages about something.
    ///
    /// # Errors
    /// [`Problem`], for people: also where nobody can be asked.
    pub(crate) async fn search(&self, terms: &str) -> Result<Vec<Hit>, Problem> {
        let search = self.0.search.as_ref().ok_or(Problem::NoSearch)?;
        search.ask(terms).await
    }

    /// Takes a step in the page that a chat of a bot's has open. None where it was closed.
    ///
    /// # Errors
    /// [`Problem`], for people. Where it is not about a number, the page is closed.
    ///
    /// # Cancel safety
    /// A step that is dropped closes the page.
    pub(crate) async fn step(
        &self,
        bot: i64,
        chat: i64,
        step: &Step,
    ) -> Result<Option<Outline>, Problem> {
        let (sessions, seat) = (&self.0.sessions, seat(bot, chat));
        let outline = match step {
            Step::Open { url } => {
                self.chromium_for(url).await?;
                sessions.open(seat, url.clone()).await?
            }
            Step::Click { number } => sessions.click(seat, *number).await?,
            Step::Fill { number, text } => sessions.fill(seat, *number, text, false).await?,
            Step::Scroll { is_up } => {
                let windows = if *is_up { -0.9 } else { 0.9 };
                sessions.scroll(seat, windows).await?
            }
            Step::Snap => sessions.look(seat).await?,
            Step::Close => {
                sessions.close(seat).await?;
                return Ok(None);
            }
        };
        Ok(Some(outline))
    }

    /// What cannot be reached at all is said better than its `robots.txt` could.
    async fn ask_robots(&self, url: &Url, obeys: bool) -> Result<(), Problem> {
        if !obeys {
            return Ok(());
        }
        self.0.guard.resolve(url).await?;
        match self.0.robots.ask(url).await {
            Answer::Allowed => Ok(()),
            Answer::Forbidden => Err(Problem::Robots),
            Answer::NotAsked => Err(Problem::RobotsNotAsked),
        }
    }

    /// Where the way to a page has led elsewhere.
    async fn ask_robots_of_the_end(
        &self,
        from: &Url,
        end: &str,
        obeys: bool,
    ) -> Result<(), Problem> {
        match Url::parse(end) {
            Ok(end) if end != *from => self.ask_robots(&end, obeys).await,
            _ => Ok(()),
        }
    }

    /// Plain HTTP first. With the page comes whether it should have been read otherwise, and may be the next time.
    async fn read_somehow(&self, url: &Url) -> Result<(Page, bool), Problem> {
        let fetched = self.0.fetcher.fetch(url).await?;
        let extracted = self.extract(&fetched).await;
        let is_page = is_html(&fetched.content_type);
        let words = extracted.as_ref().map_or(0, |extracted| extracted.words);
        if !is_page || !needs_browser(&fetched.bytes, words) {
            return Ok((over_http(fetched, extracted?), false));
        }
        debug!(words, "a page takes a browser");
        match self.read_in_chromium(&fetched.url).await {
            Ok(page) => Ok((page, false)),
            Err(problem) => {
                let mut page = over_http(fetched, extracted?);
                page.remarks
                    .retain(|remark| !remark.starts_with("There is no text"));
                page.remarks
                    .push(format!("It needs a browser to be whole: {problem}."));
                Ok((page, true))
            }
        }
    }

    async fn extract(&self, fetched: &Fetched) -> Result<Extracted, Problem> {
        let Some(kind) = Kind::of_content_type(&fetched.content_type) else {
            // An error's page that is no text.
            return Ok(Extracted::default());
        };
        let input = Input {
            kind,
            charset: fetched.charset.clone(),
            url: fetched.url.to_string(),
            bytes: fetched.bytes.clone(),
        };
        Ok(self.0.extractor.extract(input).await?)
    }

    async fn read_in_chromium(&self, url: &Url) -> Result<Page, Problem> {
        let mut dumped = self.chromium_for(url).await?.dom(url).await?;
        let most = dumped.html.floor_char_boundary(MAX_INPUT_BYTES);
        dumped.is_cut |= most < dumped.html.len();
        dumped.html.truncate(most);
        let input = Input {
            kind: Kind::Html,
            charset: Some("utf-8".to_owned()),
            url: dumped.url.clone(),
            bytes: dumped.html.clone().into_bytes(),
        };
        let extracted = self.0.extractor.extract(input).await?;
        Ok(rendered(&dumped, extracted))
    }

    /// What is refused before a browser is started is said better, and sooner.
    async fn chromium_for(&self, url: &Url) -> Result<&Chromium, Problem> {
        if !self.has_chromium() {
            return Err(Problem::NoBrowser);
        }
        self.0.guard.resolve(url).await?;
        Ok(&self.0.chromium)
    }

    fn kept(&self, key: &Key) -> Option<Arc<Page>> {
        let mut cache = self.cache();
        let kept = cache.get(key, Instant::now());
        kept.map(|(page, _)| Arc::clone(page))
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache<Arc<Page>>> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without what it keeps.
impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").finish_non_exhaustive()
    }
}

/// Somebody has the same private chat's number with each bot.
fn seat(bot: i64, chat: i64) -> i128 {
    (i128::from(bot) << 64) | i128::from(chat.cast_unsigned())
}

fn kept_as(render: Render) -> &'static str {
    match render {
        Render::Auto => "auto",
        Render::Always => "chromium",
    }
}

fn is_html(content_type: &str) -> bool {
    Kind::of_content_type(content_type) == Some(Kind::Html)
}

fn over_http(fetched: Fetched, extracted: Extracted) -> Page {
    let mut remarks = remarks_of(&extracted);
    if fetched.downgraded {
        remarks.push("The way to it was not secure to the end.".to_owned());
    }
    Page {
        title: extracted.title,
        url: fetched.url.into(),
        status: Some(fetched.status),
        markdown: extracted.markdown,
        engine: Engine::Http,
        is_truncated: fetched.truncated || extracted.is_truncated,
        language: extracted.language,
        remarks,
    }
}

fn rendered(dumped: &Dumped, extracted: Extracted) -> Page {
    let mut remarks = remarks_of(&extracted);
    if !dumped.is_settled {
        remarks.push("It never came to rest, and may not be whole.".to_owned());
    }
    if dumped.is_starved {
        remarks.push("It loads more than I fetch, and may not be whole.".to_owned());
    }
    Page {
        title: extracted.title,
        url: dumped.url.clone(),
        status: dumped.status,
        markdown: extracted.markdown,
        engine: Engine::Chromium,
        is_truncated: dumped.is_cut || extracted.is_truncated,
        language: extracted.language,
        remarks,
    }
}

/// That its end is cut off is told elsewhere.
fn remarks_of(extracted: &Extracted) -> Vec<String> {
    let whole = Extracted {
        is_truncated: false,
        ..extracted.clone()
    };
    whole.remarks()
}
