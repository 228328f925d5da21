//! What a process is doing at one moment, for whoever asks.

use std::fmt;
use std::time::Duration;

use tracing::info;

use super::{Said, ServiceState, Snapshot};

/// Phases, services, their promises and their work, as [`Handle::dump`](super::Handle::dump) saw them. Its
/// [`Display`](fmt::Display) is for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// The supervisor's name.
    pub name: String,
    /// Since the supervisor began to run.
    pub uptime: Duration,
    /// Phase and services as last published.
    pub snapshot: Snapshot,
    /// What each service says of itself besides its status, in the same order.
    pub said: Vec<Said>,
    /// Names of what did not end although it was aborted; known when the supervisor has ended.
    pub stuck: Vec<String>,
}

impl Dump {
    /// What a stop waits for, in one line: services that have not ended, the hook that runs, what is stuck.
    #[must_use]
    pub fn still_running(&self) -> String {
        let is_stopping = self.snapshot.stop.is_some();
        let services = self.services().filter(|(service, _)| {
            let works = !matches!(service.state, ServiceState::Starting | ServiceState::Ready);
            service.state.is_live() && (works || !is_stopping)
                || service.state == ServiceState::Abandoned
        });
        let services = services.map(|(service, said)| match &said.work {
            Some(work) => format!("{} ({}; {work})", service.name, service.state),
            None => format!("{} ({})", service.name, service.state),
        });
        let hook = self.snapshot.hook.iter().map(|hook| format!("hook {hook}"));
        let mut all: Vec<_> = services.chain(hook).collect();
        for name in &self.stuck {
            if !all.iter().any(|known| known.starts_with(name)) {
                all.push(name.clone());
            }
        }
        all.join(", ")
    }

    /// Time until what runs now is cancelled; none where nothing is to be, or has been.
    #[must_use]
    pub fn cancelled_in(&self) -> Option<Duration> {
        let at = self.snapshot.stop.as_ref()?.cancels_at?;
        Some(at.saturating_sub(self.uptime))
    }

    /// Writes it to the log, a line for each service.
    pub(super) fn tell(&self) {
        let (name, phase) = (&self.name, self.snapshot.phase);
        let (elapsed_ms, hook) = (ms(self.uptime), self.snapshot.hook.as_deref());
        info!(name, %phase, elapsed_ms, hook, "dump: {phase}");
        for (service, said) in self.services() {
            let work = said.work.as_ref();
            let in_state_ms = ms(self.uptime.saturating_sub(service.since));
            let promise_ms = service.promise.map(|at| ms(at.saturating_sub(self.uptime)));
            let (running, oldest) = match work {
                Some(work) => (Some(work.running), work.oldest.as_ref()),
                None => (None, None),
            };
            info!(
                service = service.name,
                state = %service.state,
                in_state_ms,
                restarts = service.restarts,
                promise_ms,
                running,
                oldest = oldest.map(|(name, _)| name),
                oldest_ms = oldest.map(|(_, age)| ms(*age)),
                status = service.status,
                "dump: {} is {}", service.name, service.state
            );
        }
    }

    /// All of it in one line: the phase, and of each service what it has in hand, its facts, its status, and when it was
    /// last heard of.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.snapshot.phase.to_string();
        let mut gap = ": ";
        for (service, said) in self.services() {
            let work = said.work.iter().map(ToString::to_string);
            let facts = said
                .facts
                .iter()
                .map(|(key, value)| format!("{key} {value}"));
            let status = Some(&service.status).filter(|status| !status.is_empty());
            let heard = said.heard.filter(|_| service.state == ServiceState::Ready);
            let heard = heard.map(|ago| format!("heard of {} s ago", ago.as_secs()));
            let all: Vec<_> = status
                .into_iter()
                .cloned()
                .chain(work)
                .chain(facts)
                .chain(heard)
                .collect();
            if !all.is_empty() {
                line += &format!("{gap}{} {}", service.name, all.join(", "));
                gap = "; ";
            }
        }
        if let Some(hook) = &self.snapshot.hook {
            line += &format!("{gap}hook {hook}");
        }
        line
    }

    fn services(&self) -> impl Iterator<Item = (&super::ServiceSnapshot, &Said)> {
        self.snapshot.services.iter().zip(&self.said)
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = &self.snapshot;
        let up = self.uptime.as_secs_f64();
        writeln!(f, "{}: {} after {up:.1} s", self.name, snapshot.phase)?;
        for (service, said) in self.services() {
            let since = self.uptime.saturating_sub(service.since).as_secs_f64();
            write!(
                f,
                "  {:<12} {} for {since:.1} s",
                service.name, service.state
            )?;
            if service.restarts > 0 {
                write!(f, ", restarts {}", service.restarts)?;
            }
            if let Some(at) = service.promise {
                let left = at.as_secs_f64() - up;
                write!(f, ", promised to be heard of in {left:.1} s")?;
            }
            if let Some(work) = &said.work {
                write!(f, ", {work}")?;
            }
            if !service.status.is_empty() {
                write!(f, "; {}", service.status)?;
            }
            writeln!(f)?;
        }
        if let Some(hook) = &snapshot.hook {
            writeln!(f, "  hook {hook} runs")?;
        }
        Ok(())
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
