//! What is kept of a group: its settings, and what is going on in it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::captcha::Kind;
use super::machine::Deed;
use super::moment::Moment;
use super::raid::Raid;
use super::texts::{Language, Person};

const MOST_NOTICES: usize = 200;

/// What administrators can set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) is_on: bool,
    pub(super) captcha: Kind,
    /// 0 to 10; a scan takes one, and removes who has none left.
    pub(super) warnings: u8,
    /// Wrong answers that are allowed: 1 to 10.
    pub(super) attempts: u8,
    /// How long a new member has to verify: 1 minute to 30 days.
    pub(super) deadline: Duration,
    /// How often the group is scanned; none for never by itself.
    pub(super) scan_every: Option<Duration>,
    /// The hours between which no scan begins by itself, in `zone`: 22 and 8 from ten in the evening to eight.
    pub(super) quiet: Option<(u8, u8)>,
    /// A name of the time-zone database.
    pub(super) zone: String,
    pub(super) language: Language,
    /// Nobody is muted, removed or let in; what would be done is said in the log and to the administrators.
    pub(super) dry_run: bool,
    /// More joins than this within a minute are a raid: 2 to 1,000.
    pub(super) raid_limit: u16,
    /// Whether those who come in a raid are turned away at once.
    pub(super) raid_declines: bool,
    /// Whether those who ask to join are let in first and verify then, like those who join.
    pub(super) approve_first: bool,
}

impl Default for Settings {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_secs(3_600);
        Self {
            is_on: false,
            captcha: Kind::Arithmetic,
            warnings: 3,
            attempts: 3,
            deadline: 24 * HOUR,
            scan_every: Some(4 * HOUR),
            quiet: Some((22, 8)),
            zone: "UTC".to_owned(),
            language: Language::English,
            dry_run: false,
            raid_limit: 10,
            raid_declines: false,
            approve_first: false,
        }
    }
}

/// A group that somebody has looked at the guard in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Group {
    pub(super) title: String,
    pub(super) settings: Settings,
    pub(super) raid: Raid,
    /// Until when a look at the prompt is on its way already.
    pub(super) prompt_due: Moment,
    /// What is still to be said in the group, numbered.
    pub(super) notices: Vec<Notice>,
    pub(super) next_notice: u64,
    pub(super) notices_due: Moment,
    pub(super) stats: Stats,
    /// When it was last scanned, or when scans began to be wanted.
    pub(super) scanned: Moment,
    /// When the administrators were last told that a right is missing.
    pub(super) complained: Moment,
}

/// Something to be said in the group about somebody. Several are said in one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice {
    pub(super) number: u64,
    pub(super) kind: NoticeKind,
    pub(super) person: Person,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum NoticeKind {
    Passed,
    Approved {
        by: Person,
    },
    Removed,
    Asks,
    /// In a dry run this was not done.
    Skipped {
        deed: Deed,
    },
}

/// How many cases came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Stats {
    pub(super) joined: u64,
    pub(super) requested: u64,
    pub(super) passed: u64,
    pub(super) rejected: u64,
    pub(super) left: u64,
    pub(super) kicked: u64,
    pub(super) expired: u64,
}

impl Group {
    pub(super) fn say(&mut self, kind: NoticeKind, person: Person) {
        self.notices.push(Notice {
            number: self.next_notice,
            kind,
            person,
        });
        self.next_notice += 1;
        // While nothing can be said, the oldest are not worth keeping.
        let surplus = self.notices.len().saturating_sub(MOST_NOTICES);
        self.notices.drain(..surplus);
    }
}
