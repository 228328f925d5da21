//! `sundown confine` by itself: what a program that it becomes has, and when that program ends.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::support::skip;

const NOBODY: &str = "65534";
/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What this prints, confined, with these options.
fn confined(options: &[&str], command: &[&str]) -> Output {
    let parent = std::process::id().to_string();
    let mut confine = Command::new(env!("CARGO_BIN_EXE_sundown"));
    confine.args(["confine", "--parent", &parent]).args(options);
    confine.arg("--").args(command);
    confine.output().unwrap()
}

fn printed(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The words of the line that begins so.
fn line<'a>(text: &'a str, begins: &str) -> Vec<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(begins));
    let line = line.unwrap_or_else(|| panic!("no {begins:?} in {text}"));
    line.split_whitespace().collect()
}

#[test]
fn a_confined_program_has_limits_on_files_and_core_dumps() {
    let limits = printed(confined(&[], &["/bin/cat", "/proc/self/limits"]));
    let gigabyte = (1 << 30).to_string();
    assert_eq!(
        line(&limits, "Max file size")[..2],
        [gigabyte.as_str(), gigabyte.as_str()]
    );
    assert_eq!(line(&limits, "Max core file size")[..2], ["0", "0"]);
}

#[test]
fn a_confined_program_goes_first_where_memory_is_scarce_and_stands_back_where_processors_are() {
    let score = printed(confined(&[], &["/bin/cat", "/proc/self/oom_score_adj"]));
    assert_eq!(score.trim(), "500");
    let stat = |stat: &str| -> i64 {
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[16].parse().unwrap()
    };
    let ours = stat(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let its = stat(&printed(confined(&[], &["/bin/cat", "/proc/self/stat"])));
    assert!(its > ours || ours > 14, "{its} {ours}");
}

#[test]
fn root_becomes_another_user_for_good_and_in_every_group() {
    let test = "root_becomes_another_user_for_good";
    if !geteuid().is_root() {
        return skip(test, "root");
    }
    let status = printed(confined(
        &["--user", NOBODY],
        &["/bin/cat", "/proc/self/status"],
    ));
    assert_eq!(line(&status, "Uid:"), [NOBODY; 4]);
    assert_eq!(line(&status, "Gid:"), [NOBODY; 4]);
    assert_eq!(line(&status, "Groups:"), [NOBODY]);
    for kind in ["CapInh:", "CapPrm:", "CapEff:"] {
        assert_eq!(line(&status, kind), ["0000000000000000"]);
    }
}

#[test]
fn who_is_not_the_parent_confines_nothing() {
    let mut confine = Command::new(env!("CARGO_BIN_EXE_sundown"));
    confine.args(["confine", "--parent", "1", "--", "/bin/echo", "run"]);
    let output = confine.output().unwrap();
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("process 1 is not this one's parent"),
        "{said}"
    );
}

#[test]
fn a_confined_program_dies_with_its_parent_whoever_it_runs_as() {
    dies_with_its_parent("");
    if geteuid().is_root() {
        // A change of the user takes the kernel's promise back.
        dies_with_its_parent("--user 65534");
    }
}

/// A shell as the parent; its child holds nothing of the shell's but standard error, which ends with it.
fn dies_with_its_parent(options: &str) {
    let script = format!(
        "\"$0\" confine --parent $$ {options} -- /bin/sh -c 'echo runs; exec sleep 1000' & wait"
    );
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_sundown")]);
    shell
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut shell = Group(shell.process_group(0).spawn().unwrap());
    let mut said = String::new();
    let mut stdout = BufReader::new(shell.0.stdout.take().unwrap());
    stdout.read_line(&mut said).unwrap();
    assert_eq!(said, "runs\n");
    let mut held = shell.0.stderr.take().unwrap();
    let (ended, end) = channel();
    thread::spawn(move || ended.send(held.read_to_end(&mut Vec::new())));
    shell.0.kill().unwrap();
    let end = end.recv_timeout(PATIENCE);
    end.expect("it outlives its parent").unwrap();
}

/// Where the test fails, nothing stays.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).unwrap();
        let _ = kill(Pid::from_raw(-group), Signal::SIGKILL);
        let _ = self.0.wait();
    }
}
