//! What is left of browsers when the process that started them is killed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use sundown::features::browser::chromium::{Chromium, installed};

use super::site::Site;
use super::support::{open_folder, processes, settings};
use crate::support::skip;

const FOLDER: &str = "SUNDOWN_TEST_SCRATCH";

/// Not a test of its own: the process that is killed while its page computes without an end.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is run by the test below, and killed"]
async fn a_process_with_an_endless_page() {
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    let chromium = Chromium::new(settings(&folder)).unwrap();
    let site = Site::start().await;
    let _ = chromium.dom(&site.url("/loop")).await;
}

#[test]
fn no_browser_outlives_a_kill_of_its_process() {
    if installed().is_none() {
        return skip("no_browser_outlives_a_kill_of_its_process", "Chromium");
    }
    let folder = open_folder();
    let name = "a_process_with_an_endless_page";
    let path = module_path!().split_once("::").unwrap().1;
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", &format!("{path}::{name}")])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // The page's own process is the one that would go on computing.
    let renders = |line: &String| line.contains("--type=renderer");
    until(|| {
        processes(folder.path())
            .iter()
            .filter(|line| renders(line))
            .count()
            >= 1
    });
    process.kill().unwrap();
    process.wait().unwrap();
    until(|| processes(folder.path()).is_empty());
    // And the next one clears away the profile.
    let _next = Chromium::new(settings(folder.path())).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it does not come"
        );
        thread::sleep(Duration::from_millis(10)); // between two looks at a condition
    }
}
