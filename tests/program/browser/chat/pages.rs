//! `/read`: each page's outcome as it is designed.

use std::time::{Duration, Instant};

use super::reading::{Reading, text_of};

const ADA: i64 = 81;
const BEN: i64 = 82;

#[tokio::test]
async fn a_page_is_read_into_a_message_and_not_fetched_twice_within_a_while() {
    let reading = Reading::new("").await;
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/article").await;
    let message = reading.answer(ADA, 1).await;
    let text = text_of(&message);
    let head = format!(
        "On tea\n{}\nread by plain HTTP",
        reading.web.url("/article")
    );
    assert!(text.starts_with(&head), "{text}");
    assert!(
        text.contains("hot water") && !text.contains("Home"),
        "{text}"
    );
    assert!(
        text.contains(&reading.web.url("/milk")),
        "whole links: {text}"
    );
    assert_eq!(message["entities"][0]["type"], "bold", "{message}");
    assert!(message["reply_to_message"].is_object(), "{message}");
    reading.asks(BEN, "/read", "/article").await;
    assert_eq!(reading.text(BEN).await, text);
    assert_eq!(reading.web.article_reads(), 1);
}

#[tokio::test]
async fn a_long_page_is_a_file_whose_caption_says_what_it_is() {
    let reading = Reading::new("").await;
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/long").await;
    let message = reading.answer(ADA, 1).await;
    assert_eq!(message["document"]["file_name"], "long.md", "{message}");
    assert!(
        text_of(&message).contains("read by plain HTTP"),
        "{message}"
    );
    let file = reading.file("document", &message).await;
    let file = String::from_utf8(file).unwrap();
    assert_eq!(file.matches("All work and no tea").count(), 200);
}

#[tokio::test]
async fn what_is_no_article_says_what_it_is() {
    let reading = Reading::new("").await;
    let bot = reading.bot();
    for (person, path, says) in [
        (90, "/report.pdf", "Boiling water"),
        (88, "/locked.pdf", "locked with a password"),
        (89, "/broken.pdf", "no PDF, or a damaged one"),
        (91, "/russian", "Чай горячий."),
        (98, "/japanese", "日本のお茶"),
        (99, "/greek", "Τσάι"),
        (101, "/file", "application/zip, which is not read"),
        (92, "/missing", "status 404"),
        (93, "/picture", "There is no text in it"),
        (94, "/bomb", "its end is cut off"),
        (95, "/endless", "its end is cut off"),
        (96, "/moved", "On tea"),
        (97, "/away", "has a loopback address"),
    ] {
        reading.asks(person, "/read", path).await;
        let text = reading.text(person).await;
        assert!(text.contains(says), "{path}: {text:.500}");
    }
    assert_eq!(bot.count("hot water"), 0, "no page in the log");
    assert_eq!(bot.count("tea is"), 0);
}

/// On a machine with much else to do it may take longer than a page may.
#[tokio::test]
async fn ten_thousand_levels_are_read_or_said_to_be_too_much() {
    let reading = Reading::new("").await;
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/deep").await;
    let text = reading.text(ADA).await;
    let is_told = ["at the bottom", "made to keep readers busy"];
    assert!(
        is_told.iter().any(|says| text.contains(says)),
        "{text:.500}"
    );
}

#[tokio::test]
async fn a_page_that_is_too_old_is_fetched_again() {
    let reading = Reading::new("cache_for = \"1s\"").await;
    let _bot = reading.bot();
    let mut asked = 0;
    while reading.web.article_reads() < 2 {
        assert!(asked < 60, "it is kept for longer than a second");
        asked += 1;
        reading.asks(ADA, "/read", "/article").await;
        let text = text_of(&reading.answer(ADA, asked).await);
        assert!(text.contains("hot water"), "{text}");
    }
    assert!(asked >= 2);
}

#[tokio::test]
async fn a_pdf_that_chromium_has_printed_is_read() {
    let Some(program) = sundown::features::browser::chromium::installed() else {
        return crate::support::skip("a_pdf_that_chromium_has_printed_is_read", "Chromium");
    };
    let reading = Reading::new("").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("printed.pdf");
    // Not the standard library's, which would keep the page's own server waiting.
    let printed = tokio::process::Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu"])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(format!("--print-to-pdf={}", file.display()))
        .arg(reading.web.url("/article"))
        .output()
        .await
        .unwrap();
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{error}: {printed:?}"));
    *reading.web.printed.lock().unwrap() = bytes;
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/printed.pdf").await;
    let text = reading.text(ADA).await;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("pouring hot water over the leaves"),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_in_time_and_commands_are_answered_meanwhile() {
    let reading = Reading::new("").await;
    let _bot = reading.bot();
    let began = Instant::now();
    reading.asks(ADA, "/read", "/hang").await;
    reading.server.say(ADA, "/ping").await;
    assert!(reading.text(ADA).await.starts_with("pong"));
    let text = text_of(&reading.answer(ADA, 2).await);
    assert!(
        text.starts_with("Sorry: ") && text.contains("took longer"),
        "{text}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_page_that_is_empty_without_its_scripts_is_read_in_the_browser() {
    let test = "a_page_that_is_empty_without_its_scripts";
    let Some(reading) = Reading::with_chromium(test, "").await else {
        return;
    };
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/app").await;
    let text = reading.text(ADA).await;
    assert!(text.contains("read by Chromium"), "{text}");
    assert!(text.contains("lapsang"), "{text}");
    // A plain page is read there where that is asked for.
    let asked = format!("/read {} browser", reading.web.url("/article"));
    reading.server.say(BEN, &asked).await;
    let text = reading.text(BEN).await;
    assert!(
        text.contains("read by Chromium") && text.contains("hot water"),
        "{text}"
    );
    reading.wait_for_browsers(false).await;
}

#[tokio::test]
async fn trouble_in_the_browser_is_told_in_words() {
    let Some(reading) =
        Reading::with_chromium("trouble_in_the_browser", "page_timeout = \"15s\"").await
    else {
        return;
    };
    let _bot = reading.bot();
    for (person, path, says) in [
        (ADA, "/picture", "There is no text in it"),
        (83, "/alert", "after the dialog"),
        (84, "/file", "files are not downloaded"),
        (87, "/hang", "not done within 15 s"),
        (88, "/japanese", "日本のお茶"),
        (89, "/greek", "Τσάι"),
        (90, "/russian", "Чай горячий."),
    ] {
        let asked = format!("/read {} browser", reading.web.url(path));
        reading.server.say(person, &asked).await;
        let message = reading.answer(person, 1).await;
        let mut text = text_of(&message);
        if message["document"].is_object() {
            assert!(text.contains("its end is cut off"), "{path}: {text}");
            text = String::from_utf8(reading.file("document", &message).await).unwrap();
        }
        assert!(text.contains(says), "{path}: {text:.500}");
    }
    reading.wait_for_browsers(false).await;
}

#[tokio::test]
async fn a_script_leads_the_browser_nowhere_that_is_not_public() {
    let Some(reading) = Reading::with_chromium("a_script_leads_the_browser_nowhere", "").await
    else {
        return;
    };
    let _bot = reading.bot();
    reading.asks(ADA, "/read", "/within").await;
    let text = reading.text(ADA).await;
    assert!(text.contains("loopback"), "{text}");
    reading.asks(BEN, "/shot", "/away").await;
    let text = reading.text(BEN).await;
    assert!(text.contains("loopback"), "{text}");
}

#[tokio::test]
async fn without_a_browser_pages_are_read_as_far_as_they_can_be() {
    let reading = Reading::new("chromium = \"/nowhere/chromium\"").await;
    let _bot = reading.bot_that(&[("PATH", "/nowhere")]);
    reading.asks(ADA, "/read", "/app").await;
    let text = reading.text(ADA).await;
    assert!(
        text.contains("needs a browser") && text.contains("plain HTTP"),
        "{text}"
    );
    reading.asks(BEN, "/shot", "/article").await;
    let text = reading.text(BEN).await;
    assert!(text.starts_with("Sorry: that takes a browser"), "{text}");
}

#[tokio::test]
async fn only_those_who_are_named_are_read_to_and_addresses_are_checked() {
    let reading = Reading::new("users = [81]").await;
    let _bot = reading.bot();
    reading.asks(BEN, "/read", "/article").await;
    let text = reading.text(BEN).await;
    assert!(text.contains("Your number is 82."), "{text}");
    for (number, (command, says)) in [
        ("/read", "Write the address behind the command"),
        ("/read file:///etc/passwd", "http"),
        (
            "/read http://169.254.169.254/latest",
            "not on the public internet",
        ),
        (
            "/read http://[::ffff:10.0.0.1]/",
            "not on the public internet",
        ),
        ("/search tea", "no search engine"),
    ]
    .into_iter()
    .enumerate()
    {
        reading.server.say(ADA, command).await;
        let text = text_of(&reading.answer(ADA, number + 1).await);
        assert!(text.contains(says), "{command}: {text}");
    }
}
