//! A small disk of its own for a bot, in a mount namespace, so that it can be full and read-only for root too.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;

use super::Process;

/// A tmpfs that is there as long as this is.
pub(crate) struct Volume {
    /// Holds the namespace.
    holder: Process,
    place: tempfile::TempDir,
}

impl Volume {
    /// One of so many megabytes; none where this machine does not let us.
    pub(crate) fn of(megabytes: u32) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let mount = format!(
            "mount -t tmpfs -o size={megabytes}m none '{}' && echo mounted >&2 && exec sleep infinity",
            place.path().display()
        );
        let probe = Command::new("unshare").args(["--mount", "true"]).output();
        if !probe.is_ok_and(|probe| probe.status.success()) {
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &mount]);
        let holder = Process::start(&mut command);
        holder.wait_for("mounted");
        Some(Self { holder, place })
    }

    /// The state directory, as a program in the namespace calls it.
    pub(crate) fn state(&self) -> PathBuf {
        self.place.path().join("state")
    }

    /// A path in it, as it is seen from outside.
    fn seen(&self, name: &str) -> PathBuf {
        let inside = self.place.path().strip_prefix("/").unwrap().join(name);
        PathBuf::from(format!("/proc/{}/root", self.holder.pid())).join(inside)
    }

    /// A program that sees it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.pid()))
            .arg(program);
        command
    }

    /// Takes all the space that is left.
    pub(crate) fn fill(&self) {
        let mut ballast = File::options()
            .append(true)
            .create(true)
            .open(self.seen("ballast"))
            .unwrap();
        let full = loop {
            if let Err(error) = ballast.write_all(&[0; 4_096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }

    /// Gives it back.
    pub(crate) fn free(&self) {
        fs::remove_file(self.seen("ballast")).unwrap();
    }

    pub(crate) fn make_read_only(&self) {
        self.remount("ro");
    }

    pub(crate) fn make_writable(&self) {
        self.remount("rw");
    }

    fn remount(&self, how: &str) {
        let mut command = self.command("mount");
        let option = format!("remount,{how}");
        let status = command
            .args(["-o", &option])
            .arg(self.place.path())
            .status();
        assert!(status.unwrap().success());
    }
}
