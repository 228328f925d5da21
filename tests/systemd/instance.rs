//! One bot under its unit: what it is told, what systemd says of it, what it wrote to the journal.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::{Lab, text};
use crate::support::{Server, TOKEN};

/// Nothing that these tests wait for takes nearly as long, but for a poll loop that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// `sundown@NAME.service` or a relative of it. Dropped, it is stopped for good.
pub(crate) struct Instance {
    lab: &'static Lab,
    pub(crate) name: &'static str,
    pub(crate) unit: String,
}

impl Instance {
    /// A bot of this name, not started, with short polls at this server.
    pub(crate) fn new(lab: &'static Lab, name: &'static str, url: &str, options: &str) -> Self {
        Self::of(lab, format!("sundown@{name}.service"), name, url, options)
    }

    pub(crate) fn of(
        lab: &'static Lab,
        unit: String,
        name: &'static str,
        url: &str,
        options: &str,
    ) -> Self {
        let instance = Self { lab, name, unit };
        // By name, so that the name service works in the sandbox too.
        let url = url.replace("127.0.0.1", "localhost");
        instance.configure(&format!(
            "api_url = \"{url}\"\npoll_timeout = \"1s\"\n{options}\n"
        ));
        instance.set_token(TOKEN);
        instance
    }

    pub(crate) fn configure(&self, text: &str) {
        let path = format!("/etc/sundown/{}.toml", self.name);
        self.lab.put(&path, text.as_bytes(), "644");
    }

    pub(crate) fn set_token(&self, token: &str) {
        let path = format!("/etc/sundown/{}.token", self.name);
        self.lab.put(&path, format!("{token}\n").as_bytes(), "600");
    }

    /// Adds these lines to the unit's section `[Service]`.
    pub(crate) fn drop_in(&self, lines: &str) {
        let path = format!("/etc/systemd/system/{}.d/test.conf", self.unit);
        self.lab
            .put(&path, format!("[Service]\n{lines}\n").as_bytes(), "644");
        self.lab.reload_units();
    }

    pub(crate) fn systemctl(&self, words: &[&str]) {
        self.lab
            .run(&[&["systemctl"], words, &[&self.unit]].concat());
    }

    /// Started, and waited for until it is active.
    pub(crate) fn start(&self) {
        self.systemctl(&["start"]);
        assert_eq!(self.state(), "active running");
    }

    pub(crate) fn property(&self, name: &str) -> String {
        let property = format!("--property={name}");
        let words = ["systemctl", "show", "--value", &property, &self.unit];
        self.lab.run(&words).trim().to_owned()
    }

    /// As in `active running`.
    pub(crate) fn state(&self) -> String {
        format!(
            "{} {}",
            self.property("ActiveState"),
            self.property("SubState")
        )
    }

    pub(crate) fn wait_for_state(&self, wanted: &str) {
        self.wait(&format!("state {wanted}"), || self.state() == wanted);
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.property("NRestarts").parse().unwrap()
    }

    /// The main process has ended with this code, and systemd judged so.
    #[track_caller]
    pub(crate) fn assert_ended(&self, state: &str, result: &str, code: &str) {
        let ended = [
            self.state(),
            self.property("Result"),
            self.property("ExecMainStatus"),
        ];
        assert_eq!(ended, [state, result, code], "{}", self.journal());
    }

    /// What systemd and the bot said about it, without dates.
    pub(crate) fn journal(&self) -> String {
        // What has been written to it may not have been read by it yet.
        self.lab.run(&["journalctl", "--sync"]);
        let words = ["journalctl", "--no-pager", "--output=cat", "-u", &self.unit];
        text(&self.lab.output(&words).stdout)
    }

    pub(crate) fn wait_for_journal(&self, text: &str) {
        self.wait(&format!("{text:?} in the journal"), || {
            self.journal().contains(text)
        });
    }

    #[track_caller]
    pub(crate) fn assert_in_journal(&self, text: &str) {
        let journal = self.journal();
        assert!(journal.contains(text), "no {text:?} in\n{journal}");
    }

    pub(crate) fn wait(&self, what: &str, is_so: impl FnMut() -> bool) {
        self.wait_long(PATIENCE, what, is_so);
    }

    pub(crate) fn wait_long(
        &self,
        patience: Duration,
        what: &str,
        mut is_so: impl FnMut() -> bool,
    ) {
        let began = Instant::now();
        while !is_so() {
            assert!(
                began.elapsed() < patience,
                "no {what}: {}\n{}",
                self.state(),
                self.journal()
            );
            sleep(Duration::from_millis(30)); // between two looks at a condition
        }
    }

    /// Nothing waits in its store, and nothing is parked there.
    pub(crate) fn assert_nothing_left(&self) {
        let dir = format!("/var/lib/sundown/{}", self.name);
        let words = [
            "/usr/local/bin/sundown",
            "inbox",
            "stats",
            "--state-dir",
            &dir,
        ];
        assert_eq!(self.lab.run(&words), "queued 0\nparked 0\n");
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.lab
            .output(&["systemctl", "kill", "-s", "KILL", &self.unit]);
        self.lab.output(&["systemctl", "stop", &self.unit]);
    }
}

/// How often this method has been called.
pub(crate) async fn calls(server: &Server, method: &str) -> u64 {
    match &server.state().await["calls"][method.to_ascii_lowercase()] {
        Value::Number(count) => count.as_u64().unwrap(),
        _ => 0,
    }
}

pub(crate) async fn wait_for_calls(server: &Server, method: &str, count: u64) {
    let began = Instant::now();
    while calls(server, method).await < count {
        assert!(began.elapsed() < PATIENCE, "no {count} calls of {method}");
        tokio::time::sleep(Duration::from_millis(20)).await; // between two looks at a condition
    }
}
