//! Points in time as features' documents keep them.

use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Milliseconds since 1970 by this machine's clock.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub(super) struct Moment(pub(super) u64);

impl Moment {
    pub(super) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(0, millis))
    }

    /// How long after `earlier` this is; nothing where it is not.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    pub(super) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }

    /// The day (UTC), counted from 1970.
    pub(super) fn day(self) -> u64 {
        self.0 / DAY_MS
    }

    /// Until the next day begins (UTC).
    pub(super) fn left_of_day(self) -> Duration {
        Duration::from_millis(DAY_MS - self.0 % DAY_MS)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }
}

impl From<Moment> for DateTime<Utc> {
    fn from(moment: Moment) -> Self {
        (UNIX_EPOCH + Duration::from_millis(moment.0)).into()
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(date: DateTime<Utc>) -> Self {
        Self(u64::try_from(date.timestamp_millis()).unwrap_or_default())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
