//! What goes wrong with a store, and what that tells an operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Key, Scope};
use crate::lifecycle::ExitKind;

/// Why the engine refused.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process holds the state directory.
    #[error(
        "the state directory {} is in use by {holder}; stop that instance, or give this one a directory of its own with --state-dir",
        dir.display()
    )]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// Who holds it, as far as that is known.
        holder: String,
    },
    /// The directory or a file in it cannot be used.
    #[error("cannot {what} {}: {detail}", path.display())]
    Path {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        detail: String,
        /// Whether it is a matter of permission.
        denied: bool,
    },
    /// There is no space left. Nothing of what was asked for is stored, and the same may work later.
    #[error("cannot {what} {}: its disk is full; free some space", path.display())]
    Full {
        /// What was tried.
        what: &'static str,
        /// On which file or directory.
        path: PathBuf,
    },
    /// The database is damaged.
    #[error(
        "the database {} is damaged ({found}); it is neither repaired nor deleted. Move the directory {} away, and the next start begins with a new one; \
         in the old one `sqlite3 sundown.sqlite .recover` saves what can still be read",
        path.display(), place_of(path).display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// The database refused.
    #[error("cannot {what} in the store {}: {detail}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the database said.
        detail: String,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the store has schema version {found}, and this program knows versions up to {known}; use the newer program, or another --state-dir"
    )]
    NewerSchema {
        /// The version found.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// The database is not of this program's version, and is only looked at.
    #[error(
        "the store has schema version {found}, and this program knows version {known}; a start of the bot brings an older one up to date"
    )]
    OtherSchema {
        /// The version found.
        found: i64,
        /// The one known here.
        known: i64,
    },
    /// A name that no document and no timer can have.
    #[error(
        "{key:?} cannot be the name of a document or a timer: that has 1 to 512 bytes, and no control characters"
    )]
    BadKey {
        /// The name.
        key: Arc<str>,
    },
    /// A document is not what a change expected; nothing was changed.
    #[error("the document {0} has been changed by somebody else meanwhile")]
    Changed(Key),
    /// A document or a timer's text cannot be read or written as what it is meant to be.
    #[error("{key} does not hold what was expected: {detail}")]
    Unreadable {
        /// The name of the document or timer.
        key: Key,
        /// What is wrong with it.
        detail: String,
    },
    /// Somebody else holds the scope now.
    #[error("the lease on {0:?} has passed to another holder")]
    Fenced(Scope),
    /// The engine has been closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// The exit code that tells an operator what to look at.
    #[must_use]
    pub fn exit_kind(&self) -> ExitKind {
        match self {
            Self::InUse { .. } | Self::Fenced(_) => ExitKind::Temporary,
            Self::Path { denied: true, .. } => ExitKind::Permission,
            _ => ExitKind::StateIo,
        }
    }

    /// Whether nothing is wrong but a disk that is full: who can wait tries the same again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// The directory that a file is in.
fn place_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
