//! When so many come at once that each of them is no longer greeted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

const WINDOW: Duration = Duration::from_secs(60);

/// The joins of the last minute, and the raid that they are, if they are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Raid {
    recent: Vec<Moment>,
    /// Since when there is a raid, and how many have come in it.
    pub(super) on: Option<Ongoing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ongoing {
    pub(super) since: Moment,
    pub(super) count: u64,
}

impl Raid {
    /// Counts somebody who came. True where a raid begins with this.
    pub(super) fn comes(&mut self, now: Moment, limit: u16) -> bool {
        self.forget(now);
        self.recent.push(now);
        // Of more than that it does not matter how many they are.
        let most = usize::from(limit).max(1) + 1;
        let surplus = self.recent.len().saturating_sub(most);
        self.recent.drain(..surplus);
        if let Some(raid) = &mut self.on {
            raid.count += 1;
            return false;
        }
        let is_raid = self.recent.len() >= most;
        if is_raid {
            self.on = Some(Ongoing {
                since: self.recent[0],
                count: self.recent.len() as u64,
            });
        }
        is_raid
    }

    /// Looks whether the raid is over: fewer than half as many as make one have come within the last minute. Returns what it was.
    pub(super) fn ends(&mut self, now: Moment, limit: u16) -> Option<Ongoing> {
        self.forget(now);
        let is_over = self.recent.len() * 2 < usize::from(limit).max(1);
        if is_over { self.on.take() } else { None }
    }

    /// How soon it makes sense to look again.
    pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(15);

    fn forget(&mut self, now: Moment) {
        let from = now.before(WINDOW);
        self.recent.retain(|at| *at > from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Moment {
        Moment(1_000_000 + s * 1_000)
    }

    #[test]
    fn more_than_the_limit_within_a_minute_is_a_raid() {
        let mut raid = Raid::default();
        assert!((0..10).all(|s| !raid.comes(at(s), 10)));
        assert!(raid.comes(at(59), 10));
        assert_eq!(raid.on.unwrap().count, 11);
        assert!(!raid.comes(at(60), 10), "it has begun already");
        assert_eq!(raid.on.unwrap().count, 12);
    }

    #[test]
    fn as_many_in_a_longer_time_are_none() {
        let mut raid = Raid::default();
        assert!((0..100).all(|n| !raid.comes(at(n * 7), 10)));
    }

    #[test]
    fn it_ends_when_few_have_come_for_a_minute() {
        let mut raid = Raid::default();
        for n in 0..11 {
            raid.comes(at(n), 10);
        }
        assert_eq!(raid.ends(at(30), 10), None);
        assert_eq!(raid.ends(at(71), 10).unwrap().count, 11);
        assert_eq!(raid.on, None);
    }
}
