//! The lines that were typed, kept in a file for their owner alone.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use tracing::debug;

/// Lines that are read.
const MANY: usize = 500;

/// The file; without one, nothing is kept.
#[derive(Clone)]
pub(super) struct History(pub(super) Option<PathBuf>);

impl History {
    /// The last lines, the oldest first.
    pub(super) fn read(&self) -> Vec<String> {
        let text = self
            .0
            .as_ref()
            .and_then(|path| fs::read_to_string(path).ok());
        let text = text.unwrap_or_default();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[lines.len().saturating_sub(MANY)..].to_vec()
    }

    /// One that cannot be written is no reason to bother anybody.
    pub(super) fn add(&self, line: &str) {
        let Some(path) = &self.0 else {
            return;
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path);
        if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
            debug!(%error, "the console's history cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lines_come_back_from_a_file_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let history = History(Some(path.clone()));
        history.add("status");
        history.add("tail 3");
        assert_eq!(history.read(), ["status", "tail 3"]);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
