//! What becomes of pages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::getpgid;
use sundown::features::browser::chromium::{Chromium, ChromiumSettings, PageError};
use tokio::time::timeout;

use super::site::{LONG, Site};
use super::support::{Lab, browser, open_folder, processes, settings};

#[tokio::test(flavor = "multi_thread")]
async fn what_scripts_write_late_is_in_the_page() {
    let Some(lab) = Lab::new("what_scripts_write_late_is_in_the_page", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/late")).await.unwrap();
    assert!(page.html.starts_with("<!DOCTYPE html>"), "{}", page.html);
    assert!(page.html.contains(">late"), "{}", page.html);
    assert!(page.is_settled && !page.is_cut);
    assert_eq!(page.status, Some(200));
    lab.assert_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_script_is_killed_at_the_deadline() {
    let deadline = Duration::from_secs(4);
    let Some(lab) = Lab::new("an_endless_script_is_killed_at_the_deadline", |settings| {
        settings.deadline = deadline;
        settings.settle_within = Duration::from_secs(1);
    }) else {
        return;
    };
    let site = Site::start().await;
    let began = Instant::now();
    let error = lab.chromium.dom(&site.url("/loop")).await.unwrap_err();
    assert!(matches!(error, PageError::TimedOut(_)), "{error}");
    assert!(began.elapsed() < deadline + Duration::from_secs(1));
    lab.assert_nothing_is_left().await;
}

/// One that ends by itself when its pipe is closed would end without a kill, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_stands_still_is_killed_with_all_of_its_processes() {
    let Some(lab) = Lab::new("a_browser_that_stands_still", |settings| {
        settings.deadline = Duration::from_secs(10);
    }) else {
        return;
    };
    let site = Site::start().await;
    let url = site.url("/hang");
    let stopped = async {
        let renders = |line: &String| line.contains("--type=renderer");
        while !processes(lab.scratch.path()).iter().any(renders) {
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
        let group = getpgid(Some(browser(lab.scratch.path()))).unwrap();
        killpg(group, Signal::SIGSTOP).unwrap();
    };
    let (page, ()) = tokio::join!(lab.chromium.dom(&url), stopped);
    let error = page.unwrap_err();
    assert!(matches!(error, PageError::TimedOut(_)), "{error}");
    lab.assert_nothing_is_left().await;
}

/// What stands in for the browser here starts a process that nothing else would end.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_browser_has_started_is_killed_with_it() {
    let folder = open_folder();
    let program = folder.path().join("browser");
    fs::write(&program, "#!/bin/sh\nsleep 600 &\nexec sleep 600\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let chromium = Chromium::new(ChromiumSettings {
        program: Some(program),
        ..settings(folder.path())
    });
    let (chromium, url) = (chromium.unwrap(), "http://127.0.0.1:9/".parse().unwrap());
    let both_run = async {
        let sleeps = |line: &&String| line.contains("sleep 600");
        while processes(folder.path()).iter().filter(sleeps).count() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    };
    tokio::select! {
        page = chromium.dom(&url) => panic!("{page:?}"),
        () = both_run => {}
    }
    let gone = async {
        while !processes(folder.path()).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    };
    let is_gone = timeout(Duration::from_secs(10), gone).await.is_ok();
    assert!(is_gone, "left: {:#?}", processes(folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_costs_no_more_than_the_deadline() {
    let Some(lab) = Lab::new("a_server_that_does_not_answer", |settings| {
        settings.deadline = Duration::from_secs(4);
    }) else {
        return;
    };
    let site = Site::start().await;
    let error = lab.chromium.shot(&site.url("/hang")).await.unwrap_err();
    assert!(matches!(error, PageError::TimedOut(_)), "{error}");
    lab.assert_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_waits_for_ever_for_a_part_is_taken_as_it_is() {
    let Some(lab) = Lab::new("a_page_that_waits_for_ever_for_a_part", |settings| {
        settings.settle_within = Duration::from_secs(1);
    }) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/waits")).await.unwrap();
    assert!(page.html.contains("here") && !page.is_settled);
}

#[tokio::test(flavor = "multi_thread")]
async fn dialogs_and_popups_hold_nothing_up() {
    let Some(lab) = Lab::new("dialogs_and_popups_hold_nothing_up", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/alert")).await.unwrap();
    assert!(page.html.contains(">after"), "{}", page.html);
    let page = lab.chromium.dom(&site.url("/popup")).await.unwrap();
    assert!(page.html.contains("here"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_refused() {
    let Some(lab) = Lab::new("a_file_is_refused", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let error = lab.chromium.dom(&site.url("/file")).await.unwrap_err();
    assert!(matches!(error, PageError::Download), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_and_the_status_are_told() {
    let Some(lab) = Lab::new("redirects_and_the_status_are_told", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/moved")).await.unwrap();
    assert_eq!(page.url, site.url("/missing").as_str());
    assert_eq!(page.status, Some(404));
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_and_large_pages_come_back_whole_or_cut_off() {
    let Some(lab) = Lab::new("deep_and_large_pages", |settings| {
        settings.longest = 1_000_000;
    }) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/deep")).await.unwrap();
    assert!(page.html.contains("deep") && !page.is_cut);
    let page = lab.chromium.dom(&site.url("/large")).await.unwrap();
    assert!(page.is_cut);
    assert_eq!(page.html.len(), 1_000_000);
    let page = lab.chromium.dom(&site.url("/picture")).await.unwrap();
    assert!(page.html.contains("<img"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_unpacks_to_much_more_is_cut_off() {
    let longest = 1_000_000;
    let Some(lab) = Lab::new("a_page_that_unpacks_to_much_more", |settings| {
        settings.longest = longest;
    }) else {
        return;
    };
    let site = Site::start().await;
    let page = lab.chromium.dom(&site.url("/bomb")).await.unwrap();
    assert!(page.html.contains("boom and again") && page.is_cut);
    assert_eq!(page.html.len(), longest);
    lab.assert_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_charset_is_understood_by_whomever_it_is_named() {
    let Some(lab) = Lab::new("each_charset_is_understood", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    for (path, words) in [("/japanese", "日本のお茶"), ("/greek", "Τσάι")] {
        let page = lab.chromium.dom(&site.url(path)).await.unwrap();
        assert!(page.html.contains(words), "{}", page.html);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_has_all_of_the_page_in_its_colour() {
    let Some(lab) = Lab::new("a_picture_has_all_of_the_page", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let shot = lab.chromium.shot(&site.url("/green")).await.unwrap();
    assert_eq!((shot.width, shot.height, shot.is_cut), (1280, 3000, false));
    assert_eq!(shot.title, "Green");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&shot.png))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1280, 3000));
    let size = info.color_type.samples();
    for at in [0, 1280 * 1500, 1280 * 3000 - 1] {
        assert_eq!(pixels[at * size..][..3], [0, 255, 0]);
    }
    // A screen of a page that has less, and no empty rest.
    let shot = lab.chromium.shot(&site.url("/late")).await.unwrap();
    assert_eq!((shot.width, shot.height, shot.is_cut), (1280, 800, false));
    let shot = lab.chromium.shot(&site.url("/tall")).await.unwrap();
    assert_eq!((shot.height, shot.is_cut), (10_000, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_this_machine_are_no_pages() {
    let Some(lab) = Lab::new("files_of_this_machine_are_no_pages", |_| {}) else {
        return;
    };
    for url in ["file:///etc/passwd", "chrome://version", "data:text/html,x"] {
        let error = lab.chromium.dom(&url.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, PageError::Scheme(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_wants_any_more_leaves_nothing() {
    let Some(lab) = Lab::new("a_page_that_nobody_wants_any_more", |_| {}) else {
        return;
    };
    let site = Site::start().await;
    let url = site.url("/loop");
    let running = async {
        while processes(lab.scratch.path()).len() < 6 {
            tokio::time::sleep(Duration::from_millis(10)).await; // between two looks at a condition
        }
    };
    tokio::select! {
        page = lab.chromium.dom(&url) => panic!("{page:?}"),
        () = running => {}
    }
    lab.assert_nothing_is_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_turn_comes_the_browser_is_busy() {
    let Some(lab) = Lab::new("where_no_turn_comes", |settings| {
        settings.pool = 1;
        settings.patience = Duration::from_millis(200);
    }) else {
        return;
    };
    let site = Site::start().await;
    let url = site.url("/hang");
    let second = async {
        let error = lab.chromium.dom(&site.url("/late")).await.unwrap_err();
        assert!(matches!(error, PageError::Busy(_)), "{error}");
    };
    tokio::select! {
        // The one turn is for the first.
        biased;
        page = lab.chromium.dom(&url) => panic!("{page:?}"),
        () = second => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_cannot_start_says_why() {
    let Some(lab) = Lab::new("a_browser_that_cannot_start_says_why", |settings| {
        settings.program = Some("/nowhere/chromium".into());
    }) else {
        return;
    };
    let url = "http://127.0.0.1:9/".parse().unwrap();
    let error = timeout(LONG, lab.chromium.dom(&url))
        .await
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().contains("/nowhere/chromium"), "{error}");
}
