//! Folders of the living, the dead, and those who mean no good.

use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;

fn abandoned(parent: &Path, name: &str) -> std::path::PathBuf {
    let folder = parent.join(format!("{PREFIX}{name}"));
    fs::create_dir_all(folder.join("page-1")).unwrap();
    folder
}

#[test]
fn what_a_dead_process_left_is_removed_and_a_living_ones_is_not() {
    let parent = TempDir::new().unwrap();
    let living = Scratch::new(Some(parent.path())).unwrap();
    let dead = abandoned(parent.path(), "dead");
    File::create(dead.join(LOCK)).unwrap();
    // Somebody is just making it, and has not locked it yet.
    let young = abandoned(parent.path(), "young");
    File::create(young.join(YOUNG_LOCK)).unwrap();
    let profile = living.profile(None).unwrap();
    let _next = Scratch::new(Some(parent.path())).unwrap();
    assert!(!dead.exists());
    assert!(profile.path().exists() && young.exists());
}

#[test]
fn nothing_stays_of_a_folder_that_is_dropped() {
    let parent = TempDir::new().unwrap();
    let scratch = Scratch::new(Some(parent.path())).unwrap();
    let profile = scratch.profile(None).unwrap();
    fs::write(profile.path().join("Cookies"), "x").unwrap();
    drop((profile, scratch));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn those_who_start_at_the_same_time_leave_each_other_alone() {
    let parent = TempDir::new().unwrap();
    let start = || -> Vec<_> {
        let starts = (0..100).map(|_| Scratch::new(Some(parent.path())).unwrap());
        starts.collect()
    };
    let all: Vec<Scratch> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        let started = threads.into_iter().map(|thread| thread.join().unwrap());
        started.flatten().collect()
    });
    assert_eq!(all.len(), 400);
    for scratch in &all {
        assert!(scratch.folder.path().join(LOCK).exists());
    }
}

#[test]
fn others_pass_through_the_folder_and_can_take_nothing() {
    let parent = TempDir::new().unwrap();
    let scratch = Scratch::new(Some(parent.path())).unwrap();
    let profile = scratch.profile(None).unwrap();
    let mode = |place: &Path| place.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.folder.path()), 0o711);
    assert_eq!(mode(&scratch.folder.path().join(LOCK)), 0o600);
    assert_eq!(mode(profile.path()), 0o700);
}

#[test]
fn what_somebody_has_put_there_neither_holds_a_start_up_nor_is_removed() {
    let parent = TempDir::new().unwrap();
    let pipe = abandoned(parent.path(), "pipe");
    mknodat(CWD, pipe.join(LOCK), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let link = abandoned(parent.path(), "link");
    File::create(parent.path().join("elsewhere")).unwrap();
    symlink(parent.path().join("elsewhere"), link.join(LOCK)).unwrap();
    let place = parent.path().to_owned();
    let (started, start) = channel();
    thread::spawn(move || started.send(Scratch::new(Some(&place)).is_ok()));
    let start = start.recv_timeout(Duration::from_secs(60));
    assert!(start.expect("it does not hang"));
    assert!(pipe.exists() && link.exists());
}
