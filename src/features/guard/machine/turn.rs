//! A case that an event has happened to.

use std::time::Duration;

use super::{AGAIN, Context, Deed, Effect, Event, REMEMBERED, Reply, Step, Tell, unchanged};
use crate::features::guard::captcha::Challenge;
use crate::features::guard::case::{Case, MUTE, Route, Status};
use crate::features::guard::group::NoticeKind;
use crate::features::guard::moment::Moment;
use crate::features::guard::texts::Person;

/// A case in hand.
pub(super) struct Turn<'a> {
    pub(super) case: Case,
    pub(super) effects: Vec<Effect>,
    cx: &'a Context<'a>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(case: Case, cx: &'a Context<'a>) -> Self {
        Self {
            case,
            effects: Vec::new(),
            cx,
        }
    }

    pub(super) fn done(self, reply: Reply) -> Step {
        Step {
            case: Some(self.case),
            effects: self.effects,
            reply,
        }
    }

    pub(super) fn take(mut self, event: &Event) -> Step {
        let is_owed =
            self.case.is_left_muted(self.cx.now) || self.case.is_still_outside(self.cx.now);
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

    /// A mute of ours is known as such for as long as it lasts.
    fn remembered(&self) -> Duration {
        if self.case.is_muted { MUTE } else { REMEMBERED }
    }

    /// Forgets an ended case, when its time has come.
    fn forget(mut self) -> Step {
        let until = self.case.ended.unwrap_or(self.cx.now) + self.remembered();
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
            Event::Done(Deed::Approve) => {
                self.effects.push(Effect::WakeAt(self.cx.now + REMEMBERED));
            }
            // An administrator may have given the bot its rights back by then.
            Event::Failed(Deed::Lift | Deed::Approve) => {
                let is_on = self.cx.settings.is_on;
                let look = if is_on { AGAIN } else { REMEMBERED };
                self.effects.push(Effect::WakeAt(self.cx.now + look));
            }
            Event::Due | Event::Approved { .. } if self.case.is_left_muted(self.cx.now) => {
                self.lift()
            }
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
            Event::TakenOver => {
                self.case.is_muted = false;
                self.gone(Status::Passed);
            }
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
    pub(super) fn ask(&mut self) {
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

    pub(super) fn wake(&mut self) {
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

    pub(super) fn mute(&mut self) {
        self.case.is_muted = true;
        self.effects.push(Effect::Do(Deed::Mute));
    }

    pub(super) fn lift_what_is_left(&mut self) {
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
    pub(super) fn remove_as(&mut self, status: Status) {
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

    pub(super) fn end(&mut self) {
        self.case.ending = None;
        self.take_back();
        self.case.ended = Some(self.cx.now);
        let is_owed =
            self.case.is_left_muted(self.cx.now) || self.case.is_still_outside(self.cx.now);
        let look = if is_owed { AGAIN } else { self.remembered() };
        self.effects.push(Effect::WakeAt(self.cx.now + look));
    }

    /// The challenge of a case that this one takes the place of.
    pub(super) fn take_back_from(&mut self, old: Option<&Case>) {
        let was_asked = old.is_some_and(|old| old.is_waiting() && old.asked.is_some());
        self.effects.extend(was_asked.then_some(Effect::TakeBack));
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
