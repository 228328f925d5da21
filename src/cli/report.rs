//! The final report as a JSON file, for whatever reads it after the process.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::lifecycle::{HookOutcome, HookReport, Panic, Report, ServiceOutcome, ServiceReport};
use crate::telemetry::redact;

/// Rises when a field changes its meaning or goes; new fields do not count.
const SCHEMA: u32 = 1;

/// Writes the report so that a reader finds it whole or not at all.
pub(super) fn write(report: &Report, path: &Path) -> io::Result<()> {
    let mut text = redact(&format!("{:#}", as_json(report)));
    text.push('\n');
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn as_json(report: &Report) -> Value {
    json!({
        "schema": SCHEMA,
        "name": report.name,
        "exit_code": report.exit_kind().code(),
        "reasons": report.reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "total_ms": milliseconds(report.total),
        "stop_ms": milliseconds(report.stop_took),
        "cut_short": report.was_cut_short,
        "stuck": report.stuck,
        "services": report.services.iter().map(service).collect::<Vec<_>>(),
        "hooks": report.hooks.iter().map(hook).collect::<Vec<_>>(),
    })
}

fn service(service: &ServiceReport) -> Value {
    let (outcome, error, backtrace) = match &service.outcome {
        ServiceOutcome::NotStarted => ("not_started", None, None),
        ServiceOutcome::Stopped => ("stopped", None, None),
        ServiceOutcome::Cancelled => ("cancelled", None, None),
        ServiceOutcome::Aborted => ("aborted", None, None),
        ServiceOutcome::Abandoned => ("abandoned", None, None),
        ServiceOutcome::Completed => ("completed", None, None),
        ServiceOutcome::BackingOff(error) => ("backing_off", Some(error.clone()), None),
        ServiceOutcome::Failed(error) => ("failed", Some(error.clone()), None),
        ServiceOutcome::Panicked(panic) => of_panic(panic),
    };
    let facts: Map<String, Value> = service
        .facts
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    json!({
        "name": service.name,
        "outcome": outcome,
        "error": error,
        "backtrace": backtrace,
        "restarts": service.restarts,
        "start_ms": service.start_took.map(milliseconds),
        "ran_ms": service.ran.map(milliseconds),
        "stop_ms": service.stop_took.map(milliseconds),
        "facts": facts,
        "unfinished": service.unfinished,
    })
}

fn hook(hook: &HookReport) -> Value {
    let (outcome, error, backtrace) = match &hook.outcome {
        HookOutcome::Done => ("done", None, None),
        HookOutcome::Failed(error) => ("failed", Some(error.clone()), None),
        HookOutcome::Panicked(panic) => of_panic(panic),
        HookOutcome::TimedOut => ("timed_out", None, None),
        HookOutcome::Cancelled => ("cancelled", None, None),
        HookOutcome::Skipped => ("skipped", None, None),
        HookOutcome::NotDue => ("not_due", None, None),
    };
    json!({
        "stage": hook.stage.to_string(),
        "name": hook.name,
        "outcome": outcome,
        "error": error,
        "backtrace": backtrace,
        "took_ms": milliseconds(hook.took),
    })
}

fn of_panic(panic: &Panic) -> (&'static str, Option<String>, Option<&str>) {
    ("panicked", Some(panic.to_string()), Some(&panic.backtrace))
}

/// With three decimals, so that short steps can be told apart.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
