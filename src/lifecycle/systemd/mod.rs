//! What a service manager is told, where there is one: systemd, or whatever speaks its protocol.
//!
//! ```text
//!  phase       told
//!  Starting    STATUS, and EXTEND_TIMEOUT_USEC while the start goes on
//!  Running     READY=1, STATUS every few seconds, WATCHDOG=1 while every promise is kept
//!  a reload    RELOADING=1 with MONOTONIC_USEC, then READY=1
//!  stop        STOPPING=1, EXTEND_TIMEOUT_USEC again and again, never past the budget and its hard deadline
//!  the end     STATUS, ERRNO where it failed, and a barrier: a last word is lost if its sender is gone too soon
//! ```
//!
//! It is told by the supervisor's own task on the service's own runtime: a runtime that is blocked says nothing, and that
//! is what the watchdog is for.

mod socket;

use std::env;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{Dump, ExitKind, Phase, StopSnapshot};
use socket::Socket;

/// How often the status is told while nothing happens.
const STATUS_EVERY: Duration = Duration::from_secs(5);
/// How often a start or a stop that goes on asks for more time, and for how much each time.
const EXTEND_EVERY: Duration = Duration::from_secs(2);
const EXTEND_BY: Duration = Duration::from_secs(10);
/// How soon what could not be told is told again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long the last words are waited for.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Tells a service manager how the process is.
pub(super) struct Notifier {
    socket: Socket,
    /// How often the manager wants to hear that all is well.
    watchdog: Option<Duration>,
    pinged: Option<Instant>,
    told: Option<Instant>,
    /// READY and STOPPING, while the manager could not be told.
    unheard: Vec<&'static str>,
    status: String,
    is_stopping: bool,
    is_warned: bool,
}

impl Notifier {
    /// The manager that `$NOTIFY_SOCKET` names, where it names one.
    pub(super) fn from_environment() -> Option<Self> {
        let address = env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty())?;
        match Socket::open(&address) {
            Ok(socket) => Some(Self::new(socket, watchdog())),
            Err(error) => {
                warn!(%error, "$NOTIFY_SOCKET cannot be used; the service manager hears nothing");
                None
            }
        }
    }

    #[cfg(test)]
    pub(super) fn at(address: &std::ffi::OsStr, watchdog: Option<Duration>) -> Self {
        Self::new(Socket::open(address).expect("a socket"), watchdog)
    }

    fn new(socket: Socket, watchdog: Option<Duration>) -> Self {
        Self {
            socket,
            watchdog,
            pinged: None,
            told: None,
            unheard: Vec::new(),
            status: String::new(),
            is_stopping: false,
            is_warned: false,
        }
    }

    /// The time within which the manager must hear of the process, where it watches.
    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// When [`tick`](Self::tick) is due.
    pub(super) fn next(&self, phase: Phase) -> Instant {
        let every = match phase {
            Phase::Running => STATUS_EVERY,
            _ => EXTEND_EVERY,
        };
        let every = if self.unheard.is_empty() {
            every
        } else {
            AGAIN
        };
        let tell = self.told.map(|told| told + every);
        let ping = self.ping_every().map(|every| Some(self.pinged? + every));
        // What has never been said is due now.
        let due = [Some(tell), ping].into_iter().flatten().min();
        due.flatten().unwrap_or_else(Instant::now)
    }

    /// Twice as often as it must be, as the manual advises.
    fn ping_every(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2)
    }

    /// Says what has become due. `is_well` is whether every promise is kept.
    pub(super) fn tick(&mut self, dump: &Dump, is_well: bool) {
        let now = Instant::now();
        if let Some(every) = self.ping_every()
            && self.pinged.is_none_or(|pinged| now >= pinged + every)
        {
            self.pinged = Some(now);
            // Nobody watches a stop: its own deadlines do.
            if is_well && dump.snapshot.stop.is_none() {
                self.send(&[("WATCHDOG", "1")]);
            }
        }
        if now >= self.next(dump.snapshot.phase) {
            self.tell(dump, None);
        }
    }

    /// A phase has begun.
    pub(super) fn enters(&mut self, phase: Phase, dump: &Dump) {
        match phase {
            Phase::Running => {
                // Its clock starts with READY.
                self.pinged = None;
                self.tell(dump, Some("READY"));
                self.tick(dump, true);
            }
            // A start that failed goes straight to its last hooks.
            Phase::Draining | Phase::Stopping | Phase::Finalizing if !self.is_stopping => {
                self.is_stopping = true;
                self.tell(dump, Some("STOPPING"));
            }
            _ => self.tell(dump, None),
        }
    }

    /// The configuration is being read again.
    pub(super) fn reloading(&mut self) {
        let now = clock_gettime(ClockId::Monotonic);
        let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.send(&[
            ("RELOADING", "1"),
            ("MONOTONIC_USEC", &usec.to_string()),
            ("STATUS", "reloading"),
        ]);
    }

    /// The configuration has been read again, or was refused.
    pub(super) fn reloaded(&mut self, dump: &Dump) {
        self.tell(dump, Some("READY"));
    }

    /// A service is not heard of any more: the manager is to end the process now.
    pub(super) fn give_up(&mut self, text: &str) {
        self.send(&[("STATUS", text), ("WATCHDOG", "trigger")]);
    }

    /// The last words; they are waited for.
    pub(super) fn ends(&mut self, kind: ExitKind, text: &str) {
        let errno = errno(kind).map(|errno| errno.to_string());
        let mut words = vec![("STATUS", text)];
        words.extend(errno.as_deref().map(|errno| ("ERRNO", errno)));
        self.send(&words);
        if let Err(error) = self.socket.barrier(LAST_WORDS) {
            debug!(%error, "the service manager did not take part in the barrier");
        }
    }

    /// Tells the status, and what is new. That is told until it has been heard.
    fn tell(&mut self, dump: &Dump, news: Option<&'static str>) {
        self.told = Some(Instant::now());
        self.unheard.extend(news);
        let unheard = self.unheard.clone();
        let mut words: Vec<_> = unheard.iter().map(|name| (*name, "1")).collect();
        let extend = extension(dump).map(|time| time.as_micros().to_string());
        words.extend(extend.as_deref().map(|time| ("EXTEND_TIMEOUT_USEC", time)));
        let status = dump.line();
        if status != self.status {
            words.push(("STATUS", &status));
        }
        if words.is_empty() || self.send(&words) {
            self.unheard.clear();
            self.status = status;
        }
    }

    /// Whether the manager has it.
    fn send(&mut self, words: &[(&str, &str)]) -> bool {
        let sent = self.socket.send(words);
        if let Err(error) = &sent
            && !self.is_warned
        {
            self.is_warned = true;
            warn!(%error, "the service manager cannot be told how the process is");
        }
        sent.is_ok()
    }
}

/// Tells a service manager of a start that ended before there was a supervisor.
#[cfg(feature = "program")]
pub(crate) fn notify_refused_start(kind: ExitKind, text: &str) {
    if let Some(mut notifier) = Notifier::from_environment() {
        notifier.ends(kind, text);
    }
}

/// More time for a start or a stop that is under way, as long as its own end has not come.
fn extension(dump: &Dump) -> Option<Duration> {
    match (&dump.snapshot.stop, dump.snapshot.phase) {
        (Some(stop), phase) if phase < Phase::Stopped => Some(left(stop, dump.uptime)),
        (None, Phase::Starting) => Some(EXTEND_BY),
        _ => None,
    }
}

fn left(stop: &StopSnapshot, now: Duration) -> Duration {
    let end = stop.deadline + super::driver::HARD_DEADLINE_MARGIN;
    EXTEND_BY.min(end.saturating_sub(now))
}

/// The time that systemd wants to hear of this process within, where it watches it.
fn watchdog() -> Option<Duration> {
    let number = |name| env::var(name).ok()?.parse::<u64>().ok();
    let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    let time = number("WATCHDOG_USEC").map(Duration::from_micros);
    time.filter(|time| for_us && !time.is_zero())
}

/// The nearest that Linux has to an exit code; none where nothing failed.
fn errno(kind: ExitKind) -> Option<u32> {
    Some(match kind {
        ExitKind::Clean => return None,
        ExitKind::Usage | ExitKind::Config => 22, // EINVAL
        ExitKind::Permission => 13,               // EACCES
        ExitKind::StateIo => 5,                   // EIO
        ExitKind::Unavailable => 111,             // ECONNREFUSED
        ExitKind::Temporary => 11,                // EAGAIN
        ExitKind::Unfinished | ExitKind::Deadline => 110, // ETIMEDOUT
        ExitKind::Software => 131,                // ENOTRECOVERABLE
    })
}
