//! OpenAI's own Python client, unmodified, against the gateway.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;

use super::Gateway;
use crate::support::skip;

const KEY: &str = "sk-gateway-adas-own";
/// The versions that this was tried with.
const PACKAGE: &str = "openai>=1.100,<3";

#[tokio::test(flavor = "multi_thread")]
async fn openais_python_client_works() {
    let python = match environment() {
        Ok(python) => python,
        Err(lacks) => return skip("openais_python_client_works", &lacks),
    };
    let (gateway, keyed) = (Gateway::start(), Gateway::start_for(KEY));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/gateway/client.py");
    let output = Command::new(python)
        .arg(script)
        .args([&gateway.url, &keyed.url, KEY])
        .env_remove("OPENAI_API_KEY")
        .env("NO_PROXY", "127.0.0.1")
        .env("OPENAI_LOG", "info")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{error}");
    assert!(text.ends_with("all is well\n"), "{text}\n{error}");
    // The script's last deed was to hang up in the middle of a stream that does not end, and of an answer.
    gateway
        .upstream
        .wait_until(|seen| seen.open == 0 && seen.aborted == 2);
    // The client asks again by its own rules, unless it is told not to.
    assert_eq!(keyed.upstream.models(), ["500", "429"], "{error}");
    keyed.process.signal(Signal::SIGTERM);
    let ended = keyed.process.end();
    ended.assert_code(0);
    assert!(!ended.stderr.contains(KEY), "the key was logged");
    assert!(ended.stderr.contains("key=\"ada\""), "{}", ended.stderr);
}

/// A Python with the client, kept from run to run; or what is missing for it.
fn environment() -> Result<PathBuf, String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openai-client");
    let python = dir.join("bin/python");
    let has_client = |python: &Path| {
        let import = Command::new(python).args(["-c", "import openai"]).output();
        import.is_ok_and(|output| output.status.success())
    };
    if has_client(&python) {
        return Ok(python);
    }
    let run = |command: &mut Command, lacks: &str| match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{lacks}: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("{lacks}: {error}")),
    };
    let make = ["-m", "venv", "--clear"];
    run(
        Command::new("python3").args(make).arg(&dir),
        "Python with venv",
    )?;
    let install = ["-m", "pip", "install", "--quiet", PACKAGE];
    run(
        Command::new(&python).args(install),
        "the openai package from PyPI",
    )?;
    Ok(python)
}
