//! A folder for the profiles of one process's browsers.
//!
//! Each profile is removed when its browser is gone. After a SIGKILL of this process they stay, so the folder is locked for
//! as long as the process lives, and whoever comes next removes those that are not.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use tempfile::{Builder, TempDir};

const PREFIX: &str = "sundown-chromium-";
const LOCK: &str = "lock";

/// The folder; removed with all that is in it when this is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one, and removes those of processes that are gone.
    pub(super) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let folder = Builder::new().prefix(PREFIX).tempdir_in(&parent)?;
        // Another user's browser passes through; what is inside is its own.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        let lock = File::create_new(folder.path().join(LOCK))?;
        lock.try_lock()?;
        sweep(&parent);
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// A new profile, for the browser of this user.
    pub(super) fn profile(&self, user: Option<u32>) -> io::Result<TempDir> {
        let profile = Builder::new()
            .prefix("page-")
            .tempdir_in(self.folder.path())?;
        if user.is_some() {
            chown(profile.path(), user, user)?;
        }
        Ok(profile)
    }
}

/// Removes what nobody holds the lock of. A folder whose lock is not there yet belongs to somebody who is just making it.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    let ours = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for folder in ours.map(|entry| entry.path()) {
        if is_abandoned(&folder) && fs::remove_dir_all(&folder).is_ok() {
            tracing::debug!(folder = %folder.display(), "removed what an earlier Chromium has left");
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return false;
    };
    match lock.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_removed_and_a_living_ones_is_not() {
        let parent = TempDir::new().unwrap();
        let living = Scratch::new(Some(parent.path())).unwrap();
        let dead = parent.path().join("sundown-chromium-dead");
        fs::create_dir_all(dead.join("page-1")).unwrap();
        File::create(dead.join(LOCK)).unwrap();
        let young = parent.path().join("sundown-chromium-young");
        fs::create_dir(&young).unwrap();
        let profile = living.profile(None).unwrap();
        let _next = Scratch::new(Some(parent.path())).unwrap();
        assert!(!dead.exists());
        assert!(profile.path().exists() && young.exists());
    }

    #[test]
    fn nothing_stays_of_a_folder_that_is_dropped() {
        let parent = TempDir::new().unwrap();
        let scratch = Scratch::new(Some(parent.path())).unwrap();
        let profile = scratch.profile(None).unwrap();
        fs::write(profile.path().join("Cookies"), "x").unwrap();
        drop((profile, scratch));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
