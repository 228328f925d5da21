//! A browser for a test, and what is left of it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use sundown::features::browser::chromium::{Chromium, ChromiumSettings, installed};
use tempfile::TempDir;

use crate::support::skip;

/// A browser with a folder of its own for profiles, by whose name its processes are known.
pub(crate) struct Lab {
    pub(crate) scratch: TempDir,
    pub(crate) chromium: Chromium,
}

impl Lab {
    /// None where this machine has no browser.
    pub(crate) fn new(test: &str, change: impl FnOnce(&mut ChromiumSettings)) -> Option<Self> {
        if installed().is_none() {
            skip(test, "Chromium");
            return None;
        }
        let scratch = open_folder();
        let mut settings = settings(scratch.path());
        change(&mut settings);
        let chromium = Chromium::new(settings).unwrap();
        Some(Self { scratch, chromium })
    }

    /// Waits until no process and no profile is left.
    pub(crate) async fn assert_nothing_is_left(&self) {
        let began = Instant::now();
        loop {
            let (processes, profiles) = (processes(self.scratch.path()), self.profiles());
            if processes.is_empty() && profiles.is_empty() {
                return;
            }
            let is_late = began.elapsed() > Duration::from_secs(10);
            assert!(!is_late, "left: {processes:#?} {profiles:?}");
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    }

    fn profiles(&self) -> Vec<String> {
        let folders = fs::read_dir(self.scratch.path()).unwrap().flatten();
        let inside = folders.flat_map(|folder| fs::read_dir(folder.path()).unwrap().flatten());
        let names = inside.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("page-")).collect()
    }
}

/// A folder that another user's browser may pass through.
pub(crate) fn open_folder() -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    folder
}

pub(crate) fn settings(scratch: &Path) -> ChromiumSettings {
    ChromiumSettings {
        confine: Some(vec![env!("CARGO_BIN_EXE_sundown").into(), "confine".into()]),
        scratch: Some(scratch.to_owned()),
        deadline: Duration::from_secs(40),
        patience: Duration::from_secs(60),
        ..ChromiumSettings::default()
    }
}

/// The command lines of living processes that have this folder in them or for a home: a browser's own and its children, and
/// its crash handlers, which leave the process group. Zombies have neither, so they do not count: they do nothing any more,
/// and it is for their parent to wait for them.
pub(crate) fn processes(folder: &Path) -> Vec<String> {
    let found = found(folder).into_iter();
    found
        .map(|(id, line)| format!("{id}: {line:.200}"))
        .collect()
}

/// The browser itself: of those with a profile below this folder the one that is no child of another.
pub(crate) fn browser(folder: &Path) -> Pid {
    let is_it = |line: &str| {
        line.contains("--user-data-dir=") && !line.contains("--type=") && !line.contains("crashpad")
    };
    let found = found(folder);
    let browser = found.iter().find(|(_, line)| is_it(line));
    browser
        .unwrap_or_else(|| panic!("no browser: {found:#?}"))
        .0
}

fn found(folder: &Path) -> Vec<(Pid, String)> {
    let folder = folder.to_str().unwrap();
    let home = format!("HOME={folder}");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| {
        let id = process.file_name().to_str()?.parse().ok()?;
        let read = |name: &str| {
            let bytes = fs::read(process.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let line = read("cmdline");
        let is_ours = line.contains(folder) || read("environ").contains(&home);
        is_ours.then(|| (Pid::from_raw(id), line))
    });
    lines.collect()
}

#[test]
fn a_process_counts_by_its_home_while_it_lives_and_not_as_a_zombie() {
    let folder = open_folder();
    let mut child = Command::new("sleep")
        .arg("60")
        .env("HOME", folder.path().join("page-1"))
        .spawn()
        .unwrap();
    assert_eq!(processes(folder.path()).len(), 1);
    child.kill().unwrap();
    // Until it has ended, and is not waited for.
    let id = Id::Pid(Pid::from_raw(child.id().cast_signed()));
    waitid(id, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    assert_eq!(processes(folder.path()), [""; 0]);
    child.wait().unwrap();
}
