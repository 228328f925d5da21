//! What becomes of pages.

use std::time::{Duration, Instant};

use sundown::features::browser::chromium::PageError;
use tokio::time::timeout;

use super::site::{LONG, Site};
use super::support::{Lab, processes};

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
