//! `sundown extract`: what the program runs to read a page in a process that may be lost.

use super::Refusal;
use crate::app::{Kind, extract_from_stdin};
use crate::lifecycle::ExitKind;

/// Read a document from standard input, and write what it says to standard output as JSON
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it is: html, pdf or text
    #[arg(long)]
    kind: Kind,
    /// Character set, as its server named it
    #[arg(long)]
    charset: Option<String>,
    /// Where it came from
    #[arg(long, hide_env_values = true, env = "SUNDOWN_EXTRACT_BASE_URL")]
    base_url: Option<String>,
}

pub(super) fn run(args: Args) -> Result<(), Refusal> {
    let Args {
        kind,
        charset,
        base_url,
    } = args;
    extract_from_stdin(kind, charset.as_deref(), base_url.as_deref()).map_err(|error| {
        let text =
            format!("cannot read a document from standard input and write what it says: {error}");
        Refusal::new(ExitKind::Software, text)
    })
}
