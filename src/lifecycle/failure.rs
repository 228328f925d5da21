//! How a service or a hook says that it failed.

use std::time::Duration;

use super::ExitKind;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error that ends a service or a hook.
///
/// Any [`std::error::Error`] becomes a [`Failure::Permanent`] through `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It cannot go on. The service's restart policy says what follows; where it is not restarted, the process stops
    /// with exit code 70 (69 while starting).
    Permanent(BoxError),
    /// It cannot go on now, and may be able to later: a restart waits at least so long. Where the service is not
    /// restarted, the same as [`Permanent`](Self::Permanent).
    Transient(BoxError, Duration),
    /// It cannot go on, and this is the exit code that tells an operator why. It is not restarted.
    Fatal(ExitKind, BoxError),
}

impl Failure {
    /// A failure that ends the process with this exit code.
    pub fn fatal(kind: ExitKind, error: impl Into<BoxError>) -> Self {
        Self::Fatal(kind, error.into())
    }

    /// A failure without an exit code of its own.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self::Permanent(error.into())
    }

    /// A failure that a restart may cure, at the earliest after this time.
    pub fn transient(error: impl Into<BoxError>, retry_after: Duration) -> Self {
        Self::Transient(error.into(), retry_after)
    }

    pub(super) fn retry_after(&self) -> Duration {
        match self {
            Self::Transient(_, wait) => *wait,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn exit_kind(&self) -> Option<ExitKind> {
        match self {
            Self::Permanent(_) | Self::Transient(..) => None,
            Self::Fatal(kind, _) => Some(*kind),
        }
    }

    /// The error and its causes on one line.
    pub(super) fn message(&self) -> String {
        let (Self::Permanent(error) | Self::Transient(error, _) | Self::Fatal(_, error)) = self;
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Many errors already print their cause.
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        text
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Permanent(Box::new(error))
    }
}
