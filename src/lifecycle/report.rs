//! What happened, told at the end.

use std::fmt;
use std::time::Duration;

use super::machine::{Exit, HookResult, Machine, Stage};
use super::remarks::Remark;
use super::{ExitKind, Mode, Panic, ServiceState, StopReason};

/// How the process lived and ended. Its [`Display`](fmt::Display) is for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The supervisor's name.
    pub name: String,
    /// Why it stopped; the first one decided.
    pub reasons: Vec<StopReason>,
    /// The services in start order.
    pub services: Vec<ServiceReport>,
    /// The hooks of all stages in the order they were to run.
    pub hooks: Vec<HookReport>,
    /// From begin to end.
    pub total: Duration,
    /// From the stop request to the end.
    pub stop_took: Duration,
    /// Whether a second signal cut the stop short.
    pub was_cut_short: bool,
    /// Services and hooks that still run, because they block their thread.
    pub stuck: Vec<String>,
    exit: ExitKind,
}

/// One service's part of a [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceReport {
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: ServiceOutcome,
    /// How often it was restarted.
    pub restarts: u32,
    /// Whether the process could go on without it.
    pub is_optional: bool,
    /// From its start to ready.
    pub start_took: Option<Duration>,
    /// From its start to its end.
    pub ran: Option<Duration>,
    /// From being told to drain to its end.
    pub stop_took: Option<Duration>,
    /// The last status line it gave.
    pub status: String,
    /// Figures that it reported.
    pub facts: Vec<(&'static str, u64)>,
    /// Work that it had to leave.
    pub unfinished: Vec<String>,
}

/// How a service ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceOutcome {
    /// It was never started.
    NotStarted,
    /// It ended when it was told to.
    Stopped,
    /// It had to be cancelled, and then ended.
    Cancelled,
    /// It was aborted at an await.
    Aborted,
    /// It did not end at all, or something of it still runs.
    Abandoned,
    /// It ended by itself.
    Completed,
    /// It had ended so, and waited to be started again when the stop came.
    BackingOff(String),
    /// It returned an error.
    Failed(String),
    /// It panicked.
    Panicked(Panic),
}

/// One hook's part of a [`Report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HookReport {
    /// When it runs.
    pub stage: Stage,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: HookOutcome,
    /// How long it ran.
    pub took: Duration,
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookOutcome {
    /// It did its work.
    Done,
    /// It returned an error.
    Failed(String),
    /// It panicked.
    Panicked(Panic),
    /// It took too long and was cut off.
    TimedOut,
    /// The process was asked to stop while it ran.
    Cancelled,
    /// The budget was spent before its turn came.
    Skipped,
    /// The process did not come to the point where it runs.
    NotDue,
}

impl Report {
    pub(super) fn new(
        name: String,
        machine: &Machine,
        remarks: Vec<Remark>,
        stuck: Vec<String>,
        now: Duration,
    ) -> Self {
        let services: Vec<_> = machine
            .services()
            .iter()
            .zip(remarks)
            .map(|(record, remark)| {
                let outcome = match (&record.exit, record.state) {
                    (Some(exit), _) if record.was_waiting => {
                        ServiceOutcome::BackingOff(error_of(exit))
                    }
                    (Some(Exit::Failed { message, .. }), _) => {
                        ServiceOutcome::Failed(message.clone())
                    }
                    (Some(Exit::Panicked(panic)), _) => ServiceOutcome::Panicked(panic.clone()),
                    _ if remark.left_behind => ServiceOutcome::Abandoned,
                    (Some(Exit::Aborted), _) => ServiceOutcome::Aborted,
                    (_, ServiceState::Abandoned) => ServiceOutcome::Abandoned,
                    (_, ServiceState::Pending) => ServiceOutcome::NotStarted,
                    _ if record.killed => ServiceOutcome::Cancelled,
                    _ if record.drained_at.is_none() => ServiceOutcome::Completed,
                    _ => ServiceOutcome::Stopped,
                };
                let since = |from: Option<Duration>, to: Option<Duration>| Some(to? - from?);
                ServiceReport {
                    name: record.name.clone(),
                    outcome,
                    restarts: record.restarts,
                    is_optional: record.is_optional,
                    start_took: since(record.started_at, record.ready_at),
                    ran: since(record.started_at, record.ended_at),
                    stop_took: since(record.drained_at, record.ended_at),
                    status: remark.status,
                    facts: remark.facts,
                    unfinished: remark.unfinished,
                }
            })
            .collect();
        let hooks: Vec<_> = machine
            .hooks()
            .iter()
            .map(|record| HookReport {
                stage: record.id.stage,
                name: record.name.clone(),
                outcome: match record.result.clone().unwrap_or(HookResult::NotDue) {
                    HookResult::Done => HookOutcome::Done,
                    HookResult::Failed { message, .. } => HookOutcome::Failed(message),
                    HookResult::Panicked(panic) => HookOutcome::Panicked(panic),
                    HookResult::TimedOut => HookOutcome::TimedOut,
                    HookResult::Cancelled => HookOutcome::Cancelled,
                    HookResult::Skipped => HookOutcome::Skipped,
                    HookResult::NotDue => HookOutcome::NotDue,
                },
                took: record
                    .ended_at
                    .zip(record.started_at)
                    .map_or(Duration::ZERO, |(end, start)| end - start),
            })
            .collect();
        let mut report = Self {
            name,
            reasons: machine.reasons().to_vec(),
            services,
            hooks,
            total: now,
            stop_took: machine
                .stop_began()
                .map_or(Duration::ZERO, |began| now - began),
            was_cut_short: machine.mode() == Some(Mode::Fast),
            stuck,
            exit: ExitKind::Clean,
        };
        report.exit = report.judge(machine.failure_kind(), machine.reached_running());
        report
    }

    /// How the process ended.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        self.exit
    }

    /// The exit code for `main` to return.
    #[must_use]
    pub fn exit_code(&self) -> std::process::ExitCode {
        self.exit.into()
    }

    /// Sum of a figure over all services.
    #[must_use]
    pub fn fact(&self, key: &str) -> u64 {
        let facts = self.services.iter().flat_map(|service| &service.facts);
        facts
            .filter(|(known, _)| *known == key)
            .map(|(_, value)| value)
            .sum()
    }

    /// The first error that a service or a hook ended with, with its name.
    #[must_use]
    pub fn first_error(&self) -> Option<(&str, String)> {
        let service = self.services.iter().find_map(|service| {
            let error = match &service.outcome {
                ServiceOutcome::Failed(error) => error.clone(),
                ServiceOutcome::Panicked(panic) => panic.to_string(),
                _ => return None,
            };
            Some((service.name.as_str(), error))
        });
        let hook = || {
            self.hooks.iter().find_map(|hook| {
                let error = match &hook.outcome {
                    HookOutcome::Failed(error) => error.clone(),
                    HookOutcome::Panicked(panic) => panic.to_string(),
                    _ => return None,
                };
                Some((hook.name.as_str(), error))
            })
        };
        service.or_else(hook)
    }

    /// A failure's own code first; then work that was left; then what the first reason says.
    fn judge(&self, failure: Option<ExitKind>, reached_running: bool) -> ExitKind {
        if let Some(kind) = failure {
            return kind;
        }
        let panicked = |service: &ServiceReport| {
            !service.is_optional && matches!(service.outcome, ServiceOutcome::Panicked(_))
        };
        let hook_panicked = |hook: &HookReport| matches!(hook.outcome, HookOutcome::Panicked(_));
        if self.services.iter().any(panicked) || self.hooks.iter().any(hook_panicked) {
            return ExitKind::Software;
        }
        match self.reasons.first() {
            Some(StopReason::StartFailed(_)) if !reached_running => ExitKind::Unavailable,
            Some(reason) if !reason.is_clean() => ExitKind::Software,
            _ if self.left_something() => ExitKind::Unfinished,
            _ => ExitKind::Clean,
        }
    }

    fn left_something(&self) -> bool {
        let service_left = |service: &ServiceReport| {
            use ServiceOutcome::{Abandoned, Aborted, Cancelled, Failed};
            let is_cut = matches!(service.outcome, Cancelled | Aborted | Abandoned | Failed(_));
            !service.unfinished.is_empty() || (is_cut && !service.is_optional)
        };
        let hook_left = |hook: &HookReport| {
            hook.stage != Stage::OnStart
                && !matches!(hook.outcome, HookOutcome::Done | HookOutcome::NotDue)
        };
        self.services.iter().any(service_left)
            || self.hooks.iter().any(hook_left)
            || !self.stuck.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self
            .reasons
            .first()
            .map_or_else(|| "nothing to do".to_owned(), ToString::to_string);
        let code = self.exit.code();
        writeln!(f, "{} stopped: {reason} (exit code {code})", self.name)?;
        for later in self.reasons.iter().skip(1) {
            writeln!(f, "  then       {later}")?;
        }
        let cut = if self.was_cut_short {
            ", cut short by a second signal"
        } else {
            ""
        };
        writeln!(
            f,
            "  ran        {}, of which the stop took {}{cut}",
            seconds(self.total),
            seconds(self.stop_took)
        )?;
        for service in &self.services {
            write!(f, "  service    {:<12} {}", service.name, service.outcome)?;
            if let Some(ran) = service.ran {
                write!(f, " after {}", seconds(ran))?;
            }
            match service.restarts {
                0 => {}
                1 => write!(f, ", restarted once")?,
                times => write!(f, ", restarted {times} times")?,
            }
            if let Some(took) = service.stop_took {
                write!(f, ", stop took {}", seconds(took))?;
            }
            let facts: Vec<_> = service
                .facts
                .iter()
                .map(|(key, value)| format!("{key} {value}"))
                .collect();
            if !facts.is_empty() {
                write!(f, "; {}", facts.join(", "))?;
            }
            writeln!(f)?;
            for what in &service.unfinished {
                writeln!(f, "             left unfinished: {what}")?;
            }
        }
        for hook in &self.hooks {
            let (stage, name) = (hook.stage, &hook.name);
            writeln!(
                f,
                "  {stage:<10} {name}: {} in {}",
                hook.outcome,
                seconds(hook.took)
            )?;
        }
        for name in &self.stuck {
            writeln!(
                f,
                "  stuck      {name}: it blocks its thread, and still runs"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ServiceOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => write!(f, "not started"),
            Self::Stopped => write!(f, "stopped"),
            Self::Cancelled => write!(f, "cancelled"),
            Self::Aborted => write!(f, "aborted"),
            Self::Abandoned => write!(f, "abandoned"),
            Self::Completed => write!(f, "completed"),
            Self::BackingOff(error) => write!(f, "backing off ({error})"),
            Self::Failed(error) => write!(f, "failed ({error})"),
            Self::Panicked(panic) => write!(f, "panicked ({panic})"),
        }
    }
}

impl fmt::Display for HookOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Failed(error) => write!(f, "failed ({error})"),
            Self::Panicked(panic) => write!(f, "panicked ({panic})"),
            Self::TimedOut => write!(f, "cut off, it took too long"),
            Self::Cancelled => write!(f, "cancelled"),
            Self::Skipped => write!(f, "skipped, no time was left"),
            Self::NotDue => write!(f, "not due"),
        }
    }
}

fn error_of(exit: &Exit) -> String {
    match exit {
        Exit::Failed { message, .. } => message.clone(),
        Exit::Panicked(panic) => panic.to_string(),
        Exit::Finished => "completed".to_owned(),
        Exit::Aborted => "aborted".to_owned(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
