//! What can be said in a message. Each is Telegram's HTML; what is in it comes as it is, and is escaped by the language.

use std::time::Duration;

use super::Person;
use crate::features::guard::captcha::Challenge;

/// One message. `more` counts people who belong to the list and are not in it.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) enum Text<'a> {
    // In the group.
    /// New members are asked to verify themselves, all of them in one message.
    Prompt {
        people: &'a [Person],
        more: usize,
        time: Duration,
    },
    /// The same in a raid: without names.
    RaidPrompt { people: usize, time: Duration },
    /// Somebody has passed.
    PassedNotice { person: &'a Person },
    /// An administrator let somebody in.
    Approved { person: &'a Person, by: &'a Person },
    /// A scan's list of those who have not verified; `left` warnings are left before they are removed.
    ScanList {
        people: &'a [Person],
        more: usize,
        left: u32,
    },
    /// The last word before they are removed.
    FinalNotice { people: &'a [Person], more: usize },
    /// They were removed, and may come back.
    Removed {
        people: &'a [Person],
        more: usize,
        back_after: Duration,
    },
    /// Somebody asks to join.
    JoinRequest { person: &'a Person },

    // In private.
    /// The challenge. A picture's is its caption.
    Challenge {
        challenge: &'a Challenge,
        group: &'a str,
        time: Duration,
    },
    /// Right.
    Passed { group: &'a str },
    /// Wrong, and how many attempts are left.
    Wrong { left: u32 },
    /// Wrong, and it was the last attempt.
    OutOfAttempts { group: &'a str },
    /// The time was over before.
    TooLate { group: &'a str },
    /// There is no challenge for this person.
    NothingToVerify,
    /// It was passed before.
    AlreadyPassed { group: &'a str },
    /// To the applicant: how the join request ended.
    YourRequestEnded { group: &'a str, end: End },

    // Scans.
    /// A scan in progress, a line a group.
    ScanProgress {
        groups: &'a [GroupScan<'a>],
        more: usize,
    },
    /// What a scan of all groups has done, a line a group.
    ScanSummary {
        groups: &'a [Tally<'a>],
        more: usize,
        took: Duration,
        cancelled: bool,
    },
    /// A scan was cancelled before it had done anything.
    ScanCancelled,
    /// Everybody has verified.
    ScanNothing,
    /// One is running; there is no second one beside it.
    ScanRunning,

    // To administrators.
    /// Above the menu's buttons.
    Menu { group: &'a str },
    /// The commands.
    Help,
    /// Basic groups know no restrictions.
    BasicGroup,
    /// Rights that the bot lacks, and what does not work; none missing is said too.
    Rights { missing: &'a [Right] },
    /// The same where the group has to be named, because it is read elsewhere.
    RightsIn {
        group: &'a str,
        missing: &'a [Right],
    },
    /// Switched off, and those who were still to verify may write.
    SwitchedOff { let_go: usize },
    /// What was said is no value of this setting. What it takes is written as it is typed.
    BadValue {
        setting: &'a str,
        said: &'a str,
        takes: &'a str,
        example: &'a str,
    },
    /// There is no such setting; these there are.
    NoSuchSetting { said: &'a str, known: &'a str },
    /// The groups that the guard knows, a line each.
    Groups {
        groups: &'a [KnownGroup<'a>],
        more: usize,
    },
    /// A command names nobody who is waiting.
    NoSuchPerson,
    /// Those who have not verified.
    Pending {
        people: &'a [(Person, Duration)],
        more: usize,
    },
    /// Figures of the group.
    Stats { stats: Stats },
    /// Somebody need not verify from now on.
    Trusted { person: &'a Person },
    /// Somebody must verify again.
    Untrusted { person: &'a Person },
    /// What a dry run does not do.
    DryRun {
        would: Would,
        people: &'a [Person],
        more: usize,
    },
    /// A raid has begun.
    RaidBegun {
        group: &'a str,
        joins: usize,
        declines: bool,
    },
    /// A raid is over.
    RaidEnded {
        group: &'a str,
        joins: usize,
        lasted: Duration,
    },
}

/// How a join request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum End {
    Approved,
    Declined,
    Expired,
}

/// A right of an administrator that the guard needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum Right {
    RestrictMembers,
    DeleteMessages,
    InviteUsers,
}

/// What a dry run would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum Would {
    Mute,
    Unmute,
    Warn,
    Remove,
    Approve,
    Decline,
}

/// A group's line in the operator's list.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) struct KnownGroup<'a> {
    pub title: &'a str,
    pub is_on: bool,
    pub pending: usize,
}

/// A group's line in the progress of a scan.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) struct GroupScan<'a> {
    pub title: &'a str,
    pub done: usize,
    pub of: usize,
    pub state: ScanState,
}

/// Where the scan of a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::features::guard) enum ScanState {
    Waiting,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A group's line in the summary of a scan.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) struct Tally<'a> {
    pub title: &'a str,
    pub unverified: usize,
    pub warned: usize,
    pub removed: usize,
    /// Why it went no further.
    pub failed: Option<&'a str>,
}

/// Cases of a group by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::features::guard) struct Stats {
    pub pending: u64,
    pub passed: u64,
    pub rejected: u64,
    pub left: u64,
    pub kicked: u64,
    pub expired: u64,
}
