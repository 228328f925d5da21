//! Shells that speak as a browser would.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;

fn speaking(script: &str) -> (Wire, Child) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).kill_on_drop(true);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut shell = shell.spawn().unwrap();
    let (stdin, stdout) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
    (Wire::new(stdin, stdout), shell)
}

#[tokio::test]
async fn a_large_message_comes_whole_however_often_one_looks_away() {
    let xs = "head -c 3000000 /dev/zero | tr '\\0' x";
    let script = format!(
        "printf '{{\"first\":\"'; {xs}; printf '\"}}\\0{{\"second\":2}}\\0'; exec sleep 1000"
    );
    let (mut wire, _shell) = speaking(&script);
    let mut messages = Vec::new();
    let both = async {
        while messages.len() < 2 {
            tokio::select! {
                biased;
                message = wire.receive() => messages.push(message.unwrap()),
                () = yield_now() => {}
            }
        }
    };
    timeout(Duration::from_secs(60), both).await.unwrap();
    assert_eq!(messages[0]["first"].as_str().map(str::len), Some(3_000_000));
    assert_eq!(messages[1]["second"], 2);
}

#[tokio::test]
async fn a_message_that_does_not_end_is_not_kept() {
    let (mut wire, _shell) = speaking("tr '\\0' x < /dev/zero");
    let error = wire.receive().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert!(wire.received.len() < MESSAGE_BYTES + 10 * READ_BYTES);
}
