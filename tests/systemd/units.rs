//! The units themselves: what systemd thinks of them, and what is in force.

use crate::instance::Instance;
use crate::lab::{lab, text};
use crate::support::Server;

const UNITS: [&str; 4] = [
    "sundown.service",
    "sundown@tea.service",
    "sundown-window@tea.service",
    "sundown-window@tea.timer",
];
/// What `systemd-analyze security` may find at most; 10 is a service without a sandbox.
const EXPOSURE_MAX: f64 = 1.2;

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let Some(lab) = lab("systemd_finds_nothing_wrong_with_the_units") else {
        return;
    };
    for unit in UNITS {
        let verified = lab.output(&["systemd-analyze", "verify", unit]);
        let said = text(&verified.stdout) + &text(&verified.stderr);
        assert!(
            verified.status.success() && said.is_empty(),
            "{unit}:\n{said}"
        );
    }
}

#[test]
fn the_sandbox_leaves_little_exposed() {
    let Some(lab) = lab("the_sandbox_leaves_little_exposed") else {
        return;
    };
    for unit in [
        "sundown.service",
        "sundown@.service",
        "sundown-window@.service",
    ] {
        let path = format!("/etc/systemd/system/{unit}");
        let words = [
            "systemd-analyze",
            "security",
            "--offline=true",
            "--no-pager",
            &path,
        ];
        let said = lab.run(&words);
        let overall = said
            .lines()
            .find(|line| line.contains("Overall exposure level"));
        let overall = overall.unwrap_or_else(|| panic!("{said}"));
        let level = overall
            .rsplit(": ")
            .next()
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let level: f64 = level.parse().unwrap();
        assert!(level <= EXPOSURE_MAX, "{unit}: {overall}");
    }
}

#[test]
fn installing_again_changes_nothing() {
    let Some(lab) = lab("installing_again_changes_nothing") else {
        return;
    };
    let said = lab.run(&["/usr/local/bin/sundown", "systemd", "install", "tea"]);
    assert!(
        said.starts_with("unchanged  /etc/systemd/system/sundown@.service\n"),
        "{said}"
    );
    assert!(
        said.contains("kept       /etc/sundown/tea.toml\n"),
        "{said}"
    );
}

#[tokio::test]
async fn the_bot_works_behind_the_ip_allow_list() {
    let Some(lab) = lab("the_bot_works_behind_the_ip_allow_list") else {
        return;
    };
    let words = [
        "/usr/local/bin/sundown",
        "systemd",
        "install",
        "walled",
        "--drop-in",
        "ip-allow-list",
    ];
    lab.run(&words);
    lab.reload_units();
    let server = Server::start().await;
    let bot = Instance::new(lab, "walled", &server.url, "");
    bot.start();
    let denied = bot.property("IPAddressDeny");
    assert!(denied.contains("0.0.0.0/0"), "{denied}");
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
}
