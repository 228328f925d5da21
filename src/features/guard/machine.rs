//! What becomes of a case: `(case, event, context) → (case, effects)`, without a clock, a store or a network.
//!
//! ```text
//!            right answer, approved, un-muted            left
//!  Pending ───────────────────────────────────→ Passed ─────────→ Left
//!   │ │ │                                             └─────────→ Kicked   by somebody else
//!   │ │ └─ left ───────────────────────────────→ Left
//!   │ └─── removed by somebody else ───────────→ Rejected
//!   └───── to be removed, `ending` says as what
//!            └─ once that is done ─────────────→ Rejected, Kicked, Expired
//! ```
//!
//! Invariants:
//! - A case that has ended as anything but `Passed` never changes again; a new join opens a new one.
//! - Nobody who has passed is removed by it, and nobody is removed before the effect that does it has been asked for.
//! - Whatever an event says twice, the second time changes nothing.
//! - An end is what has happened, not what was wanted: a person who is to be removed is pending until they are gone.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::captcha::Challenge;
use super::case::{Case, Route, Status};
use super::group::{NoticeKind, Settings};
use super::moment::Moment;
use super::texts::Person;

/// For so long Telegram lets a bot write to somebody who asks to join.
const REQUEST_TIME: Duration = Duration::from_secs(5 * 60);
/// A removal or the end of a mute that was refused is tried again after this.
const AGAIN: Duration = Duration::from_secs(3_600);
/// For so long an ended case is remembered, so that what becomes of the person later is counted.
pub(super) const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// Became a member. Who was let in on request has passed already.
    Joined { name: String, is_vouched: bool },
    /// Asks to become one, since this time.
    Requested {
        name: String,
        write_to: i64,
        since: Moment,
    },
    /// Wants the challenge, by the prompt's link.
    Opened,
    /// Wants a challenge in words instead of a picture.
    Blind,
    /// Typed an answer.
    Typed { text: String },
    /// Pressed one of the challenge's buttons.
    Pressed { challenge: u32, option: usize },
    /// Pressed the button in the group.
    PressedInGroup,
    /// The challenge could not be delivered.
    Unreachable,
    /// An administrator says that they are fine.
    Approved { by: Person },
    /// An administrator says that they are to go.
    Rejected,
    /// An administrator has un-muted them.
    Unmuted { by: Person },
    /// The guard is switched off.
    Released,
    /// They went.
    Left,
    /// Somebody else has removed them.
    Removed,
    /// The time that they had may be over, or that for which an ended case is remembered.
    Due,
    /// A scan looks at them.
    Scanned,
    /// A scan has warned them.
    Warned,
    /// A scan removes who has no warnings left.
    LastCall,
    /// What was asked for has been done.
    Done(Deed),
    /// It could not be done, and will not be tried again.
    Failed(Deed),
}

/// What is done to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    Mute,
    Lift,
    Remove,
    Approve,
    Decline,
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Do(Deed),
    /// Sends the challenge.
    Ask,
    /// Takes the challenge that was sent away again.
    TakeBack,
    Tell(Tell),
    /// The group's prompt may name other people now.
    Prompt,
    Notice(NoticeKind),
    /// [`Event::Due`] at this time, instead of any other.
    WakeAt(Moment),
    NeverWake,
}

/// What the person is told in private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tell {
    Passed,
    LetIn,
    Wrong { left: u8 },
    OutOfAttempts,
    TooLate,
    Expired,
    TurnedAway,
}

/// What whoever caused the event is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It is done.
    Ok,
    /// There is nothing of theirs that waits for it.
    NotTheirs,
    /// That was not right.
    Wrong,
    /// By the link, not here.
    ElsewherePlease,
}

/// What the decision depends on, besides the case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) chat: i64,
    pub(super) user: i64,
    pub(super) now: Moment,
    pub(super) settings: &'a Settings,
    /// Whether those who come now are turned away.
    pub(super) declines: bool,
    /// Whether an administrator trusts them.
    pub(super) is_trusted: bool,
    /// For how long the bot was down since the case was opened.
    pub(super) downtime: Duration,
    /// What chance there is comes from this.
    pub(super) seed: u64,
}

/// The outcome of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) case: Option<Case>,
    pub(super) effects: Vec<Effect>,
    pub(super) reply: Reply,
}

/// Decides.
pub(super) fn step(case: Option<Case>, event: &Event, cx: &Context<'_>) -> Step {
    match event {
        Event::Joined { name, is_vouched } => joined(case, name, *is_vouched, cx),
        Event::Requested {
            name,
            write_to,
            since,
        } => requested(case, name, *write_to, *since, cx),
        _ => match case {
            Some(case) => Turn::new(case, cx).take(event),
            None => unchanged(None),
        },
    }
}

/// Whether what was asked for is still to be done: since then somebody may have decided otherwise.
pub(super) fn is_wanted(deed: Deed, case: Option<&Case>, settings: &Settings) -> bool {
    if !settings.is_on && deed != Deed::Lift {
        return false;
    }
    if deed == Deed::Approve && settings.approve_first {
        return true;
    }
    let Some(case) = case else { return false };
    let is_leaving = case.status == Status::Pending && case.ending.is_some();
    match deed {
        Deed::Mute => case.is_in_group(),
        Deed::Lift | Deed::Approve => case.status == Status::Passed,
        Deed::Remove => is_leaving && case.route == Route::Joined,
        Deed::Decline => is_leaving && case.route != Route::Joined,
    }
}

fn unchanged(case: Option<Case>) -> Step {
    Step {
        case,
        effects: Vec::new(),
        reply: Reply::NotTheirs,
    }
}

fn joined(old: Option<Case>, name: &str, is_vouched: bool, cx: &Context<'_>) -> Step {
    // The same join, told twice.
    if old.as_ref().is_some_and(Case::is_in_group) {
        return unchanged(old);
    }
    if let Some(passed) = &old
        && is_vouched
        && passed.status == Status::Passed
    {
        // Let in on their request, for which they have verified.
        let route = Route::Joined;
        let case = passed.clone();
        let mut turn = Turn::new(Case { route, ..case }, cx);
        turn.lift_what_is_left();
        return turn.done(Reply::Ok);
    }
    let case = open(old.as_ref(), name, Route::Joined, cx.settings.deadline, cx);
    let mut turn = Turn::new(case, cx);
    if is_vouched || cx.is_trusted {
        turn.case.status = Status::Passed;
        turn.end();
        turn.lift_what_is_left();
    } else if cx.declines {
        turn.remove_as(Status::Rejected);
    } else {
        turn.mute();
        turn.effects.push(Effect::Prompt);
        turn.wake();
    }
    turn.done(Reply::Ok)
}

fn requested(
    old: Option<Case>,
    name: &str,
    write_to: i64,
    since: Moment,
    cx: &Context<'_>,
) -> Step {
    if old.as_ref().is_some_and(Case::is_waiting) {
        return unchanged(old);
    }
    let time = cx.settings.deadline.min(REQUEST_TIME);
    let route = Route::Requested { write_to };
    let mut case = open(old.as_ref(), name, route, time, cx);
    // Telegram counts the time from then.
    case.opened = since.min(cx.now);
    let mut turn = Turn::new(case, cx);
    if cx.is_trusted {
        turn.case.status = Status::Passed;
        turn.effects.push(Effect::Do(Deed::Approve));
        turn.end();
    } else if cx.declines {
        turn.remove_as(Status::Rejected);
    } else if cx.settings.approve_first {
        // What they have to verify begins when they are in.
        let effects = vec![Effect::Notice(NoticeKind::Asks), Effect::Do(Deed::Approve)];
        let reply = Reply::Ok;
        return Step {
            case: old,
            effects,
            reply,
        };
    } else {
        turn.effects.push(Effect::Notice(NoticeKind::Asks));
        turn.ask();
        turn.wake();
    }
    turn.done(Reply::Ok)
}

fn open(
    old: Option<&Case>,
    name: &str,
    route: Route,
    allowance: Duration,
    cx: &Context<'_>,
) -> Case {
    Case {
        chat: cx.chat,
        user: cx.user,
        name: name.to_owned(),
        status: Status::Pending,
        route,
        opened: cx.now,
        allowance,
        warnings: cx.settings.warnings,
        attempts: cx.settings.attempts.max(1),
        challenge: None,
        asked: None,
        is_unreachable: false,
        is_muted: old.is_some_and(|old| old.is_muted),
        ending: None,
        ended: None,
    }
}

/// A case in hand.
struct Turn<'a> {
    case: Case,
    effects: Vec<Effect>,
    cx: &'a Context<'a>,
}

impl<'a> Turn<'a> {
    fn new(case: Case, cx: &'a Context<'a>) -> Self {
        Self {
            case,
            effects: Vec::new(),
            cx,
        }
    }

    fn done(self, reply: Reply) -> Step {
        Step {
            case: Some(self.case),
            effects: self.effects,
            reply,
        }
    }

    fn take(mut self, event: &Event) -> Step {
        let is_owed = self.case.is_left_muted() || self.case.is_still_outside(self.cx.now);
        let has_ended = self.case.status != Status::Pending && !is_owed;
        if *event == Event::Due && has_ended {
            return self.forget();
        }
        let is_out_of_reach = *event == Event::Unreachable && self.case.route != Route::Joined;
        if *event == Event::Released || (is_out_of_reach && self.case.is_waiting()) {
            return self.released();
        }
        let reply = match self.case.status {
            Status::Pending => self.pending(event),
            Status::Passed => self.passed(event),
            _ => Reply::NotTheirs,
        };
        self.done(reply)
    }

    /// Forgets an ended case, when its time has come.
    fn forget(mut self) -> Step {
        let until = self.case.ended.unwrap_or(self.cx.now) + REMEMBERED;
        if until <= self.cx.now {
            return unchanged(None);
        }
        self.effects.push(Effect::WakeAt(until));
        self.done(Reply::NotTheirs)
    }

    /// Whoever is in may write; a request is the administrators' again, as if it had never been seen.
    fn released(mut self) -> Step {
        match (self.case.status, self.case.route) {
            (Status::Pending, Route::Joined) => {
                self.effects.push(Effect::Do(Deed::Lift));
                self.gone(Status::Passed);
                self.done(Reply::Ok)
            }
            (Status::Pending, Route::Requested { .. }) => Step {
                case: None,
                effects: vec![Effect::NeverWake, Effect::TakeBack],
                reply: Reply::Ok,
            },
            _ => unchanged(Some(self.case)),
        }
    }

    fn passed(&mut self, event: &Event) -> Reply {
        self.case.status = match event {
            Event::Left => Status::Left,
            // What was decided before they passed and could not be held back.
            Event::Removed | Event::Done(Deed::Remove) => {
                self.case.is_muted = false;
                Status::Kicked
            }
            _ => return self.let_in(event),
        };
        self.end();
        Reply::Ok
    }

    /// What is still to be done for somebody who has passed.
    fn let_in(&mut self, event: &Event) -> Reply {
        match event {
            // It was on its way when they passed.
            Event::Done(Deed::Mute) => {
                self.case.is_muted = true;
                self.lift();
            }
            Event::Done(Deed::Lift) => {
                self.case.is_muted = false;
                self.effects.push(Effect::WakeAt(self.cx.now + REMEMBERED));
            }
            // An administrator may have given the bot its rights back by then.
            Event::Failed(Deed::Lift | Deed::Approve) => {
                let is_on = self.cx.settings.is_on;
                let look = if is_on { AGAIN } else { REMEMBERED };
                self.effects.push(Effect::WakeAt(self.cx.now + look));
            }
            Event::Due | Event::Approved { .. } if self.case.is_left_muted() => self.lift(),
            Event::Due if self.case.is_still_outside(self.cx.now) => {
                self.effects.push(Effect::Do(Deed::Approve));
                self.effects.push(Effect::WakeAt(self.cx.now + AGAIN));
            }
            _ => return Reply::NotTheirs,
        }
        Reply::Ok
    }

    fn pending(&mut self, event: &Event) -> Reply {
        match event {
            Event::Done(deed) => self.has_been_done(*deed),
            Event::Failed(deed) => self.has_failed(*deed),
            Event::Approved { by } => self.pass(NoticeKind::Approved { by: by.clone() }),
            Event::Left => self.gone(Status::Left),
            Event::Removed => {
                self.case.is_muted = false;
                self.gone(Status::Rejected);
            }
            // Nothing has come of it yet.
            Event::Due if self.case.ending.is_some() => {
                self.effects.push(Effect::Do(self.way_out()));
                self.effects.push(Effect::WakeAt(self.cx.now + AGAIN));
            }
            // Everything else is too late for somebody who is on the way out.
            _ if self.case.ending.is_some() => return Reply::NotTheirs,
            Event::Unmuted { by } => self.unmuted(by),
            Event::Rejected => self.remove_as(Status::Rejected),
            Event::Due => self.due(),
            Event::Opened => self.ask(),
            Event::Unreachable => {
                // A request is left to the administrators; see `take`.
                self.case.is_unreachable = true;
                self.effects.push(Effect::Prompt);
            }
            Event::Blind | Event::Typed { .. } | Event::Pressed { .. } => {
                return self.answer(event);
            }
            Event::PressedInGroup => {
                if !(self.cx.settings.captcha.is_in_group() || self.case.is_unreachable) {
                    return Reply::ElsewherePlease;
                }
                self.pass(NoticeKind::Passed);
            }
            Event::Scanned | Event::Warned | Event::LastCall => self.scanned(event),
            Event::Joined { .. } | Event::Requested { .. } | Event::Released => {
                return Reply::NotTheirs;
            }
        }
        Reply::Ok
    }

    fn answer(&mut self, event: &Event) -> Reply {
        let Some(challenge) = &self.case.challenge else {
            self.ask();
            return Reply::Ok;
        };
        let is_right = match event {
            Event::Typed { text } => challenge.is_right_text(text),
            Event::Pressed { challenge: id, .. } if *id != challenge.id => return Reply::NotTheirs,
            Event::Pressed { option, .. } => challenge.is_right_option(*option),
            _ => {
                let mut dice = self.dice();
                self.case.challenge = Some(challenge.text_alternative(&mut dice));
                self.ask();
                return Reply::Ok;
            }
        };
        if is_right {
            self.pass(NoticeKind::Passed);
            return Reply::Ok;
        }
        self.case.attempts = self.case.attempts.saturating_sub(1);
        if self.case.attempts == 0 {
            self.effects.push(Effect::Tell(Tell::OutOfAttempts));
            self.remove_as(Status::Rejected);
        } else {
            let left = self.case.attempts;
            self.effects.push(Effect::Tell(Tell::Wrong { left }));
            // Whoever needed words needs words again.
            let kind = challenge.kind;
            let mut dice = self.dice();
            self.case.challenge = Some(Challenge::new(kind, &mut dice));
            self.ask();
        }
        Reply::Wrong
    }

    /// The same challenge as before where there is one: asking again is no way to an easier one.
    fn ask(&mut self) {
        if self.case.challenge.is_none() {
            let challenge = Challenge::new(self.cx.settings.captcha, &mut self.dice());
            self.case.challenge = Some(challenge);
        }
        self.case.asked = Some(self.cx.now);
        self.effects.push(Effect::Ask);
    }

    fn pass(&mut self, notice: NoticeKind) {
        let (deed, tell) = match self.case.route {
            Route::Joined => (Deed::Lift, self.case.asked.map(|_| Tell::Passed)),
            Route::Requested { .. } => (Deed::Approve, Some(Tell::LetIn)),
        };
        self.effects.push(Effect::Do(deed));
        self.effects.extend(tell.map(Effect::Tell));
        self.effects.push(Effect::Notice(notice));
        self.gone(Status::Passed);
    }

    fn unmuted(&mut self, by: &Person) {
        self.case.is_muted = false;
        if self.case.route == Route::Joined {
            let by = by.clone();
            self.effects
                .push(Effect::Notice(NoticeKind::Approved { by }));
            self.gone(Status::Passed);
        }
    }

    fn due(&mut self) {
        let until = self.until();
        if until > self.cx.now {
            self.effects.push(Effect::WakeAt(until));
            return;
        }
        self.remove_as(Status::Expired);
    }

    /// When the time is over, with credit for what the bot has missed.
    fn until(&self) -> Moment {
        self.case.opened + self.case.allowance + self.cx.downtime
    }

    fn wake(&mut self) {
        self.effects.push(Effect::WakeAt(self.until()));
    }

    fn scanned(&mut self, event: &Event) {
        if self.case.route != Route::Joined {
            return;
        }
        match event {
            Event::Scanned => self.mute(),
            Event::Warned => self.case.warnings = self.case.warnings.saturating_sub(1),
            _ if self.case.warnings == 0 => self.remove_as(Status::Kicked),
            _ => {}
        }
    }

    fn mute(&mut self) {
        self.case.is_muted = true;
        self.effects.push(Effect::Do(Deed::Mute));
    }

    fn lift_what_is_left(&mut self) {
        if self.case.is_muted {
            self.lift();
        }
    }

    /// It is looked at again before long, should nothing come of it.
    fn lift(&mut self) {
        self.effects.push(Effect::Do(Deed::Lift));
        self.effects.push(Effect::WakeAt(self.cx.now + AGAIN));
    }

    /// Asks for the removal; the case ends when it is done.
    fn remove_as(&mut self, status: Status) {
        self.case.ending = Some(status);
        self.take_back();
        self.effects.push(Effect::Do(self.way_out()));
        self.effects.push(Effect::Prompt);
        self.effects.push(Effect::WakeAt(self.cx.now + AGAIN));
    }

    fn way_out(&self) -> Deed {
        match self.case.route {
            Route::Joined => Deed::Remove,
            Route::Requested { .. } => Deed::Decline,
        }
    }

    fn has_been_done(&mut self, deed: Deed) {
        match (deed, self.case.ending) {
            (Deed::Remove, ending) => {
                self.case.is_muted = false;
                let is_late = ending == Some(Status::Expired) && self.case.asked.is_some();
                self.effects
                    .extend(is_late.then_some(Effect::Tell(Tell::TooLate)));
                self.effects.push(Effect::Notice(NoticeKind::Removed));
                self.gone(ending.unwrap_or(Status::Kicked));
            }
            (Deed::Decline, Some(ending)) => {
                let tell = match ending {
                    Status::Expired => Some(Tell::Expired),
                    _ => (self.case.attempts > 0).then_some(Tell::TurnedAway),
                };
                self.effects.extend(tell.map(Effect::Tell));
                self.gone(ending);
            }
            _ => {}
        }
    }

    fn has_failed(&mut self, deed: Deed) {
        match (deed, self.case.ending) {
            // They are still there, so nothing has ended.
            (Deed::Remove, Some(_)) => {
                self.case.ending = None;
                self.effects.push(Effect::Prompt);
                let again = self.cx.now + AGAIN;
                self.effects.push(Effect::WakeAt(self.until().max(again)));
            }
            // Somebody else has answered the request.
            (Deed::Decline, Some(ending)) => self.gone(ending),
            _ => {}
        }
    }

    /// Ends the case of somebody who was pending.
    fn gone(&mut self, status: Status) {
        self.case.status = status;
        self.effects.push(Effect::Prompt);
        self.end();
    }

    fn end(&mut self) {
        self.case.ending = None;
        self.take_back();
        self.case.ended = Some(self.cx.now);
        let is_owed = self.case.is_left_muted() || self.case.is_still_outside(self.cx.now);
        let look = if is_owed { AGAIN } else { REMEMBERED };
        self.effects.push(Effect::WakeAt(self.cx.now + look));
    }

    fn take_back(&mut self) {
        self.case.challenge = None;
        let was_asked = self.case.asked.is_some();
        self.effects.extend(was_asked.then_some(Effect::TakeBack));
    }

    fn dice(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.cx.seed)
    }
}
