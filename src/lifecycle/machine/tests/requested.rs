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

fn away() -> Exit {
    Exit::Failed {
        message: "the server is away".into(),
        kind: None,
        retry_after: s(4),
    }
}

/// Asks for the poller's restart, and lets its old life end.
fn restarted_poller() -> Run {
    let mut run = with_restartable_poller();
    run.step(Event::RestartRequested(POLLER));
    assert_eq!(
        run.step(Event::Exited(POLLER, Exit::Finished)),
        [Action::Spawn(POLLER)]
    );
    run
}

#[test]
fn what_worked_until_somebody_asked_is_tried_until_it_works_again() {
    let mut run = restarted_poller();
    for _ in 0..100 {
        assert_eq!(run.step(Event::Exited(POLLER, away())), []);
        let poller = &run.machine.services()[POLLER.0];
        assert_eq!(poller.state, ServiceState::Backoff);
        let at = run.machine.wake_at().expect("it is tried again");
        assert!(at >= run.now + s(4), "no sooner than it asked for");
        run.now = at;
        assert_eq!(run.step(Event::Tick), [Action::Spawn(POLLER)]);
    }
    run.step(Event::Exited(POLLER, Exit::Panicked(Panic::saying("x"))));
    assert_eq!(run.machine.reasons(), [], "nor does a panic end it");
}

#[test]
fn once_it_works_again_its_policy_is_what_counts() {
    let mut run = restarted_poller();
    run.step(Event::Ready(POLLER));
    run.step(Event::Exited(POLLER, away()));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("poller".into())]
    );
}

#[test]
fn a_failure_that_no_try_mends_ends_it_in_any_life() {
    let mut run = restarted_poller();
    let refused = Exit::Failed {
        message: "the token is refused".into(),
        kind: Some(ExitKind::Config),
        retry_after: Duration::ZERO,
    };
    run.step(Event::Exited(POLLER, refused));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("poller".into())]
    );
}

/// The bot with an optional service of a tier between, `browser`, which can be restarted as the poller can.
fn with_browser() -> Run {
    let mut plan = bot();
    plan.tiers[1][1].is_restartable = true;
    let mut browser = service("browser");
    (browser.is_optional, browser.is_restartable) = (true, true);
    plan.tiers.insert(1, vec![browser]);
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    for id in [STORE, BROWSER, MORE_LANES, LAST] {
        run.step(Event::Ready(id));
    }
    assert_eq!(run.machine.phase(), Phase::Running);
    run
}

const BROWSER: ServiceId = ServiceId(1);
const MORE_LANES: ServiceId = ServiceId(2);
const LAST: ServiceId = ServiceId(3);

#[test]
fn it_comes_up_at_once_although_a_neighbour_is_on_its_way_down() {
    let mut run = with_browser();
    assert_eq!(
        run.step(Event::RestartRequested(BROWSER)),
        [Action::Drain(BROWSER)]
    );
    run.step(Event::RestartRequested(LAST));
    assert_eq!(
        run.step(Event::Exited(LAST, Exit::Finished)),
        [Action::Spawn(LAST)],
        "it does not depend on the browser"
    );
}

#[test]
fn each_service_that_goes_down_knows_its_end() {
    let mut run = with_browser();
    run.step(Event::RestartRequested(BROWSER));
    run.now += s(5);
    run.step(Event::RestartRequested(LAST));
    let at = Duration::from_millis;
    let marks = |run: &Run, id| run.machine.marks_of(id);
    assert_eq!(marks(&run, BROWSER), Some((s(20), at(22_500))));
    assert_eq!(marks(&run, LAST), Some((s(25), at(27_500))));
    assert_eq!(marks(&run, STORE), None);
}

#[test]
fn one_that_goes_down_knows_its_end_during_a_sweep_too() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    let mut last = service("last");
    last.is_restartable = true;
    plan.tiers[0].push(last);
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    let (beside, lanes, poller) = (ServiceId(1), ServiceId(2), ServiceId(3));
    for id in [STORE, beside, lanes, poller] {
        run.step(Event::Ready(id));
    }
    run.step(Event::Exited(STORE, Exit::Panicked(Panic::saying("x"))));
    run.step(Event::RestartRequested(beside));
    assert!(run.machine.marks_of(lanes).is_some(), "of the sweep");
    assert!(run.machine.marks_of(beside).is_some(), "on request");
}

#[test]
fn what_never_goes_down_needs_a_new_process() {
    let mut plan = bot();
    plan.tiers[1][1].is_restartable = true;
    plan.tiers[1][1].is_optional = true;
    let mut run = Run::running_with(plan);
    run.step(Event::RestartRequested(POLLER));
    run.now = s(25);
    run.step(Event::Tick);
    assert_eq!(run.machine.reasons(), [], "it is optional");
    let refused = run.machine.may_be_restarted(POLLER).unwrap_err();
    let busy = RestartRefused::Busy("poller".into(), ServiceState::Abandoned);
    assert_eq!(refused, busy);
    assert!(refused.to_string().ends_with("restart the process"));
}
