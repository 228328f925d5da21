//! The commands, apart from any terminal.

use std::fmt::Write as _;

use futures::StreamExt;

use super::abilities::Abilities;
use super::command::{COMMANDS, Command};
use super::session::Out;
use super::{inbox, status};
use crate::lifecycle::Phase;

/// Done.
const WELL: u8 = 0;
/// It could not be done; the text says why.
const FAILED: u8 = 1;
/// No command.
const USAGE: u8 = 64;

/// What executes an operator's lines. Cheap to clone.
#[derive(Clone)]
pub struct Console(pub(super) Abilities);

impl Console {
    /// One that can do this.
    #[must_use]
    pub fn new(abilities: Abilities) -> Self {
        Self(abilities)
    }

    /// The names of the services, in start order.
    pub(super) fn services(&self) -> Vec<String> {
        let services = self.0.handle.snapshot().services;
        services.into_iter().map(|service| service.name).collect()
    }

    /// Does what a line says, and returns how that went, as an exit code.
    ///
    /// # Cancel safety
    /// Dropped, the command is broken off; what it has asked others for may be done all the same.
    pub(super) async fn execute(&self, line: &str, out: &Out) -> u8 {
        let command = match Command::parse(line) {
            Ok(Some(command)) => command,
            Ok(None) => return WELL,
            Err(text) => {
                out.line(text).await;
                return USAGE;
            }
        };
        match self.carry_out(command, out).await {
            Ok(text) => {
                if !text.is_empty() {
                    out.line(text.trim_end()).await;
                }
                WELL
            }
            Err(text) => {
                out.line(text).await;
                FAILED
            }
        }
    }

    async fn carry_out(&self, command: Command, out: &Out) -> Result<String, String> {
        let abilities = &self.0;
        match command {
            Command::Help => Ok(help()),
            Command::Status => Ok(self.status().await),
            Command::Services => Ok(status::services(&abilities.handle.dump())),
            Command::Restart(name) => match abilities.handle.request_restart(name.as_str()).await {
                Ok(()) => Ok(format!("{name} is being restarted")),
                Err(refused) => Err(refused.to_string()),
            },
            Command::Tail { count, follows } => self.tail(count, follows, out).await,
            Command::Level(filter) => (abilities.level)(&filter),
            Command::Say { chat, text } => match &abilities.say {
                Some(say) => say(chat, text).await,
                None => Err(absent("say")),
            },
            Command::Ask(text) => self.ask(text, out).await,
            Command::Read(url) => match &abilities.read {
                Some(read) => read(url).await,
                None => Err(absent("read")),
            },
            Command::Inbox(order) => inbox::execute(order, abilities.state_dir.clone()).await,
            Command::Guard => (abilities.guard)().await,
            Command::Drain => self.drain(out).await,
            Command::Shutdown => {
                abilities.handle.request_stop("the operator's console");
                Ok("stopping".to_owned())
            }
            // Whoever shows the prompt leaves.
            Command::Quit => Ok(String::new()),
        }
    }

    async fn status(&self) -> String {
        let counts = (self.0.store)().counts().await;
        let backlog = match counts {
            Ok(counts) => format!("{} queued, {} parked", counts.queued, counts.parked),
            Err(error) => format!("unknown: {error}"),
        };
        status::text(&self.0.handle.dump(), &backlog)
    }

    async fn tail(&self, count: usize, follows: bool, out: &Out) -> Result<String, String> {
        // Before the first look, so that nothing falls between the two.
        let mut more = (self.0.lines.follow)();
        for line in (self.0.lines.recent)(count) {
            out.say(&*line).await;
        }
        if follows {
            while let Some(line) = more.next().await {
                out.say(line).await;
            }
        }
        Ok(String::new())
    }

    async fn ask(&self, text: String, out: &Out) -> Result<String, String> {
        let Some(ask) = &self.0.ask else {
            return Err(absent("ask"));
        };
        let mut answer = ask(text);
        let mut is_open = false;
        while let Some(piece) = answer.next().await {
            match piece {
                Ok(text) => {
                    is_open = !text.ends_with('\n');
                    out.say(text).await;
                }
                Err(text) => {
                    if is_open {
                        out.say("\n").await;
                    }
                    return Err(text);
                }
            }
        }
        if is_open {
            out.say("\n").await;
        }
        Ok(String::new())
    }

    /// Asks for the stop, and says at each change what it waits for.
    async fn drain(&self, out: &Out) -> Result<String, String> {
        let handle = &self.0.handle;
        handle.request_stop("the operator's console");
        let mut snapshots = handle.watch();
        let mut said = String::new();
        while handle.phase() < Phase::Stopped {
            let waiting = handle.dump().still_running();
            let text = format!("{}: {waiting}", handle.phase());
            if text != said && handle.phase() > Phase::Running {
                out.line(&text).await;
                said = text;
            }
            if snapshots.changed().await.is_err() {
                break;
            }
        }
        Ok(String::new())
    }
}

fn help() -> String {
    let mut text = String::new();
    for (name, arguments, what) in COMMANDS {
        let _ = writeln!(text, "  {:<22} {what}", format!("{name} {arguments}"));
    }
    text
}

fn absent(name: &str) -> String {
    format!("`{name}` is not built in, or turned off in the configuration")
}
