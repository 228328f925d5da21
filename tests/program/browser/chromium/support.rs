//! A browser for a test, and what is left of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

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

/// The command lines of living processes that have this folder in them: a browser's own and most of its children, and its
/// crash handlers, which leave the process group.
pub(crate) fn processes(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| {
        let line = fs::read(process.path().join("cmdline")).ok()?;
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let is_ours = line.contains(folder)
            || String::from_utf8_lossy(&environment).contains(&format!("HOME={folder}"));
        is_ours.then(|| format!("{:?}: {line:.200}", process.file_name()))
    });
    lines.collect()
}
