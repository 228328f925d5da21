//! Processes that are no browsers, and are kept like them.

use std::io::{Read, pipe};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: u64 = 1 << 20;

/// A shell's script as a browser, in its profile's folder; and what comes when the last of its processes has ended.
fn script(text: &str, profile: &Path) -> (Command, Receiver<()>) {
    let (mut reader, writer) = pipe().unwrap();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", text])
        .current_dir(profile)
        .stderr(writer)
        .process_group(0);
    let (ended, end) = channel();
    thread::spawn(move || {
        let _ = reader.read_to_end(&mut Vec::new());
        let _ = ended.send(());
    });
    (command, end)
}

struct Woken(mpsc::Sender<()>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it does not come");
        thread::sleep(LOOK); // between two looks at a condition
    }
}

#[test]
fn what_is_started_for_somebody_who_has_just_gone_is_buried() {
    let keeper = Keeper::new(MIB).unwrap();
    let profile = TempDir::new().unwrap();
    let place = profile.path().to_owned();
    let (command, end) = script("exec sleep 1000", &place);
    let (woken, wakes) = mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(woken)));
    {
        let mut starting = pin!(keeper.start(command, profile));
        let polled = starting.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(polled, Poll::Pending));
        // It has been started, and what tells so is not taken any more.
        wakes.recv_timeout(PATIENCE).unwrap();
    }
    end.recv_timeout(PATIENCE).expect("it is killed");
    wait_until(|| !place.exists());
}

#[tokio::test]
async fn what_fills_the_disk_is_killed_and_others_are_not() {
    let keeper = Keeper::new(MIB).unwrap();
    let modest = TempDir::new().unwrap();
    let (other, others_end) = script("echo x > file; exec sleep 1000", modest.path());
    let _other = keeper.start(other, modest).await.unwrap();
    // Many small files count like a large one. Twice, so that the other one would have ended with the first.
    for _ in 0..2 {
        let greedy = TempDir::new().unwrap();
        let fills = "for n in 1 2 3 4; do head -c 500000 /dev/zero > $n; done; exec sleep 1000";
        let (fills, its_end) = script(fills, greedy.path());
        let _group = keeper.start(fills, greedy).await.unwrap();
        its_end.recv_timeout(PATIENCE).expect("it is killed");
    }
    assert!(others_end.try_recv().is_err());
}
