//! The scan of one group, in its lane.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::case::{Case, Status};
use super::super::desk::{Desk, pending_of};
use super::super::group::Group;
use super::super::machine::{Deed, Event};
use super::super::moment::Moment;
use super::super::{Failed, Tools};
use super::{Place, RunId, Step, is_silent};
use crate::bot::State;

/// Between two removals.
const GAP: Duration = Duration::from_secs(1);
/// A removal that is not over after this is counted as one that failed: longer than it is tried.
const REMOVAL: Duration = Duration::from_secs(15 * 60);
/// After so many of them in a row the scan goes no further.
const UNANSWERED: u8 = 3;
/// Who has come later than this before a scan that nobody has asked for is left out: there was hardly time to answer.
const NEWCOMER: Duration = Duration::from_secs(10 * 60);

/// What a group's scan has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct Outcome {
    pub(super) unverified: usize,
    pub(super) warned: usize,
    pub(super) removed: usize,
    /// What a dry run has not done.
    pub(super) would_warn: usize,
    pub(super) would_remove: usize,
    pub(super) is_cancelled: bool,
    /// What the server has refused, or why it went no further.
    pub(super) failed: Option<String>,
}

/// Where a scan is. One for which there is nobody is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Stage {
    Muting,
    Listing,
    Noticing,
    Removing,
    Over,
}

/// Somebody's case: the same person who has come again has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    pub(super) user: i64,
    opened: Moment,
}

/// A scan that is going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scan {
    /// Which scan it is: what is left of an earlier one does not count.
    number: u64,
    /// Who is told.
    runs: Vec<RunId>,
    /// When it has last moved on.
    moved: Moment,
    pub(super) stage: Stage,
    pub(super) to_warn: Vec<Listed>,
    pub(super) to_remove: VecDeque<Listed>,
    /// Whose removal has been asked for last, and when.
    removing: Option<(Listed, Moment)>,
    /// Removals in a row that were not answered in time.
    #[serde(default)]
    unanswered: u8,
    outcome: Outcome,
}

impl Outcome {
    /// What a scan comes to that does not begin at all; none where one can.
    pub(super) fn of_none(is_unknown: bool, group: &Group) -> Option<Self> {
        if group.settings.is_on {
            return None;
        }
        let reason = if is_unknown {
            "the group is not known"
        } else {
            "the guard is off"
        };
        let failed = Some(reason.to_owned());
        Some(Self {
            failed,
            ..Self::default()
        })
    }
}

impl Listed {
    fn of(case: &Case) -> Self {
        let (user, opened) = (case.user, case.opened);
        Self { user, opened }
    }

    /// Whether this is their case, and they still have to verify.
    pub(super) fn still_has(self, case: Option<&Case>) -> bool {
        case.is_some_and(|case| case.is_in_group() && self == Self::of(case))
    }
}

impl Scan {
    fn new(number: u64, runs: Vec<RunId>, now: Moment, cases: &[Case]) -> Self {
        let (left, none_left): (Vec<&Case>, Vec<&Case>) =
            cases.iter().partition(|case| case.warnings > 0);
        Self {
            number,
            runs,
            moved: now,
            stage: Stage::Muting,
            to_warn: left.into_iter().map(Listed::of).collect(),
            to_remove: none_left.into_iter().map(Listed::of).collect(),
            removing: None,
            unanswered: 0,
            outcome: Outcome {
                unverified: cases.len(),
                ..Outcome::default()
            },
        }
    }

    /// One more run is told, once.
    fn join(&mut self, run: RunId) {
        if !self.runs.contains(&run) {
            self.runs.push(run);
        }
    }

    fn advance(&mut self) {
        let is_anybody_left = !self.to_remove.is_empty();
        self.stage = match self.stage {
            Stage::Muting if !self.to_warn.is_empty() => Stage::Listing,
            Stage::Muting | Stage::Listing if is_anybody_left => Stage::Noticing,
            Stage::Noticing => Stage::Removing,
            Stage::Removing if is_anybody_left || self.removing.is_some() => Stage::Removing,
            _ => Stage::Over,
        };
    }

    /// Goes no further, but for the removal that has been asked for.
    fn cut(&mut self) {
        self.to_remove.clear();
        if self.removing.is_none() {
            self.stage = Stage::Over;
        }
    }

    /// Does nothing of what it would do.
    fn only_look(&mut self) {
        self.outcome.would_warn = self.to_warn.len();
        self.outcome.would_remove = self.to_remove.len();
        self.stage = Stage::Over;
    }

    /// Counts what has become of the removal that was asked for; false where that is not known yet.
    fn count_removal(&mut self, case: Option<&Case>, now: Moment) -> bool {
        let Some((listed, asked)) = self.removing else {
            return true;
        };
        let case = case.filter(|case| listed == Listed::of(case));
        let is_on_its_way =
            case.is_some_and(|case| case.status == Status::Pending && case.ending.is_some());
        if is_on_its_way && now.since(asked) < REMOVAL {
            return false;
        }
        if is_on_its_way {
            self.fail("a removal was not answered".to_owned());
            self.unanswered += 1;
        } else {
            self.unanswered = 0;
        }
        if case.is_some_and(|case| case.status == Status::Kicked) {
            self.outcome.removed += 1;
        }
        self.removing = None;
        if self.unanswered >= UNANSWERED {
            self.cut();
        }
        true
    }

    /// The first reason is the one that is told.
    fn fail(&mut self, reason: String) {
        self.outcome.failed.get_or_insert(reason);
    }

    /// With how many of those whom it found it is done.
    fn done(&self) -> usize {
        let is_listed = !matches!(self.stage, Stage::Muting | Stage::Listing);
        let warned = if is_listed { self.to_warn.len() } else { 0 };
        let to_remove = self.outcome.unverified - self.to_warn.len();
        let left = self.to_remove.len() + usize::from(self.removing.is_some());
        warned + to_remove.saturating_sub(left)
    }
}

fn name_of(chat: i64) -> String {
    format!("guard/scan/{chat}")
}

async fn any(tools: &Tools, chat: i64) -> Result<Option<Scan>, Failed> {
    Ok(tools.state.get(&name_of(chat)).await?)
}

/// The scan with this number, if it is still going on.
pub(super) async fn current(tools: &Tools, chat: i64, number: u64) -> Result<Option<Scan>, Failed> {
    let scan = any(tools, chat).await?;
    Ok(scan.filter(|scan| scan.number == number))
}

/// Begins a scan for a run, or joins the one that is going on.
pub(super) async fn begin(tools: &Tools, chat: i64, run: RunId) -> Result<(), Failed> {
    let mut desk = Desk::open(tools, chat).await?;
    if let Some(outcome) = Outcome::of_none(desk.is_new(), &desk.group) {
        return Step::Over { run, chat, outcome }.now(&tools.state);
    }
    let mut runs = vec![run];
    if let Some(mut old) = any(tools, chat).await? {
        if !is_silent(tools, old.moved, desk.now) {
            old.join(run);
            return keep(&tools.state, chat, &old);
        }
        old.runs.retain(|other| *other != run);
        runs.append(&mut old.runs);
    }
    let is_scheduled = runs.iter().all(|run| run.place == Place::Schedule);
    let mut cases = pending_of(tools, chat).await?;
    cases.retain(|case| case.is_in_group() && !(is_scheduled && is_new(case, desk.now)));
    let mut scan = Scan::new(fastrand::u64(..), runs, desk.now, &cases);
    desk.group.scanned = desk.now;
    if desk.group.settings.dry_run {
        scan.only_look();
    } else if cases.is_empty() {
        scan.stage = Stage::Over;
    } else {
        for case in &cases {
            desk.event(case.user, &Event::Scanned).await?;
        }
        let number = scan.number;
        Step::Mutes { chat, number }.now(&tools.state)?;
    }
    keep(&tools.state, chat, &scan)?;
    desk.close()
}

/// Whether they have hardly had time to answer.
fn is_new(case: &Case, now: Moment) -> bool {
    now.since(case.opened) < NEWCOMER
}

/// The group has another number, under which the next scan finds its people: tells the runs of this one.
pub(super) async fn moved(tools: &Tools, chat: i64) -> Result<(), Failed> {
    if let Some(mut scan) = any(tools, chat).await? {
        scan.fail("the group has another number now".to_owned());
        scan.stage = Stage::Over;
        keep(&tools.state, chat, &scan)?;
    }
    Ok(())
}

pub(super) async fn muted(tools: &Tools, chat: i64, number: u64) -> Result<(), Failed> {
    if let Some(mut scan) = current(tools, chat, number).await?
        && scan.stage == Stage::Muting
    {
        go_on(tools, chat, &mut scan)?;
    }
    Ok(())
}

/// A message was sent: what it says is done now.
pub(super) async fn said(
    tools: &Tools,
    chat: i64,
    number: u64,
    stage: Stage,
    refused: Option<String>,
) -> Result<(), Failed> {
    let scan = current(tools, chat, number).await?;
    let Some(mut scan) = scan.filter(|scan| scan.stage == stage) else {
        return Ok(());
    };
    if let Some(reason) = refused {
        scan.fail(reason);
        scan.cut();
        return keep(&tools.state, chat, &scan);
    }
    let mut desk = Desk::open(tools, chat).await?;
    if stage == Stage::Listing {
        for listed in &scan.to_warn {
            if listed.still_has(desk.case(listed.user).await?.as_ref()) {
                desk.event(listed.user, &Event::Warned).await?;
                scan.outcome.warned += 1;
            }
        }
    }
    scan.moved = desk.now;
    go_on(tools, chat, &mut scan)?;
    desk.close()
}

/// Removes the next one, when it is known what has become of the one before.
pub(super) async fn next(tools: &Tools, chat: i64, number: u64) -> Result<(), Failed> {
    let Some(mut scan) = current(tools, chat, number).await? else {
        return Ok(());
    };
    let mut desk = Desk::open(tools, chat).await?;
    let case = match scan.removing {
        Some((listed, _)) => desk.case(listed.user).await?,
        None => None,
    };
    if !scan.count_removal(case.as_ref(), desk.now) {
        return Step::Next { chat, number }.after(&tools.state, GAP);
    }
    while let Some(listed) = scan.to_remove.pop_front() {
        if listed.still_has(desk.case(listed.user).await?.as_ref()) {
            desk.event(listed.user, &Event::LastCall).await?;
            scan.removing = Some((listed, desk.now));
            break;
        }
    }
    scan.moved = desk.now;
    go_on(tools, chat, &mut scan)?;
    desk.close()
}

/// A run has no more interest: where nobody else has, the scan ends as far as it has come.
pub(super) async fn stop(tools: &Tools, chat: i64, run: RunId) -> Result<(), Failed> {
    let scan = any(tools, chat).await?;
    let Some(mut scan) = scan.filter(|scan| scan.runs.contains(&run)) else {
        return Ok(());
    };
    if scan.runs.len() > 1 {
        scan.runs.retain(|other| *other != run);
        let mut outcome = scan.outcome.clone();
        outcome.is_cancelled = true;
        Step::Over { run, chat, outcome }.now(&tools.state)?;
    } else {
        scan.outcome.is_cancelled = true;
        scan.cut();
    }
    keep(&tools.state, chat, &scan)
}

/// Remembers why, for the scan's line.
pub(in super::super) fn refused(
    state: &State,
    chat: i64,
    deed: Deed,
    reason: &str,
) -> Result<(), Failed> {
    let reason = reason.to_owned();
    match deed {
        Deed::Mute | Deed::Remove => Step::Refused { chat, reason }.now(state),
        Deed::Lift | Deed::Approve | Deed::Decline => Ok(()),
    }
}

pub(super) async fn note_refusal(tools: &Tools, chat: i64, reason: String) -> Result<(), Failed> {
    if let Some(mut scan) = any(tools, chat).await? {
        scan.fail(reason);
        keep(&tools.state, chat, &scan)?;
    }
    Ok(())
}

/// Enters the next stage and asks for what belongs to it.
fn go_on(tools: &Tools, chat: i64, scan: &mut Scan) -> Result<(), Failed> {
    let (state, number) = (&tools.state, scan.number);
    scan.advance();
    let stage = scan.stage;
    match stage {
        Stage::Listing | Stage::Noticing => Step::Say {
            chat,
            number,
            stage,
            tries: 0,
        }
        .now(state)?,
        Stage::Removing => Step::Next { chat, number }.after(state, GAP)?,
        Stage::Muting | Stage::Over => {}
    }
    keep(state, chat, scan)
}

/// Writes down where it is, and tells its runs.
fn keep(state: &State, chat: i64, scan: &Scan) -> Result<(), Failed> {
    let is_over = scan.stage == Stage::Over;
    for run in scan.runs.iter().copied() {
        if is_over {
            let outcome = scan.outcome.clone();
            Step::Over { run, chat, outcome }.now(state)?;
        } else {
            let (done, of) = (scan.done(), scan.outcome.unverified);
            let step = Step::Progress {
                run,
                chat,
                done,
                of,
            };
            step.now(state)?;
        }
    }
    if is_over {
        state.delete(&name_of(chat))?;
    } else {
        state.put(&name_of(chat), scan)?;
    }
    Ok(())
}
