//! Where the token is not.

use crate::instance::Instance;
use crate::lab::lab;
use crate::support::{Server, TOKEN};

#[tokio::test]
async fn the_token_is_in_no_journal_property_environment_or_command_line() {
    let Some(lab) = lab("the_token_is_in_no_journal_property_environment_or_command_line") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "secret", &server.url, "log_level = \"trace\"");
    bot.start();
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    let pid = bot.property("MainPID");
    let (environ, cmdline) = (
        format!("/proc/{pid}/environ"),
        format!("/proc/{pid}/cmdline"),
    );
    let while_it_runs = [
        &["cat", &environ, &cmdline] as &[_],
        &["systemctl", "show", "--all", &bot.unit],
        &["systemctl", "show", "--all"],
        &["systemctl", "show-environment"],
        &["systemctl", "status", "--full", "--lines=1000", &bot.unit],
        &["systemctl", "cat", &bot.unit],
    ];
    let secret = TOKEN.split_once(':').unwrap().1;
    let assert_none = |words: &[&str]| {
        let said = lab.run(words);
        assert!(!said.is_empty(), "{words:?} says nothing");
        assert!(!said.contains(secret), "the token is in {words:?}:\n{said}");
    };
    for words in while_it_runs {
        assert_none(words);
    }
    bot.systemctl(&["stop"]);
    bot.assert_in_journal("long poll dropped"); // it logs in detail
    // Every field of every line, of all units.
    assert_none(&["journalctl", "--output=export", "--all"]);
}

#[tokio::test]
async fn a_malformed_token_is_refused_without_being_repeated() {
    let Some(lab) = lab("a_malformed_token_is_refused_without_being_repeated") else {
        return;
    };
    let bot = Instance::new(lab, "malformed", "http://127.0.0.1:9", "");
    bot.set_token("123456789-NOT-QUITE-A-TOKEN-BUT-A-SECRET");
    bot.systemctl(&["start", "--no-block"]);
    bot.wait_for_state("failed failed");
    bot.assert_ended("failed failed", "exit-code", "78");
    assert!(!bot.journal().contains("A-SECRET"), "{}", bot.journal());
}
