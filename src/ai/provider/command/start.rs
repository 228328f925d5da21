//! Starts a command.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::process::Stdio;

use tokio::process::Command;

use super::running::Running;
use crate::ai::Refusal;

/// What a command sees of the environment: what programs need to find themselves and their devices, and the settings of
/// what computes answers. Tokens, keys, proxies with their passwords and what the service manager says are none of its
/// business. What else it needs can stand in the command: `env NAME=value program`.
const HANDED_ON: [&str; 17] = [
    "HF_HOME",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NIX_SSL_CERT_FILE",
    "PATH",
    "PWD",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "USER",
];

/// So are variables that begin like this.
const HANDED_ON_STARTS: [&str; 15] = [
    "CUDA",
    "GGML_",
    "GPU_",
    "HIP",
    "HSA_",
    "KMP_",
    "LC_",
    "LLAMA_",
    "MKL_",
    "NVIDIA_",
    "OLLAMA_",
    "OMP_",
    "OPENBLAS_",
    "ROC",
    "XDG_",
];

/// But not where they end like this: `LLAMA_API_KEY`.
const SECRET_ENDS: [&str; 4] = ["TOKEN", "_KEY", "SECRET", "PASSWORD"];

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
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| is_handed_on(name)))
        .process_group(0)
        .kill_on_drop(true);
    let child = prepared.spawn();
    let running = child.and_then(|child| Running::new(child, conversation));
    running.map_err(|error| unstartable(program, &error))
}

fn is_handed_on(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_harmless = !SECRET_ENDS.iter().any(|end| name.ends_with(end));
    HANDED_ON.contains(&&*name)
        || is_harmless && HANDED_ON_STARTS.iter().any(|start| name.starts_with(start))
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
    fn only_what_programs_need_is_handed_on() {
        for name in ["PATH", "HOME", "LC_ALL", "CUDA_VISIBLE_DEVICES"] {
            assert!(is_handed_on(OsStr::new(name)), "{name}");
        }
        for name in [
            "TELOXIDE_TOKEN",
            "MY_OPENAI",
            "HTTPS_PROXY",
            "https_proxy",
            "LLAMA_API_KEY",
            "CREDENTIALS_DIRECTORY",
            "NOTIFY_SOCKET",
        ] {
            assert!(!is_handed_on(OsStr::new(name)), "{name}");
        }
    }
}
