//! The open pages, on their thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use reqwest::Url;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::super::tab::Tab;
use super::super::{Chromium, PageError};
use super::SessionSettings;
use super::outline::{self, Outline};

/// How long nothing has to happen for a page to be taken for done.
const QUIET: std::time::Duration = std::time::Duration::from_millis(400);

type Open = Rc<RefCell<HashMap<i128, Room>>>;

/// The pages that chats have open.
pub struct Rooms {
    chromium: Chromium,
    settings: SessionSettings,
    open: Open,
}

/// A page between two steps. What the browser says meanwhile is heard: dialogs would stand open otherwise, and what is not
/// read would pile up.
struct Room {
    wanted: oneshot::Sender<()>,
    /// Until its browser has ended.
    is_alive: Rc<Cell<bool>>,
    /// Given when it is wanted; or that the browser has ended meanwhile.
    tab: oneshot::Receiver<Result<Tab, PageError>>,
    /// Listens, and closes the room when it has been idle for too long.
    listening: JoinSet<()>,
}

impl Rooms {
    pub(super) fn new(chromium: Chromium, settings: SessionSettings) -> Self {
        Self {
            chromium,
            settings,
            open: Rc::default(),
        }
    }

    pub(super) async fn open(&mut self, chat: i128, url: &Url) -> Result<Outline, PageError> {
        let mut tab = match self.take(chat).await {
            Some(Ok(tab)) => tab,
            _ if self.count() >= self.settings.most => {
                return Err(PageError::TooMany(self.settings.most));
            }
            _ => self.chromium.tab().await?,
        };
        tab.navigate(url).await?;
        self.settle(&mut tab).await?;
        let outline = self.outline(&mut tab).await?;
        self.put_back(chat, tab);
        Ok(outline)
    }

    /// Evaluates what does something in the page, and shows what has become of it.
    pub(super) async fn act(&mut self, chat: i128, deed: &str) -> Result<Outline, PageError> {
        // Out of the rooms: a step that is dropped takes the browser with it.
        let mut tab = self.take(chat).await.ok_or(PageError::NothingOpen)??;
        let done = tab.evaluate(deed).await?;
        if let Some(error) = outline::refusal(&done) {
            self.put_back(chat, tab);
            return Err(error);
        }
        self.settle(&mut tab).await?;
        let outline = self.outline(&mut tab).await?;
        self.put_back(chat, tab);
        Ok(outline)
    }

    pub(super) fn close(&mut self, chat: i128) -> bool {
        let room = self.open.borrow_mut().remove(&chat);
        room.is_some()
    }

    /// Pages that have a browser.
    fn count(&self) -> usize {
        let open = self.open.borrow();
        open.values().filter(|room| room.is_alive.get()).count()
    }

    /// Lets a page do what a step has set off.
    async fn settle(&self, tab: &mut Tab) -> Result<(), PageError> {
        quiet(tab).await?;
        if tab.seen.is_loading {
            let loaded = tab.until(|seen| !seen.is_loading);
            if let Ok(loaded) = timeout(self.settings.settle_within, loaded).await {
                loaded?;
                quiet(tab).await?;
            }
        }
        Ok(())
    }

    async fn outline(&self, tab: &mut Tab) -> Result<Outline, PageError> {
        let shown = tab.evaluate(&outline::look(self.settings.longest)).await?;
        let outline = Outline::new(&shown, tab.seen.status, tab.is_starved());
        tab.judge(&outline.url).await?;
        Ok(outline)
    }

    /// Dropped, it closes the page.
    async fn take(&mut self, chat: i128) -> Option<Result<Tab, PageError>> {
        let room = self.open.borrow_mut().remove(&chat)?;
        // It has ended where it does not hear this.
        let _ = room.wanted.send(());
        let tab = room.tab.await.ok();
        drop(room.listening);
        tab
    }

    fn put_back(&mut self, chat: i128, tab: Tab) {
        let (open, time) = (Rc::downgrade(&self.open), self.settings.idle);
        let (want, wanted) = oneshot::channel();
        let (give, given) = oneshot::channel();
        let is_alive = Rc::new(Cell::new(true));
        let alive = Rc::clone(&is_alive);
        let mut listening = JoinSet::new();
        listening.spawn_local(async move {
            if let Ok(kept) = timeout(time, keep(tab, wanted, &alive)).await {
                let _ = give.send(kept);
                return;
            }
            let closed = open
                .upgrade()
                .and_then(|open| open.borrow_mut().remove(&chat));
            // After the map is free again, because this ends the task that does it.
            drop(closed);
        });
        let room = Room {
            wanted: want,
            is_alive,
            tab: given,
            listening,
        };
        self.open.borrow_mut().insert(chat, room);
    }
}

/// Hears what the browser says until the page is wanted. One that ends is buried at once, and told when it is asked for.
async fn keep(
    mut tab: Tab,
    mut wanted: oneshot::Receiver<()>,
    is_alive: &Cell<bool>,
) -> Result<Tab, PageError> {
    let ended = tokio::select! {
        _ = &mut wanted => return Ok(tab),
        ended = tab.until(|_| false) => ended,
    };
    drop(tab);
    is_alive.set(false);
    let _ = wanted.await;
    // Nothing else ends it.
    Err(ended.err().unwrap_or(PageError::Stopped))
}

async fn quiet(tab: &mut Tab) -> Result<(), PageError> {
    // Nothing is so for ever; only an error comes before the time is over.
    match timeout(QUIET, tab.until(|_| false)).await {
        Ok(error) => error,
        Err(_) => Ok(()),
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}
