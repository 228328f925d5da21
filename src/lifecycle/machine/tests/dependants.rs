//! Dependants that are restarted with what they depend on, and promises to be heard of.

use super::*;

/// The bot with a store that takes the others down when it is restarted.
fn with_rest_for_one() -> Run {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    Run::running_with(plan)
}

fn failure() -> Exit {
    Exit::Panicked(Panic::saying("disk on fire"))
}

impl Run {
    fn promise(&mut self, id: ServiceId, until: Duration) {
        self.machine.promise(id, until);
        self.step(Event::Tick);
    }

    fn state(&self, id: ServiceId) -> ServiceState {
        self.machine.services()[id.0].state
    }

    /// Lets time pass until something is to be done.
    fn next_actions(&mut self) -> Vec<Action> {
        loop {
            self.now = self.machine.wake_at().expect("something is due");
            let actions = self.step(Event::Tick);
            if !actions.is_empty() {
                return actions;
            }
        }
    }
}

#[test]
fn dependants_go_down_before_the_restart_and_come_up_after_it() {
    let mut run = with_rest_for_one();
    assert_eq!(
        run.step(Event::Exited(STORE, failure())),
        [Action::Drain(LANES), Action::Drain(POLLER)]
    );
    assert_eq!(run.step(Event::Drained(POLLER)), []);
    // As in a stop, the one that holds on is released when its neighbour has finished.
    assert_eq!(
        run.step(Event::Exited(LANES, Exit::Finished)),
        [Action::Release(POLLER)]
    );
    run.now += s(5);
    assert_eq!(
        run.step(Event::Exited(POLLER, Exit::Finished)),
        [Action::Spawn(STORE)],
        "its wait is over, and nothing right of it runs any more"
    );
    assert_eq!(
        run.step(Event::Ready(STORE)),
        [Action::Spawn(LANES), Action::Spawn(POLLER)]
    );
    run.step(Event::Ready(LANES));
    run.step(Event::Ready(POLLER));
    assert_eq!(run.machine.phase(), Phase::Running);
    assert_eq!(run.machine.reasons(), []);
}

#[test]
fn without_rest_for_one_the_others_go_on() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent);
    let mut run = Run::running_with(plan);
    assert_eq!(run.step(Event::Exited(STORE, failure())), []);
    assert_eq!(run.next_actions(), [Action::Spawn(STORE)]);
    assert_eq!(run.state(POLLER), ServiceState::Ready);
}

#[test]
fn a_dependant_that_fails_while_it_goes_down_comes_up_again() {
    let mut run = with_rest_for_one();
    run.step(Event::Exited(STORE, failure()));
    run.step(Event::Exited(LANES, failure()));
    run.step(Event::Exited(POLLER, failure()));
    assert_eq!(run.next_actions(), [Action::Spawn(STORE)]);
    assert_eq!(
        run.step(Event::Ready(STORE)),
        [Action::Spawn(LANES), Action::Spawn(POLLER)]
    );
}

#[test]
fn a_dependant_that_does_not_go_down_stops_the_process_within_the_budget() {
    let mut run = with_rest_for_one();
    run.step(Event::Exited(STORE, failure()));
    run.step(Event::Exited(POLLER, Exit::Finished));
    assert_eq!(run.next_actions(), [Action::Kill(LANES)]);
    assert_eq!(run.now, s(20), "at 80 % of the budget");
    assert_eq!(run.next_actions(), [Action::Abort(LANES)]);
    run.next_actions();
    assert_eq!(run.now, s(25));
    assert_eq!(run.state(LANES), ServiceState::Abandoned);
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("lanes".into())]
    );
    assert!(!run.actions.contains(&Action::Spawn(STORE)));
}

#[test]
fn a_stop_while_dependants_go_down_tells_nobody_twice_and_starts_nothing() {
    let mut run = with_rest_for_one();
    run.step(Event::Exited(STORE, failure()));
    run.step(Event::Exited(LANES, Exit::Finished));
    assert_eq!(
        run.signal(),
        [Action::ArmDeadline(s(25))],
        "the poller knows"
    );
    assert_eq!(
        run.step(Event::IntakeClosed(POLLER)),
        [Action::RunHook(GOODBYE)]
    );
    run.step(Event::HookEnded(GOODBYE, HookResult::Done));
    run.step(Event::Exited(POLLER, Exit::Finished));
    assert_eq!(run.machine.phase(), Phase::Finalizing);
    assert_eq!(run.state(LANES), ServiceState::Stopped);
    assert!(
        !run.actions
            .iter()
            .any(|action| matches!(action, Action::Spawn(_)))
    );
}

#[test]
fn a_dependant_that_waited_long_for_its_turn_has_its_whole_start_timeout() {
    let mut run = with_rest_for_one();
    run.step(Event::Exited(STORE, failure()));
    run.step(Event::Exited(LANES, Exit::Finished));
    run.step(Event::Exited(POLLER, Exit::Finished));
    run.next_actions();
    run.now += s(29);
    run.step(Event::Ready(STORE));
    run.now += s(29);
    run.step(Event::Tick);
    assert_eq!(run.machine.reasons(), []);
    run.now += s(1);
    run.step(Event::Tick);
    assert_eq!(
        run.machine.reasons(),
        [StopReason::ServiceFailed("lanes".into())]
    );
}

#[test]
fn a_critical_service_that_breaks_its_promise_stops_the_process() {
    let mut run = Run::running();
    run.promise(POLLER, s(10));
    run.now = s(9);
    run.promise(POLLER, s(19));
    run.now = s(18);
    run.step(Event::Tick);
    assert_eq!(
        run.machine.reasons(),
        [],
        "a promise that is renewed is kept"
    );
    run.next_actions();
    assert_eq!(run.now, s(19));
    assert_eq!(run.machine.reasons(), [StopReason::Stale("poller".into())]);
}

#[test]
fn an_optional_service_that_breaks_its_promise_is_aborted_and_restarted_by_its_policy() {
    let mut plan = bot();
    plan.tiers[1][1].is_optional = true;
    plan.tiers[1][1].restart = RestartPolicy::new(Restart::Transient);
    let mut run = Run::running_with(plan);
    run.promise(POLLER, s(10));
    assert_eq!(run.next_actions(), [Action::Abort(POLLER)]);
    run.step(Event::Exited(POLLER, Exit::Aborted));
    assert_eq!(run.next_actions(), [Action::Spawn(POLLER)]);
    assert_eq!(run.machine.reasons(), []);
}

#[test]
fn a_process_that_stood_still_has_broken_no_promise() {
    let mut run = Run::running();
    run.promise(POLLER, s(10));
    run.now = s(600);
    run.step(Event::Tick);
    assert_eq!(run.machine.reasons(), []);
    run.next_actions();
    assert_eq!(run.now, s(605), "from there on it counts again");
    assert_eq!(run.machine.reasons(), [StopReason::Stale("poller".into())]);
}

#[test]
fn nobody_has_to_keep_promises_once_a_stop_has_begun() {
    let mut run = Run::running();
    run.promise(POLLER, s(10));
    run.signal();
    run.now = s(11);
    run.step(Event::Tick);
    assert_eq!(run.machine.reasons().len(), 1);
}

#[test]
fn a_promise_after_years_is_a_promise() {
    let mut run = Run::running();
    run.now = s(400 * 86_400);
    run.step(Event::Tick);
    run.promise(POLLER, run.now + s(10));
    assert_eq!(run.machine.reasons(), []);
    run.next_actions();
    assert_eq!(run.now, s(400 * 86_400 + 10));
}

#[test]
fn an_optional_dependant_that_fails_for_good_on_its_way_down_does_not_hold_the_start_up() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    plan.tiers[1][0].is_optional = true;
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.step(Event::Ready(STORE));
    run.step(Event::Exited(STORE, failure()));
    let refused = Exit::Failed {
        message: "wrong".into(),
        kind: Some(ExitKind::Config),
        retry_after: Duration::ZERO,
    };
    run.step(Event::Exited(LANES, refused));
    run.step(Event::Exited(POLLER, Exit::Finished));
    run.next_actions();
    run.step(Event::Ready(STORE));
    run.step(Event::Ready(POLLER));
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn a_dependant_that_ends_before_its_turn_to_go_down_ended_by_itself() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    plan.tiers.push(vec![service("page")]);
    let mut run = Run::running_with_more(plan, &[ServiceId(3)]);
    assert_eq!(
        run.step(Event::Exited(STORE, failure())),
        [Action::Drain(ServiceId(3))]
    );
    run.step(Event::Exited(LANES, Exit::Finished));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::Completed("lanes".into())]
    );
}

#[test]
fn a_failure_further_left_gives_a_sweep_time_of_its_own() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    plan.tiers[1][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    plan.tiers.push(vec![service("page")]);
    let mut run = Run::running_with_more(plan, &[ServiceId(3)]);
    run.step(Event::Exited(LANES, failure()));
    run.now += s(19);
    run.step(Event::Exited(STORE, failure()));
    run.step(Event::Exited(ServiceId(3), Exit::Finished));
    assert_eq!(run.state(POLLER), ServiceState::Draining);
    run.next_actions();
    assert_eq!(run.now, s(19 + 20), "80 % of 25 s from the second failure");
}

#[test]
fn a_dependant_that_backed_off_when_its_turn_came_is_reported_as_waiting() {
    let mut plan = bot();
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    plan.tiers[1][1].restart = RestartPolicy::new(Restart::Permanent);
    let mut run = Run::running_with(plan);
    run.step(Event::Exited(POLLER, failure()));
    run.step(Event::Exited(STORE, failure()));
    run.signal();
    assert!(run.machine.services()[POLLER.0].was_waiting);
}

#[test]
fn a_tier_does_not_start_beside_one_that_is_down_and_would_take_it_along() {
    let mut plan = bot();
    plan.tiers[0].push(service("cache"));
    plan.tiers[0][0].restart = RestartPolicy::new(Restart::Permanent).rest_for_one();
    let (store, cache) = (ServiceId(0), ServiceId(1));
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.step(Event::Ready(store));
    run.step(Event::Exited(store, failure()));
    assert_eq!(run.step(Event::Ready(cache)), []);
    assert_eq!(run.next_actions(), [Action::Spawn(store)]);
    assert_eq!(
        run.step(Event::Ready(store)),
        [Action::Spawn(ServiceId(2)), Action::Spawn(ServiceId(3))]
    );
}
