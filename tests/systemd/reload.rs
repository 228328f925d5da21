//! `systemctl reload`.

use crate::instance::Instance;
use crate::lab::lab;
use crate::support::Server;

#[tokio::test]
async fn a_reload_is_followed_by_systemd_and_changes_what_it_can() {
    let Some(lab) = lab("a_reload_is_followed_by_systemd_and_changes_what_it_can") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "reload", &server.url, "");
    bot.start();
    let pid = bot.property("MainPID");
    let url = server.url.replace("127.0.0.1", "localhost");
    // So that systemd says what it is told, and what it makes of it.
    lab.run(&["systemctl", "log-level", "debug"]);
    bot.configure(&format!(
        "api_url = \"{url}\"\npoll_timeout = \"1s\"\nlog_level = \"debug\"\n"
    ));
    bot.systemctl(&["reload"]);
    bot.wait("end of the reload", || {
        let journal = bot.journal();
        let reload = journal.split_once("(RELOADING=1, MONOTONIC_USEC=");
        reload.is_some_and(|(before, after)| {
            before.contains("Changed running -> reload")
                && after.contains("Changed reload -> running")
        })
    });
    lab.run(&["systemctl", "log-level", "info"]);
    assert_eq!(bot.state(), "active running");
    // Not said at the level before.
    server.say(7, "/ping").await;
    bot.wait_for_journal("updates stored");
    assert_eq!((bot.property("MainPID"), bot.restarts()), (pid, 0));
}

#[tokio::test]
async fn a_broken_configuration_leaves_the_one_in_force() {
    let Some(lab) = lab("a_broken_configuration_leaves_the_one_in_force") else {
        return;
    };
    let server = Server::start().await;
    let bot = Instance::new(lab, "broken", &server.url, "");
    bot.start();
    let pid = bot.property("MainPID");
    bot.configure("this is no configuration");
    bot.systemctl(&["reload"]);
    bot.wait_for_journal("not reloaded; what was in force stays in force");
    bot.wait_for_state("active running");
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    assert_eq!((bot.property("MainPID"), bot.restarts()), (pid, 0));
}
