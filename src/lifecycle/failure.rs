//! How a service or a hook says that it failed.

use super::ExitKind;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An error that ends a service or a hook.
///
/// Any [`std::error::Error`] becomes a [`Failure::Permanent`] through `?`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// It cannot go on; the process stops with exit code 70 (69 while starting).
    Permanent(BoxError),
    /// It cannot go on, and this is the exit code that tells an operator why.
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

    pub(super) fn exit_kind(&self) -> Option<ExitKind> {
        match self {
            Self::Permanent(_) => None,
            Self::Fatal(kind, _) => Some(*kind),
        }
    }

    /// The error and its causes on one line.
    pub(super) fn message(&self) -> String {
        let (Self::Permanent(error) | Self::Fatal(_, error)) = self;
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
