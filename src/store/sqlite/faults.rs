//! What SQLite and the operating system refuse, in the store's words.

use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::{Connection, Error, ErrorCode, ffi};

use super::StoreError;

/// What the database behind a connection refused.
pub(super) fn refused(what: &'static str, connection: &Connection, error: &Error) -> StoreError {
    let path = connection.path().unwrap_or_default();
    refused_at(what, Path::new(path), error)
}

pub(super) fn refused_at(what: &'static str, path: &Path, error: &Error) -> StoreError {
    let path = path.to_owned();
    if is_full(error) {
        StoreError::Full { what, path }
    } else if is_damage(error) {
        let found = error.to_string();
        StoreError::Damaged { path, found }
    } else {
        let detail = error.to_string();
        StoreError::Database { path, what, detail }
    }
}

/// What the operating system refused.
pub(super) fn path(what: &'static str, path: &Path, error: &io::Error) -> StoreError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { what, path },
        kind => StoreError::Path {
            what,
            path,
            detail: error.to_string(),
            denied: kind == ErrorKind::PermissionDenied,
        },
    }
}

/// Whether space is all that is missing. SQLite says so of ENOSPC when it writes; making its shared memory longer is
/// the one other thing that needs space.
pub(super) fn is_full(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// Whether it is not known any more what is on disk, so that nothing may be written upon it. After a flush that failed
/// a later one may succeed without the earlier one's pages.
pub(super) fn is_doubtful(error: &Error) -> bool {
    let code = error.sqlite_error_code();
    is_damage(error) || (code == Some(ErrorCode::SystemIoFailure) && !is_full(error))
}

/// Whether there is something in the file that nobody has written there.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        error => matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        ),
    }
}
