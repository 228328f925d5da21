//! A bot to attach to, or with a prompt, and its server.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use super::screen::Screen;
use crate::support::{Ended, Process, Server, TOKEN};

/// A server, and the directory of bots that run one after the other.
pub(super) struct Place {
    pub(super) server: Server,
    dir: TempDir,
}

impl Place {
    pub(super) async fn new() -> Self {
        let place = Self {
            server: Server::start().await,
            dir: tempfile::tempdir().unwrap(),
        };
        fs::write(place.path("config.toml"), "").unwrap();
        place
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("state/console.sock")
    }

    /// Lets the bot read from this host.
    pub(super) fn allow(&self, host: &str) {
        let config = format!("[browser]\nallow = [\"{host}\"]\n");
        fs::write(self.path("config.toml"), config).unwrap();
    }

    fn arguments(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut arguments: Vec<String> = ["run", "--poll-timeout", "1s", "--api-url"]
            .map(str::to_owned)
            .into();
        arguments.push(self.server.url.clone());
        arguments.extend(["--state-dir".to_owned(), text(self.path("state"))]);
        arguments.extend(["--config".to_owned(), text(self.path("config.toml"))]);
        arguments
    }

    /// A bot that logs as most do, running.
    pub(super) fn bot(&self) -> Process {
        self.bot_that(|command| command)
    }

    pub(super) fn bot_that(&self, change: impl FnOnce(&mut Command) -> &mut Command) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(self.arguments())
            .env("TELOXIDE_TOKEN", TOKEN)
            .env_remove("RUST_LOG")
            .env_remove("RUNTIME_DIRECTORY");
        let bot = Process::start(change(&mut command));
        bot.wait_for("phase=running");
        bot
    }

    /// A bot with a prompt on a terminal, once both are there.
    pub(super) fn prompt(&self, test: &str, columns: u16, more: &[&str]) -> Option<Screen> {
        let screen = self.screen(test, columns, &[], more)?;
        screen.wait_for("phase=running");
        screen.wait_for_last("sundown>");
        Some(screen)
    }

    /// The same with something in its environment, from its beginning.
    pub(super) fn screen(
        &self,
        test: &str,
        columns: u16,
        environment: &[&str],
        more: &[&str],
    ) -> Option<Screen> {
        let arguments = self.arguments();
        let mut command = vec!["env"];
        command.extend(environment);
        command.push(env!("CARGO_BIN_EXE_sundown"));
        command.extend(arguments.iter().map(String::as_str));
        command.push("--console");
        command.extend(more);
        Screen::run(test, columns, &command)
    }

    /// A bot with a prompt and a short budget that says much, for a terminal of another kind.
    pub(super) fn unread(&self) -> pty_process::blocking::Command {
        pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_sundown"))
            .args(self.arguments())
            .args(["--console", "--log-level", "trace", "--stop-timeout", "5s"])
            .env("TELOXIDE_TOKEN", TOKEN)
            .env_remove("RUST_LOG")
    }

    /// The command line of an operator who attaches.
    pub(super) fn attaching<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(["attach", "--state-dir"])
            .arg(self.path("state"))
            .arg("--")
            .args(words);
        command
    }

    /// Has one command done.
    pub(super) fn attach(&self, line: &str) -> Ended {
        Process::start(&mut self.attaching([line])).end()
    }

    /// What one command says that goes well.
    #[track_caller]
    pub(super) fn told(&self, line: &str) -> String {
        let ended = self.attach(line);
        ended.assert_code(0);
        ended.stdout
    }
}

/// Serves one page for as long as the test process lives; returns its address.
pub(super) fn serve(page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n";
            let _ = write!(stream, "{head}content-length: {}\r\n\r\n{page}", page.len());
        }
    });
    host
}

/// Digits become `#`, so that texts with times in them can be compared.
pub(super) fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !plain.ends_with('#') {
            plain.push(c);
        }
    }
    plain
}

/// A pipe that blocks whoever opens it alone.
pub(super) fn make_fifo(path: &Path) {
    let mode = nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR;
    nix::unistd::mkfifo(path, mode).unwrap();
}
