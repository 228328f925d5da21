//! One child process, its output line by line, and its end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Nothing that these tests wait for takes nearly as long; a hang ends here.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Output {
    lines: Mutex<(Vec<String>, bool)>,
    grown: Condvar,
}

/// A running process. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    stderr: Arc<Output>,
    readers: Vec<JoinHandle<String>>,
}

/// What a process left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The signal it died by.
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From the wait's begin to the end.
    pub(crate) took: Duration,
}

impl Process {
    /// The program, with every log line there is: no line may hold a token.
    pub(crate) fn sundown<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command
            .args(arguments)
            .env("RUST_LOG", "trace")
            .env_remove("TELOXIDE_TOKEN");
        Self::start(&mut command)
    }

    /// An example with a token, against a server, with its state in a directory.
    pub(crate) fn example(name: &str, api_url: &str, state_dir: &Path) -> Self {
        let mut command = Command::new(super::example(name));
        command
            .env("TELOXIDE_TOKEN", super::TOKEN)
            .env("TELOXIDE_API_URL", api_url)
            .env("STATE_DIRECTORY", state_dir);
        Self::start(&mut command)
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stderr = Arc::<Output>::default();
        let (lines, mut stdout) = (
            BufReader::new(child.stderr.take().unwrap()),
            child.stdout.take().unwrap(),
        );
        let shared = Arc::clone(&stderr);
        let readers = vec![
            thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).unwrap();
                text
            }),
            thread::spawn(move || {
                for line in lines.lines() {
                    shared.lines.lock().unwrap().0.push(line.unwrap());
                    shared.grown.notify_all();
                }
                shared.lines.lock().unwrap().1 = true;
                shared.grown.notify_all();
                String::new()
            }),
        ];
        Self {
            child,
            stderr,
            readers,
        }
    }

    /// The first line of standard error that has this text in it.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_for_count(text, 1)
    }

    /// The line with which so many lines have this text in them.
    pub(crate) fn wait_for_count(&self, text: &str, count: usize) -> String {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.stderr.lines.lock().unwrap();
        loop {
            if let Some(line) = lines
                .0
                .iter()
                .filter(|line| line.contains(text))
                .nth(count - 1)
            {
                return line.clone();
            }
            assert!(
                !lines.1,
                "it ended without {count} × {text:?}:\n{}",
                lines.0.join("\n")
            );
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no {count} × {text:?} within {PATIENCE:?}:\n{}",
                lines.0.join("\n")
            );
            lines = self.stderr.grown.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Whether it has ended; it is given a few milliseconds for that.
    pub(crate) fn wait_a_moment(&mut self) -> bool {
        thread::sleep(Duration::from_millis(5)); // between two looks at a condition
        self.child.try_wait().unwrap().is_some()
    }

    /// How many lines of standard error have this text in them by now.
    pub(crate) fn count(&self, text: &str) -> usize {
        let lines = self.stderr.lines.lock().unwrap();
        lines.0.iter().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for the end. No token is in what it said.
    pub(crate) fn end(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            // The reader has seen the end of the output, or the process still runs.
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            let lines = self.stderr.lines.lock().unwrap();
            assert!(
                began.elapsed() < PATIENCE,
                "it does not end:\n{}",
                lines.0.join("\n")
            );
            drop(
                self.stderr
                    .grown
                    .wait_timeout(lines, Duration::from_millis(5))
                    .unwrap(),
            );
        };
        let took = began.elapsed();
        let stdout: String = self
            .readers
            .drain(..)
            .map(|reader| reader.join().unwrap())
            .collect();
        let stderr = self.stderr.lines.lock().unwrap().0.join("\n");
        let secret = super::TOKEN.split_once(':').unwrap().1;
        for text in [&stdout, &stderr] {
            assert!(!text.contains(secret), "the token was printed:\n{text}");
        }
        Ended {
            code: status.code(),
            signal: status.signal(),
            stdout,
            stderr,
            took,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Whether these texts come in this order in standard error.
    pub(crate) fn assert_order(&self, texts: &[&str]) {
        let mut rest = self.stderr.as_str();
        for text in texts {
            let at = rest
                .find(text)
                .unwrap_or_else(|| panic!("{text:?} does not come in its place:\n{}", self.stderr));
            rest = &rest[at + text.len()..];
        }
    }

    /// Whether the report's lines about hooks begin like these, in this order.
    #[track_caller]
    pub(crate) fn assert_hooks(&self, expected: &[&str]) {
        let hooks: Vec<_> = self
            .stdout
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("on_"))
            .collect();
        let fits = |(line, start): (&&str, &&str)| line.starts_with(start);
        assert!(
            hooks.len() == expected.len() && hooks.iter().zip(expected).all(fits),
            "{expected:?} are not the hooks of\n{}",
            self.stdout
        );
    }

    /// Whether this text is in what it printed.
    #[track_caller]
    pub(crate) fn assert_says(&self, text: &str) {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "no {text:?} in stdout:\n{}\nor stderr:\n{}",
            self.stdout,
            self.stderr
        );
    }

    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
    }
}
