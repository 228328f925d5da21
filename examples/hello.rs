//! An ordinary teloxide handler under the supervisor, with a hook at each end.
#![allow(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use sundown::lifecycle::Failure;
use teloxide::prelude::*;

async fn say(text: &'static str) -> Result<(), Failure> {
    println!("{text}");
    Ok(())
}

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let handler = Update::filter_message().endpoint(async |bot: Bot, message: Message| {
        bot.send_message(message.chat.id, "Hello!").await?;
        respond(())
    });
    let report = sundown::polling(Bot::from_env(), handler)
        .supervised(|bot| bot.on_start("greet", || say("coming up")))
        .supervised(|bot| bot.on_drain("say goodbye", || say("going down")))
        .run()
        .await;
    print!("{report}");
    report.exit_code()
}
