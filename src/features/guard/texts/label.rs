//! What stands on buttons, and what is answered to a press. Plain, without markup.

use std::time::Duration;

use super::Language;
use crate::features::guard::captcha::Kind;

/// One of them; the values of settings are those that hold now.
#[derive(Clone, Copy, Debug)]
pub(in crate::features::guard) enum Label<'a> {
    /// Below the prompt in a group: leads into private chat.
    Verify,
    /// The one button of [`Kind::Button`].
    Human,
    /// Below a picture: asks for the text alternative.
    CannotSee,
    /// Below a join request, for administrators.
    Approve,
    /// Below a join request, for administrators.
    Reject,
    /// Below the progress of a scan.
    CancelScan,

    /// Answer: to be verified in private, by the other button.
    UseTheLink,
    /// Answer: somebody else's button.
    NotForYou,
    /// Answer: right.
    Passed,
    /// Answer: the challenge no longer counts.
    TooLate,
    /// Answer: only for administrators.
    AdministratorsOnly,

    /// Menu: on or off.
    Switch(bool),
    /// Menu: the captcha's kind.
    Captcha(Kind),
    /// Menu: warnings before a person is removed.
    Warnings(u32),
    /// Menu: time to answer.
    Deadline(Duration),
    /// Menu: attempts at an answer.
    Attempts(u32),
    /// Menu: time between scans; none if there are none by themselves.
    ScanEvery(Option<Duration>),
    /// Menu: hours without scans, as `22:00–08:00`; none if there are none.
    QuietHours(Option<&'a str>),
    /// Menu: the zone of the quiet hours.
    TimeZone(&'a str),
    /// Menu: this language, by its own name.
    Language,
    /// Menu: whether it only says what it would do.
    DryRun(bool),
    /// Menu: joins a minute that are a raid; none if there is no limit.
    RaidLimit(Option<u32>),
    /// Menu: whether join requests are declined in a raid.
    DeclineInRaids(bool),
    /// Menu: whether those who ask are let in first, and verify then.
    ApproveFirst(bool),
    /// Menu: away with it.
    Close,
}

impl Language {
    /// What people who speak it call it.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }
}
