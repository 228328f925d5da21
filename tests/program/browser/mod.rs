//! Web pages in a real browser.

mod chromium;
