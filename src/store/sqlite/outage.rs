//! A disk that is full, told once; and once that it is not any more.

use std::time::Instant;

use tracing::{info, warn};

use super::StoreError;

/// What could not be written and has not been written since. Small things may still have room where large ones have
/// none, and that is not the end of it.
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Instant>,
    refused: Writes,
}

/// Kinds of what is written.
#[derive(Clone, Copy, Default)]
pub(super) struct Writes {
    pub(super) updates: bool,
    pub(super) ends: bool,
    /// Timers that are due, and parked updates that are tried again.
    pub(super) own: bool,
}

pub(super) const OWN: Writes = Writes {
    updates: false,
    ends: false,
    own: true,
};

impl Outage {
    /// There was no space for these.
    pub(super) fn met(&mut self, error: &StoreError, writes: Writes) {
        self.refused.updates |= writes.updates;
        self.refused.ends |= writes.ends;
        self.refused.own |= writes.own;
        if self.since.is_none() {
            self.since = Some(Instant::now());
            warn!(
                %error,
                "nothing more is confirmed or recorded until there is space; what arrives waits at the server"
            );
        }
    }

    /// These have been written.
    pub(super) fn passed(&mut self, writes: Writes) {
        self.refused.updates &= !writes.updates;
        self.refused.ends &= !writes.ends;
        self.refused.own &= !writes.own;
        let is_over = !self.refused.updates && !self.refused.ends && !self.refused.own;
        if let Some(since) = self.since.take_if(|_| is_over) {
            let lasted_s = since.elapsed().as_secs();
            info!("there is space again after {lasted_s} s; what waited is written");
        }
    }
}
