//! Verification of people who join a group: what is asked of them, and what is said about it.
//!
//! [`captcha`] makes and checks challenges, [`texts`] holds every word in every language. Neither does any I/O.

#[allow(
    dead_code,
    unused_imports,
    reason = "the room's core, which uses it, is not there yet"
)]
mod captcha;
#[allow(
    dead_code,
    unused_imports,
    reason = "the room's core, which uses it, is not there yet"
)]
mod texts;
