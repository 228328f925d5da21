//! Events as entries of systemd's journal, with their fields.
//!
//! It speaks the journal's native protocol itself, because every field has to pass the same redaction as a line does, and
//! what exists for this sends fields as they are.

use std::env;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::redact;

const SOCKET: &str = "/run/systemd/journal/socket";
/// Longer values are cut, so that an entry fits into a datagram.
const LONGEST_VALUE: usize = 16_384;
/// A journal that does not read is not waited for: what it misses is lost.
const PATIENCE: Duration = Duration::from_millis(100);
/// What the journal takes as the length of a field's name.
const LONGEST_NAME: usize = 64;

/// Whether standard error is the journal, as `$JOURNAL_STREAM` says: by device and inode, because the variable is
/// inherited by what writes elsewhere.
pub(crate) fn is_stderr() -> bool {
    let of_stderr = || -> io::Result<String> {
        let file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let meta = file.metadata()?;
        Ok(format!("{}:{}", meta.dev(), meta.ino()))
    };
    env::var("JOURNAL_STREAM").is_ok_and(|stream| of_stderr().is_ok_and(|stderr| stderr == stream))
}

/// Sends events to the journal.
pub(super) struct Journal {
    socket: UnixDatagram,
    /// Found anew for each entry: a journal that is restarted listens at another socket of the same name.
    path: PathBuf,
}

impl Journal {
    /// # Errors
    /// Where there is no journal.
    pub(super) fn open() -> io::Result<Self> {
        Self::at(Path::new(SOCKET))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let path = path.to_owned();
        Ok(Self { socket, path })
    }
}

/// Fields as the journal has them, in the order in which they came.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        let value = redact(value);
        let mut end = LONGEST_VALUE.min(value.len());
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = &value[..end];
        self.0.extend(name.as_bytes());
        if value.contains('\n') {
            let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
            self.0.push(b'\n');
            self.0.extend(length.to_le_bytes());
        } else {
            self.0.push(b'=');
        }
        self.0.extend(value.as_bytes());
        self.0.push(b'\n');
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(&name_of(field.name()), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }
}

/// A field's name in the journal's alphabet: capitals, digits and underscores, a capital first.
fn name_of(name: &str) -> String {
    let plain = |c: char| match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9') => c,
        _ => '_',
    };
    let name: String = name.chars().map(plain).take(LONGEST_NAME).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_uppercase());
    if name.is_empty() { "FIELD" } else { name }.to_owned()
}

/// The journal's priorities are syslog's: what is information here is information there.
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        _ => "7",
    }
}

fn place(fields: &mut Fields, metadata: &Metadata<'_>) {
    fields.add("TARGET", metadata.target());
    if let Some(file) = metadata.file() {
        fields.add("CODE_FILE", file);
    }
    if let Some(line) = metadata.line() {
        fields.add("CODE_LINE", &line.to_string());
    }
}

impl<S> Layer<S> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut entry = Fields::default();
        entry.add("PRIORITY", priority(*event.metadata().level()));
        entry.add("SYSLOG_IDENTIFIER", env!("CARGO_PKG_NAME"));
        place(&mut entry, event.metadata());
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                entry.0.extend(&fields.0);
            }
        }
        event.record(&mut entry);
        // There is nobody to tell that nothing can be told.
        let _ = self.socket.send_to(&entry.0, &self.path);
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    /// What the journal gets of what is said.
    fn entries(say: impl FnOnce()) -> Vec<Vec<u8>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let layer = Journal::at(&path).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        journal.set_nonblocking(true).unwrap();
        let mut bytes = [0; 65_536];
        let next = || {
            let count = journal.recv(&mut bytes).ok()?;
            Some(bytes[..count].to_vec())
        };
        std::iter::from_fn(next).collect()
    }

    fn lines(entry: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(entry);
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_entry_has_the_fields_of_its_event_and_of_the_spans_around_it() {
        let entries = entries(|| {
            let service = tracing::info_span!("service", service = "poller");
            let update = tracing::info_span!(parent: &service, "update", update_id = 7);
            update.in_scope(|| tracing::info!(elapsed_ms = 3, "update handled"));
        });
        let entry = lines(&entries[0]);
        for line in [
            "PRIORITY=6",
            "SYSLOG_IDENTIFIER=sundown",
            "SERVICE=poller",
            "UPDATE_ID=7",
            "ELAPSED_MS=3",
            "MESSAGE=update handled",
        ] {
            assert!(
                entry.iter().any(|found| found == line),
                "{line} in {entry:?}"
            );
        }
    }

    #[test]
    fn priorities_are_those_of_syslog() {
        let entries = entries(|| {
            tracing::error!("a");
            tracing::warn!("b");
            tracing::info!("c");
            tracing::debug!("d");
        });
        let firsts: Vec<_> = entries
            .iter()
            .map(|entry| lines(entry)[0].clone())
            .collect();
        assert_eq!(
            firsts,
            ["PRIORITY=3", "PRIORITY=4", "PRIORITY=6", "PRIORITY=7"]
        );
    }

    #[test]
    fn no_field_carries_a_token() {
        let url = "https://api.telegram.org/bot123456789:AAE-abc_DEF0123456789abcdefghijk/getMe";
        let entries = entries(|| {
            let span = tracing::info_span!("call", url);
            span.in_scope(|| tracing::info!(?url, "called {url}"));
        });
        let text = String::from_utf8_lossy(&entries[0]).into_owned();
        assert!(!text.contains("AAE-abc"), "{text}");
        assert_eq!(text.matches("bot<token>").count(), 3, "{text}");
    }

    #[test]
    fn a_value_of_several_lines_is_one_field() {
        let entries = entries(|| tracing::info!(backtrace = "a\nMESSAGE=forged\nb", "panic"));
        let value = b"BACKTRACE\n\x12\0\0\0\0\0\0\0a\nMESSAGE=forged\nb\n";
        let found = entries[0].windows(value.len()).any(|part| part == value);
        assert!(found, "{}", String::from_utf8_lossy(&entries[0]));
    }

    #[test]
    fn names_are_in_the_journals_alphabet() {
        assert_eq!(name_of("update_id"), "UPDATE_ID");
        assert_eq!(name_of("_http.status-code"), "HTTP_STATUS_CODE");
        assert_eq!(name_of("7"), "FIELD");
        assert_eq!(name_of(&"x".repeat(99)).len(), LONGEST_NAME);
    }
}
