//! The README's first command.

use super::support::Process;

#[test]
fn the_demonstration_answers_people_counts_down_and_ends_by_itself() {
    let demo = Process::sundown(["run", "--sandbox", "--run-for", "4s"]);
    demo.wait_for("Ada → the bot: /start");
    demo.wait_for("Sandbox bot → Ada: Hello!");
    demo.wait_for("Sandbox bot → Tea room: pong");
    let ended = demo.end();
    ended.assert_code(0);
    ended.assert_order(&[
        "starting",
        "hook=\"open the store\"",
        "running",
        "stopping in 2 s",
        "draining",
        "intake closed",
        "hook=\"tell the operator\"",
        "poll released",
        "hook=\"remove the scratch directory\"",
        "stopped",
    ]);
    let report: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        report[0],
        "sundown stopped: the run-for time is over (exit code 0)"
    );
    for part in [
        "service    poller",
        "received ",
        "handled ",
        "left 0",
        "on_drain   tell the operator: done",
        "of which the stop took",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in\n{}",
            ended.stdout
        );
    }
}

#[test]
fn max_updates_handles_exactly_so_many() {
    let ended = Process::sundown(["run", "--sandbox", "--max-updates", "3"]).end();
    ended.assert_code(0);
    assert!(
        ended.stdout.contains("the maximum of updates is reached"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("handled 3, failed 0"),
        "{}",
        ended.stdout
    );
}
