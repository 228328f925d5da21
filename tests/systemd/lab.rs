//! The private systemd that all these tests share: booted by the first one, ended with this process however that ends.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use nix::unistd::Uid;

use crate::support::skip;

/// What the lab is made of, besides the kernel.
const TOOLS: [&str; 6] = [
    "/lib/systemd/systemd",
    "/usr/bin/systemd-analyze",
    "/usr/bin/unshare",
    "/usr/bin/nsenter",
    "/usr/bin/setpriv",
    "/usr/bin/pgrep",
];
/// Where the units look for the program.
const PROGRAM: &str = "/usr/local/bin/sundown";
/// A build with debug assertions, which has places at which it can be made to hang.
pub(crate) const DEBUG_PROGRAM: &str = "/usr/local/bin/sundown-debug";

/// A running systemd.
pub(crate) struct Lab {
    pid: String,
    /// It lives until its standard input ends, which this process holds.
    _shell: Child,
    /// Written by whoever has systemd read its units again, which forgets what services asked for meanwhile.
    units: RwLock<()>,
}

/// The lab, with the release program and its units installed; None where this machine cannot have one.
pub(crate) fn lab(test: &str) -> Option<&'static Lab> {
    static LAB: OnceLock<Lab> = OnceLock::new();
    if !Uid::effective().is_root() {
        skip(
            test,
            "root's rights, for a systemd in namespaces of its own",
        );
        return None;
    }
    if let Some(tool) = TOOLS.iter().find(|tool| !Path::new(tool).exists()) {
        skip(test, tool);
        return None;
    }
    Some(LAB.get_or_init(Lab::boot))
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Lab {
    fn boot() -> Self {
        let release = release_program();
        let mut shell = Command::new(repository().join("tests/systemd/lab.sh"))
            .arg("up")
            .arg(repository())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        let mut out = BufReader::new(shell.stdout.take().unwrap());
        out.read_line(&mut pid).unwrap();
        let pid = pid.trim().to_owned();
        assert!(
            !pid.is_empty(),
            "the lab did not come up; try tests/systemd/lab.sh by hand"
        );
        let lab = Self {
            pid,
            _shell: shell,
            units: RwLock::new(()),
        };
        let debug = PathBuf::from(env!("CARGO_BIN_EXE_sundown"));
        for (from, to) in [(&release, PROGRAM), (&debug, DEBUG_PROGRAM)] {
            lab.put(to, &std::fs::read(from).unwrap(), "755");
        }
        for name in [&["tea"] as &[_], &["tea", "--window"], &[]] {
            lab.run(&[&[PROGRAM, "systemd", "install"], name].concat());
        }
        lab.reload_units();
        lab
    }

    /// Has systemd read its units again.
    pub(crate) fn reload_units(&self) {
        let _changing = self.changing_units();
        self.run(&["systemctl", "daemon-reload"]);
    }

    /// For commands that make systemd read its units again.
    pub(crate) fn changing_units(&self) -> RwLockWriteGuard<'_, ()> {
        self.units.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, systemd does not read its units again.
    pub(crate) fn keeping_units(&self) -> RwLockReadGuard<'_, ()> {
        self.units.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command inside, by its words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.pid, "-m", "-p", "-i", "-u", "-C", "--"])
            .args(words)
            .stdin(Stdio::null());
        for name in about_this_package() {
            command.env_remove(name);
        }
        command
    }

    /// What a command inside printed, whatever came of it.
    pub(crate) fn output(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        command.output().unwrap()
    }

    /// What a command inside printed to standard output; it must end well.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            output.status.success(),
            "{words:?}: {}\n{out}\n{err}",
            output.status
        );
        out
    }

    /// Writes a file inside.
    pub(crate) fn put(&self, path: &str, content: &[u8], mode: &str) {
        let script = ["install", "-D", "-m", mode, "/dev/stdin", path];
        let mut child = self.command(&script).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success(), "{path}");
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The program as it is released. Built here: a stale one would make these tests lie.
fn release_program() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--release", "--locked", "--bin", "sundown"])
        .current_dir(repository());
    for name in about_this_package() {
        build.env_remove(name);
    }
    let built = build.output().unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    let target = Path::new(env!("CARGO_BIN_EXE_sundown"));
    target.ancestors().nth(2).unwrap().join("release/sundown")
}

/// What cargo tells a test about its package. Build scripts that find it would think that everything has changed.
fn about_this_package() -> impl Iterator<Item = String> {
    let names = std::env::vars().map(|(name, _)| name);
    names.filter(|name| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    })
}
