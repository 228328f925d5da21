//! A bot for the crash tests: it notes in the file `$CRASH_LOG` which handler begins and ends, and answers in between.
//! `die` ends the process by SIGABRT, each time it is handled; `fail once` fails the first time in a process.

#![allow(clippy::print_stdout, reason = "it talks to the tests that run it")]

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use teloxide::prelude::*;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let path = std::env::var("CRASH_LOG").expect("where to note what happens");
    let log = File::options().append(true).create(true).open(path);
    let log = Arc::new(log.expect("a file to note in"));
    let handler =
        Update::filter_message().endpoint(async |bot: Bot, message: Message, log: Arc<File>| {
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
            note("end");
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
    let report = sundown::polling(Bot::from_env(), handler)
        .dependencies(dptree::deps![log])
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
