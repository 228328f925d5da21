//! A bot for the crash tests: it notes in the file `$CRASH_LOG` which handler begins and ends, and answers in between.
//! `die` ends the process by SIGABRT, each time it is handled; `fail once` fails the first time in a process. What ends in
//! `keep` is added to the list in the document `kept`, and a timer at once adds it to the list in `rung`.

#![allow(clippy::print_stdout, reason = "it talks to the tests that run it")]

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sundown::bot::{State, Timer};
use sundown::store::StoreError;
use teloxide::prelude::*;

type Fallible = Result<(), Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let path = std::env::var("CRASH_LOG").expect("where to note what happens");
    let log = File::options().append(true).create(true).open(path);
    let log = Arc::new(log.expect("a file to note in"));
    let report = sundown::polling(Bot::from_env(), Update::filter_message().endpoint(answer))
        .on_timer(dptree::endpoint(ring))
        .dependencies(dptree::deps![log])
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}

async fn answer(bot: Bot, message: Message, log: Arc<File>, state: State) -> Fallible {
    let text = message.text().unwrap_or_default().to_owned();
    let note = |what| writeln!(&*log, "{what} {text}").expect("noted");
    note("begin");
    if text == "die" {
        std::process::abort();
    }
    static HAS_FAILED: AtomicBool = AtomicBool::new(false);
    if text == "fail once" && !HAS_FAILED.swap(true, Ordering::SeqCst) {
        return Err("not the first time".into());
    }
    tokio::time::sleep(Duration::from_millis(3)).await;
    bot.send_message(message.chat.id, &text).await?;
    if text.ends_with("keep") {
        add(&state, "kept", &text).await?;
        state.set_timer(&text, Duration::ZERO, &text)?;
    }
    note("end");
    Ok(())
}

async fn ring(timer: Timer, state: State) -> Fallible {
    add(&state, "rung", &timer.body::<String>()?).await?;
    Ok(())
}

/// All people have one list, so that their handlers get into each other's way.
async fn add(state: &State, list: &str, text: &str) -> Result<(), StoreError> {
    let mut texts: Vec<String> = state.get(list).await?.unwrap_or_default();
    texts.push(text.to_owned());
    state.put(list, &texts)
}
