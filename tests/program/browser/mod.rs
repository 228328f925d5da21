//! Web pages in a real browser, and in chats.

mod bodies;
mod chat;
mod chromium;
mod confine;
mod start;
