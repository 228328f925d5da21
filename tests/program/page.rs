//! The sandbox's chat page in a real browser.

use std::process::Command;

use serde_json::json;

use super::support::{Process, Server, skip};

/// A headless browser that prints the page as it is after its scripts have run for a while.
fn dump(url: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=5000", "--dump-dom", url])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_chat_page_shows_the_conversation() {
    if Command::new("chromium").arg("--version").output().is_err() {
        return skip("the_chat_page_shows_the_conversation", "chromium");
    }
    let (server, state) = (Server::start().await, tempfile::tempdir().unwrap());
    let _bot = Process::example("slow_handlers", &server.url, state.path());
    server.say(1, "<b>tea</b>?").await;
    server.wait_for_answers(1, 1).await;
    let page = tokio::task::spawn_blocking({
        let url = server.url.clone();
        move || dump(&url)
    });
    let page = page.await.unwrap();
    assert!(page.contains("You said &lt;b&gt;tea&lt;/b&gt;?"), "{page}");
    assert!(
        page.contains("Person 1") && page.contains("Sandbox bot · 0 updates waiting"),
        "{page}"
    );
}

#[tokio::test]
async fn the_chat_page_shows_a_group_with_marks_and_buttons() {
    if Command::new("chromium").arg("--version").output().is_err() {
        return skip(
            "the_chat_page_shows_a_group_with_marks_and_buttons",
            "chromium",
        );
    }
    let server = Server::start().await;
    let http = reqwest::Client::new();
    let calls = [
        ("control/bot", json!({ "token": "42:AAAAAAAAAAAAAAAAAAAA" })),
        (
            "control/group",
            json!({ "chat_id": -100, "title": "Tea room" }),
        ),
        (
            "bot42:AAAAAAAAAAAAAAAAAAAA/sendMessage",
            json!({
                "chat_id": -100, "text": "Who takes <b>milk</b>?", "parse_mode": "HTML",
                "reply_markup": { "inline_keyboard": [[{ "text": "Verify", "url": "https://t.me/sandbox_bot?start=v_1" }]] },
            }),
        ),
    ];
    for (call, body) in calls {
        let url = format!("{}/{call}", server.url);
        let answer = http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{call}");
    }
    let url = format!("{}/?bot=42&chat=-100", server.url);
    let page = tokio::task::spawn_blocking(move || dump(&url))
        .await
        .unwrap();
    assert!(page.contains("<b class=\"bold\">milk</b>"), "{page}");
    assert!(page.contains(">Verify</button>"), "{page}");
    assert!(
        page.contains("You are not in here") && page.contains(">Join</button>"),
        "{page}"
    );
}
