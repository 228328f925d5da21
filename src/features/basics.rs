//! The first answers of any bot: `/start`, `/help`, `/ping`, and a word to whoever writes something else.

use std::time::Duration;

use teloxide::RequestError;
use teloxide::prelude::*;
use teloxide::types::AllowedUpdate;
use teloxide::utils::command::BotCommands;

use tokio::time::sleep;

use super::Failed;
use crate::bot::UpdateHandler;
use crate::lifecycle::Handle;
use crate::telegram::outgoing::Outgoing;

// Plain comments: teloxide shows doc comments to users.
#[derive(BotCommands, Clone)]
#[command(rename_rule = "lowercase", description = "I can:")]
enum Command {
    #[command(description = "say hello")]
    Start,
    #[command(description = "list what I can do")]
    Help,
    #[command(description = "tell how long I have been up and what I am doing")]
    Ping,
}

/// What the other features add to the list of commands.
#[derive(Clone, Debug, Default)]
pub struct Others(String);

impl Others {
    /// The name of each command, without the slash, and what it does.
    #[must_use]
    pub fn new<'a>(commands: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Self(
            commands
                .map(|(name, does)| format!("\n/{name} — {does}"))
                .collect(),
        )
    }

    fn behind_ours(&self) -> String {
        format!("{}{}", Command::descriptions(), self.0)
    }
}

/// Kinds of updates that the tree takes.
pub const UPDATES: [AllowedUpdate; 1] = [AllowedUpdate::Message];

/// The handler tree. It needs a [`Handle`] and [`Others`] among the dependencies.
#[must_use]
pub fn handler() -> UpdateHandler<Failed> {
    Update::filter_message()
        .branch(
            dptree::entry()
                .filter_command::<Command>()
                .endpoint(command),
        )
        .branch(
            dptree::filter(|message: Message| message.chat.is_private() && message.from.is_some())
                .endpoint(anything_else),
        )
}

async fn command(
    bot: Bot,
    outgoing: Outgoing,
    message: Message,
    command: Command,
    others: Others,
    handle: Handle,
) -> Result<(), Failed> {
    let answer = match command {
        Command::Start => format!(
            "Hello! I am a bot that stops on time.\n\n{}",
            others.behind_ours()
        ),
        Command::Help => others.behind_ours(),
        Command::Ping => format!("pong: up {}, {}", in_words(handle.uptime()), handle.phase()),
    };
    say(&bot, &outgoing, message.chat.id, &answer).await
}

async fn anything_else(
    bot: Bot,
    outgoing: Outgoing,
    message: Message,
    others: Others,
) -> Result<(), Failed> {
    let answer = format!("I do not understand that yet.\n\n{}", others.behind_ours());
    say(&bot, &outgoing, message.chat.id, &answer).await
}

/// Sends in the chat's turn, and has some patience with a network that is away.
async fn say(bot: &Bot, outgoing: &Outgoing, chat: ChatId, text: &str) -> Result<(), Failed> {
    for wait in [1, 2, 4] {
        match outgoing.send(bot.send_message(chat, text)).await {
            Err(RequestError::Network(_) | RequestError::Io(_)) => {
                sleep(Duration::from_secs(wait)).await;
            }
            answer => return Ok(answer.map(drop)?),
        }
    }
    outgoing.send(bot.send_message(chat, text)).await?;
    Ok(())
}

fn in_words(time: Duration) -> String {
    let s = time.as_secs();
    match (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => format!("{m} min {s} s"),
        (0, h, m, _) => format!("{h} h {m} min"),
        (d, h, ..) => format!("{d} d {h} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::kinds::assert_takes;

    #[test]
    fn the_tree_takes_the_kinds_that_are_asked_for() {
        assert_takes(&handler(), &UPDATES);
    }

    #[test]
    fn the_other_features_commands_are_listed_too() {
        let text = Others::new([("ask", "ask something")].into_iter()).behind_ours();
        assert!(text.starts_with("I can:\n\n/start — say hello\n"), "{text}");
        assert!(text.ends_with("\n/ask — ask something"), "{text}");
    }

    #[test]
    fn uptime_is_said_in_the_two_largest_units() {
        let words = [5, 65, 3_700, 100_000].map(|s| in_words(Duration::from_secs(s)));
        assert_eq!(words, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 3 h"]);
    }
}
