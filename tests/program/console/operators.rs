//! Several operators at once, polite or not, and the prompt of one who attaches.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::instance::Place;
use super::screen::Screen;

/// As many as are let in at the same time.
const SEATS: usize = 16;

fn dial(place: &Place) -> UnixStream {
    let stream = UnixStream::connect(place.socket()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// The first line that the instance says.
fn first_line(stream: &UnixStream) -> String {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

#[tokio::test]
async fn whoever_does_not_read_holds_up_nobody_and_no_stop() {
    let place = Place::new().await;
    let bot = place.bot_that(|command| command.args(["--log-level", "debug"]));
    for person in 0..20 {
        place.server.say(100 + person, "/ping").await;
        place.server.wait_for_answers(100 + person, 1).await;
    }
    // Each asks for far more than its socket holds, and reads none of it.
    let stuck: Vec<_> = (0..3).map(|_| dial(&place)).collect();
    for mut stream in &stuck {
        for _ in 0..90 {
            stream.write_all(b"{\"line\":\"tail 1000\"}\n").unwrap();
        }
        stream.write_all(b"{\"line\":\"tail -f 1000\"}\n").unwrap();
    }
    place.told("status");
    place.server.say(7, "/ping").await;
    place.server.wait_for_answers(7, 1).await;
    bot.signal(Signal::SIGTERM);
    let ended = bot.end();
    ended.assert_code(0);
    assert!(ended.took < Duration::from_secs(12), "{:?}", ended.took);
    drop(stuck);
}

#[tokio::test]
async fn a_line_that_is_too_long_or_no_request_is_refused_with_the_reason() {
    let place = Place::new().await;
    let _bot = place.bot();
    let mut stream = dial(&place);
    stream.write_all(b"status\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.contains("{\"refused\":\"that is no request"), "{said}");
    let refused = place.attach(&format!("say 7 {}", "x".repeat(70_000)));
    refused.assert_code(69);
    refused.assert_says("a line may have 65536 bytes at most");
    place.told("status");
}

#[tokio::test]
async fn one_operator_too_many_is_told_so() {
    let place = Place::new().await;
    let _bot = place.bot();
    let seated: Vec<_> = (0..SEATS).map(|_| dial(&place)).collect();
    for stream in &seated {
        assert!(first_line(stream).starts_with("{\"hello\""));
    }
    let refused = place.attach("status");
    refused.assert_code(69);
    refused.assert_says("too many operators are attached");
    drop(seated);
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing_behind() {
    let place = Place::new().await;
    let bot = place.bot();
    let mut stream = dial(&place);
    stream.write_all(b"{\"line\":\"tail -f\"}\n").unwrap();
    assert!(first_line(&stream).starts_with("{\"hello\""));
    stream.shutdown(Shutdown::Both).unwrap();
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
}

fn attached(place: &Place, test: &str) -> Option<Screen> {
    let state = place.path("state");
    let command = [
        env!("CARGO_BIN_EXE_sundown"),
        "attach",
        "--state-dir",
        state.to_str().unwrap(),
    ];
    let screen = Screen::run(test, 100, &command)?;
    screen.wait_for_last("sundown>");
    Some(screen)
}

#[tokio::test]
async fn who_attaches_on_a_terminal_has_the_same_prompt_and_is_told_of_the_end() {
    let place = Place::new().await;
    let bot = place.bot();
    let Some(screen) = attached(&place, "who_attaches_on_a_terminal") else {
        return;
    };
    screen.enters("status");
    screen.wait_for("sundown is running");
    screen.types("services restart p");
    screen.presses("Tab");
    screen.wait_for_last("sundown> services restart poller");
    // At another's terminal it is no signal, and takes the line back.
    screen.presses("C-c");
    screen.wait_for_last("sundown>");
    screen.enters("tail -f 1");
    screen.wait_for("an operator attaches");
    screen.presses("q");
    screen.wait_for_last("sundown>");
    screen.presses("C-d");
    assert_eq!(screen.end(), 0, "the bot goes on");
    let screen = attached(&place, "who_attaches_on_a_terminal").unwrap();
    screen.types("half");
    screen.wait_for_last("sundown> half");
    bot.signal(Signal::SIGTERM);
    bot.end().assert_code(0);
    assert_eq!(screen.end(), 69);
    screen.wait_for("sundown: the instance has ended");
}

#[tokio::test]
async fn drain_at_the_prompt_of_one_who_attaches_went_well() {
    let place = Place::new().await;
    let bot = place.bot();
    let Some(screen) = attached(&place, "drain_at_the_prompt") else {
        return;
    };
    screen.enters("drain");
    bot.end().assert_code(0);
    assert_eq!(screen.end(), 0, "{}", screen.all());
    screen.wait_for("sundown: the instance has ended");
}
