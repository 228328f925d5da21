//! The command line.

mod attach;
mod confine;
mod extract;
mod inbox;
mod instances;
mod progress;
mod report;
mod run;
mod sandbox;
mod systemd;

use std::ffi::OsString;
use std::future::Future;
use std::io::{self, Write};
use std::path::Path;

use clap::{Parser, Subcommand};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::LogFormat;
use crate::lifecycle::{ExitKind, Report, notify_refused_start, prepare_signals};
use crate::telemetry::{self, Style, redact};

/// Runs a Telegram bot the way an operator wants a service run: it starts in order, loses no update, and stops on time.
#[derive(Debug, Parser)]
#[command(name = "sundown", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Sandbox(sandbox::Args),
    Attach(attach::Args),
    Inbox(inbox::Args),
    Systemd(systemd::Args),
    #[command(hide = true)]
    Confine(confine::Args),
    /// What the program runs itself
    #[command(hide = true)]
    Extract(extract::Args),
}

/// Why the program ends without a report, in a paragraph, and with which exit code.
#[derive(Debug)]
struct Refusal {
    kind: ExitKind,
    text: String,
}

impl Refusal {
    fn new(kind: ExitKind, text: impl ToString) -> Self {
        Self {
            kind,
            text: text.to_string(),
        }
    }

    fn tell(self) -> ExitKind {
        complain(&self.text);
        self.kind
    }
}

/// Does what the command line says, and returns how the process is to end.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitKind {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and are no errors.
            let kind = if error.use_stderr() {
                ExitKind::Usage
            } else {
                ExitKind::Clean
            };
            // What somebody typed may hold a token, and clap repeats it.
            let text = redact(&error.render().to_string());
            let mut out: Box<dyn Write> = if error.use_stderr() {
                Box::new(io::stderr())
            } else {
                Box::new(io::stdout())
            };
            let _ = write!(out, "{text}");
            return kind;
        }
    };
    let (ended, file) = match cli.command {
        Command::Run(args) => {
            let file = args.report.clone();
            (run::run(*args), file)
        }
        Command::Sandbox(args) => (sandbox::run(args), None),
        Command::Attach(args) => {
            return attach::run(args).unwrap_or_else(Refusal::tell);
        }
        Command::Inbox(args) => return end(inbox::run(args)),
        Command::Systemd(args) => return end(systemd::run(args)),
        Command::Confine(args) => return end(confine::run(args)),
        Command::Extract(args) => return end(extract::run(args)),
    };
    match ended {
        Ok(report) => tell(&report, file.as_deref()),
        Err(refusal) => {
            notify_refused_start(refusal.kind, &redact(&refusal.text));
            refusal.tell()
        }
    }
}

/// Of a command that runs nothing.
fn end(ended: Result<(), Refusal>) -> ExitKind {
    match ended {
        Ok(()) => ExitKind::Clean,
        Err(refusal) => refusal.tell(),
    }
}

/// Sets up the log and the third signal's handler, and runs a future on a runtime of its own.
fn on_runtime<F>(format: LogFormat, level: &str, future: F) -> Result<F::Output, Refusal>
where
    F: Future,
{
    let style = match format {
        LogFormat::Auto => Style::for_stderr(),
        LogFormat::Pretty => Style::Pretty { colours: true },
        LogFormat::Json => Style::Json,
    };
    telemetry::init(style, level).map_err(|error| Refusal::new(ExitKind::Config, error))?;
    allow_open_files();
    prepare_signals().map_err(|error| {
        Refusal::new(
            ExitKind::Software,
            format!("cannot handle signals: {error}"),
        )
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Refusal::new(
                ExitKind::Software,
                format!("cannot start the runtime: {error}"),
            )
        })?;
    let output = runtime.block_on(future);
    // What was abandoned may block its thread for ever; the process ends without it.
    runtime.shutdown_background();
    Ok(output)
}

/// Raises the soft limit on open files to the hard one: a handler that calls the Bot API takes a connection, and the usual
/// soft limit of 1,024 is there for programs that use `select(2)`.
fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files cannot be raised");
    }
}

/// Prints the report, writes it to a file where one is wanted, and says in a paragraph of its own what went wrong.
fn tell(report: &Report, file: Option<&Path>) -> ExitKind {
    let mut stdout = io::stdout().lock();
    // A closed pipe is no reason to end otherwise than the report says.
    let _ = write!(stdout, "{}", redact(&report.to_string())).and_then(|()| stdout.flush());
    if let Some(file) = file
        && let Err(error) = report::write(report, file)
    {
        complain(&format!(
            "cannot write the report to {}: {error}",
            file.display()
        ));
    }
    if let Some((name, error)) = report.first_error() {
        complain(&format!("{name}: {error}"));
    }
    report.exit_kind()
}

fn complain(text: &str) {
    // What the journal takes for an error, and not for information.
    let priority = if telemetry::is_journal() { "<3>" } else { "" };
    for (nth, line) in redact(text).lines().enumerate() {
        let name = if nth == 0 { "sundown: " } else { "" };
        let _ = writeln!(io::stderr(), "{priority}{name}{line}");
    }
}
