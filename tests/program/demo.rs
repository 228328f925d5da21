//! The README's first command.

use serde_json::{Value, json};

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

#[test]
fn the_report_is_written_as_json_where_that_is_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.json");
    let arguments = [
        "run",
        "--sandbox",
        "--max-updates",
        "2",
        "--report",
        file.to_str().unwrap(),
    ];
    Process::sundown(arguments).end().assert_code(0);
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(
        (&report["schema"], &report["exit_code"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(
        report["reasons"],
        json!(["the maximum of updates is reached"])
    );
    let of = |list: &str, name: &str| {
        let all = report[list].as_array().unwrap();
        all.iter()
            .find(|one| one["name"] == json!(name))
            .unwrap()
            .clone()
    };
    let lanes = of("services", "lanes");
    assert_eq!(
        (&lanes["outcome"], &lanes["facts"]["handled"]),
        (&json!("stopped"), &json!(2))
    );
    assert!(lanes["stop_ms"].as_f64().unwrap() >= 0.0);
    let goodbye = of("hooks", "tell the operator");
    assert_eq!(
        (&goodbye["stage"], &goodbye["outcome"]),
        (&json!("on_drain"), &json!("done"))
    );
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing else is left there"
    );
}

#[test]
fn a_report_that_cannot_be_written_is_said_and_changes_nothing_else() {
    let arguments = [
        "run",
        "--sandbox",
        "--max-updates",
        "1",
        "--report",
        "/nonexistent/report.json",
    ];
    let ended = Process::sundown(arguments).end();
    ended.assert_code(0);
    assert!(
        ended
            .stderr
            .contains("cannot write the report to /nonexistent/report.json"),
        "{}",
        ended.stderr
    );
}
