//! Files that hold a secret each: where they are, and how they are read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::program::Refused;
use crate::lifecycle::ExitKind;

/// The service manager's credentials whose names begin like this, by their names' order.
pub(super) fn credentials(prefix: &str) -> Result<Vec<PathBuf>, Refused> {
    let Some(dir) = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) else {
        return Ok(Vec::new());
    };
    let names = fs::read_dir(&dir).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<OsString>>>()
    });
    let mut names = match names {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(unreadable("the credentials directory", &dir, &error)),
    };
    names.retain(|name| name.as_encoded_bytes().starts_with(prefix.as_bytes()));
    names.sort();
    Ok(names.into_iter().map(|name| dir.join(name)).collect())
}

/// The credential of this name, where there is one.
pub(super) fn credential(name: &str) -> Result<Option<PathBuf>, Refused> {
    let found = credentials(name)?.into_iter();
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|found| found == name);
    Ok(found.into_iter().find(is_it))
}

/// What is in a file, whose purpose an error names.
pub(super) fn read(what: &str, path: &Path) -> Result<String, Refused> {
    fs::read_to_string(path).map_err(|error| unreadable(what, path, &error))
}

fn unreadable(what: &str, path: &Path, error: &io::Error) -> Refused {
    Refused {
        kind: if error.kind() == io::ErrorKind::PermissionDenied {
            ExitKind::Permission
        } else {
            ExitKind::Config
        },
        text: format!("cannot read {what} {}: {error}", path.display()),
    }
}
