//! A run: one group after another is handed out to be scanned, so many at a time.

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::super::desk::group_name;
use super::super::group::Group;
use super::super::moment::Moment;
use super::super::texts::{Language, Text};
use super::super::work::Work;
use super::super::{Failed, Tools};
use super::group::Outcome;
use super::{Place, RunId, SILENCE, Step, is_silent, schedule, show};

/// So many groups of a run are scanned at the same time. What their messages may cost together is the limit on sending.
const AT_ONCE: usize = 20;
/// How often it is looked whether a group is not heard of any more.
const LOOK: Duration = Duration::from_secs(5 * 60);

/// A run, and afterwards the last one of its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) language: Language,
    pub(super) began: Moment,
    /// None while it goes on.
    pub(super) ended: Option<Moment>,
    pub(super) is_cancelled: bool,
    pub(super) lines: Vec<Line>,
    /// Until when a look at its message is on its way already.
    show_due: Moment,
}

/// A group in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) chat: i64,
    pub(super) title: String,
    pub(super) state: LineState,
    pub(super) done: usize,
    pub(super) of: usize,
    /// When something was last heard of it.
    heard: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LineState {
    Waiting,
    Running,
    Over(Outcome),
    /// The run was cancelled before its turn.
    Dropped,
}

impl Run {
    fn new(number: u64, language: Language, now: Moment) -> Self {
        Self {
            number,
            language,
            began: now,
            ended: None,
            is_cancelled: false,
            lines: Vec::new(),
            show_due: Moment::default(),
        }
    }

    /// Instead of a line of the same group that is over.
    fn add(&mut self, chat: i64, title: String, now: Moment) {
        self.lines
            .retain(|line| line.chat != chat || line.is_open());
        self.lines.push(Line {
            chat,
            title,
            state: LineState::Waiting,
            done: 0,
            of: 0,
            heard: now,
        });
    }

    /// Whose turn it is now.
    fn hand_out(&mut self, now: Moment) -> Vec<i64> {
        let free = AT_ONCE.saturating_sub(self.of_state(&LineState::Running).count());
        let waiting = self.lines.iter_mut();
        let waiting = waiting.filter(|line| line.state == LineState::Waiting);
        let turn = |line: &mut Line| {
            line.state = LineState::Running;
            line.heard = now;
            line.chat
        };
        waiting.take(free).map(turn).collect()
    }

    fn of_state(&self, state: &LineState) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.state == *state)
    }

    fn running(&mut self, chat: i64) -> Option<&mut Line> {
        let running = |line: &&mut Line| line.chat == chat && line.state == LineState::Running;
        self.lines.iter_mut().find(running)
    }

    /// Who has not had its turn has none; returns who is to be stopped.
    fn cancel(&mut self) -> Vec<i64> {
        self.is_cancelled = true;
        for line in &mut self.lines {
            if line.state == LineState::Waiting {
                line.state = LineState::Dropped;
            }
        }
        let running = self.of_state(&LineState::Running);
        running.map(|line| line.chat).collect()
    }

    fn is_over(&self) -> bool {
        !self.lines.iter().any(Line::is_open)
    }

    pub(super) fn outcomes(&self) -> impl Iterator<Item = (&Line, &Outcome)> {
        self.lines.iter().filter_map(|line| match &line.state {
            LineState::Over(outcome) => Some((line, outcome)),
            _ => None,
        })
    }
}

impl Line {
    fn is_open(&self) -> bool {
        matches!(self.state, LineState::Waiting | LineState::Running)
    }
}

/// A run in hand, in its lane.
struct Hand<'a> {
    tools: &'a Tools,
    place: Place,
    run: Run,
    now: Moment,
}

pub(super) fn name_of(place: Place) -> String {
    format!("guard/run/{}", place.key())
}

/// The run that is shown in a chat, or was last.
pub(super) async fn shown_in(tools: &Tools, chat: i64) -> Result<Option<Run>, Failed> {
    Ok(tools.state.get(&name_of(Place::Chat(chat))).await?)
}

/// The run of a place that goes on.
async fn going_on<'a>(tools: &'a Tools, place: Place) -> Result<Option<Hand<'a>>, Failed> {
    let run: Option<Run> = tools.state.get(&name_of(place)).await?;
    Ok(run.filter(|run| run.ended.is_none()).map(|run| Hand {
        tools,
        place,
        run,
        now: Moment::now(),
    }))
}

async fn this_one<'a>(tools: &'a Tools, id: RunId) -> Result<Option<Hand<'a>>, Failed> {
    let hand = going_on(tools, id.place).await?;
    Ok(hand.filter(|hand| hand.run.number == id.number))
}

impl<'a> Hand<'a> {
    fn new(tools: &'a Tools, place: Place, language: Language) -> Self {
        let now = Moment::now();
        Self {
            tools,
            place,
            run: Run::new(fastrand::u64(..), language, now),
            now,
        }
    }

    fn id(&self) -> RunId {
        let (place, number) = (self.place, self.run.number);
        RunId { place, number }
    }

    /// Begins: from here on it is looked after.
    fn begin(self) -> Result<(), Failed> {
        let run = self.id();
        Step::Watch { run }.after(&self.tools.state, LOOK)?;
        self.go_on()
    }

    /// Hands out whose turn it is, or ends, and writes it down.
    fn go_on(mut self) -> Result<(), Failed> {
        let (state, run) = (&self.tools.state, self.id());
        for chat in self.run.hand_out(self.now) {
            Step::Begin { chat, run }.now(state)?;
        }
        if self.run.is_over() {
            self.end()?;
        }
        if let Place::Chat(chat) = self.place {
            let at = show::soon(&mut self.run.show_due, self.now);
            Work::Scan(Step::Show { chat }).at(state, at, self.now)?;
        }
        state.put(&name_of(self.place), &self.run)?;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failed> {
        let state = &self.tools.state;
        self.run.ended = Some(self.now);
        for (line, outcome) in self.run.outcomes() {
            let Outcome {
                unverified,
                warned,
                removed,
                failed,
                ..
            } = outcome;
            info!(
                chat_id = line.chat,
                unverified, warned, removed, failed, "scanned"
            );
        }
        if self.place == Place::Schedule {
            let something = |(_, outcome): (&Line, &Outcome)| {
                outcome.unverified > 0 || outcome.failed.is_some()
            };
            if let Some(to) = self.tools.guard.operator()
                && self.run.outcomes().any(something)
            {
                let text = show::summary(&self.run);
                Work::write(to, text).now(state)?;
            }
            schedule::changed(self.tools)?;
        }
        Ok(())
    }
}

/// Starts a run of one group, shown in it.
pub(super) async fn start_group(tools: &Tools, chat: i64) -> Result<(), Failed> {
    let group: Option<Group> = tools.state.get(&group_name(chat)).await?;
    let is_unknown = group.is_none();
    let group = group.unwrap_or_default();
    let (place, language) = (Place::Chat(chat), group.settings.language);
    if going_on(tools, place).await?.is_some() {
        return refuse(tools, chat, language);
    }
    let mut hand = Hand::new(tools, place, language);
    let over = Outcome::of_none(is_unknown, &group);
    hand.run.add(chat, group.title, hand.now);
    if let Some(outcome) = over {
        hand.run.lines[0].state = LineState::Over(outcome);
    }
    hand.begin()
}

/// Starts a run of all groups that are switched on, shown to the operator.
pub(super) async fn start_all(tools: &Tools, chat: i64, language: Language) -> Result<(), Failed> {
    let place = Place::Chat(chat);
    if going_on(tools, place).await?.is_some() {
        return refuse(tools, chat, language);
    }
    let mut hand = Hand::new(tools, place, language);
    for (chat, group) in groups(tools).await? {
        if group.settings.is_on {
            hand.run.add(chat, group.title, hand.now);
        }
    }
    hand.begin()
}

fn refuse(tools: &Tools, chat: i64, language: Language) -> Result<(), Failed> {
    let text = language.say(&Text::ScanRunning);
    Step::Answer { chat, text }.now(&tools.state)
}

/// Starts the schedule's run, or adds to the one that goes on.
pub(super) async fn start_scheduled(tools: &Tools, due: &[(i64, String)]) -> Result<(), Failed> {
    let old = going_on(tools, Place::Schedule).await?;
    let is_new = old.is_none();
    let mut hand = old.unwrap_or_else(|| Hand::new(tools, Place::Schedule, Language::default()));
    for (chat, title) in due {
        hand.run.add(*chat, title.clone(), hand.now);
    }
    if is_new { hand.begin() } else { hand.go_on() }
}

/// The groups whose turn in the schedule's run is not over, where one goes on.
pub(super) async fn scheduled(tools: &Tools) -> Result<Vec<i64>, Failed> {
    let hand = going_on(tools, Place::Schedule).await?;
    let lines = hand.map(|hand| hand.run.lines).unwrap_or_default();
    let open = lines.into_iter().filter(Line::is_open);
    Ok(open.map(|line| line.chat).collect())
}

/// All groups that are kept, as they were last committed.
pub(super) async fn groups(tools: &Tools) -> Result<Vec<(i64, Group)>, Failed> {
    const PAGE: usize = 500;
    const PREFIX: &str = "guard/group/";
    let mut groups = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: Vec<(String, Group)> = tools.state.scan(PREFIX, after.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|(name, _)| name.clone());
        groups.extend(page.into_iter().filter_map(|(name, group)| {
            let chat = name.strip_prefix(PREFIX)?.parse().ok()?;
            Some((chat, group))
        }));
        if is_last {
            return Ok(groups);
        }
    }
}

pub(super) async fn progress(
    tools: &Tools,
    id: RunId,
    chat: i64,
    done: usize,
    of: usize,
) -> Result<(), Failed> {
    let Some(mut hand) = this_one(tools, id).await? else {
        return Ok(());
    };
    let now = hand.now;
    if let Some(line) = hand.run.running(chat) {
        (line.done, line.of, line.heard) = (done, of, now);
        hand.go_on()?;
    }
    Ok(())
}

pub(super) async fn over(
    tools: &Tools,
    id: RunId,
    chat: i64,
    outcome: Outcome,
) -> Result<(), Failed> {
    let Some(mut hand) = this_one(tools, id).await? else {
        return Ok(());
    };
    if let Some(line) = hand.run.running(chat) {
        line.state = LineState::Over(outcome);
        hand.go_on()?;
    }
    Ok(())
}

/// Somebody who may do that has had enough of it.
pub(super) async fn cancel(tools: &Tools, id: RunId) -> Result<(), Failed> {
    let Some(mut hand) = this_one(tools, id).await? else {
        return Ok(());
    };
    for chat in hand.run.cancel() {
        Step::Stop { chat, run: id }.now(&tools.state)?;
    }
    hand.go_on()
}

/// Ends the lines of groups that nothing is heard of: whatever has become of them, the others do not wait for it.
pub(super) async fn watch(tools: &Tools, id: RunId) -> Result<(), Failed> {
    let Some(mut hand) = this_one(tools, id).await? else {
        return Ok(());
    };
    let now = hand.now;
    for line in &mut hand.run.lines {
        if line.state == LineState::Running && is_silent(tools, line.heard, now) {
            warn!(chat_id = line.chat, "nothing is heard of a group's scan");
            let minutes = SILENCE.as_secs() / 60;
            line.state = LineState::Over(Outcome {
                failed: Some(format!("nothing was heard of it for {minutes} minutes")),
                ..Outcome::default()
            });
        }
    }
    Step::Watch { run: id }.after(&tools.state, LOOK)?;
    hand.go_on()
}
