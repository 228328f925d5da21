//! When so many come at once that each of them is no longer greeted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;

const WINDOW: Duration = Duration::from_secs(60);
/// So many raids are remembered, for the names of those who came in them.
const PAST: usize = 32;
const QUIET: Duration = Duration::from_secs(3_600);

/// The joins of the last minute, and the raid that they are, if they are one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Raid {
    recent: Vec<(Moment, i64)>,
    /// Since when there is a raid, and how many have come in it.
    pub(super) on: Option<Ongoing>,
    /// From when to when the last ones were.
    past: Vec<(Moment, Moment)>,
    /// When the administrators were last told that one has begun.
    told: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ongoing {
    pub(super) since: Moment,
    pub(super) count: u64,
    /// Whether the administrators know of it.
    #[serde(default)]
    pub(super) is_told: bool,
}

impl Raid {
    /// Counts somebody who came, once however often they do. True where a raid begins with this.
    pub(super) fn comes(&mut self, user: i64, now: Moment, limit: u16) -> bool {
        // Of one that was over before this, by when they came, nothing is left.
        self.ends(now, limit);
        if self.recent.iter().any(|(_, other)| *other == user) {
            return false;
        }
        self.recent.push((now, user));
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
                since: self.recent[0].0,
                count: self.recent.len() as u64,
                is_told: false,
            });
        }
        is_raid
    }

    /// Whether the administrators are to be told of a raid that begins: of one an hour, so that nobody can make the bot write to
    /// them at will.
    pub(super) fn is_news(&mut self, now: Moment) -> bool {
        let is_news = self.told == Moment::default() || now.since(self.told) >= QUIET;
        if let Some(raid) = &mut self.on
            && is_news
        {
            self.told = now;
            raid.is_told = true;
        }
        is_news
    }

    /// Looks whether the raid is over: fewer than half as many as make one have come within the last minute. Returns what it was.
    pub(super) fn ends(&mut self, now: Moment, limit: u16) -> Option<Ongoing> {
        self.forget(now);
        let is_over = self.recent.len() * 2 < usize::from(limit).max(1);
        let raid = if is_over { self.on.take() } else { None };
        if let Some(raid) = raid {
            self.past.push((raid.since, now));
            let surplus = self.past.len().saturating_sub(PAST);
            self.past.drain(..surplus);
        }
        raid
    }

    /// Whether somebody who came then came in a raid, and so is not named: not after it either.
    pub(super) fn hides(&self, came: Moment) -> bool {
        let is_in = |(from, to): &(Moment, Moment)| (*from..=*to).contains(&came);
        self.on.is_some() || self.past.iter().any(is_in)
    }

    /// How soon it makes sense to look again.
    pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(15);

    fn forget(&mut self, now: Moment) {
        let from = now.before(WINDOW);
        self.recent.retain(|(at, _)| *at > from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Moment {
        Moment(1_000_000 + s * 1_000)
    }

    fn user(n: u64) -> i64 {
        i64::try_from(n).unwrap()
    }

    #[test]
    fn one_who_comes_and_goes_is_none() {
        let mut raid = Raid::default();
        assert!((0..50).all(|s| !raid.comes(7, at(s), 10)));
    }

    #[test]
    fn the_administrators_are_told_once_an_hour() {
        let mut raid = Raid::default();
        for n in 0..11 {
            raid.comes(user(n), at(0), 10);
        }
        let told = [0, 100, 3_500, 3_700, 3_800].map(|s| raid.is_news(at(s)));
        assert_eq!(told, [true, false, false, true, false]);
    }

    #[test]
    fn more_than_the_limit_within_a_minute_is_a_raid() {
        let mut raid = Raid::default();
        assert!((0..10).all(|s| !raid.comes(user(s), at(s), 10)));
        assert!(raid.comes(71, at(59), 10));
        assert_eq!(raid.on.unwrap().count, 11);
        assert!(!raid.comes(72, at(60), 10), "it has begun already");
        assert_eq!(raid.on.unwrap().count, 12);
    }

    #[test]
    fn as_many_in_a_longer_time_are_none() {
        let mut raid = Raid::default();
        assert!((0..100).all(|n| !raid.comes(user(n), at(n * 7), 10)));
    }

    #[test]
    fn it_ends_when_few_have_come_for_a_minute() {
        let mut raid = Raid::default();
        for n in 0..11 {
            raid.comes(user(n), at(n), 10);
        }
        assert_eq!(raid.ends(at(30), 10), None);
        assert_eq!(raid.ends(at(71), 10).unwrap().count, 11);
        assert_eq!(raid.on, None);
        let hidden = [0, 71, 72].map(|s| raid.hides(at(s)));
        assert_eq!(
            hidden,
            [true, true, false],
            "whose names are not told after it"
        );
    }
}
