//! The README's way from nothing to a running instance, taken as it is written.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::lab::{lab, repository, text};
use crate::support::{Server, TOKEN};

/// The block of code after this line of the README, without the prompts of `sudo`, which root does without.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let after = readme
        .split_once("<!-- tests/systemd/readme.rs -->\n```sh\n")
        .unwrap()
        .1;
    let block = after.split_once("```").unwrap().0;
    block.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn five_commands_of_the_readme_lead_from_nothing_to_a_running_bot() {
    let Some(lab) = lab("five_commands_of_the_readme_lead_from_nothing_to_a_running_bot") else {
        return;
    };
    let commands = commands();
    assert!((1..=5).contains(&commands.len()), "{commands:#?}");
    // The one thing that the README cannot know: the bot is on no Telegram here.
    let server = Server::start().await;
    let elsewhere = format!("[Service]\nEnvironment=SUNDOWN_API_URL={}\n", server.url);
    let path = "/etc/systemd/system/sundown@mybot.service.d/test.conf";
    lab.put(path, elsewhere.as_bytes(), "644");
    let changing = lab.changing_units();
    for line in &commands {
        let script = format!("cd {}\n{line}", repository().display());
        let mut shell = lab
            .command(&["bash", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // What is typed, where something asks.
        let _ = writeln!(shell.stdin.take().unwrap(), "{TOKEN}");
        let ended = shell.wait_with_output().unwrap();
        let said = text(&ended.stdout) + &text(&ended.stderr);
        assert!(ended.status.success(), "{line}:\n{said}");
    }
    drop(changing);
    let active = lab.run(&["systemctl", "is-active", "sundown@mybot"]);
    assert_eq!(active, "active\n");
    let enabled = lab.run(&["systemctl", "is-enabled", "sundown@mybot"]);
    assert_eq!(enabled, "enabled\n");
    server.say(7, "/ping").await;
    server.wait_for_answers(7, 1).await;
    let _changing = lab.changing_units();
    lab.run(&["systemctl", "disable", "--now", "sundown@mybot"]);
}
