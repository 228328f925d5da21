//! Scans: who has not verified is reminded, warned, and in the end removed.
//!
//! ```text
//!  a run, in the lane of the chat that sees it            a group's scan, in the group's lane
//!
//!  /scan, the schedule ──→ run ── begin ────────────────→ mutes ─→ list ─→ warnings ─→ final notice ─→ removals
//!                           ▲ └── stop ─────────────────→   │        │ guard/say/CHAT     │                │ guard/do/CHAT
//!                           └──── how far it is, its end ───┴────────┴────────────────────┴────────────────┘
//!                           └──→ show: one message that is edited, and becomes the summary
//! ```
//!
//! **Authority**: `guard/scan/CHAT` for a group's scan, `guard/run/…` for a run; each is written in one lane alone. They tell
//! each other by [`Step`]s, which are committed with what they tell of.
//!
//! Invariants:
//! - A group has one scan at a time. A run that comes to a group which is being scanned joins that scan; where a run is
//!   shown already, a second one is refused, since its message could only say the same.
//! - A warning is taken in the transaction that notes that the list was sent: never without it, never twice for it.
//! - Who is warned or removed is the person who was named, in the same case: who has passed, gone or come again meanwhile
//!   is left alone.
//! - A group that fails ends with its reason in its line; one that is not heard of for half an hour does so too.
//! - A group whose guard is off is not scanned, nor one that is not known: its line says so.
//! - A cancelled scan finishes what it has begun for a person, and begins nothing more.

mod commands;
mod group;
mod quiet;
mod run;
mod say;
pub(super) mod schedule;
mod show;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use super::work::Work;
use super::{Failed, Tools};
use crate::bot::State;
use crate::store::LaneKey;

pub(super) use self::commands::tree;
pub(super) use self::group::refused;
use self::group::{Outcome, Stage};

/// Whoever is not heard of for so long, while the bot is up, is not waited for any longer.
const SILENCE: Duration = Duration::from_secs(30 * 60);

/// Where a run is shown, which is what there is one of at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// In this chat: a group for its own scan, the operator's for all.
    Chat(i64),
    /// Nowhere before it is over: the schedule's.
    Schedule,
}

/// A run: the place, and which one it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunId {
    place: Place,
    number: u64,
}

/// A piece of work of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    // In the group's lane.
    /// An administrator wants this group scanned.
    Start {
        chat: i64,
    },
    /// A run wants this group scanned.
    Begin {
        chat: i64,
        run: RunId,
    },
    /// The mutes that were asked for are over, or have been tried.
    Muted {
        chat: i64,
        number: u64,
    },
    /// A message was sent, or why it will not be.
    Said {
        chat: i64,
        number: u64,
        stage: Stage,
        refused: Option<String>,
    },
    /// The next one is to be removed.
    Next {
        chat: i64,
        number: u64,
    },
    /// Something was refused that was to be done to somebody.
    Refused {
        chat: i64,
        reason: String,
    },
    /// A run has no more interest in this group.
    Stop {
        chat: i64,
        run: RunId,
    },

    // In `guard/do/CHAT`, behind the mutes.
    Mutes {
        chat: i64,
        number: u64,
    },

    // Where things are said: `guard/say/CHAT` for a group, `guard/to/CHAT` for a person.
    /// The message of this stage is to be sent.
    Say {
        chat: i64,
        number: u64,
        stage: Stage,
        tries: u8,
    },
    /// An answer to a command.
    Answer {
        chat: i64,
        text: String,
    },
    /// The message that shows a run is to be as it should be.
    Show {
        chat: i64,
    },

    // In the run's lane.
    /// How far a group is.
    Progress {
        run: RunId,
        chat: i64,
        done: usize,
        of: usize,
    },
    /// A group's scan has ended.
    Over {
        run: RunId,
        chat: i64,
        outcome: Outcome,
    },
    /// Whether somebody has not been heard of for too long.
    Watch {
        run: RunId,
    },

    // In `guard`.
    /// Groups may be due.
    Ring,
    /// The same, because something has changed on which that depends. It has a name of its own: a look that is going on
    /// sets the other one, and may not have seen the change.
    Changed,
}

impl Step {
    pub(super) fn lane(&self) -> LaneKey {
        match self {
            Self::Start { chat }
            | Self::Begin { chat, .. }
            | Self::Muted { chat, .. }
            | Self::Said { chat, .. }
            | Self::Next { chat, .. }
            | Self::Refused { chat, .. }
            | Self::Stop { chat, .. } => LaneKey(*chat),
            Self::Mutes { chat, .. } => LaneKey::named(&format!("guard/do/{chat}")),
            Self::Say { chat, .. } | Self::Answer { chat, .. } | Self::Show { chat } => {
                let room = if *chat < 0 { "say" } else { "to" };
                LaneKey::named(&format!("guard/{room}/{chat}"))
            }
            Self::Progress { run, .. } | Self::Over { run, .. } | Self::Watch { run } => {
                run.place.lane()
            }
            Self::Ring | Self::Changed => LaneKey::named("guard"),
        }
    }

    pub(super) fn name(&self) -> String {
        let of_chat = |what: &str, chat: &i64| format!("guard/scan/{what}/{chat}");
        let of_run =
            |what: &str, run: &RunId, chat: &i64| of_chat(&format!("{what}/{}", run.key()), chat);
        match self {
            Self::Start { chat } => of_chat("start", chat),
            Self::Begin { chat, run } => of_run("begin", run, chat),
            // Behind `guard/do/…`, also within the same millisecond, in which timers go by their names.
            Self::Mutes { chat, .. } => of_chat("mutes", chat),
            Self::Muted { chat, .. } => of_chat("muted", chat),
            Self::Say { chat, .. } => of_chat("say", chat),
            Self::Said { chat, .. } => of_chat("said", chat),
            Self::Next { chat, .. } => of_chat("next", chat),
            Self::Refused { chat, .. } => of_chat("refused", chat),
            Self::Stop { chat, run } => of_run("stop", run, chat),
            Self::Answer { chat, .. } => of_chat("answer", chat),
            Self::Show { chat } => of_chat("show", chat),
            Self::Progress { run, chat, .. } => of_run("progress", run, chat),
            Self::Over { run, chat, .. } => of_run("over", run, chat),
            Self::Watch { run } => format!("guard/scan/watch/{}", run.key()),
            Self::Ring => "guard/schedule".to_owned(),
            Self::Changed => "guard/schedule/changed".to_owned(),
        }
    }

    fn now(self, state: &State) -> Result<(), Failed> {
        self.after(state, Duration::ZERO)
    }

    fn after(self, state: &State, time: Duration) -> Result<(), Failed> {
        Ok(Work::Scan(self).after(state, time)?)
    }
}

impl Place {
    fn lane(self) -> LaneKey {
        match self {
            Self::Chat(chat) => LaneKey(chat),
            Self::Schedule => LaneKey::named("guard"),
        }
    }

    fn key(self) -> String {
        match self {
            Self::Chat(chat) => chat.to_string(),
            Self::Schedule => "schedule".to_owned(),
        }
    }
}

impl RunId {
    fn key(self) -> String {
        format!("{}/{:016x}", self.place.key(), self.number)
    }
}

/// Whether nothing was heard since then for too long, not counting the time before this start.
fn is_silent(tools: &Tools, since: Moment, now: Moment) -> bool {
    let started = now.before(tools.handle.uptime());
    now.since(since.max(started)) > SILENCE
}

/// Takes a step, in its lane.
pub(super) async fn take(tools: &Tools, step: Step) -> Result<(), Failed> {
    match step {
        Step::Start { chat } => run::start_group(tools, chat).await,
        Step::Begin { chat, run } => group::begin(tools, chat, run).await,
        Step::Mutes { chat, number } => Step::Muted { chat, number }.now(&tools.state),
        Step::Muted { chat, number } => group::muted(tools, chat, number).await,
        Step::Say {
            chat,
            number,
            stage,
            tries,
        } => say::say(tools, chat, number, stage, tries).await,
        Step::Said {
            chat,
            number,
            stage,
            refused,
        } => group::said(tools, chat, number, stage, refused).await,
        Step::Next { chat, number } => group::next(tools, chat, number).await,
        Step::Refused { chat, reason } => group::note_refusal(tools, chat, reason).await,
        Step::Stop { chat, run } => group::stop(tools, chat, run).await,
        Step::Answer { chat, text } => show::answer(tools, chat, text).await,
        Step::Show { chat } => show::show(tools, chat).await,
        Step::Progress {
            run,
            chat,
            done,
            of,
        } => run::progress(tools, run, chat, done, of).await,
        Step::Over { run, chat, outcome } => run::over(tools, run, chat, outcome).await,
        Step::Watch { run } => run::watch(tools, run).await,
        Step::Ring | Step::Changed => schedule::ring(tools).await,
    }
}

/// Forgets what is kept under a group's old number: its scan ends there, and so do its lines in the runs of others.
pub(super) async fn moved(tools: &Tools, chat: i64) -> Result<(), Failed> {
    group::moved(tools, chat).await?;
    let run = run::name_of(Place::Chat(chat));
    for name in [run, show::name_of(chat), say::name_of(chat)] {
        tools.state.delete(&name)?;
    }
    Ok(())
}

/// Starts a scan of one group, shown in it. Where one is shown there already, that is said.
pub(super) async fn start_here(tools: &Tools, chat: i64) -> Result<(), Failed> {
    Step::Start { chat }.now(&tools.state)
}
