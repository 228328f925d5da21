//! Why a process stops, and the exit code that says so.

use std::fmt;

/// Why the supervisor was asked to stop.
///
/// The first reason wins; those that come later are appended to the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// A signal arrived. `pid` and `uid` name the sender where the kernel tells them.
    Signal {
        /// The signal's number, `15` for SIGTERM.
        signo: i32,
        /// Process that sent it.
        pid: Option<i32>,
        /// User that process ran as.
        uid: Option<u32>,
    },
    /// The time box of [`run_for`](super::Builder::run_for) is over.
    RunForElapsed,
    /// As many updates as were asked for have been taken up.
    MaxUpdates,
    /// Nothing happened for as long as was asked for.
    Idle,
    /// A service ended by itself, without an error.
    Completed(String),
    /// A service returned an error or panicked.
    ServiceFailed(String),
    /// A service failed again and again, more often than its policy allows.
    RestartsExhausted(String),
    /// A start hook or a service did not come up.
    StartFailed(String),
    /// A service was not heard of for longer than it had [promised](super::ServiceContext::alive_for).
    Stale(String),
    /// The program asked for it, in its own words.
    Requested(String),
}

impl StopReason {
    /// Whether a stop for this reason is an ordinary end (exit code 0).
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !matches!(
            self,
            Self::ServiceFailed(_)
                | Self::RestartsExhausted(_)
                | Self::StartFailed(_)
                | Self::Stale(_)
        )
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { signo, pid, uid } => {
                let name = signal_hook::low_level::signal_name(*signo).unwrap_or("signal");
                write!(f, "{name}")?;
                if let (Some(pid), Some(uid)) = (pid, uid) {
                    write!(f, " from process {pid} of user {uid}")?;
                }
                Ok(())
            }
            Self::RunForElapsed => write!(f, "the run-for time is over"),
            Self::MaxUpdates => write!(f, "the maximum of updates is reached"),
            Self::Idle => write!(f, "idle for as long as was asked for"),
            Self::Completed(name) => write!(f, "{name} completed"),
            Self::ServiceFailed(name) => write!(f, "{name} failed"),
            Self::RestartsExhausted(name) => write!(f, "{name} failed too often"),
            Self::StartFailed(name) => write!(f, "{name} did not start"),
            Self::Stale(name) => write!(f, "{name} was not heard of for longer than it promised"),
            Self::Requested(text) => write!(f, "{text}"),
        }
    }
}

/// How the process ended, as its exit code.
///
/// The numbers follow `sysexits.h` where it has one; 80 and 81 are this project's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExitKind {
    /// 0: a signal, the clock or the work's end stopped it, and all work was finished.
    Clean,
    /// 64: the command line was wrong.
    Usage,
    /// 69: something it depends on could not be reached at start.
    Unavailable,
    /// 70: a panic, or a service that failed for good.
    Software,
    /// 74: the state on disk could not be read or written.
    StateIo,
    /// 75: a passing obstacle, such as another instance that holds the state.
    Temporary,
    /// 77: the operating system refused permission.
    Permission,
    /// 78: the configuration is wrong, or the token was refused.
    Config,
    /// 80: it stopped, but not all work was finished in time.
    Unfinished,
    /// 81: the hard deadline ended it.
    Deadline,
}

impl ExitKind {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::StateIo => 74,
            Self::Temporary => 75,
            Self::Permission => 77,
            Self::Config => 78,
            Self::Unfinished => 80,
            Self::Deadline => 81,
        }
    }
}

impl From<ExitKind> for std::process::ExitCode {
    fn from(kind: ExitKind) -> Self {
        Self::from(kind.code())
    }
}
