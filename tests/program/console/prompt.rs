//! The prompt beside the running bot: what is on the screen.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::instance::{Place, without_numbers};

const PROMPT: &str = "sundown>";

/// Every row but the last is something else than the prompt's.
#[track_caller]
fn assert_whole(rows: &[String], typed: &str) {
    let (last, above) = rows.split_last().unwrap();
    assert_eq!(last, &format!("{PROMPT} {typed}"), "{rows:#?}");
    let is_torn = |row: &&String| row.starts_with(PROMPT) || row.contains(typed);
    assert_eq!(above.iter().find(is_torn), None, "{rows:#?}");
}

#[tokio::test]
async fn a_half_typed_line_stays_whole_below_the_log() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("a_half_typed_line", 100, &["--log-level", "debug"]) else {
        return;
    };
    // A chat that nobody has written in is none for a bot.
    place.server.say(9, "/ping").await;
    let mut typed = String::new();
    for c in "say 9 half of it".chars() {
        place.server.say(7, "/ping").await;
        screen.types(&c.to_string());
        typed.push(c);
    }
    place.server.wait_for_answers(7, typed.len()).await;
    let rows = screen.wait_until("a whole line below the log", |rows| {
        let lines = rows.iter().filter(|row| row.contains(" DEBUG "));
        lines.count() > 5 && rows.last().is_some_and(|row| row.ends_with(&typed))
    });
    assert_whole(&rows, &typed);
    screen.presses("Enter");
    let answers = place.server.wait_for_answers(9, 2).await;
    assert_eq!(answers[1], "half of it");
    screen.wait_for("sent as message");
    screen.presses("C-d");
    assert_eq!(screen.end(), 0);
}

#[tokio::test]
async fn commands_and_services_are_completed_and_status_shows_them_all() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("commands_and_services_are_completed", 100, &[]) else {
        return;
    };
    screen.types("stat");
    screen.presses("Tab");
    screen.wait_for_last("sundown> status");
    screen.presses("Enter");
    let rows = screen.wait_until("the status", |rows| {
        rows.iter().any(|row| row.starts_with("console "))
            && rows.last().is_some_and(|row| row == PROMPT)
    });
    let from = rows.iter().position(|row| row == "sundown> status");
    let shown: Vec<_> = rows[from.unwrap()..]
        .iter()
        .map(|row| without_numbers(row))
        .collect();
    let expected = [
        "sundown> status",
        "sundown is running, up #.# s",
        "backlog # queued, # parked",
        "browser      ready for #.# s, # running",
        "store        ready for #.# s; # queued, # parked",
        "attach       ready for #.# s",
        "lanes        ready for #.# s, # running",
        "poller       ready for #.# s, heard of #.# s ago; polling",
        "console      ready for #.# s",
        PROMPT,
    ];
    // A machine that is slow enough says minutes.
    let minutes = |row: &str| row.replace("#s", "#.# s").replace("#m ", "");
    let shown: Vec<_> = shown.iter().map(|row| minutes(row)).collect();
    assert_eq!(shown, expected);
    screen.types("services restart p");
    screen.presses("Tab");
    screen.wait_for_last("sundown> services restart poller");
    screen.presses("C-u");
    screen.types("s");
    screen.presses("Tab");
    screen.wait_for_last("sundown> s");
    screen.wait_for("status  services  say  shutdown");
    screen.presses("C-u");
    screen.enters("quit");
    assert_eq!(screen.end(), 0);
}

#[tokio::test]
async fn escape_ends_a_command_and_leaves_the_bot() {
    let place = Place::new().await;
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = silent.local_addr().unwrap().to_string();
    place.allow(&host);
    let Some(screen) = place.prompt("escape_ends_a_command", 100, &[]) else {
        return;
    };
    screen.enters(&format!("read http://{host}/"));
    // The page is asked for.
    let (_client, _) = silent.accept().unwrap();
    screen.enters("level warn");
    screen.presses("Escape");
    screen.wait_for("logged from now on: warn");
    assert!(!screen.all().contains("took longer"), "{}", screen.all());
    screen.enters("quit");
    assert_eq!(screen.end(), 0);
}

#[tokio::test]
async fn the_history_outlives_the_process_and_holds_nothing_that_was_said() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("the_history_outlives_the_process", 100, &[]) else {
        return;
    };
    for line in ["tail 1", "say 7 a secret", "ask about a secret", "guard"] {
        screen.enters(line);
        screen.wait_until(line, |rows| {
            let entered = format!("{PROMPT} {line}");
            let at = rows.iter().rposition(|row| *row == entered);
            at.is_some_and(|at| rows.len() > at + 2) && rows.last().is_some_and(|row| row == PROMPT)
        });
    }
    screen.presses("Up");
    screen.wait_for_last("sundown> guard");
    screen.presses("C-u");
    screen.enters("quit");
    assert_eq!(screen.end(), 0);
    let file = place.path("state/console.history");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(kept, "tail 1\nguard\n");
    let screen = place.prompt("the_history", 100, &[]).unwrap();
    for earlier in ["guard", "tail 1"] {
        screen.presses("Up");
        screen.wait_for_last(&format!("{PROMPT} {earlier}"));
    }
    screen.presses("Down");
    screen.wait_for_last("sundown> guard");
}

#[tokio::test]
async fn a_resize_leaves_one_row_for_the_prompt() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("a_resize", 100, &[]) else {
        return;
    };
    let typed =
        "ask this line is longer than the forty columns that the terminal will have in a while";
    screen.types(typed);
    screen.wait_for_last(&format!("{PROMPT} {typed}"));
    screen.resize(40);
    let rows = screen.wait_for_last("sundown>  terminal will have in a while");
    let torn = |row: &&String| row.contains("longer") || row.contains("columns");
    assert_eq!(rows.iter().find(torn), None, "{rows:#?}");
    let prompts = rows.iter().filter(|row| row.starts_with(PROMPT)).count();
    assert_eq!(prompts, 1, "{rows:#?}");
    screen.resize(12);
    screen.wait_for_last(" in a while");
    screen.resize(100);
    let rows = screen.wait_for_last(&format!("{PROMPT} {typed}"));
    assert_whole(&rows, typed);
    screen.presses("C-u");
    screen.enters("quit");
    assert_eq!(screen.end(), 0);
}

#[tokio::test]
async fn the_prompt_and_the_levels_have_colours_and_wide_characters_their_places() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("the_prompt_and_the_levels_have_colours", 100, &[]) else {
        return;
    };
    let coloured = screen.coloured();
    assert!(coloured.contains("\x1b[1msundown>"), "{coloured:?}");
    assert!(coloured.contains("\x1b[32m INFO"), "{coloured:?}");
    screen.types("say 7 \u{e9}\u{4f60}");
    screen.wait_for_last("sundown> say 7 \u{e9}\u{4f60}");
}

#[tokio::test]
async fn what_the_model_writes_comes_below_the_line_and_the_prompt_behind_it() {
    let place = Place::new().await;
    let Some(screen) = place.prompt("what_the_model_writes", 100, &[]) else {
        return;
    };
    screen.enters("ask Are you a machine?");
    let rows = screen.wait_until("an answer", |rows| {
        let asked = rows.iter().position(|row| row.contains("ask Are you"));
        asked.is_some_and(|at| rows.len() > at + 2) && rows.last().is_some_and(|row| row == PROMPT)
    });
    let asked = rows.iter().position(|row| row.contains("ask Are you"));
    let answer = &rows[asked.unwrap() + 1];
    assert!(answer.ends_with(['?', '.']), "{rows:#?}");
}
