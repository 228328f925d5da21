//! The program as a bot against a sandbox server that is a process of its own.

use std::process::Command;

use nix::sys::signal::Signal;

use super::{Ended, Process, Server, TOKEN};

/// A bot that is up, and its server.
pub(crate) struct Bot {
    pub(crate) process: Process,
    pub(crate) server: Server,
    pub(crate) state: tempfile::TempDir,
}

impl Bot {
    pub(crate) async fn start() -> Self {
        Self::start_at(Server::start().await, &[])
    }

    /// With short polls, so that a call's time-out is near.
    pub(crate) fn start_at(server: Server, options: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["run", "--poll-timeout", "1s", "--api-url", &server.url])
            .arg("--state-dir")
            .arg(state.path().join("state"))
            .args(options)
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("RUST_LOG", "trace");
        let process = Process::start(&mut command);
        process.wait_for("phase=running");
        Self {
            process,
            server,
            state,
        }
    }

    /// After whatever has happened, the next message is answered, and the process ends well.
    pub(crate) async fn prove_well(self) -> Ended {
        let before = self.server.answers(7).await.len();
        self.server.say(7, "/ping").await;
        let answers = self.server.wait_for_answers(7, before + 1).await;
        assert!(answers.last().unwrap().starts_with("pong"), "{answers:?}");
        self.process.signal(Signal::SIGTERM);
        let ended = self.process.end();
        ended.assert_code(0);
        ended
    }
}
