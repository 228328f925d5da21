//! The lines that were typed, kept in a file for their owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;
use tracing::debug;

/// Lines that are read, and kept beyond a start.
const MANY: usize = 500;

/// The file; without one, nothing is kept. It is used on threads that may block: a file system may hang.
#[derive(Clone)]
pub(super) struct History(pub(super) Option<PathBuf>);

impl History {
    /// The last lines, the oldest first. Those before them go from the file too.
    pub(super) async fn read(&self) -> Vec<String> {
        let Some(path) = self.0.clone() else {
            return Vec::new();
        };
        spawn_blocking(move || last_of(&path))
            .await
            .unwrap_or_default()
    }

    /// One that cannot be written is no reason to bother anybody.
    ///
    /// # Cancel safety
    /// Dropped, the line is written all the same.
    pub(super) async fn add(&self, line: &str) {
        let Some(path) = self.0.clone() else {
            return;
        };
        let line = format!("{line}\n");
        let writing = spawn_blocking(move || append(&path, &line));
        if let Ok(Err(error)) = writing.await {
            debug!(%error, "the console's history cannot be written");
        }
    }
}

fn last_of(path: &Path) -> Vec<String> {
    // A byte that is no UTF-8 spoils its own line alone.
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(MANY)..];
    if last.len() < lines.len()
        && let Err(error) = replace(path, last)
    {
        debug!(%error, "the console's history cannot be shortened");
    }
    last.iter().map(|line| (*line).to_owned()).collect()
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = for_its_owner().append(true).open(path)?;
    file.write_all(line.as_bytes())
}

/// Puts these lines in place of the file, at once: whoever ends in the middle of it loses none.
fn replace(path: &Path, lines: &[&str]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut file = for_its_owner().write(true).truncate(true).open(&new)?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    fs::rename(new, path)
}

fn for_its_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn lines_come_back_from_a_file_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let history = History(Some(path.clone()));
        history.add("status").await;
        history.add("tail 3").await;
        assert_eq!(history.read().await, ["status", "tail 3"]);
        assert_eq!(mode_of(&path), 0o600);
    }

    #[tokio::test]
    async fn a_start_shortens_a_file_that_has_become_long() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let history = History(Some(path.clone()));
        for number in 0..MANY + 3 {
            history.add(&format!("tail {number}")).await;
        }
        let read = history.read().await;
        assert_eq!((read.len(), &*read[0]), (MANY, "tail 3"));
        let kept = fs::read_to_string(&path).unwrap();
        assert_eq!(kept.lines().collect::<Vec<_>>(), read);
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_byte_that_is_no_utf8_spoils_its_own_line_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        fs::write(&path, b"status\nsay 1 \xff\ntail 3\n").unwrap();
        let read = History(Some(path)).read().await;
        assert_eq!(read, ["status", "say 1 \u{fffd}", "tail 3"]);
    }

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }
}
