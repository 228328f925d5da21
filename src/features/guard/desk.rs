//! Where decisions are written down: a group and its people, in the group's own lane.

use std::fmt::Display;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::info;

use super::case::{Case, Route, Status};
use super::clock::Clock;
use super::group::{Group, NoticeKind, Stats};
use super::machine::{Context, Effect, Event, Reply, Step, step};
use super::moment::Moment;
use super::texts::Person;
use super::work::{self, Work};
use super::{Failed, Tools};

/// Those who come within this time are named in one prompt.
const PROMPT_AFTER: Duration = Duration::from_millis(400);
/// How long people are collected for one notice.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// A group in hand. Nothing is kept before [`close`](Self::close).
pub(super) struct Desk<'a> {
    pub(super) tools: &'a Tools,
    pub(super) chat: i64,
    pub(super) group: Group,
    pub(super) now: Moment,
    before: Option<Group>,
    clock: Option<Clock>,
}

/// That somebody is trusted in a group, or that a group's case waits for a person.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Mark {}

pub(super) fn group_name(chat: impl Display) -> String {
    format!("guard/group/{chat}")
}

/// Pending cases are found by their group.
pub(super) fn case_name(chat: impl Display, user: impl Display) -> String {
    format!("guard/case/{chat}/{user}")
}

/// Ended ones are kept elsewhere, so that a look at who is pending does not become slower with time.
pub(super) fn past_name(chat: i64, user: i64) -> String {
    format!("guard/past/{chat}/{user}")
}

pub(super) fn trust_name(chat: i64, user: i64) -> String {
    format!("guard/trust/{chat}/{user}")
}

/// Under this a person's pending cases are found, by their groups' numbers.
pub(super) fn person_prefix(user: i64) -> String {
    format!("guard/person/{user}/")
}

impl<'a> Desk<'a> {
    pub(super) async fn open(tools: &'a Tools, chat: i64) -> Result<Self, Failed> {
        let before: Option<Group> = tools.state.get(&group_name(chat)).await?;
        Ok(Self {
            tools,
            chat,
            group: before.clone().unwrap_or_default(),
            now: Moment::now(),
            before,
            clock: None,
        })
    }

    /// Whether nobody has looked at the guard in this group before.
    pub(super) fn is_new(&self) -> bool {
        self.before.is_none()
    }

    /// Writes down what has changed.
    pub(super) fn close(self) -> Result<(), Failed> {
        let is_same = match &self.before {
            Some(before) => *before == self.group,
            None => self.group == Group::default(),
        };
        if !is_same {
            self.tools.state.put(&group_name(self.chat), &self.group)?;
        }
        Ok(())
    }

    pub(super) async fn case(&self, user: i64) -> Result<Option<Case>, Failed> {
        case_of(self.tools, self.chat, user).await
    }

    pub(super) async fn is_trusted(&self, user: i64) -> Result<bool, Failed> {
        let mark: Option<Mark> = self.tools.state.get(&trust_name(self.chat, user)).await?;
        Ok(mark.is_some())
    }

    /// Whether somebody is under a mute of ours.
    pub(super) async fn has_muted(&self, user: i64) -> Result<bool, Failed> {
        let case = self.case(user).await?;
        Ok(case.is_some_and(|case| case.is_muted))
    }

    /// Something has happened to somebody.
    pub(super) async fn event(&mut self, user: i64, event: &Event) -> Result<Reply, Failed> {
        let old = self.case(user).await?;
        let now = self.now;
        let downtime = match (&old, event) {
            (Some(case), Event::Due) => self.clock().await?.downtime(case.opened, now),
            _ => Duration::ZERO,
        };
        let cx = Context {
            chat: self.chat,
            user,
            now: self.now,
            settings: &self.group.settings,
            declines: self.group.settings.raid_declines && self.group.raid.on.is_some(),
            is_trusted: self.is_trusted(user).await?,
            downtime,
            seed: fastrand::u64(..),
        };
        let Step {
            case,
            effects,
            reply,
        } = step(old.clone(), event, &cx);
        if old != case {
            self.keep(user, old.as_ref(), case.as_ref())?;
        }
        for effect in effects {
            self.queue(user, case.as_ref().or(old.as_ref()), effect, event)?;
        }
        Ok(reply)
    }

    async fn clock(&mut self) -> Result<&Clock, Failed> {
        let clock = match self.clock.take() {
            Some(clock) => clock,
            None => Clock::read(self.tools).await?,
        };
        Ok(self.clock.insert(clock))
    }

    fn keep(&mut self, user: i64, old: Option<&Case>, new: Option<&Case>) -> Result<(), Failed> {
        let (state, chat) = (&self.tools.state, self.chat);
        let (open, past) = (case_name(chat, user), past_name(chat, user));
        let is_pending = |case: &Case| case.status == Status::Pending;
        let person = format!("{}{chat}", person_prefix(user));
        match (old.is_some_and(is_pending), new.is_some_and(is_pending)) {
            (false, true) => {
                state.put(&person, &Mark {})?;
                state.delete(&past)?;
            }
            (true, false) => {
                state.delete(&person)?;
                state.delete(&open)?;
            }
            _ => {}
        }
        match new {
            Some(case) if is_pending(case) => state.put(&open, case)?,
            Some(case) => state.put(&past, case)?,
            None => state.delete(&past)?,
        }
        let was = old.map(|case| case.status);
        if let Some(case) = new
            && was != Some(case.status)
        {
            count(&mut self.group.stats, case);
            info!(chat_id = chat, user_id = user, status = ?case.status, "a case");
        }
        Ok(())
    }

    fn queue(
        &mut self,
        user: i64,
        case: Option<&Case>,
        effect: Effect,
        event: &Event,
    ) -> Result<(), Failed> {
        let (state, chat) = (&self.tools.state, self.chat);
        let to = match (case, event) {
            (Some(case), _) => case.private_chat(),
            (None, Event::Requested { write_to, .. }) => *write_to,
            (None, _) => user,
        };
        // In a dry run nobody is asked or told anything; what would be done is a notice.
        let is_dry = self.group.settings.dry_run;
        match effect {
            Effect::Ask | Effect::Tell(_) | Effect::Prompt if is_dry => {}
            Effect::Do(deed) => Work::Do {
                chat,
                user,
                deed,
                tries: 0,
            }
            .now(state)?,
            Effect::Ask => Work::Ask {
                chat,
                user,
                to,
                tries: 0,
            }
            .now(state)?,
            Effect::TakeBack => Work::TakeBack { chat, to }.now(state)?,
            Effect::Tell(tell) => Work::Tell { chat, to, tell }.now(state)?,
            Effect::WakeAt(at) => Work::Due { chat, user }.at(state, at, self.now)?,
            Effect::NeverWake => state.cancel_timer(&work::due(chat, user))?,
            Effect::Prompt => self.prompt_soon()?,
            Effect::Notice(kind) => {
                if let Some(person) = case.map(Case::person).or_else(|| named(user, event)) {
                    self.notice(kind, person)?;
                }
            }
        }
        Ok(())
    }

    /// Has the prompt looked at, once for all that comes until then.
    pub(super) fn prompt_soon(&mut self) -> Result<(), Failed> {
        let chat = self.chat;
        let at = soon(&mut self.group.prompt_due, self.now, PROMPT_AFTER);
        Ok(Work::Prompt { chat }.at(&self.tools.state, at, self.now)?)
    }

    /// Has something said about somebody, together with what else is said then. In a raid the bot is not to say more than the
    /// raiders, and names nobody but who was vouched for.
    pub(super) fn notice(&mut self, kind: NoticeKind, person: Person) -> Result<(), Failed> {
        let is_said = matches!(kind, NoticeKind::Approved { .. });
        if self.group.raid.on.is_some() && !is_said {
            return Ok(());
        }
        self.group.say(kind, person);
        self.notice_soon()
    }

    fn notice_soon(&mut self) -> Result<(), Failed> {
        let chat = self.chat;
        let at = soon(&mut self.group.notices_due, self.now, NOTICE_AFTER);
        Ok(Work::Notices { chat }.at(&self.tools.state, at, self.now)?)
    }
}

/// The time that is set already, or a new one. The timer is set in either case: one that has rung meanwhile may have missed
/// what is decided now.
fn soon(due: &mut Moment, now: Moment, after: Duration) -> Moment {
    if *due <= now {
        *due = now + after;
    }
    *due
}

/// What is kept of a group, or what is so of one that nobody has looked at yet.
pub(super) async fn group_of(tools: &Tools, chat: i64) -> Result<Group, Failed> {
    let group = tools.state.get(&group_name(chat)).await?;
    Ok(group.unwrap_or_default())
}

/// Somebody's case, whether it is pending or has ended.
pub(super) async fn case_of(tools: &Tools, chat: i64, user: i64) -> Result<Option<Case>, Failed> {
    let state = &tools.state;
    match state.get(&case_name(chat, user)).await? {
        Some(case) => Ok(Some(case)),
        None => Ok(state.get(&past_name(chat, user)).await?),
    }
}

fn named(user: i64, event: &Event) -> Option<Person> {
    match event {
        Event::Requested { name, .. } | Event::Joined { name, .. } => {
            let (id, name) = (user, name.clone());
            Some(Person { id, name })
        }
        _ => None,
    }
}

/// A group's pending cases, in the order of their people's numbers as text. What the handler in hand has decided is not seen.
pub(super) async fn pending_of(tools: &Tools, chat: i64) -> Result<Vec<Case>, Failed> {
    all_of(tools, &format!("guard/case/{chat}/")).await
}

/// A group's ended cases, in the same way.
pub(super) async fn past_of(tools: &Tools, chat: i64) -> Result<Vec<Case>, Failed> {
    all_of(tools, &format!("guard/past/{chat}/")).await
}

async fn all_of(tools: &Tools, prefix: &str) -> Result<Vec<Case>, Failed> {
    const PAGE: usize = 500;
    let mut cases = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: Vec<(String, Case)> = tools.state.scan(prefix, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|(name, _)| name.clone());
        cases.extend(page.into_iter().map(|(_, case)| case));
        if is_last {
            return Ok(cases);
        }
    }
}

fn count(stats: &mut Stats, case: &Case) {
    let counter = match case.status {
        Status::Pending if case.route == Route::Joined => &mut stats.joined,
        Status::Pending => &mut stats.requested,
        Status::Passed => &mut stats.passed,
        Status::Rejected => &mut stats.rejected,
        Status::Left => &mut stats.left,
        Status::Kicked => &mut stats.kicked,
        Status::Expired => &mut stats.expired,
    };
    *counter += 1;
}
