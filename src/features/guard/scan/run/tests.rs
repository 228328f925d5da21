use super::*;

const NOW: Moment = Moment(1_000_000);

fn run(groups: i64) -> Run {
    let mut run = Run::new(1, Language::English, NOW);
    for chat in 1..=groups {
        run.add(-chat, format!("Group {chat}"), NOW);
    }
    run
}

fn ends(run: &mut Run, chat: i64, outcome: Outcome) {
    run.running(chat).unwrap().state = LineState::Over(outcome);
}

#[test]
fn so_many_groups_are_scanned_at_once_and_the_next_begins_when_one_is_done() {
    let mut run = run(25);
    assert_eq!(
        run.hand_out(NOW),
        (1..=20).map(|chat| -chat).collect::<Vec<_>>()
    );
    assert!(run.hand_out(NOW).is_empty());
    ends(&mut run, -7, Outcome::default());
    assert_eq!(run.hand_out(NOW), [-21]);
}

#[test]
fn a_group_that_fails_takes_no_other_ones_turn() {
    let mut run = run(21);
    run.hand_out(NOW);
    let failed = Some("refused".to_owned());
    let outcome = Outcome {
        failed,
        ..Outcome::default()
    };
    ends(&mut run, -1, outcome);
    assert_eq!(run.hand_out(NOW), [-21]);
    for chat in 2..=21 {
        assert!(!run.is_over());
        ends(&mut run, -chat, Outcome::default());
    }
    assert!(run.is_over());
}

#[test]
fn cancelled_what_was_not_begun_is_not_done_and_what_was_is_stopped() {
    let mut run = run(22);
    run.hand_out(NOW);
    ends(&mut run, -1, Outcome::default());
    let stopped = run.cancel();
    assert_eq!(stopped, (2..=20).map(|chat| -chat).collect::<Vec<_>>());
    assert!(run.hand_out(NOW).is_empty());
    assert!(!run.is_over());
    for chat in stopped {
        ends(&mut run, chat, Outcome::default());
    }
    assert!(run.is_over());
    assert_eq!(run.outcomes().count(), 20);
}

#[test]
fn a_run_of_no_groups_is_over() {
    assert!(run(0).is_over());
    assert_eq!(
        show::summary(&run(0)),
        Language::English.say(&Text::ScanNothing)
    );
}

#[test]
fn the_message_is_looked_at_at_once_and_then_at_its_pace() {
    let mut due = Moment::default();
    assert_eq!(show::soon(&mut due, NOW), NOW);
    let later = NOW + Duration::from_millis(100);
    let next = show::soon(&mut due, later);
    assert!(next >= later + Duration::from_secs(2));
    assert_eq!(show::soon(&mut due, later + Duration::from_secs(1)), next);
}

#[test]
fn a_group_that_is_due_again_has_a_new_line_while_a_slow_one_goes_on() {
    let mut run = run(2);
    run.hand_out(NOW);
    ends(&mut run, -1, Outcome::default());
    run.add(-1, "Group 1".to_owned(), NOW);
    assert_eq!(run.lines.len(), 2);
    assert_eq!(run.hand_out(NOW), [-1]);
    assert!(run.running(-2).is_some());
}
