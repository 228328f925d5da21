//! Every way out of the prompt gives the terminal back as it was.

use std::fs::OpenOptions;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::instance::{Place, make_fifo};
use super::screen::Screen;

/// Longer than the time in which another signal is taken for the last one, or is not yet let through.
const ANOTHER_THOUGHT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn ctrl_c_and_the_end_of_input_stop_gracefully() {
    let place = Place::new().await;
    let test = "ctrl_c_and_the_end_of_input_stop_gracefully";
    for (key, reason) in [
        ("C-c", "sundown stopped: SIGINT"),
        ("C-d", "sundown stopped: the operator left the console"),
    ] {
        let Some(screen) = place.prompt(test, 100, &[]) else {
            return;
        };
        assert!(!screen.is_canonical(), "keys come one by one");
        screen.presses(key);
        assert_eq!(screen.end(), 0, "{}", screen.all());
        assert!(screen.all().contains(reason), "{}", screen.all());
    }
}

#[tokio::test]
async fn a_second_ctrl_c_makes_the_stop_fast() {
    let place = Place::new().await;
    let test = "a_second_ctrl_c_makes_the_stop_fast";
    let Some(screen) = place.prompt(test, 160, &["--stop-timeout", "60s"]) else {
        return;
    };
    let hang = json!({ "method": "sendMessage", "fault": "hang", "seconds": 600, "times": 99 });
    place.server.fault(hang).await;
    place.server.say(7, "/ping").await;
    place.server.wait_for_log("fault=true", 1);
    screen.presses("C-c");
    screen.wait_for("or by Ctrl-C");
    thread::sleep(ANOTHER_THOUGHT);
    assert!(screen.is_canonical(), "given back as the stop begins");
    screen.presses("C-c");
    screen.end();
    let said = screen.all();
    assert!(said.contains("cut short by a second signal"), "{said}");
}

#[tokio::test]
async fn a_panic_in_a_handler_is_readable_and_the_prompt_goes_on() {
    let place = Place::new().await;
    let panics = ["SUNDOWN_PANIC_AT=assistant-before-show:1"];
    let test = "a_panic_in_a_handler_is_readable";
    let Some(screen) = place.screen(test, 160, &panics, &[]) else {
        return;
    };
    screen.wait_for_last("sundown>");
    screen.types("say 7 half");
    place.server.say(7, "Good evening").await;
    let rows = screen.wait_for("update parked");
    let says = |text: &str| rows.iter().any(|row| row.contains(text));
    assert!(
        says("panic: asked for at assistant-before-show"),
        "{rows:#?}"
    );
    assert!(says("the handler panicked: asked for at"), "{rows:#?}");
    screen.wait_for_last("sundown> say 7 half");
    screen.presses("C-c");
    assert_eq!(screen.end(), 0, "{}", screen.all());
}

#[tokio::test]
async fn a_panic_of_the_prompt_itself_gives_the_terminal_back_and_takes_it_anew() {
    let place = Place::new().await;
    let panics = ["SUNDOWN_PANIC_AT=console-line:1"];
    let test = "a_panic_of_the_prompt_itself";
    let Some(screen) = place.screen(test, 160, &panics, &[]) else {
        return;
    };
    screen.wait_for_last("sundown>");
    screen.enters("status");
    screen.wait_until("the panic's message", |_| {
        let said = screen.all();
        said.contains("panic: asked for at console-line")
    });
    screen.wait_for_last("sundown>");
    screen.enters("status");
    screen.wait_for("console      ready for");
    screen.presses("C-c");
    assert_eq!(screen.end(), 0, "{}", screen.all());
}

#[tokio::test]
async fn a_history_whose_file_hangs_holds_up_the_prompt_alone_and_no_stop() {
    let place = Place::new().await;
    let history = place.path("state/console.history");
    std::fs::create_dir(place.path("state")).unwrap();
    make_fifo(&history);
    let test = "a_history_whose_file_hangs";
    let Some(screen) = place.screen(test, 160, &[], &[]) else {
        return;
    };
    // It is read until there is nobody who writes.
    drop(OpenOptions::new().write(true).open(&history).unwrap());
    screen.wait_for_last("sundown>");
    screen.enters("status");
    screen.wait_for("sundown> status");
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    place.told("status");
    screen.presses("C-c");
    assert_eq!(screen.end(), 0, "{}", screen.all());
}

/// A bot whose prompt has hung with the terminal in its hands, in this way.
async fn hanging(test: &str, way: &str, budget: &str) -> Option<(Place, Screen)> {
    let place = Place::new().await;
    let hangs = format!("{way}=console-line:1");
    let screen = place.screen(test, 160, &[&hangs], &["--stop-timeout", budget])?;
    screen.wait_for_last("sundown>");
    screen.enters("status");
    screen.wait_for("sundown> status");
    assert!(!screen.is_canonical());
    Some((place, screen))
}

#[tokio::test]
async fn a_prompt_that_hangs_holds_up_nobody_and_is_abandoned_without_the_terminal() {
    let test = "a_prompt_that_hangs_holds_up_nobody";
    let Some((place, screen)) = hanging(test, "SUNDOWN_BLOCK_AT", "3s").await else {
        return;
    };
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    place.told("status");
    screen.presses("C-c");
    assert_eq!(screen.end(), 80, "{}", screen.all());
    let said = screen.all();
    assert!(said.contains("service    console      abandoned"), "{said}");
}

#[tokio::test]
async fn the_hard_deadline_gives_the_terminal_back() {
    let test = "the_hard_deadline_gives_the_terminal_back";
    let Some((_place, screen)) = hanging(test, "SUNDOWN_WEDGE_AT", "3s").await else {
        return;
    };
    screen.presses("C-c");
    // Now and then another thread goes on in time, and the runtime with it.
    let code = screen.end();
    assert!(matches!(code, 81 | 80), "{code}: {}", screen.all());
    let said = screen.all();
    assert!(
        said.contains("console (") || said.contains("console      abandoned"),
        "{said}"
    );
}

#[tokio::test]
async fn the_third_ctrl_c_gives_the_terminal_back() {
    let test = "the_third_ctrl_c_gives_the_terminal_back";
    let Some((_place, screen)) = hanging(test, "SUNDOWN_BLOCK_AT", "300s").await else {
        return;
    };
    // On a slow machine two may count as one.
    while !screen.has_ended() {
        screen.presses("C-c");
        thread::sleep(ANOTHER_THOUGHT);
    }
    assert_eq!(screen.end(), 130, "{}", screen.all());
}
