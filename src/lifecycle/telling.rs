//! The log lines of the lifecycle.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::machine::{Exit, HookId, HookResult, Machine, Notice, ServiceId};
use super::{Handle, Phase, ServiceState};

/// Tells what the machine thinks worth telling.
pub(super) fn tell(machine: &Machine, notice: &Notice, elapsed: Duration) {
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    match notice {
        Notice::Phase(phase) => match (phase, machine.reasons().first()) {
            (Phase::Draining, Some(reason)) => info!(%phase, elapsed_ms, %reason, "draining"),
            _ => info!(%phase, elapsed_ms, "{phase}"),
        },
        Notice::Service(id, state) => service(machine, *id, *state, elapsed_ms),
        Notice::Hook(id) => hook(machine, *id, elapsed_ms),
        Notice::StopAppended(reason) => info!(%reason, elapsed_ms, "another reason to stop"),
        Notice::Stale(id) => {
            let service = &machine.services()[id.0].name;
            error!(
                service,
                elapsed_ms,
                "{service} was not heard of for longer than it promised; the service manager's watchdog is to end the process"
            );
        }
        Notice::Fast => warn!(
            elapsed_ms,
            "second signal: running work is cancelled now; a third ends the process at once"
        ),
    }
}

fn service(machine: &Machine, id: ServiceId, state: ServiceState, elapsed_ms: u64) {
    let record = &machine.services()[id.0];
    let service = &record.name;
    // One line for a failure: that of the state which came of it.
    match record
        .exit
        .as_ref()
        .filter(|_| state == record.state && !record.was_waiting)
    {
        Some(Exit::Failed { message, .. }) if state == ServiceState::Backoff => {
            warn!(
                service,
                elapsed_ms,
                error = message,
                "service failed; it is started again"
            )
        }
        Some(Exit::Failed { message, .. }) => {
            error!(service, elapsed_ms, error = message, "service failed")
        }
        Some(Exit::Panicked(panic)) => {
            let backtrace = &panic.backtrace;
            error!(service, elapsed_ms, error = %panic, backtrace, "service panicked")
        }
        _ => debug!(service, %state, elapsed_ms, "service {state}"),
    }
}

fn hook(machine: &Machine, id: HookId, elapsed_ms: u64) {
    let record = machine.hook(id);
    let (hook, stage) = (&record.name, id.stage);
    match &record.result {
        Some(HookResult::Done) => info!(hook, %stage, elapsed_ms, "hook done"),
        Some(HookResult::NotDue) | None => debug!(hook, %stage, elapsed_ms, "hook not due"),
        Some(HookResult::Cancelled) => {
            warn!(hook, %stage, elapsed_ms, "hook cancelled by the stop")
        }
        Some(HookResult::Skipped) => {
            error!(hook, %stage, elapsed_ms, "hook skipped: the stop budget was spent")
        }
        Some(HookResult::TimedOut) => {
            error!(hook, %stage, elapsed_ms, "hook took too long and was cut off")
        }
        Some(HookResult::Failed { message, .. }) => {
            error!(hook, %stage, elapsed_ms, error = message, "hook failed");
        }
        Some(HookResult::Panicked(panic)) => {
            let backtrace = &panic.backtrace;
            error!(hook, %stage, elapsed_ms, error = %panic, backtrace, "hook panicked");
        }
    }
}

/// Tells what a stop waits for, and for how long it will.
pub(super) fn progress(handle: &Handle) {
    let dump = handle.dump();
    let waiting_for = dump.still_running();
    if waiting_for.is_empty() {
        return;
    }
    match dump.cancelled_in() {
        Some(left) => {
            let wait_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            let left = left.as_secs_f64();
            info!(
                wait_ms,
                "still stopping: {waiting_for}; cancelled in {left:.1} s"
            );
        }
        None => info!("still stopping: {waiting_for}; cancelled"),
    }
}
