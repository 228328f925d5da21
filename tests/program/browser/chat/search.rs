//! `/search`.

use super::reading::Reading;
use super::web::Web;

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
