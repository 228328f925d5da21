//! `shim.c`, and a bot under it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::super::support::{Process, Server, TOKEN, example};

/// The shim, compiled; None where this machine has no C compiler for Linux with glibc.
pub(super) struct Shim(TempDir);

impl Shim {
    pub(super) fn compile() -> Option<Self> {
        if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/powercut/shim.c");
        let compiled = Command::new("cc")
            .args([
                "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-pthread", "-o",
            ])
            .args([&dir.path().join("shim.so"), &source])
            .status()
            .ok()?;
        assert!(compiled.success(), "{} does not compile", source.display());
        Some(Self(dir))
    }

    pub(super) fn start(&self, server: &Server, state: &Path, log: &Path) -> Process {
        let mut bot = Command::new(example("powercut"));
        bot.env("TELOXIDE_TOKEN", TOKEN)
            .env("TELOXIDE_API_URL", &server.url)
            .env("STATE_DIRECTORY", state)
            .env("LD_PRELOAD", self.0.path().join("shim.so"))
            .env("POWERCUT_DIR", state)
            .env("POWERCUT_LOG", log);
        Process::start(&mut bot)
    }
}
