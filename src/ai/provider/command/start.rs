//! Starts a command.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::process::Stdio;

use tokio::process::Command;

use super::running::Running;
use crate::ai::Refusal;

/// Variables with these names, or with these ends of them, are kept from the command: tokens and keys are none of its
/// business, and the service manager is not to be told anything by it. A command that needs a key reads it from a file.
const SECRET_ENDS: [&str; 4] = ["TOKEN", "_KEY", "SECRET", "PASSWORD"];
const KEPT_BACK: [&str; 4] = [
    "CREDENTIALS_DIRECTORY",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// Starts the command with the conversation as its standard input.
///
/// # Errors
/// Where there is no such program, or it cannot be run.
pub(super) fn start(
    command: &[String],
    model: &str,
    conversation: String,
) -> Result<Running, Box<Refusal>> {
    let Some((program, arguments)) = command.split_first() else {
        let text = "the provider's command is empty; name the program that answers";
        return Err(Refusal::new(500, "server_error", text).into());
    };
    let mut prepared = Command::new(program);
    prepared
        .args(arguments.iter().map(|part| part.replace("{model}", model)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_kept_back(name)) {
        prepared.env_remove(name);
    }
    let child = prepared.spawn();
    let running = child.and_then(|child| Running::new(child, conversation));
    running.map_err(|error| unstartable(program, &error))
}

fn is_kept_back(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    KEPT_BACK.contains(&&*name) || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

fn unstartable(program: &str, error: &io::Error) -> Box<Refusal> {
    let (what, code) = match error.kind() {
        ErrorKind::NotFound => (
            "there is no such program; install it, or give its whole path".to_owned(),
            "command_not_found",
        ),
        _ => (error.to_string(), "command_failed"),
    };
    let text = format!("the command `{program}` cannot be started: {what}");
    Refusal::new(502, "server_error", text).code(code).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_kept_back() {
        for name in ["TELOXIDE_TOKEN", "OPENAI_API_KEY", "CREDENTIALS_DIRECTORY"] {
            assert!(is_kept_back(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "LANG", "KEYBOARD"] {
            assert!(!is_kept_back(OsStr::new(name)), "{name}");
        }
    }
}
