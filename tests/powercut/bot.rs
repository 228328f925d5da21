//! A bot that answers at once, for the tests of `tests/program/powercut`: it answers the first word, and tells on
//! standard error what it has answered.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the tests that run it"
)]

use std::process::ExitCode;

use teloxide::prelude::*;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let handler = Update::filter_message().endpoint(async |bot: Bot, message: Message| {
        let text = message.text().and_then(|text| text.split(' ').next());
        let text = text.unwrap_or("nothing");
        bot.send_message(message.chat.id, format!("You said {text}"))
            .await?;
        eprintln!("answered {text}");
        respond(())
    });
    let report = sundown::polling(Bot::from_env(), handler).run().await;
    print!("{report}");
    report.exit_code()
}
