//! What an operator decides about the gateway.

use std::time::Duration;

use crate::ai::Secret;

/// The gateway's settings, as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The keys that are let in. Empty: everybody, which is refused where others can reach the address.
    pub keys: Vec<GatewayKey>,
    /// The providers that are tried where a request names none, in this order. Empty: all, in their own order.
    pub providers: Vec<String>,
    /// Requests that are answered at the same time; further ones are refused with 429.
    pub concurrent: usize,
    /// The largest request body, in bytes.
    pub body_bytes: usize,
    /// What all bodies that are read or wait for their answers may take of memory together, in bytes: their text, and a
    /// measure for each value in it. Further ones are refused with 429, and what is larger alone with 413. At least
    /// `body_bytes`.
    pub held_bytes: usize,
    /// A stream in which nothing has come for so long gets a `: ping`, and one that has not begun its headers.
    pub ping_every: Duration,
}

/// Somebody who may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayKey {
    /// Whom it is for: in logs, and in what is counted.
    pub name: String,
    /// What they send as a bearer token.
    pub secret: Secret,
    /// Tokens a day (UTC). None: no limit.
    pub tokens_per_day: Option<u64>,
    /// Requests in any minute. None: no limit.
    pub requests_per_minute: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            providers: Vec::new(),
            concurrent: 256,
            body_bytes: 8 << 20,
            held_bytes: 64 << 20,
            ping_every: Duration::from_secs(10),
        }
    }
}
