//! Pages that stay open between one step and the next: one for each chat.
//!
//! ```text
//!  Sessions::open, click, fill, … ─→ DedicatedThread ─ one step at a time ─→ a chat's room ─→ its browser
//!                                     a service         │ taken out of the rooms for the step,
//!                                                       └ put back where the browser can be used on
//! ```
//!
//! **Authority**: the host decides when a step is over. Invariants:
//! - A step that is not over at its deadline takes its browser with it, whatever the page does; the next one begins anew.
//! - So does a browser that ended by itself. The chat is told, and opens a page again.
//! - What nobody uses is closed; there are never more browsers than [`SessionSettings::most`].
//!
//! Not done here: steps side by side. A page that is slow holds up other chats' steps, until its deadline at the longest.

mod outline;
mod rooms;

use std::time::Duration;

use reqwest::Url;

use super::pages::check_scheme;
use super::{Chromium, PageError};
use crate::lifecycle::{CallError, Caller, DedicatedThread};
pub use outline::Outline;
pub use rooms::Rooms;

/// Limits of sessions. Every field has a default.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// How many chats may have a page open, 2.
    pub most: usize,
    /// After how long without a step a page is closed, 5 min.
    pub idle: Duration,
    /// What a step may take, 30 s, the wait for other chats' steps included.
    pub deadline: Duration,
    /// How long a step waits for a page to have loaded, 10 s; then it is shown as it is.
    pub settle_within: Duration,
    /// The length at which an outline is cut off, 20,000 UTF-16 units.
    pub longest: usize,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            most: 2,
            idle: Duration::from_secs(300),
            deadline: Duration::from_secs(30),
            settle_within: Duration::from_secs(10),
            longest: 20_000,
        }
    }
}

/// Takes steps in pages. Cheap to clone.
///
/// Every step ends with the page's [`Outline`], whose numbers the next step may name.
///
/// # Errors
/// Of all steps: [`PageError`]. Where that is not about a number, the chat's page is closed.
///
/// # Cancel safety
/// A step that is dropped closes the chat's page.
#[derive(Clone, Debug)]
pub struct Sessions {
    caller: Caller<Rooms>,
    deadline: Duration,
}

/// The service that sessions live in, and the way to them. It is to be restarted after a crash: `Restart::Transient`.
#[must_use]
pub fn sessions(
    chromium: Chromium,
    settings: SessionSettings,
) -> (DedicatedThread<Rooms>, Sessions) {
    let deadline = settings.deadline;
    let host =
        DedicatedThread::new(async move || Ok(Rooms::new(chromium.clone(), settings.clone())));
    let caller = host.caller();
    (host, Sessions { caller, deadline })
}

impl Sessions {
    /// Opens a page, in place of what the chat has open.
    pub async fn open(&self, chat: i128, url: Url) -> Result<Outline, PageError> {
        check_scheme(&url)?;
        let step = async move |rooms: &mut Rooms| rooms.open(chat, &url).await;
        self.told(self.caller.call("open", self.deadline, step).await)
    }

    /// Shows the page again.
    pub async fn look(&self, chat: i128) -> Result<Outline, PageError> {
        let step = async move |rooms: &mut Rooms| rooms.act(chat, "0").await;
        self.told(self.caller.call("look", self.deadline, step).await)
    }

    /// Clicks on what has this number.
    pub async fn click(&self, chat: i128, number: u32) -> Result<Outline, PageError> {
        let step = async move |rooms: &mut Rooms| rooms.act(chat, &outline::click(number)).await;
        self.told(self.caller.call("click", self.deadline, step).await)
    }

    /// Writes into a field, or chooses what reads so, and where wanted sends the form.
    pub async fn fill(
        &self,
        chat: i128,
        number: u32,
        text: &str,
        sends: bool,
    ) -> Result<Outline, PageError> {
        let fill = outline::fill(number, text, sends);
        let step = async move |rooms: &mut Rooms| rooms.act(chat, &fill).await;
        self.told(self.caller.call("fill", self.deadline, step).await)
    }

    /// Scrolls by so many windows; a negative number goes up.
    pub async fn scroll(&self, chat: i128, windows: f32) -> Result<Outline, PageError> {
        let step = async move |rooms: &mut Rooms| rooms.act(chat, &outline::scroll(windows)).await;
        self.told(self.caller.call("scroll", self.deadline, step).await)
    }

    /// Closes the chat's page; whether there was one.
    pub async fn close(&self, chat: i128) -> Result<bool, PageError> {
        let step = async move |rooms: &mut Rooms| Ok(rooms.close(chat));
        self.told(self.caller.call("close", self.deadline, step).await)
    }

    fn told<T>(&self, answer: Result<Result<T, PageError>, CallError>) -> Result<T, PageError> {
        match answer {
            Ok(answer) => answer,
            Err(CallError::TimedOut(..)) => Err(PageError::TimedOut(self.deadline)),
            Err(CallError::Crashed(panic)) => Err(PageError::Died(format!("was lost: {panic}"))),
            Err(_) => Err(PageError::Stopped),
        }
    }
}
