//! What the supervisor is told.

use super::machine::{Event, ServiceId};

/// What services and hooks tell the supervisor.
#[derive(Debug)]
pub(super) enum Message {
    Machine(Event),
    Status(ServiceId, String),
    Fact(ServiceId, &'static str, u64),
    Unfinished(ServiceId, String),
}
