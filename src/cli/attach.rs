//! `sundown attach`: the console of an instance that runs.

use std::io::{self, BufRead, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use super::Refusal;
use super::instances::Places;
use crate::app::console;
use crate::lifecycle::ExitKind;

/// Operate an instance that runs: its state, its log, messages, restarts
///
/// With a command behind `--`, or with lines on standard input, it does that, prints what is said and ends: with 0, with
/// 64 where there is no such command or it is not clear which instance is meant, with 69 where it could not be done or no
/// instance runs there, with 77 where that is another user's. On a terminal it is a prompt; `help` lists the commands.
///
/// The instance is the first of these that is said: --socket, NAME, --state-dir, $RUNTIME_DIRECTORY, $STATE_DIRECTORY.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the instance: as it was given to `sundown systemd install`, or the bot's number; needless where only one runs
    #[arg(conflicts_with = "socket")]
    name: Option<String>,
    /// State directory of the instance, where its socket is unless it has a runtime directory
    #[arg(
        long,
        value_name = "DIR",
        hide_env_values = true,
        env = "SUNDOWN_STATE_DIR"
    )]
    state_dir: Option<PathBuf>,
    /// The socket itself
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// What to do, like `status`; without it, a prompt
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn run(args: Args) -> Result<ExitKind, Refusal> {
    let path = socket(&args)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::new(ExitKind::Software, error))?;
    let stream = runtime
        .block_on(console::connect(&path))
        .map_err(|error| refusal(&path, &error))?;
    let code = if !args.command.is_empty() {
        runtime.block_on(console::run_lines(stream, [args.command.join(" ")]))
    } else if io::stdin().is_terminal() {
        let prompted = runtime.block_on(console::run_prompt(stream));
        prompted.map_err(|error| {
            Refusal::new(
                ExitKind::Unavailable,
                format!("no prompt: {error}; write the command behind `--`"),
            )
        })?
    } else {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        runtime.block_on(console::run_lines(stream, lines))
    };
    Ok(match code {
        0 => ExitKind::Clean,
        64 => ExitKind::Usage,
        _ => ExitKind::Unavailable,
    })
}

/// The first that is said: the socket, the instance's name, its directory. Else the only one there is.
fn socket(args: &Args) -> Result<PathBuf, Refusal> {
    let refuse = |text: String| Refusal::new(ExitKind::Usage, text);
    if let Some(path) = &args.socket {
        return Ok(path.clone());
    }
    let places = Places::of_this_machine();
    if let Some(name) = &args.name {
        return places.find(name).map_err(|looked_at| {
            let looked_at: Vec<_> = looked_at.iter().map(|path| path.display().to_string()).collect();
            let text = format!(
                "no instance `{name}` runs here, or its socket is another user's: there is none of {}",
                looked_at.join(", ")
            );
            Refusal::new(ExitKind::Unavailable, text)
        });
    }
    let state_dir = || {
        let dir = std::env::var_os("STATE_DIRECTORY").filter(|dir| !dir.is_empty());
        dir.map(PathBuf::from)
    };
    let dir = args.state_dir.clone();
    if let Some(dir) = dir.or_else(console::runtime_dir).or_else(state_dir) {
        return Ok(console::socket_in(&dir));
    }
    match places.names().as_slice() {
        [name] => places
            .find(name)
            .map_err(|_| refuse(format!("the instance {name} has just ended"))),
        [] => Err(Refusal::new(
            ExitKind::Unavailable,
            "no instance that lets you in is found here: name its state directory with --state-dir or $SUNDOWN_STATE_DIR, or its socket with --socket",
        )),
        names => Err(refuse(format!(
            "which instance? There are {}; write its name behind `attach`",
            names.join(", ")
        ))),
    }
}

fn refusal(path: &Path, error: &io::Error) -> Refusal {
    let path = path.display();
    let (kind, advice) = match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => (
            ExitKind::Unavailable,
            "no instance runs there; one under systemd is found by its name, like `sundown attach mybot`",
        ),
        ErrorKind::PermissionDenied => (
            ExitKind::Permission,
            "it lets in its own user and root: try as one of them",
        ),
        _ => (ExitKind::Unavailable, "look whether the instance runs"),
    };
    Refusal::new(kind, format!("cannot attach at {path}: {error}; {advice}"))
}
