//! A service that somebody wants to be started again.

use super::*;

/// The bot with a poller that can be restarted.
fn with_restartable_poller() -> Run {
    let mut plan = bot();
    plan.tiers[1][1].is_restartable = true;
    Run::running_with(plan)
}

#[test]
fn a_service_goes_down_gracefully_and_comes_up_again_alone() {
    let mut run = with_restartable_poller();
    let request = Event::RestartRequested(POLLER);
    assert_eq!(run.step(request), [Action::Drain(POLLER)]);
    assert_eq!(
        run.step(Event::Drained(POLLER)),
        [Action::Release(POLLER)],
        "it waits for nobody's work"
    );
    assert_eq!(
        run.step(Event::Exited(POLLER, Exit::Finished)),
        [Action::Spawn(POLLER)],
        "at once, although it is not restarted after an end of its own"
    );
    run.step(Event::Ready(POLLER));
    let poller = &run.machine.services()[POLLER.0];
    assert_eq!((poller.state, poller.restarts), (ServiceState::Ready, 1));
    assert_eq!(run.machine.phase(), Phase::Running);
    assert_eq!(run.machine.reasons(), []);
    assert_eq!(run.machine.cancels_at(), None);
}

#[test]
fn what_its_spec_does_not_allow_is_not_restarted() {
    let mut run = with_restartable_poller();
    assert_eq!(run.step(Event::RestartRequested(STORE)), []);
    let refused = run.machine.may_be_restarted(STORE).unwrap_err();
    assert_eq!(refused, RestartRefused::NotRestartable("store".into()));
}

#[test]
fn a_second_request_on_the_way_down_is_refused_and_changes_nothing() {
    let mut run = with_restartable_poller();
    run.step(Event::RestartRequested(POLLER));
    assert_eq!(run.step(Event::RestartRequested(POLLER)), []);
    let refused = run.machine.may_be_restarted(POLLER).unwrap_err();
    let busy = RestartRefused::Busy("poller".into(), ServiceState::Draining);
    assert_eq!(refused, busy);
}

#[test]
fn one_that_does_not_go_down_is_cut_off_and_stops_the_process_within_the_budget() {
    let mut run = with_restartable_poller();
    run.step(Event::RestartRequested(POLLER));
    run.now = s(20);
    assert_eq!(run.step(Event::Tick), [Action::Kill(POLLER)]);
    run.now = s(23);
    assert_eq!(run.step(Event::Tick), [Action::Abort(POLLER)]);
    run.now = s(25);
    run.step(Event::Tick);
    let poller = &run.machine.services()[POLLER.0];
    assert_eq!(poller.state, ServiceState::Abandoned);
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("poller".into())]
    );
}

#[test]
fn a_stop_on_the_way_down_tells_nobody_twice_and_starts_nothing() {
    let mut run = with_restartable_poller();
    run.step(Event::RestartRequested(POLLER));
    assert_eq!(
        run.signal(),
        [Action::ArmDeadline(s(25)), Action::Drain(LANES)],
        "the poller knows"
    );
    run.step(Event::Exited(POLLER, Exit::Finished));
    run.pass_time();
    assert!(!run.actions.contains(&Action::Spawn(POLLER)));
}

#[test]
fn what_waits_for_its_next_life_or_was_given_up_starts_at_once() {
    let mut plan = bot();
    plan.tiers[1][1].is_restartable = true;
    plan.tiers[1][1].is_optional = true;
    plan.tiers[1][1].restart = RestartPolicy::new(Restart::Transient)
        .intensity(0, s(60))
        .unwrap();
    let mut run = Run::running_with(plan);
    let failed = || Exit::Panicked(Panic::saying("x"));
    assert_eq!(run.step(Event::Exited(POLLER, failed())), [], "given up");
    let request = Event::RestartRequested(POLLER);
    assert_eq!(run.step(request), [Action::Spawn(POLLER)]);
}

#[test]
fn nothing_is_restarted_while_the_process_stops() {
    let mut run = with_restartable_poller();
    run.signal();
    let refused = run.machine.may_be_restarted(POLLER).unwrap_err();
    assert_eq!(refused, RestartRefused::NotRunning(Phase::Draining));
}
