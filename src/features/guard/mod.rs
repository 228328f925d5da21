//! Verification of people who join a group: what is asked of them.
//!
//! [`captcha`] makes and checks challenges. It does no I/O.

#[allow(
    dead_code,
    unused_imports,
    reason = "the room's core, which uses it, is not there yet"
)]
mod captcha;
