//! A terminal as a person sees it: tmux keeps the screen, so that what is compared is what is shown, and not how it was
//! written. No emulator among the crates knows of reflow, which is what a resize is about.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::support::{TOKEN, skip};

const PATIENCE: Duration = Duration::from_secs(60);

/// Notes the terminal's modes before and after, so that they can be compared, and how the program ended.
const SCRIPT: &str = r#"trap : INT
stty -g > "$0/before"
"$@"
echo $? > "$0/code"
stty -g > "$0/after""#;

/// A program on a terminal of its own.
pub(super) struct Screen {
    dir: TempDir,
}

impl Screen {
    /// Runs it; nothing, and a loud word, where this machine has no tmux.
    pub(super) fn run(test: &str, columns: u16, command: &[&str]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            skip(test, "tmux");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let settings = "set -g status off\nset -g remain-on-exit on\nset -g remain-on-exit-format ''\nset -s escape-time 0\n";
        fs::write(dir.path().join("tmux.conf"), settings).unwrap();
        let screen = Self { dir };
        let (columns, folder) = (columns.to_string(), screen.dir.path().to_str().unwrap());
        let mut arguments = vec!["new-session", "-d", "-x", &columns, "-y", "30", "--"];
        arguments.extend(["sh", "-c", SCRIPT, folder]);
        arguments.extend(command);
        screen.tmux(&arguments);
        Some(screen)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command
            .arg("-S")
            .arg(self.dir.path().join("tmux.sock"))
            .arg("-f")
            .arg(self.dir.path().join("tmux.conf"))
            .args(arguments)
            .env("TELOXIDE_TOKEN", TOKEN)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .env_remove("TMUX");
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "tmux {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Types characters as they are.
    pub(super) fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Presses a key by its name, like `Enter`, `Tab` and `C-c`.
    pub(super) fn presses(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line and ends it.
    pub(super) fn enters(&self, line: &str) {
        self.types(line);
        self.presses("Enter");
    }

    pub(super) fn resize(&self, columns: u16) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "30"]);
    }

    /// The rows down to the last that has something in it.
    pub(super) fn rows(&self) -> Vec<String> {
        let text = self.tmux(&["capture-pane", "-p"]);
        text.trim_end()
            .lines()
            .map(|row| row.trim_end().to_owned())
            .collect()
    }

    /// The rows as one text, with what has scrolled out of sight; wrapped lines are whole.
    pub(super) fn all(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// The rows with their colours, as a terminal is told them.
    pub(super) fn coloured(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Whether the terminal gives whole lines, as a shell wants it, and not each key.
    pub(super) fn is_canonical(&self) -> bool {
        let tty = self.tmux(&["display-message", "-p", "#{pane_tty}"]);
        let modes = Command::new("stty")
            .args(["-a", "-F", tty.trim()])
            .output()
            .unwrap();
        String::from_utf8(modes.stdout).unwrap().contains(" icanon")
    }

    /// The rows once they are as wanted.
    #[track_caller]
    pub(super) fn wait_until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let rows = self.rows();
            if is_so(&rows) {
                return rows;
            }
            assert!(
                Instant::now() < give_up,
                "not so: {what}\n{}",
                rows.join("\n")
            );
            thread::sleep(Duration::from_millis(30)); // between two looks at a condition
        }
    }

    /// The rows once one has this text.
    #[track_caller]
    pub(super) fn wait_for(&self, text: &str) -> Vec<String> {
        self.wait_until(text, |rows| rows.iter().any(|row| row.contains(text)))
    }

    /// The rows once the last one is this.
    #[track_caller]
    pub(super) fn wait_for_last(&self, row: &str) -> Vec<String> {
        self.wait_until(row, |rows| rows.last().is_some_and(|last| last == row))
    }

    pub(super) fn has_ended(&self) -> bool {
        self.dir.path().join("after").exists()
    }

    /// The program's exit code, once it has ended and has left the terminal as it was.
    #[track_caller]
    pub(super) fn end(&self) -> i32 {
        let file = |name: &str| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        self.wait_until("the program's end", |_| !file("after").is_empty());
        assert_eq!(file("after"), file("before"), "the terminal is as it was");
        file("code").trim().parse().unwrap()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let path = self.dir.path().join("tmux.sock");
        let tmux = |arguments: &[&str]| {
            let mut command = Command::new("tmux");
            command.arg("-S").arg(&path).args(arguments).output()
        };
        // A bot takes a hang-up for a wish to read its configuration again.
        if let Ok(shell) = tmux(&["display-message", "-p", "#{pane_pid}"]) {
            for child in children(String::from_utf8_lossy(&shell.stdout).trim()) {
                let _ = kill(child, Signal::SIGKILL);
            }
        }
        let _ = tmux(&["kill-server"]);
    }
}

fn children(pid: &str) -> Vec<Pid> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(Path::new(&path)).unwrap_or_default();
    let pids = text.split_whitespace().filter_map(|pid| pid.parse().ok());
    pids.map(Pid::from_raw).collect()
}
