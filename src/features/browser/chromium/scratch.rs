//! A folder for the profiles of one process's browsers.
//!
//! Each profile is removed when its browser is gone. After a SIGKILL of this process they stay, so the folder is locked for
//! as long as the process lives, and whoever comes next removes those that are not.

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use tempfile::{Builder, TempDir};

use super::complaints::Complaints;

const PREFIX: &str = "sundown-chromium-";
const LOCK: &str = "lock";
/// What the lock is called until it is held: whoever looks for those that nobody holds does not find it.
const YOUNG_LOCK: &str = "lock.new";

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
        let folder = private(PREFIX, &parent)?;
        let lock = lock(folder.path())?;
        // Another user's browser passes through; what is inside is its own. Not before, for others could take the lock.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        sweep(&parent);
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// A new profile, for the browser of this user.
    pub(super) fn profile(&self, user: Option<u32>) -> io::Result<TempDir> {
        let profile = private("page-", self.folder.path())?;
        if user.is_some() {
            chown(profile.path(), user, user)?;
        }
        Ok(profile)
    }

    /// For what a browser says.
    pub(super) fn complaints(&self) -> io::Result<Complaints> {
        Complaints::on_the_disk_of(self.folder.path())
    }
}

fn private(prefix: &str, parent: &Path) -> io::Result<TempDir> {
    let mut folder = Builder::new();
    folder
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700));
    folder.tempdir_in(parent)
}

/// The folder's lock, held before it has its name.
fn lock(folder: &Path) -> io::Result<File> {
    let (young, place) = (folder.join(YOUNG_LOCK), folder.join(LOCK));
    let mut options = OpenOptions::new();
    let lock = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&young)?;
    lock.try_lock()?;
    fs::rename(young, place)?;
    Ok(lock)
}

/// Nobody takes so long to make a folder, nor to remove one.
const OLD: Duration = Duration::from_secs(3_600);

/// Whether nothing was made or removed in it for long: somebody was killed who was about to.
fn is_old(folder: &Path) -> bool {
    let changed = fs::symlink_metadata(folder).and_then(|folder| folder.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > OLD))
}

/// Removes what nobody holds the lock of. A folder whose lock is not there yet belongs to somebody who is just making it, and
/// one whose lock is gone to somebody who is just removing it; but not for ever.
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

/// Where anybody may put anything, a folder of this name need not be ours, nor its lock a file that opens and closes.
fn is_abandoned(folder: &Path) -> bool {
    let is_ours = |owner: u32| owner == geteuid().as_raw();
    if !fs::symlink_metadata(folder).is_ok_and(|folder| folder.is_dir() && is_ours(folder.uid())) {
        return false;
    }
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(flags.cast_signed());
    let lock = match options.open(folder.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) => return error.kind() == io::ErrorKind::NotFound && is_old(folder),
    };
    let is_lock = lock
        .metadata()
        .is_ok_and(|lock| lock.is_file() && is_ours(lock.uid()));
    is_lock && lock.try_lock().is_ok()
}
