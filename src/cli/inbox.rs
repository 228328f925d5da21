//! `sundown inbox`: the updates in a state directory.

use std::io::{self, Write};
use std::path::PathBuf;

use super::Refusal;
use crate::app::{Inbox, Pos, StoreError};
use crate::lifecycle::ExitKind;

/// Look at the updates that wait or are parked, try parked ones again, or delete them
///
/// It works on the state directory of a stopped or a running bot.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
    /// State directory of the bot
    #[arg(
        long,
        value_name = "DIR",
        hide_env_values = true,
        env = "SUNDOWN_STATE_DIR",
        global = true
    )]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Count the updates that wait and those that are parked
    Stats,
    /// List parked updates, with why they are parked
    List {
        /// List those that wait to be handled instead
        #[arg(long)]
        queued: bool,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        max: u32,
    },
    /// Print an update as it arrived
    Show {
        /// Its position, as listed
        position: i64,
    },
    /// Have a parked update handled again
    Retry(Which),
    /// Delete a parked update
    Drop(Which),
    /// Look through the whole store for damage; about five seconds for a million updates
    Check,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its position, as listed
    position: Option<i64>,
    /// All that are parked
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: Args) -> Result<(), Refusal> {
    let dir = args
        .state_dir
        .or_else(|| std::env::var_os("STATE_DIRECTORY").map(PathBuf::from));
    let Some(dir) = dir else {
        let text = "which state directory? Name it with --state-dir, $SUNDOWN_STATE_DIR or $STATE_DIRECTORY";
        return Err(Refusal::new(ExitKind::Usage, text));
    };
    let inbox = Inbox::open(&dir).map_err(refusal)?;
    let text = match args.command {
        Command::Stats => {
            let counts = inbox.counts().map_err(refusal)?;
            format!("queued {}\nparked {}\n", counts.queued, counts.parked)
        }
        Command::List { queued, max } => {
            let items = inbox.list(!queued, max).map_err(refusal)?;
            items.iter().map(|item| format!("{item}\n")).collect()
        }
        Command::Show { position } => {
            let body = inbox.body(Pos(position)).map_err(refusal)?;
            body.ok_or_else(|| nothing(position))? + "\n"
        }
        Command::Retry(which) => {
            let count = inbox.retry(which.pos()).map_err(refusal)?;
            which.done(count, "to be handled again")?
        }
        Command::Drop(which) => {
            let count = inbox.discard(which.pos()).map_err(refusal)?;
            which.done(count, "deleted")?
        }
        Command::Check => match inbox.check().map_err(refusal)? {
            found if found.is_empty() => "no damage found\n".to_owned(),
            found => {
                let path = dir.join("sundown.sqlite");
                let found = found.join("; ");
                return Err(refusal(StoreError::Damaged { path, found }));
            }
        },
    };
    // A closed pipe is the reader's own affair.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(())
}

impl Which {
    fn pos(&self) -> Option<Pos> {
        self.position.map(Pos)
    }

    fn done(&self, count: usize, what: &str) -> Result<String, Refusal> {
        match self.position {
            Some(position) if count == 0 => Err(nothing(position)),
            _ => Ok(format!("{count} {what}\n")),
        }
    }
}

fn refusal(error: StoreError) -> Refusal {
    Refusal::new(error.exit_kind(), error)
}

fn nothing(position: i64) -> Refusal {
    let text =
        format!("there is no such update at position {position}; `sundown inbox list` lists them");
    Refusal::new(ExitKind::Unavailable, text)
}
