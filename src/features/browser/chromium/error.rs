//! Why there is no page.

use std::path::PathBuf;
use std::time::Duration;

/// Why a page could not be shown. The texts are fit for the person who asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// There is no browser.
    #[error(
        "no Chromium is installed; install the package `chromium`, or name its program in the configuration"
    )]
    NotInstalled,
    /// There is none where it is said to be.
    #[error(
        "`{}` is no program that can be run; install Chromium there, or name another program in the configuration",
        .0.display()
    )]
    NoProgram(PathBuf),
    /// It is no web page.
    #[error("a page with the scheme `{0}` is not opened; only http and https are")]
    Scheme(String),
    /// Too many pages are open.
    #[error("the browser is busy: no page had its turn within {} s; try again later", .0.as_secs_f32())]
    Busy(Duration),
    /// It took too long, and was killed.
    #[error("the page was not done within {} s; its server is slow, or its scripts do not end", .0.as_secs_f32())]
    TimedOut(Duration),
    /// It could not be reached, in the browser's own words, such as `net::ERR_CONNECTION_REFUSED`.
    #[error("the page cannot be opened: {0}")]
    Unreachable(String),
    /// Its address, or one that it leads to, is not to be reached; the text says why.
    #[error("{0}")]
    Forbidden(String),
    /// What is there is a file to be saved, and nothing is.
    #[error("the address leads to a file and not to a page; files are not downloaded")]
    Download,
    /// More than the browser hands over at one go.
    #[error("what the browser hands over is too large: more than 50 MB, as a picture or a page")]
    TooLarge,
    /// The browser could not be started, which it may say more of, or ended by itself.
    #[error("Chromium {0}")]
    Died(String),
    /// The page broke its own process, by want of memory for example.
    #[error("the page crashed the browser; it may need more memory than there is")]
    Crashed,
    /// The browser answered something else than expected.
    #[error("Chromium refuses {method}: {why}")]
    Refused {
        /// What was asked of it.
        method: &'static str,
        /// What it answered.
        why: String,
    },
    /// There is no such element in the page as it is now.
    #[error("there is nothing with the number {0} on this page; look at the page again")]
    NoElement(u32),
    /// The element cannot be used that way.
    #[error("number {number} cannot be {done}: it is {what}")]
    Unfit {
        /// The element's number.
        number: u32,
        /// What was to be done with it.
        done: &'static str,
        /// What it is.
        what: String,
    },
    /// As many chats as may have a page open.
    #[error("{0} chats have a page open, and no more may; try again in a few minutes")]
    TooMany(usize),
    /// No page is open in this session.
    #[error("no page is open; open one first")]
    NothingOpen,
    /// The sessions' service has stopped, or was stopped while this waited.
    #[error("the browser's sessions have stopped")]
    Stopped,
}
