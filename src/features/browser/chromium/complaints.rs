//! What a browser says on its standard error, which is asked only why it could not start.
//!
//! It goes into a file without a name. A file in the browser's own folder would be its user's to replace: by a link to what only
//! we may read, or by something that never ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Stdio;

/// How much of its end is looked at.
const END_BYTES: usize = 4 << 10;

/// How much of a line is told, in characters.
const LONGEST: usize = 300;

/// Takes what a browser says.
#[derive(Debug)]
pub(super) struct Complaints(File);

impl Complaints {
    /// On the disk of this folder.
    pub(super) fn on_the_disk_of(folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder).map(Self)
    }

    /// For a process to write to.
    pub(super) fn stdio(&self) -> io::Result<Stdio> {
        self.0.try_clone().map(Stdio::from)
    }

    /// The line at its end that says most: what was fatal, what `sundown confine` said, or else the last one.
    pub(super) fn last(&self) -> Option<String> {
        let said = self.end().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines = || said.lines().rev().map(str::trim);
        let last = lines()
            .find(|line| line.contains(":FATAL:") || line.starts_with("sundown:"))
            .or_else(|| lines().find(|line| !line.is_empty()))?;
        let told = last.chars().filter(|c| !c.is_control()).take(LONGEST);
        Some(told.collect())
    }

    fn end(&self) -> io::Result<Vec<u8>> {
        let start = self.0.metadata()?.len().saturating_sub(END_BYTES as u64);
        let mut end = vec![0; END_BYTES];
        // What cannot be had at one go is not worth a second.
        let read = self.0.read_at(&mut end, start)?;
        end.truncate(read);
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn last(said: &[u8]) -> Option<String> {
        let complaints = Complaints::on_the_disk_of(&std::env::temp_dir()).unwrap();
        (&complaints.0).write_all(said).unwrap();
        complaints.last()
    }

    #[test]
    fn the_line_that_says_most_is_told() {
        assert_eq!(last(b""), None);
        assert_eq!(last(b"one\ntwo\x07\n\n").as_deref(), Some("two"));
        let said = b"[1:FATAL:x.cc] No sandbox\n#0 0x1\n#1 0x2\n";
        assert_eq!(last(said).as_deref(), Some("[1:FATAL:x.cc] No sandbox"));
        let said = b"sundown: cannot run as user 1\nsh: x\n";
        assert_eq!(last(said).as_deref(), Some("sundown: cannot run as user 1"));
    }

    #[test]
    fn of_a_gigabyte_only_the_end_is_read() {
        let complaints = Complaints::on_the_disk_of(&std::env::temp_dir()).unwrap();
        complaints.0.set_len(1 << 30).unwrap();
        complaints
            .0
            .write_all_at(b"\nthe end", (1 << 30) - 8)
            .unwrap();
        assert_eq!(complaints.last().as_deref(), Some("the end"));
        assert_eq!(complaints.end().unwrap().len(), END_BYTES);
    }
}
