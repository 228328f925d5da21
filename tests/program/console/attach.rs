//! `sundown attach`: what an operator is told, and with which exit code.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::instance::{Place, serve};
use crate::support::Process;

#[tokio::test]
async fn status_tells_phase_services_lanes_backlog_and_the_last_poll() {
    let place = Place::new().await;
    let _bot = place.bot();
    let told = place.told("status");
    for part in [
        "sundown is running, up ",
        "backlog 0 queued, 0 parked",
        "lanes        ready for ",
        "poller       ready for ",
        "heard of ",
        "attach       ready for ",
    ] {
        assert!(told.contains(part), "no {part:?} in\n{told}");
    }
}

#[tokio::test]
async fn a_service_is_restarted_and_what_others_rely_on_is_not() {
    let place = Place::new().await;
    let bot = place.bot();
    assert_eq!(
        place.told("services restart poller"),
        "poller is being restarted\n"
    );
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    let services = place.told("services");
    let poller = services.lines().find(|line| line.starts_with("poller"));
    assert!(poller.unwrap().contains("restarts 1"), "{services}");
    let refused = place.attach("services restart store");
    refused.assert_code(69);
    refused.assert_says("store cannot be restarted by itself: others rely on the one there is");
    let unknown = place.attach("services restart kettle");
    unknown.assert_code(69);
    unknown.assert_says("there is no service `kettle`; there are ");
    // One of its own operators asks for it, and is cut off by it.
    place.attach("services restart attach").assert_code(0);
    bot.wait_for_count("restart requested", 2);
}

#[tokio::test]
async fn what_is_logged_changes_and_its_last_lines_are_told() {
    let place = Place::new().await;
    let bot = place.bot();
    assert_eq!(place.told("level debug"), "logged from now on: debug\n");
    place.server.say(7, "/ping").await;
    bot.wait_for("DEBUG");
    let told = place.told("tail 5");
    assert_eq!(told.lines().count(), 5, "{told}");
    assert!(!told.contains('\x1b'), "{told:?}");
    assert_eq!(place.told("tail 1000").matches("phase=running").count(), 1);
    place.attach("level sundown=loud").assert_code(69);
}

#[tokio::test]
async fn the_environment_decides_what_is_logged_where_it_says_so() {
    let place = Place::new().await;
    let _bot = place.bot_that(|command| command.env("RUST_LOG", "info"));
    let refused = place.attach("level debug");
    refused.assert_code(69);
    refused.assert_says("$RUST_LOG decides what is logged");
}

#[tokio::test]
async fn a_message_arrives_and_is_not_in_the_log() {
    let place = Place::new().await;
    let bot = place.bot_that(|command| command.env("RUST_LOG", "trace"));
    // A chat that nobody has written in is none for a bot.
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    let told = place.told("say 7 the kettle whistles");
    assert!(told.starts_with("sent as message "), "{told}");
    let answers = place.server.answers(7).await;
    assert_eq!(answers.last().unwrap(), "the kettle whistles");
    let refused = place.attach("say 4242424242 hello");
    refused.assert_code(69);
    refused.assert_says("chat 4242424242 was not told: ");
    assert_eq!(bot.count("kettle"), 0, "what is said is not logged");
}

#[tokio::test]
async fn the_model_answers_and_a_page_is_read() {
    let place = Place::new().await;
    let host = serve(
        "<title>Tea</title><article><p>Water boils at a hundred degrees, and green tea wants less than that.</p></article>",
    );
    place.allow(&host);
    let _bot = place.bot();
    let answer = place.told("ask Are you a machine?");
    assert!(answer.trim_end().ends_with(['?', '.']), "{answer:?}");
    let page = place.told(&format!("read http://{host}/"));
    assert!(page.contains("green tea wants less"), "{page}");
    let refused = place.attach("read http://10.0.0.1/");
    refused.assert_code(69);
    refused.assert_says("10.0.0.1");
}

#[tokio::test]
async fn the_inbox_is_listed_and_what_is_parked_is_handled_again() {
    let place = Place::new().await;
    let panics = ("SUNDOWN_PANIC_AT", "assistant-before-show:1");
    let bot = place.bot_that(|command| command.env(panics.0, panics.1));
    assert_eq!(place.told("inbox list"), "nothing is parked\n");
    assert_eq!(place.told("guard"), "no group is known\n");
    place.server.say(7, "Good evening").await;
    bot.wait_for("update parked");
    // It is said before it is written down.
    let mut list = place.told("inbox list");
    while list == "nothing is parked\n" {
        list = place.told("inbox list");
    }
    assert!(
        list.contains("asked for at assistant-before-show"),
        "{list}"
    );
    assert_eq!(place.told("inbox retry all"), "1 to be handled again\n");
    place.server.wait_for_answers(7, 1).await;
    let nothing = place.attach("inbox drop 4711");
    nothing.assert_code(69);
    nothing.assert_says("there is no such update at position 4711");
}

#[tokio::test]
async fn drain_and_shutdown_stop_the_bot_and_went_well() {
    let place = Place::new().await;
    for line in ["drain", "shutdown"] {
        let bot = place.bot();
        let told = place.attach(line);
        told.assert_code(0);
        let ended = bot.end();
        ended.assert_code(0);
        ended.assert_says("stopped: the operator's console");
        assert!(!place.socket().exists(), "removed at the end");
    }
}

#[tokio::test]
async fn lines_come_from_standard_input_too_and_the_first_that_went_wrong_decides() {
    let place = Place::new().await;
    let _bot = place.bot();
    let mut attach = Command::new(env!("CARGO_BIN_EXE_sundown"));
    attach.arg("attach").arg("--socket").arg(place.socket());
    attach.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut attach = attach.spawn().unwrap();
    let mut stdin = attach.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"guard\nstauts\ninbox drop 1\ninbox\n").unwrap();
    drop(stdin);
    let output = attach.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(
        (told[0], told[3]),
        ("no group is known", "nothing is parked")
    );
}

#[tokio::test]
async fn an_unknown_command_is_64_and_no_instance_is_69_with_what_to_do() {
    let place = Place::new().await;
    let nobody = place.attach("status");
    nobody.assert_code(69);
    nobody.assert_says("cannot attach at ");
    nobody.assert_says("no instance runs there");
    let _bot = place.bot();
    let unknown = place.attach("stauts");
    unknown.assert_code(64);
    unknown.assert_says("there is no command `stauts`; `help` lists them");
}

#[tokio::test]
async fn an_instance_is_found_by_its_name_and_several_are_listed() {
    let place = Place::new().await;
    let _bot = place.bot();
    let home = tempfile::tempdir().unwrap();
    let states = home.path().join(".local/state/sundown");
    for name in ["tea", "milk"] {
        fs::create_dir_all(states.join(name)).unwrap();
    }
    symlink(place.socket(), states.join("tea/console.sock")).unwrap();
    let attach = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sundown"));
        command.arg("attach").args(words).args(["--", "status"]);
        for variable in ["SUNDOWN_STATE_DIR", "RUNTIME_DIRECTORY", "STATE_DIRECTORY"] {
            command.env_remove(variable);
        }
        command
            .env_remove("XDG_STATE_HOME")
            .env("HOME", home.path());
        Process::start(&mut command).end()
    };
    let found = attach(&["tea"]);
    found.assert_code(0);
    assert!(found.stdout.contains(" is running"), "{}", found.stdout);
    let missing = attach(&["milk"]);
    missing.assert_code(69);
    missing.assert_says("no instance `milk` runs here");
    let _other = UnixListener::bind(states.join("milk/console.sock")).unwrap();
    let which = attach(&[]);
    which.assert_code(64);
    which.assert_says("which instance? There are ");
}
