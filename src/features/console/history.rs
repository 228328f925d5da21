//! The lines that were typed, kept in a file for their owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;
use tracing::debug;

/// Lines that are read.
const MANY: usize = 500;

/// The file; without one, nothing is kept. It is used on threads that may block: a file system may hang.
#[derive(Clone)]
pub(super) struct History(pub(super) Option<PathBuf>);

impl History {
    /// The last lines, the oldest first.
    pub(super) async fn read(&self) -> Vec<String> {
        let Some(path) = self.0.clone() else {
            return Vec::new();
        };
        let reading = spawn_blocking(move || fs::read_to_string(path).unwrap_or_default());
        let text = reading.await.unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[lines.len().saturating_sub(MANY)..].to_vec()
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

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(line.as_bytes())
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
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
