//! Whatever hangs: the stop ends within its budget and two seconds, in order, and names who it was.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::support::{Ended, Process, example};

fn start(behaviour: &str, budget_ms: u32) -> Process {
    let mut command = Command::new(example("culprits"));
    Process::start(command.args([behaviour, &budget_ms.to_string()]))
}

/// Runs it until it says this, and ends it by SIGTERM.
fn stopped_at(behaviour: &str, budget_ms: u32, moment: &str) -> Ended {
    let process = start(behaviour, budget_ms);
    process.wait_for(moment);
    process.signal(Signal::SIGTERM);
    let ended = process.end();
    // What a loaded machine takes to end a process is not the stop's.
    let most = Duration::from_millis(budget_ms.into()) + Duration::from_secs(4);
    assert!(ended.took <= most, "it took {:?}", ended.took);
    ended
}

const ALL_DONE: [&str; 3] = [
    "on_start   hello: done",
    "on_drain   goodbye: done",
    "on_stopped flush: done",
];

#[test]
fn a_hook_that_hangs_is_cut_off_and_named_with_80() {
    let ended = stopped_at("hook-hangs", 1_000, "phase=running");
    ended.assert_code(80);
    ended.assert_hooks(&[
        ALL_DONE[0],
        "on_drain   culprit: cut off, it took too long",
        ALL_DONE[1],
        ALL_DONE[2],
    ]);
}

#[test]
fn a_hook_that_blocks_its_thread_is_named_and_the_process_ended_with_81() {
    let ended = stopped_at("hook-blocks", 1_000, "phase=running");
    // The report is written with 80; then the runtime waits for the thread, and the hard deadline for neither.
    ended.assert_code(81);
    ended.assert_hooks(&[
        ALL_DONE[0],
        "on_drain   culprit: cut off, it took too long",
        ALL_DONE[1],
        ALL_DONE[2],
    ]);
    ended.assert_says("stuck      hook on_drain culprit");
    ended.assert_says("blocks the process: hook on_drain culprit; it ends now");
}

#[test]
fn a_service_that_ignores_its_tokens_is_aborted_and_named_with_80() {
    let ended = stopped_at("ignores-its-tokens", 1_000, "phase=running");
    ended.assert_code(80);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("service    culprit      aborted");
    ended.assert_says("still stopping: culprit (draining); cancelled in ");
}

#[test]
fn a_service_that_blocks_its_thread_is_abandoned_and_the_process_ended_with_81() {
    let ended = stopped_at("blocks-when-told", 1_000, "phase=running");
    ended.assert_code(81);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("service    culprit      abandoned");
    ended.assert_says("blocks the process: culprit (abandoned); it ends now");
}

#[test]
fn a_task_of_a_service_that_blocks_its_thread_is_named_and_the_process_ended_with_81() {
    let ended = stopped_at("task-blocks", 1_000, "phase=running");
    ended.assert_code(81);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("service    culprit      abandoned");
    ended.assert_says("blocks the process: culprit (abandoned)");
}

#[test]
fn a_service_that_panics_in_its_drain_is_named_with_70() {
    // Finding the names for a backtrace takes a while in a large, unoptimised program.
    let ended = stopped_at("panics-in-its-drain", 10_000, "phase=running");
    ended.assert_code(70);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("service    culprit      panicked (out of tea, at tests/culprits/main.rs:");
    ended.assert_says("backtrace=");
}

#[test]
fn a_last_hook_of_60_s_gets_what_is_left_of_25_s_and_is_named_with_80() {
    let ended = stopped_at("last-hook-takes-60s", 25_000, "phase=running");
    ended.assert_code(80);
    ended.assert_hooks(&[
        ALL_DONE[0],
        ALL_DONE[1],
        "on_stopped culprit: cut off, it took too long",
        ALL_DONE[2],
    ]);
    // Two hooks share what is left, so that the one that hangs does not rob the other.
    assert!(ended.took >= Duration::from_secs(12), "{:?}", ended.took);
}

#[test]
fn a_thread_that_blocks_is_abandoned_and_its_command_named_with_80() {
    let ended = stopped_at("thread-blocks", 2_000, "blocking");
    ended.assert_code(80);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("service    culprit      abandoned");
    ended.assert_says("left unfinished: its thread, blocked by the command block");
}

#[test]
fn a_panic_ends_the_process_with_70_after_its_hooks() {
    let ended = start("panics", 1_000).end();
    ended.assert_code(70);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("culprits stopped: culprit failed (exit code 70)");
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[test]
fn a_service_that_is_not_heard_of_ends_the_process_with_70() {
    let ended = start("goes-stale", 1_000).end();
    ended.assert_code(70);
    ended.assert_hooks(&ALL_DONE);
    ended.assert_says("culprit was not heard of for longer than it promised");
}

#[test]
fn a_stop_while_a_start_hook_hangs_is_honoured_at_once() {
    let ended = stopped_at("start-hook-hangs", 25_000, "hook done hook=\"hello\"");
    ended.assert_code(0);
    ended.assert_hooks(&[
        ALL_DONE[0],
        "on_start   culprit: cancelled",
        "on_drain   goodbye: not due",
        ALL_DONE[2],
    ]);
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
}

#[test]
fn a_stop_while_a_service_starts_cancels_and_names_it() {
    let ended = stopped_at("start-hangs", 1_000, "culprit starts");
    ended.assert_code(80);
    ended.assert_says("service    culprit      aborted");
    ended.assert_hooks(&[ALL_DONE[0], "on_drain   goodbye: not due", ALL_DONE[2]]);
}

#[test]
fn a_stop_during_a_back_off_is_honoured_at_once() {
    let ended = stopped_at("backs-off", 25_000, "service failed");
    ended.assert_code(0);
    ended.assert_says("service    culprit      backing off (no tea)");
    ended.assert_hooks(&ALL_DONE);
    assert!(ended.took < Duration::from_secs(3), "{:?}", ended.took);
}
