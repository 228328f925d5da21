//! Pages that are opened, taken, and gone: one browser each.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use super::super::address::AddressGuard;
use super::PageError;
use super::disk::DISK_BYTES;
use super::keeper::Keeper;
use super::launch::Launch;
use super::scratch::Scratch;
use super::settings::ChromiumSettings;
use super::tab::{Tab, text};
use super::way::Way;

/// Opens pages in headless Chromium. Cheap to clone; the clones share one pool.
#[derive(Clone)]
pub struct Chromium {
    shared: Arc<Shared>,
}

struct Shared {
    /// Judges for the proxy that each page then has.
    guard: Option<AddressGuard>,
    settings: ChromiumSettings,
    launch: Launch,
    pool: Semaphore,
    keeper: Keeper,
    // After the keeper, whose last burials need no more than it holds itself.
    scratch: Scratch,
}

/// A page's HTML, as its scripts have left it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dumped {
    /// The whole document, its type included.
    pub html: String,
    /// Whether the end is missing: see [`ChromiumSettings::longest`].
    pub is_cut: bool,
    /// Where redirects and scripts have led.
    pub url: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Whether it came to rest: see [`ChromiumSettings::settle_within`].
    pub is_settled: bool,
    /// Whether it wanted more bytes than a page may have.
    pub is_starved: bool,
    /// From the browser's start on.
    pub elapsed: Duration,
}

/// A picture of a page.
#[derive(Clone)]
#[non_exhaustive]
pub struct Shot {
    /// The picture's file.
    pub png: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether the page goes on below: see [`ChromiumSettings::tallest`].
    pub is_cut: bool,
    /// The page's title.
    pub title: String,
    /// Where redirects and scripts have led.
    pub url: String,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Whether it came to rest: see [`ChromiumSettings::settle_within`].
    pub is_settled: bool,
    /// Whether it wanted more bytes than a page may have.
    pub is_starved: bool,
    /// From the browser's start on.
    pub elapsed: Duration,
}

impl std::fmt::Debug for Shot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shot")
            .field("png_bytes", &self.png.len())
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Chromium {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chromium").finish_non_exhaustive()
    }
}

impl Chromium {
    /// Makes ready what browsers need, and removes what those of a killed process have left. Starts none.
    ///
    /// # Errors
    /// Where there is no place for profiles, or no thread.
    pub fn new(settings: ChromiumSettings) -> io::Result<Self> {
        Self::make(settings, None)
    }

    /// The same, where each page goes out through a proxy of its own, which this guard judges for.
    pub(crate) fn guarded(settings: ChromiumSettings, guard: AddressGuard) -> io::Result<Self> {
        Self::make(settings, Some(guard))
    }

    fn make(settings: ChromiumSettings, guard: Option<AddressGuard>) -> io::Result<Self> {
        let shared = Shared {
            guard,
            launch: Launch::new(settings.clone())?,
            pool: Semaphore::new(settings.pool),
            keeper: Keeper::new(DISK_BYTES)?,
            scratch: Scratch::new(settings.scratch.as_deref())?,
            settings,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// How it was made.
    #[must_use]
    pub fn settings(&self) -> &ChromiumSettings {
        &self.shared.settings
    }

    /// Whether there is a browser to start.
    #[must_use]
    pub fn is_installed(&self) -> bool {
        self.shared.launch.program().is_ok()
    }

    /// A page's HTML after its scripts have run.
    ///
    /// # Errors
    /// See [`PageError`]; at the latest after [`patience`](ChromiumSettings::patience) and
    /// [`deadline`](ChromiumSettings::deadline).
    ///
    /// # Cancel safety
    /// Dropped, the browser is killed with all of its processes, and its profile removed soon after.
    pub async fn dom(&self, url: &Url) -> Result<Dumped, PageError> {
        self.in_time(url, self.take_dom(url)).await
    }

    /// A picture of a page, from top to bottom.
    ///
    /// # Errors
    /// As with [`dom`](Self::dom).
    ///
    /// # Cancel safety
    /// As with [`dom`](Self::dom).
    pub async fn shot(&self, url: &Url) -> Result<Shot, PageError> {
        self.in_time(url, self.take_shot(url)).await
    }

    async fn in_time<T>(
        &self,
        url: &Url,
        page: impl Future<Output = Result<T, PageError>>,
    ) -> Result<T, PageError> {
        check_scheme(url)?;
        let _turn = self.turn().await?;
        let deadline = self.shared.settings.deadline;
        timeout(deadline, page)
            .await
            .unwrap_or(Err(PageError::TimedOut(deadline)))
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, PageError> {
        let patience = self.shared.settings.patience;
        match timeout(patience, self.shared.pool.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(PageError::Busy(patience)),
        }
    }

    /// A browser with an empty page, outside the pool.
    pub(super) async fn tab(&self) -> Result<Tab, PageError> {
        let Shared {
            launch,
            scratch,
            keeper,
            ..
        } = &*self.shared;
        let Some(guard) = &self.shared.guard else {
            return Tab::open(launch, scratch, keeper, None).await;
        };
        let way = Way::open(guard.clone()).await;
        let way = way.map_err(|error| PageError::Died(format!("has no way out: {error}")))?;
        Tab::open(launch, scratch, keeper, Some(way)).await
    }

    async fn take_dom(&self, url: &Url) -> Result<Dumped, PageError> {
        let began = Instant::now();
        let mut tab = self.tab().await?;
        let is_settled = self.load(&mut tab, url).await?;
        let longest = self.shared.settings.longest;
        let taken = tab
            .evaluate(&DOCUMENT.replace("LONGEST", &longest.to_string()))
            .await?;
        let url = text(&taken["url"]);
        tab.judge(&url).await?;
        Ok(Dumped {
            html: text(&taken["html"]),
            is_cut: taken["is_cut"] == true,
            url,
            status: tab.seen.status,
            is_settled,
            is_starved: tab.is_starved(),
            elapsed: began.elapsed(),
        })
    }

    async fn take_shot(&self, url: &Url) -> Result<Shot, PageError> {
        let began = Instant::now();
        let mut tab = self.tab().await?;
        let is_settled = self.load(&mut tab, url).await?;
        let head = tab
            .evaluate("({ title: document.title, url: document.URL })")
            .await?;
        let url = text(&head["url"]);
        tab.judge(&url).await?;
        let (width, _) = self.shared.settings.window;
        let screen = json!({
            "width": width, "height": SCREEN, "deviceScaleFactor": 1, "mobile": false,
        });
        tab.call("Emulation.setDeviceMetricsOverride", screen)
            .await?;
        let size = tab.call("Page.getLayoutMetrics", json!({})).await?;
        let full = size["cssContentSize"]["height"]
            .as_f64()
            .unwrap_or_default();
        let tallest = self.shared.settings.tallest;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float that is too large becomes the largest integer, and is cut"
        )]
        let full = full.ceil() as u32;
        let height = full.clamp(1, tallest.max(1));
        let picture = json!({
            "format": "png",
            "captureBeyondViewport": true,
            "clip": { "x": 0, "y": 0, "width": width, "height": height, "scale": 1 },
        });
        let method = "Page.captureScreenshot";
        let mut taken = tab.call(method, picture).await?;
        let png = decode(taken["data"].take()).await;
        let png = png.map_err(|error| PageError::Refused {
            method,
            why: error.to_string(),
        })?;
        Ok(Shot {
            png,
            width,
            height,
            is_cut: full > height,
            title: text(&head["title"]),
            url,
            status: tab.seen.status,
            is_settled,
            is_starved: tab.is_starved(),
            elapsed: began.elapsed(),
        })
    }

    /// Goes to a page and lets it come to rest. False where it did not in time.
    async fn load(&self, tab: &mut Tab, url: &Url) -> Result<bool, PageError> {
        tab.navigate(url).await?;
        let settings = &self.shared.settings;
        // The clock stands still while something is being fetched, and else jumps from timer to timer.
        let clock = json!({
            "policy": "pauseIfNetworkFetchesPending",
            "budget": settings.run_on.as_millis(),
            "maxVirtualTimeTaskStarvationCount": 9999,
        });
        let rest = async {
            tab.call("Emulation.setVirtualTimePolicy", clock).await?;
            tab.until(|seen| seen.has_run_on).await
        };
        match timeout(settings.settle_within, rest).await {
            Ok(rest) => rest.map(|()| true),
            Err(_) => Ok(false),
        }
    }
}

/// On another thread: a large picture takes a while.
async fn decode(data: Value) -> io::Result<Vec<u8>> {
    let decoding = move || match data {
        Value::String(data) => BASE64_STANDARD.decode(data).map_err(io::Error::other),
        _ => Err(io::Error::other("there is no picture in the answer")),
    };
    spawn_blocking(decoding).await.map_err(io::Error::other)?
}

/// A page has room for more while it loads, so that what comes with scrolling comes; a picture of one that does not fill that
/// has no empty rest.
const SCREEN: u32 = 800;

/// Of a document: its type, and the rest, cut off.
const DOCUMENT: &str = "(() => {
    const kind = document.doctype ? new XMLSerializer().serializeToString(document.doctype) + '\\n' : '';
    const html = kind + (document.documentElement ? document.documentElement.outerHTML : '');
    return { html: html.slice(0, LONGEST), is_cut: html.length > LONGEST, url: document.URL };
})()";

/// Files of this machine are pages to a browser, and so is its own inside.
pub(super) fn check_scheme(url: &Url) -> Result<(), PageError> {
    match url.scheme() {
        "http" | "https" => Ok(()),
        other => Err(PageError::Scheme(other.to_owned())),
    }
}
