//! What follows when a service ends: another life, a stop, or a process without it.

use super::*;

/// The bot with another policy for its poller.
fn with_policy(policy: RestartPolicy, is_optional: bool) -> Run {
    let mut plan = bot();
    plan.tiers[1][1].restart = policy;
    plan.tiers[1][1].is_optional = is_optional;
    Run::running_with(plan)
}

fn failure() -> Exit {
    Exit::Failed {
        message: "no tea".into(),
        kind: None,
        retry_after: Duration::ZERO,
    }
}

impl Run {
    /// Lets the poller end, and time pass until it is started again; how long that was.
    fn restart(&mut self, exit: Exit) -> Duration {
        let ended = self.now;
        self.step(Event::Exited(POLLER, exit));
        assert_eq!(
            self.machine.services()[POLLER.0].state,
            ServiceState::Backoff
        );
        self.actions.clear();
        while !self.actions.contains(&Action::Spawn(POLLER)) {
            self.now = self.machine.wake_at().expect("a restart is due");
            self.step(Event::Tick);
        }
        self.step(Event::Ready(POLLER));
        self.now - ended
    }
}

#[test]
fn a_permanent_service_is_restarted_whatever_its_end_was() {
    let mut run = with_policy(RestartPolicy::new(Restart::Permanent), false);
    for exit in [
        Exit::Finished,
        failure(),
        Exit::Panicked(Panic::saying("x")),
    ] {
        run.restart(exit);
        assert_eq!(run.machine.phase(), Phase::Running);
    }
    assert_eq!(run.machine.services()[POLLER.0].restarts, 3);
}

#[test]
fn a_transient_service_is_restarted_after_a_failure_only() {
    let mut run = with_policy(RestartPolicy::new(Restart::Transient), false);
    run.restart(failure());
    run.step(Event::Exited(POLLER, Exit::Finished));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::Completed("poller".into())]
    );
}

#[test]
fn a_failure_with_an_exit_code_is_not_tried_again() {
    let mut run = with_policy(RestartPolicy::new(Restart::Permanent), false);
    let refused = Exit::Failed {
        message: "token".into(),
        kind: Some(ExitKind::Config),
        retry_after: s(1),
    };
    run.step(Event::Exited(POLLER, refused));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("poller".into())]
    );
    assert_eq!(run.machine.failure_kind(), Some(ExitKind::Config));
}

#[test]
fn waits_are_jittered_below_a_limit_that_doubles() {
    let policy = RestartPolicy::new(Restart::Permanent)
        .intensity(20, s(1_200))
        .unwrap();
    let policy = policy.backoff(s(1), s(8)).unwrap();
    let mut run = with_policy(policy, false);
    let waits: Vec<_> = (0..6).map(|_| run.restart(failure())).collect();
    for (wait, limit) in waits.iter().zip([1, 2, 4, 8, 8, 8]) {
        assert!(*wait <= s(limit), "{waits:?}");
    }
    assert!(waits.windows(2).any(|pair| pair[0] != pair[1]), "{waits:?}");
}

#[test]
fn a_retry_after_is_waited_for() {
    let mut run = with_policy(RestartPolicy::new(Restart::Transient), false);
    let later = Exit::Failed {
        message: "flood".into(),
        kind: None,
        retry_after: s(30),
    };
    assert!(run.restart(later) >= s(30));
}

#[test]
fn too_many_restarts_in_the_window_stop_the_process() {
    let policy = RestartPolicy::new(Restart::Permanent)
        .intensity(2, s(60))
        .unwrap();
    let mut run = with_policy(policy, false);
    run.restart(failure());
    run.restart(failure());
    run.step(Event::Exited(POLLER, failure()));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::RestartsExhausted("poller".into())]
    );
}

#[test]
fn restarts_outside_the_window_do_not_count() {
    let policy = RestartPolicy::new(Restart::Permanent)
        .intensity(1, s(60))
        .unwrap();
    let mut run = with_policy(policy, false);
    run.restart(failure());
    run.now += s(61);
    run.restart(failure());
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn a_healthy_time_makes_the_next_failure_the_first() {
    let policy = RestartPolicy::new(Restart::Permanent).reset_after(s(300));
    let mut run = with_policy(policy, false);
    for _ in 0..4 {
        run.restart(failure());
    }
    run.now += s(301);
    assert!(run.restart(failure()) <= Duration::from_millis(500));
}

#[test]
fn an_optional_service_that_is_given_up_leaves_the_process_running() {
    let mut run = with_policy(RestartPolicy::new(Restart::Temporary), true);
    run.step(Event::Exited(POLLER, failure()));
    assert_eq!(run.machine.phase(), Phase::Running);
    assert_eq!(
        run.machine.services()[POLLER.0].state,
        ServiceState::Stopped
    );
}

#[test]
fn an_optional_service_that_does_not_come_up_does_not_hold_the_start_up() {
    let mut plan = bot();
    plan.tiers[0][0].is_optional = true;
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    let actions = run.step(Event::Exited(STORE, failure()));
    assert_eq!(actions, [Action::Spawn(LANES), Action::Spawn(POLLER)]);
}

#[test]
fn a_stop_during_a_back_off_is_honoured_at_once_and_starts_nothing() {
    let mut run = with_policy(RestartPolicy::new(Restart::Permanent), false);
    run.step(Event::Exited(POLLER, failure()));
    run.actions.clear();
    let actions = run.signal();
    assert_eq!(actions, [Action::ArmDeadline(s(25)), Action::Drain(LANES)]);
    run.pass_time();
    assert!(!run.actions.contains(&Action::Spawn(POLLER)));
    assert_eq!(
        run.machine.services()[POLLER.0].state,
        ServiceState::Stopped
    );
}

#[test]
fn a_restart_that_does_not_get_ready_stops_the_process() {
    let mut run = with_policy(RestartPolicy::new(Restart::Permanent), false);
    run.step(Event::Exited(POLLER, failure()));
    while run.machine.phase() == Phase::Running {
        run.now = run.machine.wake_at().expect("a time-out is due");
        run.step(Event::Tick);
    }
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("poller".into())]
    );
    assert!(
        run.actions.contains(&Action::Drain(POLLER)),
        "it is stopped with the others"
    );
}

#[test]
fn a_healthy_time_long_ago_does_not_excuse_lives_that_never_got_ready() {
    let mut run = with_policy(RestartPolicy::new(Restart::Transient), false);
    run.now += s(600);
    run.step(Event::Exited(POLLER, failure()));
    for _ in 0..20 {
        while run.machine.services()[POLLER.0].state == ServiceState::Backoff {
            run.now = run.machine.wake_at().expect("a restart is due");
            run.step(Event::Tick);
        }
        run.step(Event::Exited(POLLER, failure()));
    }
    assert_eq!(
        run.machine.reasons(),
        [StopReason::RestartsExhausted("poller".into())]
    );
}

#[test]
fn an_optional_service_that_hangs_in_its_start_is_aborted_and_not_waited_for() {
    let mut plan = bot();
    plan.tiers[0][0].is_optional = true;
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.now = s(30);
    assert_eq!(
        run.step(Event::Tick),
        [
            Action::Abort(STORE),
            Action::Spawn(LANES),
            Action::Spawn(POLLER)
        ]
    );
    run.step(Event::Exited(STORE, Exit::Aborted));
    assert_eq!(run.machine.reasons(), []);
}

#[test]
fn a_retry_after_without_end_is_long_and_not_fatal() {
    let mut run = with_policy(RestartPolicy::new(Restart::Transient), false);
    let never = Exit::Failed {
        message: "flood".into(),
        kind: None,
        retry_after: Duration::MAX,
    };
    run.step(Event::Exited(POLLER, never));
    assert!(run.machine.wake_at().is_some());
}
