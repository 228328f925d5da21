//! `/search`.

use super::reading::Reading;
use super::web::{KEY, Web};

#[tokio::test]
async fn what_the_operators_engine_finds_is_told_with_its_addresses() {
    let engine = Web::start().await;
    let settings = format!(
        "[browser.search]\nkind = \"searxng\"\nurl = \"{}\"",
        engine.url("")
    );
    let reading = Reading::new(&settings).await;
    let _bot = reading.bot();
    reading.server.say(81, "/search green tea").await;
    let text = reading.text(81).await;
    assert!(text.starts_with("green tea\n"), "{text}");
    for words in [
        "On tea\nhttps://tea.example/on\nTea is a drink.",
        "https://milk.example/",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn brave_is_asked_with_the_key_which_is_told_nobody() {
    let engine = Web::start().await;
    let settings = format!(
        "[browser.search]\nkind = \"brave\"\nurl = \"{}\"\nkey_env = \"BRAVE_KEY\"",
        engine.url("/brave")
    );
    let reading = Reading::new(&settings).await;
    for (person, key, says) in [
        (81, KEY, "On tea\nhttps://tea.example/on\nTea is a drink."),
        (82, "k-other", "does not let me in"),
    ] {
        let bot = reading.bot_that(&[("BRAVE_KEY", key)]);
        reading.server.say(person, "/search green tea").await;
        let text = reading.text(person).await;
        assert!(text.contains(says), "{text}");
        assert_eq!(bot.count(key), 0, "no key in the log");
    }
}
