//! Optional services of which one at least is needed.

use super::*;

const FIRST: ServiceId = POLLER;
const SECOND: ServiceId = ServiceId(3);

/// The bot with two pollers, which are restarted after failures; they have been spawned.
fn starting() -> Run {
    let mut plan = bot();
    plan.tiers[1][1] = poller("first");
    plan.tiers[1].push(poller("second"));
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.step(Event::Ready(STORE));
    run.step(Event::Ready(LANES));
    run
}

fn poller(name: &str) -> ServicePlan {
    ServicePlan {
        restart: RestartPolicy::new(Restart::Transient),
        is_optional: true,
        group: Some("pollers".into()),
        ..service(name)
    }
}

fn running() -> Run {
    let mut run = starting();
    run.step(Event::Ready(FIRST));
    run.step(Event::Ready(SECOND));
    assert_eq!(run.machine.phase(), Phase::Running);
    run
}

fn refused() -> Exit {
    Exit::Failed {
        message: "token".into(),
        kind: Some(ExitKind::Config),
        retry_after: Duration::ZERO,
    }
}

fn unreachable() -> Exit {
    Exit::Failed {
        message: "no answer".into(),
        kind: None,
        retry_after: s(10),
    }
}

fn state(run: &Run, id: ServiceId) -> ServiceState {
    run.machine.services()[id.0].state
}

#[test]
fn the_last_one_that_is_given_up_stops_the_process_with_its_own_exit_code() {
    let mut run = running();
    run.step(Event::Exited(FIRST, refused()));
    assert_eq!(run.machine.phase(), Phase::Running);
    let occupied = Exit::Failed {
        message: "occupied".into(),
        kind: Some(ExitKind::Temporary),
        retry_after: Duration::ZERO,
    };
    run.step(Event::Exited(SECOND, occupied));
    let reasons = [StopReason::ServiceFailed("second".into())];
    assert_eq!(run.machine.reasons(), reasons);
    assert_eq!(run.machine.failure_kind(), Some(ExitKind::Temporary));
}

#[test]
fn one_that_fails_for_good_at_its_start_does_not_hold_the_others_up() {
    let mut run = starting();
    run.step(Event::Exited(FIRST, refused()));
    assert_eq!(run.machine.phase(), Phase::Starting, "the second is needed");
    run.step(Event::Ready(SECOND));
    assert_eq!(run.machine.phase(), Phase::Running);
    assert_eq!(state(&run, FIRST), ServiceState::Stopped);
}

#[test]
fn one_that_fails_at_its_start_is_tried_again_while_another_may_come_up() {
    let mut run = starting();
    run.step(Event::Exited(FIRST, unreachable()));
    assert_eq!(state(&run, FIRST), ServiceState::Backoff);
    run.step(Event::Ready(SECOND));
    assert_eq!(run.machine.phase(), Phase::Running, "it is not waited for");
    run.actions.clear();
    while run.actions != [Action::Spawn(FIRST)] {
        run.now = run.machine.wake_at().expect("a restart is due");
        run.step(Event::Tick);
    }
    run.step(Event::Ready(FIRST));
    assert_eq!(state(&run, FIRST), ServiceState::Ready);
}

#[test]
fn a_second_try_does_not_hold_the_start_up() {
    let mut run = starting();
    run.step(Event::Exited(FIRST, unreachable()));
    while state(&run, FIRST) == ServiceState::Backoff {
        run.now = run.machine.wake_at().expect("a restart is due");
        run.step(Event::Tick);
    }
    run.step(Event::Ready(SECOND));
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn without_any_of_them_ready_the_start_does_not_go_on() {
    let mut run = starting();
    run.step(Event::Exited(FIRST, unreachable()));
    while state(&run, FIRST) == ServiceState::Backoff {
        run.now = run.machine.wake_at().expect("a restart is due");
        run.step(Event::Tick);
    }
    // The first has begun its second try.
    run.step(Event::Exited(SECOND, unreachable()));
    assert_eq!(run.machine.phase(), Phase::Starting);
    assert_eq!(run.machine.reasons(), []);
    run.step(Event::Ready(FIRST));
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn a_start_at_which_all_of_them_fail_has_failed() {
    for first in [unreachable(), refused()] {
        let mut run = starting();
        run.step(Event::Exited(FIRST, first));
        assert_eq!(run.machine.reasons(), []);
        run.step(Event::Exited(SECOND, unreachable()));
        let reasons = [StopReason::StartFailed("second".into())];
        assert_eq!(run.machine.reasons(), reasons);
    }
}

#[test]
fn once_it_runs_the_last_one_is_tried_again_although_it_was_never_ready() {
    let mut run = starting();
    run.step(Event::Exited(FIRST, unreachable()));
    run.step(Event::Ready(SECOND));
    run.step(Event::Exited(SECOND, refused()));
    while state(&run, FIRST) == ServiceState::Backoff {
        run.now = run.machine.wake_at().expect("a restart is due");
        run.step(Event::Tick);
    }
    run.step(Event::Exited(FIRST, unreachable()));
    assert_eq!(state(&run, FIRST), ServiceState::Backoff);
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn all_of_them_that_hang_in_their_start_fail_it() {
    let mut run = starting();
    run.pass_time();
    let reasons = [StopReason::StartFailed("second".into())];
    assert_eq!(run.machine.reasons(), reasons);
}
