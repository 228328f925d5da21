//! The settings as administrators meet them: a word to type, a button that goes on to the next value, a range.

#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono_tz::Tz;

use crate::features::guard::captcha::Kind;
use crate::features::guard::group::Settings;
use crate::features::guard::texts::{Label, Language};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

// What a button goes through; by text, everything in the range can be set.
const WARNINGS: [u8; 5] = [0, 1, 2, 3, 5];
const ATTEMPTS: [u8; 4] = [1, 2, 3, 5];
const DEADLINES: [Duration; 7] = [
    Duration::from_secs(5 * 60),
    Duration::from_secs(10 * 60),
    HOUR,
    Duration::from_secs(6 * 3_600),
    DAY,
    Duration::from_secs(3 * 24 * 3_600),
    Duration::from_secs(7 * 24 * 3_600),
];
const SCANS: [Option<Duration>; 6] = [
    None,
    Some(HOUR),
    Some(Duration::from_secs(2 * 3_600)),
    Some(Duration::from_secs(4 * 3_600)),
    Some(Duration::from_secs(8 * 3_600)),
    Some(DAY),
];
const QUIET: [Option<(u8, u8)>; 4] = [None, Some((22, 8)), Some((23, 7)), Some((0, 8))];
const ZONES: [Tz; 8] = [
    Tz::UTC,
    Tz::Europe__London,
    Tz::Europe__Berlin,
    Tz::Europe__Moscow,
    Tz::Asia__Shanghai,
    Tz::Asia__Tokyo,
    Tz::America__New_York,
    Tz::America__Los_Angeles,
];
const RAIDS: [u16; 4] = [5, 10, 20, 50];

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    Switch,
    Captcha,
    Warnings,
    Attempts,
    Deadline,
    Scan,
    Quiet,
    Zone,
    Language,
    DryRun,
    Raid,
    Decline,
    ApproveFirst,
}

impl Setting {
    /// In the order of the menu.
    pub(super) const ALL: [Self; 13] = [
        Self::Switch,
        Self::Captcha,
        Self::Warnings,
        Self::Attempts,
        Self::Deadline,
        Self::Scan,
        Self::Quiet,
        Self::Zone,
        Self::Language,
        Self::DryRun,
        Self::Raid,
        Self::Decline,
        Self::ApproveFirst,
    ];

    /// The setting that is called by this word.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.word() == word)
    }

    /// What it is called in commands and on buttons.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::Captcha => "captcha",
            Self::Warnings => "warnings",
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Scan => "scan",
            Self::Quiet => "quiet",
            Self::Zone => "zone",
            Self::Language => "language",
            Self::DryRun => "dryrun",
            Self::Raid => "raid",
            Self::Decline => "decline",
            Self::ApproveFirst => "approvefirst",
        }
    }

    /// Its values as they are typed.
    pub(super) const fn takes(self) -> &'static str {
        match self {
            Self::Switch | Self::DryRun | Self::Decline | Self::ApproveFirst => "on | off",
            Self::Captcha => "button | arithmetic | emoji | code | image",
            Self::Warnings => "0–10",
            Self::Attempts => "1–10",
            Self::Deadline => "1m–30d",
            Self::Scan => "30m–7d | off",
            Self::Quiet => "0–23 - 0–23 | none",
            Self::Zone => "Area/City | UTC",
            Self::Language => "en | zh",
            Self::Raid => "2–1000",
        }
    }

    /// A command that sets it.
    pub(super) fn example(self) -> String {
        let value = match self {
            Self::Switch => return "/guard on".to_owned(),
            Self::Captcha => "emoji",
            Self::Warnings | Self::Attempts => "3",
            Self::Deadline => "10m",
            Self::Scan => "4h",
            Self::Quiet => "22-8",
            Self::Zone => "Europe/Berlin",
            Self::Language => "zh",
            Self::Raid => "20",
            Self::DryRun | Self::Decline | Self::ApproveFirst => "on",
        };
        format!("/guard {} {value}", self.word())
    }

    /// Sets what was typed; none where that is no value of it.
    pub(super) fn set(self, settings: &mut Settings, said: &str) -> Option<()> {
        let said = said.trim();
        match self {
            Self::Switch => settings.is_on = on_off(said)?,
            Self::Captcha => {
                settings.captcha = Kind::ALL.into_iter().find(|kind| kind.name() == said)?
            }
            Self::Warnings => settings.warnings = number(said, 0, 10)?,
            Self::Attempts => settings.attempts = number(said, 1, 10)?,
            Self::Deadline => settings.deadline = time(said, MINUTE, 30 * DAY)?,
            Self::Scan if is_none(said) => settings.scan_every = None,
            Self::Scan => settings.scan_every = Some(time(said, 30 * MINUTE, 7 * DAY)?),
            Self::Quiet if is_none(said) => settings.quiet = None,
            Self::Quiet => settings.quiet = Some(hours(said)?),
            Self::Zone => settings.zone = said.parse::<Tz>().ok()?.name().to_owned(),
            Self::Language => settings.language = language(said)?,
            Self::DryRun => settings.dry_run = on_off(said)?,
            Self::Raid => settings.raid_limit = number(said, 2, 1_000)?,
            Self::Decline => settings.raid_declines = on_off(said)?,
            Self::ApproveFirst => settings.approve_first = on_off(said)?,
        }
        Some(())
    }

    /// Goes on to the button's next value.
    pub(super) fn go_on(self, settings: &mut Settings) {
        match self {
            Self::Switch => settings.is_on = !settings.is_on,
            Self::Captcha => settings.captcha = settings.captcha.next(),
            Self::Warnings => settings.warnings = after(&WARNINGS, settings.warnings),
            Self::Attempts => settings.attempts = after(&ATTEMPTS, settings.attempts),
            Self::Deadline => settings.deadline = after(&DEADLINES, settings.deadline),
            Self::Scan => settings.scan_every = after(&SCANS, settings.scan_every),
            Self::Quiet => settings.quiet = after(&QUIET, settings.quiet),
            Self::Zone => settings.zone = after(&ZONES.map(Tz::name), &settings.zone).to_owned(),
            Self::Language => settings.language = settings.language.next(),
            Self::DryRun => settings.dry_run = !settings.dry_run,
            Self::Raid => settings.raid_limit = after(&RAIDS, settings.raid_limit),
            Self::Decline => settings.raid_declines = !settings.raid_declines,
            Self::ApproveFirst => settings.approve_first = !settings.approve_first,
        }
    }

    /// What it is now, in the group's language.
    pub(super) fn label(self, settings: &Settings) -> String {
        let quiet = settings
            .quiet
            .map(|(from, to)| format!("{from:02}:00–{to:02}:00"));
        settings.language.label(&match self {
            Self::Switch => Label::Switch(settings.is_on),
            Self::Captcha => Label::Captcha(settings.captcha),
            Self::Warnings => Label::Warnings(settings.warnings.into()),
            Self::Attempts => Label::Attempts(settings.attempts.into()),
            Self::Deadline => Label::Deadline(settings.deadline),
            Self::Scan => Label::ScanEvery(settings.scan_every),
            Self::Quiet => Label::QuietHours(quiet.as_deref()),
            Self::Zone => Label::TimeZone(&settings.zone),
            Self::Language => Label::Language,
            Self::DryRun => Label::DryRun(settings.dry_run),
            Self::Raid => Label::RaidLimit(Some(settings.raid_limit.into())),
            Self::Decline => Label::DeclineInRaids(settings.raid_declines),
            Self::ApproveFirst => Label::ApproveFirst(settings.approve_first),
        })
    }
}

/// The value after this one; the first where it is the last, or none of them.
fn after<T: Copy + PartialEq>(values: &[T], now: T) -> T {
    let place = values.iter().position(|value| *value == now);
    values[place.map_or(0, |place| (place + 1) % values.len())]
}

fn on_off(said: &str) -> Option<bool> {
    match said {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn is_none(said: &str) -> bool {
    matches!(said, "off" | "none")
}

fn number<T: std::str::FromStr + PartialOrd>(said: &str, from: T, to: T) -> Option<T> {
    let number = said.parse().ok()?;
    (from <= number && number <= to).then_some(number)
}

fn time(said: &str, from: Duration, to: Duration) -> Option<Duration> {
    let time = humantime::parse_duration(said).ok()?;
    (from <= time && time <= to).then_some(time)
}

/// `22-8`, also with minutes that are zero and with the dash that writers prefer. The same hour twice would be no time or
/// every time.
fn hours(said: &str) -> Option<(u8, u8)> {
    let hour = |part: &str| {
        let part = part.trim();
        number(part.strip_suffix(":00").unwrap_or(part), 0, 23)
    };
    let (from, to) = said.split_once(['-', '–'])?;
    let (from, to) = (hour(from)?, hour(to)?);
    (from != to).then_some((from, to))
}

fn language(said: &str) -> Option<Language> {
    match said {
        "en" | "english" => Some(Language::English),
        "zh" | "chinese" | "中文" => Some(Language::Chinese),
        _ => None,
    }
}
