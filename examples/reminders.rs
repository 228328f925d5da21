//! What a bot keeps, and timers that survive its end: `remind me 5` answers five seconds later, also where the process
//! was killed meanwhile and started again, and says how many reminders the chat has had.
//!
//! ```sh
//! cargo run --release -- sandbox --listen 127.0.0.1:8081 &
//! TELOXIDE_TOKEN=123456789:any-secret-will-do TELOXIDE_API_URL=http://127.0.0.1:8081 cargo run --example reminders
//! ```

#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::process::ExitCode;
use std::time::Duration;

use sundown::bot::{State, Timer};
use teloxide::prelude::*;

type Fallible = Result<(), Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> ExitCode {
    let report = sundown::polling(
        Bot::from_env(),
        Update::filter_message().endpoint(take_order),
    )
    .on_timer(dptree::endpoint(remind))
    .run()
    .await;
    print!("{report}");
    report.exit_code()
}

async fn take_order(bot: Bot, message: Message, state: State) -> Fallible {
    let chat = message.chat.id;
    let seconds = message
        .text()
        .and_then(|text| text.strip_prefix("remind me "));
    let Some(seconds) = seconds.and_then(|seconds| seconds.parse().ok()) else {
        bot.send_message(chat, "Say \"remind me 5\", and I do in five seconds.")
            .await?;
        return Ok(());
    };
    // Committed together with the end of this handler: an update is not over without its timer.
    let name = format!("reminder/{}/{}", chat, message.id);
    state.set_timer(&name, Duration::from_secs(seconds), &chat)?;
    bot.send_message(chat, "I will.").await?;
    Ok(())
}

async fn remind(bot: Bot, timer: Timer, state: State) -> Fallible {
    let chat: ChatId = timer.body()?;
    let name = format!("reminders/{chat}");
    let count = state.get::<u64>(&name).await?.unwrap_or(0) + 1;
    state.put(&name, &count)?;
    bot.send_message(chat, format!("It is time (number {count})."))
        .await?;
    Ok(())
}
