//! `sundown confine`: what a browser is started through.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, io};

const PATIENCE: Duration = Duration::from_secs(30);

/// A shell that has started a program through this one, and waits; and the program's number.
fn started() -> (Child, u32) {
    let script = r#""$0" confine --parent $$ -- sleep 600 & echo $!; wait"#;
    let mut shell = Command::new("/bin/sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_sundown")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(shell.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let program = line.trim().parse().unwrap();
    until(|| file(program, "comm").is_ok_and(|name| name.trim() == "sleep"));
    (shell, program)
}

#[test]
fn the_program_dies_with_whoever_has_started_it() {
    let (mut shell, program) = started();
    shell.kill().unwrap();
    shell.wait().unwrap();
    // A zombie has died; process 1 may take its time with it.
    until(|| {
        file(program, "cmdline").is_ok_and(|line| line.is_empty()) || file(program, "stat").is_err()
    });
}

#[test]
fn the_program_has_limits_and_is_the_first_to_go_where_memory_runs_out() {
    let (mut shell, program) = started();
    let limits = file(program, "limits").unwrap();
    let limit = |name: &str| {
        let values = limits.lines().find_map(|line| line.strip_prefix(name));
        values
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(limit("Max core file size"), "0");
    assert_eq!(limit("Max file size"), (1 << 30).to_string());
    assert_eq!(file(program, "oom_score_adj").unwrap().trim(), "500");
    shell.kill().unwrap();
    shell.wait().unwrap();
}

#[test]
fn somebody_elses_child_is_not_started() {
    let refused = Command::new(env!("CARGO_BIN_EXE_sundown"))
        .args(["confine", "--parent", "1", "--", "/bin/echo", "started"])
        .output()
        .unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("process 1 is not this one's parent"),
        "{said}"
    );
}

fn file(process: u32, name: &str) -> io::Result<String> {
    fs::read_to_string(format!("/proc/{process}/{name}"))
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        sleep(Duration::from_millis(10)); // between two looks at a condition
    }
}
