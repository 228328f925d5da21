//! A person who has to verify in a group.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::captcha::Challenge;
use super::moment::Moment;
use super::texts::Person;

/// A mute that nobody lifts is over after this, should the bot be gone for good. Telegram takes more than 366 days for ever.
pub(super) const MUTE: Duration = Duration::from_secs(90 * 24 * 3_600);

/// How a case stands. Of the ends only `Passed` can be followed by another one: who has passed can still leave or be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// Has to verify.
    Pending,
    /// Has verified, or an administrator vouched.
    Passed,
    /// An administrator turned them away, or they gave too many wrong answers.
    Rejected,
    /// Went by themselves.
    Left,
    /// Was removed: by a scan before passing, by somebody after it.
    Kicked,
    /// Did not verify in time.
    Expired,
}

/// How somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Route {
    /// Is in the group, muted.
    Joined,
    /// Asks to be let in.
    Requested {
        /// Where the applicant can be written to for five minutes.
        write_to: i64,
    },
}

/// One person in one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Case {
    pub(super) chat: i64,
    pub(super) user: i64,
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) route: Route,
    /// When that was heard of; from then on the time counts.
    pub(super) opened: Moment,
    /// When they came, by Telegram's clock.
    #[serde(default)]
    pub(super) came: Moment,
    /// How long they have, not counting the time for which the bot was down.
    pub(super) allowance: Duration,
    /// Warnings that are left.
    pub(super) warnings: u8,
    /// Wrong answers that are left.
    pub(super) attempts: u8,
    pub(super) challenge: Option<Challenge>,
    /// When the challenge was asked.
    pub(super) asked: Option<Moment>,
    /// They cannot be written to, so the group's own button is there for them.
    pub(super) is_unreachable: bool,
    /// They were muted, and nobody has lifted that. It outlasts a departure.
    #[serde(default)]
    pub(super) is_muted: bool,
    /// What the case ends as, once they are out of the group; until that is done they can still be approved.
    pub(super) ending: Option<Status>,
    pub(super) ended: Option<Moment>,
}

impl Case {
    pub(super) fn person(&self) -> Person {
        Person {
            id: self.user,
            name: self.name.clone(),
        }
    }

    /// Whether they still have to verify, and can.
    pub(super) fn is_waiting(&self) -> bool {
        self.status == Status::Pending && self.ending.is_none()
    }

    /// Whether they are in the group and have to verify.
    pub(super) fn is_in_group(&self) -> bool {
        self.is_waiting() && self.route == Route::Joined
    }

    /// Whether they are in the group, have passed, and are muted all the same.
    pub(super) fn is_left_muted(&self, now: Moment) -> bool {
        // After that the mute is over by itself.
        let is_over = self.ended.is_some_and(|ended| now.since(ended) >= MUTE);
        !is_over && self.is_muted && self.status == Status::Passed && self.route == Route::Joined
    }

    /// Whether they have passed, and are not in yet: their request may not have been approved.
    pub(super) fn is_still_outside(&self, now: Moment) -> bool {
        const LONGEST: Duration = Duration::from_secs(24 * 3_600);
        let is_recent = self.ended.is_some_and(|ended| now.since(ended) < LONGEST);
        is_recent && self.status == Status::Passed && self.route != Route::Joined
    }

    /// Where they are written to.
    pub(super) fn private_chat(&self) -> i64 {
        match self.route {
            Route::Joined => self.user,
            Route::Requested { write_to } => write_to,
        }
    }
}
