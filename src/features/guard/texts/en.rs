//! English.

use std::time::Duration;

use teloxide::utils::html::escape;

use super::foreign::{self, reason};
use super::list::fitting;
use super::time::{Unit, units};
use super::{
    End, GroupScan, KnownGroup, Label, Language, Person, Right, ScanState, Stats, Tally, Text,
    Would,
};
use crate::features::guard::captcha::{Challenge, Emoji, Kind, Operation, Question, Sum};

/// A message.
pub(super) fn say(text: &Text<'_>) -> String {
    match *text {
        Text::Prompt { people, more, time } => format!(
            "Welcome, {}. Please press the button and answer within {}; then you can write here.",
            names(people, more),
            span(time),
        ),
        Text::RaidPrompt { people, time } => format!(
            "{} joined in a short time. If you are one of them, please press the button and answer within {}.",
            count(people, "person", "people"),
            span(time),
        ),
        Text::PassedNotice { person } => format!("{} has verified. Welcome.", name(person)),
        Text::Approved { person, by } => format!("{} was let in by {}.", name(person), name(by)),
        Text::ScanList { people, more, left } => format!(
            "{} not verified yet: {}.\nPlease press the button and answer. {} left before removal.",
            have(people.len() + more),
            names(people, more),
            count(left as usize, "warning", "warnings"),
        ),
        Text::FinalNotice { people, more } => format!(
            "{} not verified after the last warning and will be removed now: {}.",
            have(people.len() + more),
            names(people, more),
        ),
        Text::Removed { people, more, back_after } => format!(
            "Removed without verification: {}. Coming back is possible after {}.",
            names(people, more),
            span(back_after),
        ),
        Text::JoinRequest { person } => format!("{} asks to join.", name(person)),

        Text::Challenge { challenge, group, time } => format!(
            "To enter {}, {}\nYou have {}.",
            title(group),
            task(challenge),
            span(time),
        ),
        Text::Passed { group } => format!("Done, you may write in {} now.", title(group)),
        Text::Wrong { left } => format!("That was not it. You have {} left.", count(left as usize, "attempt", "attempts")),
        Text::OutOfAttempts { group } => format!(
            "That was not it, and it was the last attempt. You can try to enter {} again in a few minutes.",
            title(group),
        ),
        Text::TooLate { group } => format!(
            "The time for {} is over. You can join again, or ask an administrator.",
            title(group),
        ),
        Text::NothingToVerify => "There is nothing for you to verify.".to_owned(),
        Text::AlreadyPassed { group } => format!("You have already verified for {}.", title(group)),
        Text::YourRequestEnded { group, end } => match end {
            End::Approved => format!("Your request to join {} was approved. Welcome.", title(group)),
            End::Declined => format!("Your request to join {} was declined.", title(group)),
            End::Expired => format!("The time to answer for {} is over. You can ask to join again.", title(group)),
        },

        Text::ScanProgress { groups, more } => format!(
            "Scanning {}:\n{}",
            count(groups.len() + more, "group", "groups"),
            lines(groups, more, progress),
        ),
        Text::ScanSummary { groups, more, took, cancelled } => format!(
            "{} {} in {}:\n{}",
            if cancelled { "Scan cancelled;" } else { "Scan finished:" },
            count(groups.len() + more, "group", "groups"),
            span(took),
            lines(groups, more, tally),
        ),
        Text::ScanCancelled => "The scan was cancelled.".to_owned(),
        Text::ScanNothing => "Nothing to do: everybody has verified.".to_owned(),
        Text::ScanRunning => "A scan is already running.".to_owned(),

        Text::Menu { group } => format!("<b>Verification in</b> {}\nA button changes its setting.", title(group)),
        Text::Help => HELP.to_owned(),
        Text::BasicGroup => {
            "This is a basic group, in which nobody can be muted. Please convert it to a supergroup, for example by \
             making its history visible to new members; then verification works."
                .to_owned()
        }
        Text::Rights { missing: [] } => "I have all the rights that verification needs.".to_owned(),
        Text::Rights { missing } => format!(
            "I lack rights in this group. Please give me, as an administrator:\n{}",
            missing.iter().map(|right| lacking(*right)).collect::<Vec<_>>().join("\n"),
        ),
        Text::RightsIn { group, missing } => format!(
            "I lack rights in {}. Please give me, as an administrator:\n{}",
            title(group),
            missing.iter().map(|right| lacking(*right)).collect::<Vec<_>>().join("\n"),
        ),
        Text::SwitchedOff { let_go: 0 } => "Verification is off.".to_owned(),
        Text::SwitchedOff { let_go } => format!(
            "Verification is off. {} who had not verified may write now; requests to join are left to you.",
            count(let_go, "person", "people"),
        ),
        Text::BadValue { setting, said, takes, example } => format!(
            "{} is no value for {}. It takes {}, for example {}",
            code(said),
            code(setting),
            code(takes),
            code(example),
        ),
        Text::NoSuchSetting { said, known } => format!(
            "There is no setting {}. There are {}",
            code(said),
            code(known),
        ),
        Text::Groups { groups: [], more: 0 } => "No group has a guard yet.".to_owned(),
        Text::Groups { groups, more } => lines(groups, more, known),
        Text::NoSuchPerson => {
            "Nobody like that is waiting. Reply to a message of the person, or give the number that /pending shows."
                .to_owned()
        }
        Text::Pending { people: [], more: 0 } => "Nobody is waiting for verification.".to_owned(),
        Text::Pending { people, more } => format!(
            "{} not verified yet:\n{}",
            have(people.len() + more),
            lines(people, more, pending),
        ),
        Text::Stats { stats } => figures(stats),
        Text::Trusted { person } => format!("{} is trusted and need not verify.", name(person)),
        Text::Untrusted { person } => format!("{} is no longer trusted and must verify like anybody.", name(person)),
        Text::DryRun { would, people, more } => format!("[dry run] would {} {}", action(would), names(people, more)),
        Text::RaidBegun { group, joins, declines } => format!(
            "{} joined {} within a minute. It looks like a raid: names are hidden, and {}.",
            count(joins, "person", "people"),
            title(group),
            if declines { "who comes now is turned away" } else { "everybody is muted until verified" },
        ),
        Text::RaidEnded { group, joins, lasted } => format!(
            "The raid on {} is over. {} came in {}.",
            title(group),
            count(joins, "person", "people"),
            span(lasted),
        ),
    }
}

/// A button or the answer to a press.
pub(super) fn label(label: &Label<'_>) -> String {
    match *label {
        Label::Verify => "Verify".to_owned(),
        Label::Human => "✅ I am human".to_owned(),
        Label::CannotSee => "I cannot see it".to_owned(),
        Label::Approve => "Approve".to_owned(),
        Label::Reject => "Decline".to_owned(),
        Label::CancelScan => "Cancel the scan".to_owned(),

        Label::UseTheLink => "Please press the other button: it opens the chat with me.".to_owned(),
        Label::NotForYou => "This button is not for you.".to_owned(),
        Label::Passed => "Done, you may write now.".to_owned(),
        Label::TooLate => "This no longer counts.".to_owned(),
        Label::AdministratorsOnly => "Only administrators can do that.".to_owned(),

        Label::Switch(on) => format!("Verification: {}", on_off(on)),
        Label::Captcha(kind) => format!("Captcha: {}", kind_name(kind)),
        Label::Warnings(count) => format!("Warnings: {count}"),
        Label::Deadline(time) => format!("Time to answer: {}", span(time)),
        Label::Attempts(count) => format!("Attempts: {count}"),
        Label::ScanEvery(Some(time)) => format!("Scan every {}", span(time)),
        Label::ScanEvery(None) => "Scan: by command only".to_owned(),
        Label::QuietHours(hours) => format!("Quiet hours: {}", hours.unwrap_or("none")),
        Label::TimeZone(zone) => format!("Time zone: {zone}"),
        Label::Language => format!("Language: {}", Language::English.own_name()),
        Label::DryRun(on) => format!("Dry run: {}", on_off(on)),
        Label::RaidLimit(Some(joins)) => format!("Raid: over {joins} joins a minute"),
        Label::RaidLimit(None) => "Raid: never".to_owned(),
        Label::DeclineInRaids(on) => format!("Decline requests in raids: {}", on_off(on)),
        Label::ApproveFirst(on) => format!("Approve requests first: {}", on_off(on)),
        Label::Close => "Close".to_owned(),
    }
}

const HELP: &str = "<b>Verification of new members</b>
/guard – settings
/pending – who has not verified yet
/approve – let somebody in
/reject – turn somebody away; coming back is possible
/scan – remind those who have not verified
/trust, /untrust – who need not verify
/stats – figures of this group
Reply to a message of the person, or add the number that /pending shows. Only administrators can use these.";

/// What is to be done, after "To enter the group,".
fn task(challenge: &Challenge) -> String {
    match &challenge.question {
        Question::Human => "please press the button.".to_owned(),
        Question::Sum(sum) => format!("please press the answer: what is <b>{}</b>?", in_full(*sum)),
        Question::Emoji(emoji) => format!("please press the <b>{}</b>.", thing(*emoji)),
        Question::Code(code) => format!("please send me this code: <code>{}</code>", escape(code)),
        Question::Image(_) => {
            "please type the five characters in the picture, in capitals or not.".to_owned()
        }
    }
}

fn in_full(sum: Sum) -> String {
    if !sum.words {
        let sign = match sum.operation {
            Operation::Plus => '+',
            Operation::Minus => '−',
            Operation::Times => '×',
        };
        return format!("{} {sign} {}", sum.left, sum.right);
    }
    let word = match sum.operation {
        Operation::Plus => "plus",
        Operation::Minus => "minus",
        Operation::Times => "times",
    };
    format!("{} {word} {}", number(sum.left), number(sum.right))
}

fn number(number: u8) -> String {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    WORDS
        .get(usize::from(number))
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

const fn thing(emoji: Emoji) -> &'static str {
    match emoji {
        Emoji::Apple => "apple",
        Emoji::Balloon => "balloon",
        Emoji::Banana => "banana",
        Emoji::Bell => "bell",
        Emoji::Bicycle => "bicycle",
        Emoji::Camera => "camera",
        Emoji::Car => "car",
        Emoji::Carrot => "carrot",
        Emoji::Cat => "cat",
        Emoji::Dog => "dog",
        Emoji::Elephant => "elephant",
        Emoji::Fire => "fire",
        Emoji::Fish => "fish",
        Emoji::Gift => "gift",
        Emoji::Guitar => "guitar",
        Emoji::Key => "key",
        Emoji::Moon => "moon",
        Emoji::Mushroom => "mushroom",
        Emoji::Rocket => "rocket",
        Emoji::Snail => "snail",
        Emoji::Star => "star",
        Emoji::Tree => "tree",
        Emoji::Turtle => "turtle",
        Emoji::Umbrella => "umbrella",
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Button => "button",
        Kind::Arithmetic => "sum",
        Kind::Emoji => "emoji",
        Kind::Code => "code in private",
        Kind::Image => "picture",
    }
}

const fn lacking(right: Right) -> &'static str {
    match right {
        Right::RestrictMembers => {
            "• <b>Ban users</b>: without it I can neither mute new members nor remove anybody, so verification does not work."
        }
        Right::DeleteMessages => {
            "• <b>Delete messages</b>: without it old prompts and notices stay in the group."
        }
        Right::InviteUsers => {
            "• <b>Invite users via link</b>: without it I neither see join requests nor can answer them."
        }
    }
}

const fn action(would: Would) -> &'static str {
    match would {
        Would::Mute => "mute",
        Would::Unmute => "unmute",
        Would::Warn => "warn",
        Would::Remove => "remove",
        Would::Approve => "approve the request of",
        Would::Decline => "decline the request of",
    }
}

fn progress(group: &GroupScan<'_>) -> String {
    let state = match group.state {
        ScanState::Waiting => "waiting",
        ScanState::Running => "running",
        ScanState::Done => "done",
        ScanState::Failed => "failed",
        ScanState::Cancelled => "cancelled",
    };
    format!(
        "{}: {} of {}, {state}",
        title(group.title),
        group.done,
        group.of
    )
}

fn tally(group: &Tally<'_>) -> String {
    let (unverified, warned, removed) = (group.unverified, group.warned, group.removed);
    let failed = group.failed.map(|why| format!("; failed: {}", reason(why)));
    format!(
        "{}: {unverified} unverified, {warned} warned, {removed} removed{}",
        title(group.title),
        failed.unwrap_or_default(),
    )
}

fn pending((person, left): &(Person, Duration)) -> String {
    let left = if left.is_zero() {
        "time is over".to_owned()
    } else {
        format!("{} left", span(*left))
    };
    format!("{} (<code>{}</code>): {left}", name(person), person.id)
}

fn known(group: &KnownGroup<'_>) -> String {
    let (title, pending) = (title(group.title), group.pending);
    format!("{title}: {}, {pending} waiting", on_off(group.is_on))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", reason(text))
}

fn figures(stats: Stats) -> String {
    let Stats {
        pending,
        passed,
        rejected,
        left,
        kicked,
        expired,
    } = stats;
    format!(
        "<b>Verification so far</b>\nWaiting: {pending}\nPassed: {passed}\nTurned away: {rejected}\nLeft: {left}\n\
         Removed later: {kicked}\nOut of time: {expired}"
    )
}

fn name(person: &Person) -> String {
    person.mention("a new member")
}

fn title(title: &str) -> String {
    foreign::title(title, "the group")
}

fn names(people: &[Person], more: usize) -> String {
    let (mut shown, hidden) = fitting(people, more, name);
    if hidden > 0 {
        shown.push(format!("{hidden} more"));
    }
    match shown.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => shown.concat(),
    }
}

fn lines<T>(entries: &[T], more: usize, show: impl Fn(&T) -> String) -> String {
    let (mut shown, hidden) = fitting(entries, more, show);
    if hidden > 0 {
        shown.push(format!("… and {hidden} more"));
    }
    shown.join("\n")
}

fn span(time: Duration) -> String {
    let word = |(number, unit): (u64, Unit)| {
        let word = match unit {
            Unit::Day => "day",
            Unit::Hour => "hour",
            Unit::Minute => "minute",
            Unit::Second => "second",
        };
        format!("{number} {word}{}", if number == 1 { "" } else { "s" })
    };
    units(time)
        .into_iter()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn have(people: usize) -> String {
    format!(
        "{} {}",
        count(people, "person", "people"),
        if people == 1 { "has" } else { "have" }
    )
}

const fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
