//! Files that hold a secret each: where they are, and how they are read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use super::program::Refused;
use crate::ai::Secret;
use crate::config::ai::KeySource;
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

/// A key from its place; none where it is to be the credential of this name and that is not there. `of` is whose key it is.
pub(super) fn key(
    credential: &str,
    of: &str,
    source: &KeySource,
) -> Result<Option<Secret>, Refused> {
    let wrong = |text: String| Refused {
        kind: ExitKind::Config,
        text,
    };
    let text = match source {
        KeySource::Credential => match self::credential(credential)? {
            Some(path) => read("the key", &path)?,
            None => return Ok(None),
        },
        KeySource::File(path) => read("the key", path)?,
        KeySource::Variable(variable) => env::var(variable).map_err(|_| {
            wrong(format!(
                "the key of `{of}` is to be in ${variable}, which is not set"
            ))
        })?,
    };
    let text = text.trim();
    let is_header = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_header {
        return Err(wrong(format!(
            "the key of `{of}` is empty, or has a space, a line end or another character in it that no key has"
        )));
    }
    Ok(Some(Secret::new(text)))
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
