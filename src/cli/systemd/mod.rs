//! `sundown systemd`: the units for systemd, printed or installed.
//!
//! They are the files in `systemd/`, compiled in; what is installed differs in the program's path alone, and for a user's
//! own manager by what that manager cannot do. A token is never written: it is whoever installs the bot who has it.

mod install;
#[cfg(test)]
mod tests;
mod unit;

use std::io::{self, Write};
use std::path::PathBuf;

use super::Refusal;
use install::Root;
use unit::{DropIn, Instance, Manager, Program};

/// Print or install units for systemd
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the units, each under the name of its file
    Print(What),
    /// Write the units, and a configuration where there is none, and say what to do next
    ///
    /// What is there and equal is left alone. A configuration or a token that is there is never touched; changes to a unit
    /// of your own belong into drop-ins (systemctl edit), which are not touched either.
    Install {
        #[command(flatten)]
        what: What,
        /// Write below this folder instead of /, as for an image
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct What {
    /// The bot is sundown@NAME.service; without a name it is sundown.service, for a machine with one bot
    name: Option<Instance>,
    /// For your own service manager (systemctl --user) instead of the machine's
    #[arg(long)]
    user: bool,
    /// The bot for one shift instead, and its timer: sundown-window@NAME.service and .timer
    #[arg(long, requires = "name")]
    window: bool,
    /// With this drop-in; may be given more than once
    #[arg(long = "drop-in", value_name = "DROP-IN", conflicts_with = "user")]
    drop_ins: Vec<DropIn>,
    /// The program that the units run [default: this one]
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

pub(super) fn run(args: Args) -> Result<(), Refusal> {
    let text = match args.command {
        Command::Print(what) => print(&what)?,
        Command::Install { what, root } => install::install(&what, &Root::new(root)?)?,
    };
    // A closed pipe is the reader's own affair.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn print(what: &What) -> Result<String, Refusal> {
    let manager = what.manager();
    let folder = manager.units()?;
    let program = Program::new(what.binary.clone(), manager)?;
    let texts = what.files().into_iter().map(|(name, text)| {
        let path = folder.join(name);
        format!(
            "# {}\n{}",
            path.display(),
            unit::adapt(text, manager, &program)
        )
    });
    Ok(texts.collect::<Vec<_>>().join("\n"))
}

impl What {
    fn manager(&self) -> Manager {
        if self.user {
            Manager::User
        } else {
            Manager::System
        }
    }

    /// The instance, or the name that stands for one in the unit of the only bot.
    fn instance(&self) -> &str {
        self.name.as_ref().map_or("sundown", Instance::as_str)
    }

    /// What is started, as systemctl calls it.
    fn unit(&self) -> String {
        match &self.name {
            None => "sundown.service".to_owned(),
            Some(name) if self.window => format!("sundown-window@{}.timer", name.as_str()),
            Some(name) => format!("sundown@{}.service", name.as_str()),
        }
    }

    /// The service that this starts sooner or later.
    fn service(&self) -> String {
        self.unit().replace(".timer", ".service")
    }

    /// The files below the folder of units, with their texts as they are in `systemd/`.
    fn files(&self) -> Vec<(String, &'static str)> {
        let mut files = match (&self.name, self.window) {
            (None, _) => vec![unit::ONE],
            (Some(_), false) => vec![unit::INSTANCE],
            (Some(_), true) => vec![unit::WINDOW, unit::TIMER],
        }
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text))
        .collect::<Vec<_>>();
        for drop_in in &self.drop_ins {
            let (name, text) = drop_in.file();
            files.push((format!("{}.d/{name}", self.service()), text));
        }
        files
    }
}
