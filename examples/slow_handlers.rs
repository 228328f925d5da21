//! Handlers of half a second: on SIGTERM those that run finish, and none is lost.
//!
//! It tells on standard error what happens in which order.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::lifecycle::Failure;
use teloxide::prelude::*;
use tracing::info;

async fn goodbye() -> Result<(), Failure> {
    info!("goodbye");
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .init();
    let handler = Update::filter_message().endpoint(async |bot: Bot, message: Message| {
        info!("handler started");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let text = message.text().unwrap_or("nothing");
        bot.send_message(message.chat.id, format!("You said {text}"))
            .await?;
        info!("handler finished");
        respond(())
    });
    let report = sundown::polling(Bot::from_env(), handler)
        .supervised(|bot| bot.on_drain("say goodbye", goodbye))
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
