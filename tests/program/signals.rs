//! Signals as they come: from a terminal, to a whole process group, to process 1; the second, the third, SIGUSR1.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

use super::support::{Process, Server, TOKEN, example, skip};

/// Longer than the time in which a second signal is taken for the first.
const SECOND_THOUGHT: Duration = Duration::from_millis(350);
/// Longer than the supervisor takes, after a second signal, to let a third one through.
const THIRD_THOUGHT: Duration = Duration::from_secs(1);
/// No terminal session of these tests takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

fn culprits(behaviour: &str, budget_ms: u32) -> Command {
    let mut command = Command::new(example("culprits"));
    command.args([behaviour, &budget_ms.to_string()]);
    command
}

#[test]
fn the_second_signal_cancels_work_and_hooks_still_run() {
    let process = Process::start(&mut culprits("works-until-cancelled", 60_000));
    process.wait_for("phase=running");
    process.signal(Signal::SIGTERM);
    process.wait_for("phase=draining");
    thread::sleep(SECOND_THOUGHT);
    process.signal(Signal::SIGINT);
    let ended = process.end();
    ended.assert_code(80);
    ended.assert_order(&[
        "second signal",
        "hook done hook=\"goodbye\"",
        "hook done hook=\"flush\"",
    ]);
    ended.assert_says("service    culprit      cancelled");
    ended.assert_says("cut short by a second signal");
}

#[test]
fn the_third_signal_ends_it_at_once_by_the_signal_itself() {
    let process = Process::start(&mut culprits("ignores-its-tokens", 60_000));
    process.wait_for("phase=running");
    process.signal(Signal::SIGTERM);
    process.wait_for("phase=draining");
    thread::sleep(SECOND_THOUGHT);
    process.signal(Signal::SIGINT);
    process.wait_for("second signal");
    thread::sleep(THIRD_THOUGHT);
    process.signal(Signal::SIGTERM);
    let ended = process.end();
    assert_eq!(ended.signal, Some(15), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "no report: {}", ended.stdout);
}

#[test]
fn a_signal_before_anybody_listens_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("token");
    nix::unistd::mkfifo(
        &fifo,
        nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR,
    )
    .unwrap();
    let process = Process::sundown(["run", "--token-file", fifo.to_str().unwrap()]);
    // It has opened its token file, and reads until somebody writes.
    let writer = std::fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().signal, Some(15));
    drop(writer);
}

#[test]
fn a_signal_to_the_whole_group_counts_once() {
    let mut command = culprits("none", 5_000);
    command.process_group(0);
    let process = Process::start(&mut command);
    process.wait_for("phase=running");
    // A terminal reaches the group, and a wrapper passes the signal on again.
    killpg(process.pid(), Signal::SIGINT).unwrap();
    killpg(process.pid(), Signal::SIGINT).unwrap();
    thread::sleep(Duration::from_millis(5));
    // It may be over by now, and still be there to be signalled: it is not waited for yet.
    killpg(process.pid(), Signal::SIGINT).unwrap();
    let ended = process.end();
    ended.assert_code(0);
    ended.assert_says("culprits stopped: SIGINT from process");
    assert!(!ended.stderr.contains("second signal"), "{}", ended.stderr);
}

#[test]
fn sigusr1_writes_a_dump_and_stops_nothing() {
    let process = Process::start(&mut culprits("thread-blocks", 1_000));
    process.wait_for("blocking");
    process.signal(Signal::SIGUSR1);
    let line = process.wait_for("dump: culprit is ready");
    for part in [
        "service=\"culprit\"",
        "state=ready",
        "running=1",
        "oldest=\"block\"",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    process.signal(Signal::SIGTERM);
    process.end().assert_code(80);
}

#[test]
fn sigusr1_is_answered_while_the_runtime_is_wedged() {
    let process = Process::start(&mut culprits("wedges", 1_000));
    process.wait_for_count("blocking", 2);
    process.signal(Signal::SIGUSR1);
    process.wait_for("dump: steady is ready");
}

/// A program in a terminal of its own.
struct Terminal {
    child: std::process::Child,
    /// Dropped at the end, it calls off the kill that ends a session which hangs.
    _done: mpsc::Sender<()>,
    pty: pty_process::blocking::Pty,
    seen: String,
}

impl Terminal {
    fn run(program: &str, arguments: &[&str]) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(24, 200)).unwrap();
        let command = pty_process::blocking::Command::new(program).args(arguments);
        let child = command.spawn(pts).unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            if is_done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL); // whoever reads sees the end
            }
        });
        Self {
            child,
            _done: done,
            pty,
            seen: String::new(),
        }
    }

    /// Reads on until the text has come.
    fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.contains(text) {
            // When the program has ended, reading fails.
            let count = self.pty.read(&mut buffer).unwrap_or(0);
            assert!(count > 0, "no {text:?} in {}", self.seen);
            self.seen
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.pty, "{line}").unwrap();
    }

    fn press_ctrl_c(&mut self) {
        self.pty.write_all(b"\x03").unwrap();
    }

    /// Reads to the end.
    fn end(mut self) -> (std::process::ExitStatus, String) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.pty.read(&mut buffer) {
            self.seen
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn ctrl_c_in_a_terminal_stops_gracefully() {
    let culprits = example("culprits");
    let mut terminal = Terminal::run(culprits.to_str().unwrap(), &["none", "5000"]);
    terminal.wait_for("phase=running");
    terminal.press_ctrl_c();
    let (status, seen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{seen}");
    assert!(seen.contains("stopped: SIGINT"), "{seen}");
}

#[test]
fn ctrl_c_three_times_in_a_terminal_ends_it_at_once() {
    let culprits = example("culprits");
    let mut terminal = Terminal::run(culprits.to_str().unwrap(), &["ignores-its-tokens", "60000"]);
    terminal.wait_for("phase=running");
    terminal.press_ctrl_c();
    terminal.wait_for("phase=draining");
    thread::sleep(SECOND_THOUGHT);
    terminal.press_ctrl_c();
    terminal.wait_for("second signal");
    thread::sleep(THIRD_THOUGHT);
    terminal.press_ctrl_c();
    let (status, seen) = terminal.end();
    assert_eq!(status.signal(), Some(2), "{seen}");
}

#[tokio::test]
async fn a_dump_reaches_the_terminal_where_the_prompt_shows_no_lines() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let config = dir.path().join("sundown.toml");
    // In the middle of an answer's row the prompt keeps lines back.
    let provider = "[[provider]]\nname = 'slow'\nkind = 'command'\ncommand = ['sh', '-c', 'printf halfway; sleep 60']\n";
    fs::write(&config, provider).unwrap();
    let token = format!("TELOXIDE_TOKEN={TOKEN}");
    let (config, state) = (config.to_str().unwrap(), dir.path().join("state"));
    let program = [&token, env!("CARGO_BIN_EXE_sundown"), "run", "--console"];
    let options = ["--api-url", &server.url, "--config", config, "--state-dir"];
    let arguments = [&program[..], &options, &[state.to_str().unwrap()]].concat();
    let mut terminal = Terminal::run("env", &arguments);
    terminal.wait_for("running");
    terminal.wait_for("sundown> ");
    terminal.type_line("ask how are you");
    terminal.wait_for("halfway");
    let pid = Pid::from_raw(terminal.child.id().try_into().unwrap());
    kill(pid, Signal::SIGUSR1).unwrap();
    terminal.wait_for("dump: poller is ready");
    let (_, behind) = terminal.seen.split_once("halfway").unwrap();
    let (between, _) = behind.split_once("dump: poller").unwrap();
    assert!(
        !between.contains("sundown> "),
        "after the answer: {between}"
    );
    terminal.press_ctrl_c();
    let (status, seen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{seen}");
}

#[test]
fn on_a_terminal_a_live_line_tells_what_the_stop_waits_for() {
    let sundown = env!("CARGO_BIN_EXE_sundown");
    // The operator is told by a call that is not answered: the hook waits for it.
    let mut terminal = Terminal::run(sundown, &["run", "--sandbox", "--stop-timeout", "4s"]);
    terminal.wait_for("http://127.0.0.1:");
    let url = address_in(&terminal.seen);
    terminal.wait_for("running");
    tell_the_sandbox(
        &url,
        r#"{"method":"sendMessage","fault":"hang","seconds":60,"times":99}"#,
    );
    terminal.press_ctrl_c();
    terminal.wait_for(" s, or by Ctrl-C: ");
    terminal.wait_for("poller (draining), hook on_drain tell the operator");
    let (status, seen) = terminal.end();
    assert!(status.code().is_some(), "{seen}");
    assert!(!seen.contains("0/0"), "no line but ours: {seen}");
    // Between the last time it is drawn and the report, it is cleared.
    let drawn = seen.rfind("or by Ctrl-C").unwrap();
    let report = seen.find("sundown stopped").unwrap();
    assert!(seen[drawn..report].contains("\x1b[2K"), "{seen:?}");
}

fn address_in(text: &str) -> String {
    let at = text.find("127.0.0.1:").unwrap();
    let address = text[at..].chars();
    address
        .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
        .collect()
}

fn tell_the_sandbox(address: &str, fault: &str) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /control/fault HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{fault}",
        fault.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"ok\":true"), "{answer}");
}

/// Runs something as process 1 of a PID namespace.
fn as_process_1(behaviour: &str, budget_ms: u32) -> Option<Command> {
    let probe = Command::new("unshare")
        .args(["--pid", "--fork", "true"])
        .output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        return None;
    }
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--kill-child"])
        .arg(example("culprits"))
        .args([behaviour, &budget_ms.to_string()]);
    Some(command)
}

/// The only child of a process, as it is known outside its namespace.
fn child_of(pid: Pid) -> Pid {
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap();
    Pid::from_raw(children.trim().parse().unwrap())
}

#[test]
fn as_process_1_it_stops_gracefully() {
    let Some(mut command) = as_process_1("none", 5_000) else {
        return skip(
            "as_process_1_it_stops_gracefully",
            "the right to make PID namespaces (root)",
        );
    };
    let process = Process::start(&mut command);
    process.wait_for("phase=running");
    kill(child_of(process.pid()), Signal::SIGTERM).unwrap();
    let ended = process.end();
    ended.assert_code(0);
    // The sender is in a namespace that it cannot see.
    ended.assert_says("culprits stopped: SIGTERM");
}

#[test]
fn as_process_1_the_third_signal_ends_it_at_once_with_143() {
    let Some(mut command) = as_process_1("ignores-its-tokens", 60_000) else {
        return skip(
            "as_process_1_the_third_signal_ends_it_at_once_with_143",
            "root",
        );
    };
    let process = Process::start(&mut command);
    process.wait_for("phase=running");
    let inside = child_of(process.pid());
    kill(inside, Signal::SIGTERM).unwrap();
    process.wait_for("phase=draining");
    thread::sleep(SECOND_THOUGHT);
    kill(inside, Signal::SIGTERM).unwrap();
    process.wait_for("second signal");
    thread::sleep(THIRD_THOUGHT);
    kill(inside, Signal::SIGTERM).unwrap();
    let ended = process.end();
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
}
