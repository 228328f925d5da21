//! `sundown sandbox`: the Bot API server alone.

use std::net::SocketAddr;

use super::{Refusal, on_runtime};
use crate::app;
use crate::config::{LogFormat, TimeBox};
use crate::lifecycle::{ExitKind, Report};

/// Run a Bot API server on loopback for any bot in any language
///
/// It accepts every well-formed token; each is a bot in a world of its own, with a chat page at the server's address
/// and a control surface under /control. Everything is in memory and gone with the process.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address on this machine to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Stop so long after it listens: 1ms to 1year
    #[arg(long, value_name = "DURATION")]
    run_for: Option<TimeBox>,
    /// Log lines on standard error: auto, pretty or json
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    log_format: LogFormat,
    /// What is logged; $RUST_LOG wins
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log_level: String,
}

pub(super) fn run(args: Args) -> Result<Report, Refusal> {
    if !args.listen.ip().is_loopback() {
        let text = format!(
            "{} is not on this machine alone: the sandbox knows no secrets, so it listens on loopback only (127.0.0.1:PORT or [::1]:PORT)",
            args.listen
        );
        return Err(Refusal::new(ExitKind::Usage, text));
    }
    let serve = app::serve_sandbox(args.listen, args.run_for.map(TimeBox::get));
    on_runtime(args.log_format, &args.log_level, serve)?
        .map_err(|refused| Refusal::new(refused.kind, refused.text))
}
