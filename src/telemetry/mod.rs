//! Log lines: where they go, how they look, and what never gets into them.
//!
//! Field names are part of the interface; the README lists them.

mod journal;
mod lines;
mod plain;

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::{LazyLock, OnceLock};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use regex::bytes::Regex;
use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use journal::Journal;
pub(crate) use journal::is_stderr as is_journal;
pub(crate) use lines::{divert, follow, recent, write_unshown};
use plain::without_commands;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// For people.
    Pretty {
        /// With colours.
        colours: bool,
    },
    /// One JSON object a line.
    Json,
    /// systemd's journal, with fields.
    Journal,
}

impl Style {
    /// The journal where standard error is that; for people elsewhere, with colours where somebody can see them.
    #[must_use]
    pub(crate) fn for_stderr() -> Self {
        if journal::is_stderr() {
            return Self::Journal;
        }
        Self::Pretty {
            colours: io::stderr().is_terminal(),
        }
    }
}

/// Sends events, the `log` crate's records and panics to standard error. `RUST_LOG` wins over `level`.
///
/// # Errors
/// Where `level` is no filter, with what is wrong in it.
pub(crate) fn init(style: Style, level: &str) -> Result<(), String> {
    let asked = std::env::var("RUST_LOG")
        .ok()
        .filter(|filter| !filter.is_empty());
    let wanted = asked.as_deref().unwrap_or(level);
    let (filter, handle) = reload::Layer::new(parse(wanted)?);
    if asked.is_none() {
        let _ = FILTER.set(handle);
    }
    let layer = tracing_subscriber::fmt::layer().with_writer(|| Redacting(io::stderr()));
    let registry = tracing_subscriber::registry().with(filter);
    match style {
        Style::Pretty { colours } => registry
            .with(layer.with_ansi(colours).with_target(false))
            .init(),
        Style::Json => registry.with(layer.json()).init(),
        Style::Journal => match Journal::open() {
            Ok(journal) => {
                // Lines for whoever attaches; the journal has its own form.
                let kept = tracing_subscriber::fmt::layer()
                    .with_writer(|| Redacting(lines::Nowhere))
                    .with_ansi(false)
                    .with_target(false);
                registry.with(journal).with(kept).init();
            }
            // Lines arrive there too, without fields.
            Err(_) => registry.with(layer.with_ansi(false)).init(),
        },
    }
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        let message = info.payload_as_str().unwrap_or("a panic without a message");
        tracing::error!(place, "panic: {message}");
    }));
    Ok(())
}

/// What the filter can be changed with, once it is set up and `$RUST_LOG` has not decided.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

fn parse(filter: &str) -> Result<EnvFilter, String> {
    EnvFilter::builder().parse(filter).map_err(|error| {
        format!(
            "`{filter}` is no log level ({error}); write it like info, debug or sundown=trace,info"
        )
    })
}

/// Changes what is logged from now on, unless `RUST_LOG` has decided; returns whether it does.
///
/// # Errors
/// Where `level` is no filter; then nothing is changed.
pub(crate) fn set_level(level: &str) -> Result<bool, String> {
    let filter = parse(level)?;
    match FILTER.get() {
        Some(handle) => handle.reload(filter).map_err(|error| error.to_string())?,
        None => return Ok(false),
    }
    Ok(true)
}

static LIVE: OnceLock<ProgressBar> = OnceLock::new();

/// A line that stays at the bottom of the terminal from now on, while log lines scroll by above it. Only where standard
/// error is a terminal, of course.
pub(crate) fn live_line() -> &'static ProgressBar {
    LIVE.get_or_init(|| {
        let style = ProgressStyle::with_template("{spinner} {wide_msg}").expect("a constant");
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
    })
}

/// A bot token wherever it turns up: libraries below us print URLs and requests at the finer levels.
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[0-9]{5,}(?::|%3[Aa])[A-Za-z0-9_-]{16,}").expect("a constant"));

fn without_tokens(text: &[u8]) -> Cow<'_, [u8]> {
    TOKEN.replace_all(text, &b"<token>"[..])
}

/// The text with every bot token in it replaced, and with everything written out that would command a terminal.
#[must_use]
pub(crate) fn redact(text: &str) -> String {
    let text = without_tokens(text.as_bytes());
    String::from_utf8_lossy(&without_commands(&text, false)).into_owned()
}

/// A writer that lets no token through, and nothing that commands a terminal. It gets whole lines: the formatter writes each event at once.
struct Redacting<W>(W);

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = without_tokens(line);
        let text = without_commands(&text, true);
        lines::keep(&text);
        if lines::are_diverted() {
            if Handle::try_current().is_err() {
                lines::see_that_they_are_shown();
            }
            return Ok(line.len());
        }
        match LIVE.get() {
            Some(live) => live.suspend(|| self.0.write_all(&text))?,
            None => self.0.write_all(&text)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_replaced_wherever_they_stand() {
        let line =
            "POST /bot123456789:AAE-abc_DEF0123456789abcdefghijklmno/getMe and 42:not-a-token";
        assert_eq!(redact(line), "POST /bot<token>/getMe and 42:not-a-token");
        assert_eq!(
            redact("bot987654321%3AAAE-abc_DEF0123456789abcdefghijk"),
            "bot<token>"
        );
    }

    #[test]
    fn what_a_server_says_commands_no_terminal() {
        let mut out = Redacting(Vec::new());
        let line = "\x1b[33mWARN\x1b[0m error=\x1b]52;c;aGk=\x07\n";
        out.write_all(line.as_bytes()).unwrap();
        let expected = "\x1b[33mWARN\x1b[0m error=\\u001b]52;c;aGk=\\u0007\n";
        assert_eq!(out.0, expected.as_bytes());
        // Nobody writes colours into the report.
        assert_eq!(redact("\x1b[8mhidden\n"), "\\u001b[8mhidden\n");
    }

    #[test]
    fn the_writer_says_that_it_took_the_whole_line() {
        let mut out = Redacting(Vec::new());
        out.write_all(b"token 123456789:AAE-abc_DEF0123456789abcdefghijklmno\n")
            .unwrap();
        assert_eq!(out.0, b"token <token>\n");
        let kept = recent(usize::MAX);
        assert!(
            kept.iter().any(|line| &**line == "token <token>\n"),
            "{kept:?}"
        );
    }
}
