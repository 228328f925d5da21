//! A bot for one shift.

use std::time::Duration;

use crate::instance::Instance;
use crate::lab::lab;
use crate::support::Server;

#[tokio::test]
async fn a_shift_begins_by_the_timer_and_ends_by_itself() {
    let Some(lab) = lab("a_shift_begins_by_the_timer_and_ends_by_itself") else {
        return;
    };
    let server = Server::start().await;
    let unit = "sundown-window@shift.service".to_owned();
    let bot = Instance::of(lab, unit, "shift", &server.url, "");
    bot.drop_in("Environment=RUN_FOR=3s\nRuntimeMaxSec=40s\nRestartSec=100ms");
    let now = "[Timer]\nOnCalendar=\nOnActiveSec=1s\n";
    let path = "/etc/systemd/system/sundown-window@shift.timer.d/test.conf";
    lab.put(path, now.as_bytes(), "644");
    lab.reload_units();
    lab.run(&["systemctl", "start", "sundown-window@shift.timer"]);
    assert_eq!(bot.state(), "inactive dead");
    bot.wait_for_state("active running");
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    bot.wait_for_state("inactive dead");
    bot.assert_ended("inactive dead", "success", "0");
    bot.assert_in_journal("the run-for time is over");
    // Long enough for a restart that would follow.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(
        (bot.state(), bot.restarts()),
        ("inactive dead".to_owned(), 0)
    );
}

#[tokio::test]
async fn a_shift_takes_the_place_of_the_bot_that_always_runs() {
    let Some(lab) = lab("a_shift_takes_the_place_of_the_bot_that_always_runs") else {
        return;
    };
    let server = Server::start().await;
    let always = Instance::new(lab, "relief", &server.url, "");
    always.start();
    let unit = "sundown-window@relief.service".to_owned();
    let shift = Instance::of(lab, unit, "relief", &server.url, "");
    shift.start();
    always.assert_ended("inactive dead", "success", "0");
}
