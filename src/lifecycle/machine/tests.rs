mod dependants;
mod groups;
mod requested;
mod restarts;
mod schedules;

use super::*;
use crate::lifecycle::Restart;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hook(name: &str) -> HookPlan {
    HookPlan {
        name: name.into(),
        timeout: s(10),
    }
}

fn service(name: &str) -> ServicePlan {
    ServicePlan {
        name: name.into(),
        start_timeout: s(30),
        weight: 1,
        restart: RestartPolicy::new(Restart::Temporary),
        is_optional: false,
        group: None,
        is_restartable: false,
    }
}

/// Two tiers, `store` and then `lanes` beside `poller`, with one hook a stage and 25 s to stop.
fn bot() -> Plan {
    Plan {
        on_start: vec![hook("hello")],
        tiers: vec![
            vec![service("store")],
            vec![service("lanes"), service("poller")],
        ],
        on_drain: vec![hook("goodbye")],
        on_stopped: vec![hook("flush")],
        stop_timeout: s(25),
        seed: 1,
        watchdog: None,
    }
}

const STORE: ServiceId = ServiceId(0);
const LANES: ServiceId = ServiceId(1);
const POLLER: ServiceId = ServiceId(2);
const HELLO: HookId = HookId {
    stage: Stage::OnStart,
    index: 0,
};
const GOODBYE: HookId = HookId {
    stage: Stage::OnDrain,
    index: 0,
};
const FLUSH: HookId = HookId {
    stage: Stage::OnStopped,
    index: 0,
};

/// Feeds events and keeps every action but the notes.
struct Run {
    machine: Machine,
    now: Duration,
    actions: Vec<Action>,
}

impl Run {
    fn new(plan: Plan) -> Self {
        Self {
            machine: Machine::new(plan),
            now: Duration::ZERO,
            actions: Vec::new(),
        }
    }

    /// A bot that has come up.
    fn running() -> Self {
        Self::running_with(bot())
    }

    fn running_with(plan: Plan) -> Self {
        Self::running_with_more(plan, &[])
    }

    /// A bot with further services, which get ready last.
    fn running_with_more(plan: Plan, more: &[ServiceId]) -> Self {
        let mut run = Self::new(plan);
        run.step(Event::Begin);
        run.step(Event::HookEnded(HELLO, HookResult::Done));
        run.step(Event::Ready(STORE));
        run.step(Event::Ready(POLLER));
        run.step(Event::Ready(LANES));
        for id in more {
            run.step(Event::Ready(*id));
        }
        assert_eq!(run.machine.phase(), Phase::Running);
        run.actions.clear();
        run
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.machine.step(event, self.now);
        actions.retain(|action| !matches!(action, Action::Note(_)));
        self.actions.extend(actions.clone());
        actions
    }

    fn signal(&mut self) -> Vec<Action> {
        self.step(Event::StopRequested(StopReason::Signal {
            signo: 15,
            pid: None,
            uid: None,
        }))
    }

    /// Lets time pass to each instant the machine asks for, until it is over or wants nothing.
    fn pass_time(&mut self) {
        while let Some(at) = self.machine.wake_at() {
            assert!(at > self.now, "the machine asks for a tick in the past");
            self.now = at;
            self.step(Event::Tick);
        }
    }
}

#[test]
fn tiers_start_left_to_right_and_each_waits_for_ready() {
    let mut run = Run::new(bot());
    assert_eq!(run.step(Event::Begin), [Action::RunHook(HELLO)]);
    assert_eq!(
        run.step(Event::HookEnded(HELLO, HookResult::Done)),
        [Action::Spawn(STORE)]
    );
    assert_eq!(
        run.step(Event::Ready(STORE)),
        [Action::Spawn(LANES), Action::Spawn(POLLER)]
    );
    assert_eq!(run.step(Event::Ready(POLLER)), []);
    run.step(Event::Ready(LANES));
    assert_eq!(run.machine.phase(), Phase::Running);
}

#[test]
fn a_stop_drains_from_right_to_left_with_the_hooks_before_the_release() {
    let mut run = Run::running();
    let began = run.signal();
    assert_eq!(
        began,
        [
            Action::ArmDeadline(s(25)),
            Action::Drain(LANES),
            Action::Drain(POLLER)
        ]
    );
    assert_eq!(
        run.step(Event::Drained(POLLER)),
        [],
        "the lanes still take work in"
    );
    assert_eq!(
        run.step(Event::IntakeClosed(LANES)),
        [Action::RunHook(GOODBYE)]
    );
    assert_eq!(
        run.step(Event::Exited(LANES, Exit::Finished)),
        [],
        "the goodbye still needs the poller"
    );
    assert_eq!(
        run.step(Event::HookEnded(GOODBYE, HookResult::Done)),
        [Action::Release(POLLER)]
    );
    assert_eq!(run.machine.phase(), Phase::Stopping);
    assert_eq!(
        run.step(Event::Exited(POLLER, Exit::Finished)),
        [Action::Drain(STORE)]
    );
    assert_eq!(
        run.step(Event::Exited(STORE, Exit::Finished)),
        [Action::RunHook(FLUSH)]
    );
    run.step(Event::HookEnded(FLUSH, HookResult::Done));
    assert_eq!(run.machine.phase(), Phase::Stopped);
}

#[test]
fn a_stop_during_the_start_stops_only_what_started() {
    let mut run = Run::new(bot());
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    let actions = run.signal();
    assert!(actions.contains(&Action::Drain(STORE)));
    assert_eq!(
        run.step(Event::Exited(STORE, Exit::Finished)),
        [Action::RunHook(FLUSH)]
    );
    run.step(Event::HookEnded(FLUSH, HookResult::Done));
    assert_eq!(run.machine.phase(), Phase::Stopped);
    assert_eq!(run.machine.hook(GOODBYE).result, Some(HookResult::NotDue));
    assert_eq!(
        run.machine.services()[POLLER.0].state,
        ServiceState::Pending
    );
}

#[test]
fn a_stop_during_a_start_hook_cancels_it() {
    let mut run = Run::new(bot());
    run.step(Event::Begin);
    let actions = run.signal();
    assert_eq!(
        actions,
        [
            Action::ArmDeadline(s(25)),
            Action::CancelHook(HELLO),
            Action::RunHook(FLUSH)
        ]
    );
}

#[test]
fn a_start_that_times_out_counts_as_started_and_is_rolled_back() {
    let mut run = Run::new(bot());
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.now = s(30);
    let actions = run.step(Event::Tick);
    assert!(actions.contains(&Action::Drain(STORE)), "{actions:?}");
    assert_eq!(
        run.machine.reasons(),
        [StopReason::StartFailed("store".into())]
    );
}

#[test]
fn a_start_hook_that_hangs_fails_the_start() {
    let mut run = Run::new(bot());
    run.step(Event::Begin);
    run.now = s(10);
    let actions = run.step(Event::Tick);
    assert!(actions.contains(&Action::CancelHook(HELLO)));
    assert!(actions.contains(&Action::RunHook(FLUSH)));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::StartFailed("hello".into())]
    );
}

#[test]
fn nothing_that_hangs_delays_the_stop_beyond_its_budget() {
    let mut run = Run::running();
    run.signal();
    run.pass_time();
    assert_eq!(run.machine.phase(), Phase::Stopped);
    assert!(run.now <= s(25), "it took {:?}", run.now);
    let states: Vec<_> = run
        .machine
        .services()
        .iter()
        .map(|service| service.state)
        .collect();
    assert_eq!(states, [ServiceState::Abandoned; 3]);
    assert_eq!(run.machine.hook(GOODBYE).result, Some(HookResult::TimedOut));
    assert_eq!(run.machine.hook(FLUSH).result, Some(HookResult::TimedOut));
}

#[test]
fn what_hangs_is_killed_then_aborted_then_abandoned() {
    let mut run = Run::running();
    run.signal();
    run.actions.clear();
    run.pass_time();
    let about_poller: Vec<_> = run
        .actions
        .iter()
        .filter(|action| {
            matches!(
                action,
                Action::Kill(POLLER) | Action::Abort(POLLER) | Action::Drain(STORE)
            )
        })
        .collect();
    assert_eq!(
        about_poller,
        [
            &Action::Kill(POLLER),
            &Action::Abort(POLLER),
            &Action::Drain(STORE)
        ]
    );
}

#[test]
fn time_that_one_tier_does_not_use_flows_on_to_the_next() {
    let mut run = Run::running();
    run.signal();
    run.step(Event::Exited(POLLER, Exit::Finished));
    run.step(Event::Exited(LANES, Exit::Finished));
    run.step(Event::HookEnded(GOODBYE, HookResult::Done));
    run.actions.clear();
    while !run.actions.contains(&Action::Kill(STORE)) {
        run.now = run.machine.wake_at().unwrap();
        run.step(Event::Tick);
    }
    // 25 s less a fifth for the last hooks, of that 80 %.
    assert_eq!(run.now, s(16));
}

#[test]
fn a_second_signal_cancels_work_at_once_and_hooks_still_run() {
    let mut run = Run::running();
    run.signal();
    run.step(Event::Drained(POLLER));
    run.now = Duration::from_millis(400);
    assert_eq!(
        run.signal(),
        [Action::Kill(LANES)],
        "the poller waits for the hooks"
    );
    assert_eq!(
        run.step(Event::Exited(LANES, Exit::Finished)),
        [Action::RunHook(GOODBYE)]
    );
    assert_eq!(
        run.step(Event::HookEnded(GOODBYE, HookResult::Done)),
        [Action::Release(POLLER)]
    );
}

#[test]
fn a_third_signal_counts_when_it_is_no_echo_of_the_second() {
    let mut run = Run::running();
    run.signal();
    run.now = Duration::from_millis(400);
    run.signal();
    run.now = Duration::from_millis(699);
    assert!(!run.step(Event::Tick).contains(&Action::ArmImmediate));
    assert_eq!(run.machine.wake_at(), Some(Duration::from_millis(700)));
    run.now = Duration::from_millis(700);
    assert_eq!(run.step(Event::Tick), [Action::ArmImmediate]);
}

#[test]
fn what_waits_for_its_release_is_not_aborted_because_of_a_stuck_neighbour() {
    let mut run = Run::running();
    run.signal();
    run.step(Event::Drained(POLLER));
    run.step(Event::IntakeClosed(LANES));
    run.step(Event::HookEnded(GOODBYE, HookResult::Done));
    run.actions.clear();
    while !run.actions.contains(&Action::Abort(LANES)) {
        run.now = run.machine.wake_at().unwrap();
        run.step(Event::Tick);
    }
    assert!(!run.actions.contains(&Action::Abort(POLLER)));
    assert!(!run.actions.contains(&Action::Kill(POLLER)));
    // A neighbour that was cut off has no further need of it.
    assert!(run.actions.contains(&Action::Release(POLLER)));
}

#[test]
fn durations_without_end_are_long_and_not_fatal() {
    let mut plan = bot();
    plan.stop_timeout = Duration::MAX;
    for hook in [&mut plan.on_start, &mut plan.on_drain, &mut plan.on_stopped]
        .into_iter()
        .flatten()
    {
        hook.timeout = Duration::MAX;
    }
    plan.on_stopped.push(plan.on_stopped[0].clone());
    for service in plan.tiers.iter_mut().flatten() {
        service.start_timeout = Duration::MAX;
        service.weight = u32::MAX;
    }
    let mut run = Run::new(plan);
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    run.step(Event::Ready(STORE));
    run.signal();
    run.pass_time();
    assert_eq!(run.machine.phase(), Phase::Stopped);
}

#[test]
fn a_signal_within_the_debounce_is_the_same_signal() {
    let mut run = Run::running();
    run.signal();
    run.now = Duration::from_millis(299);
    assert_eq!(run.signal(), []);
    assert_eq!(run.machine.mode(), Some(Mode::Graceful));
}

#[test]
fn the_first_signal_after_a_stop_by_the_clock_does_not_escalate() {
    let mut run = Run::running();
    run.step(Event::StopRequested(StopReason::RunForElapsed));
    run.now = s(1);
    run.signal();
    assert_eq!(run.machine.mode(), Some(Mode::Graceful));
    assert_eq!(run.machine.reasons()[0], StopReason::RunForElapsed);
}

#[test]
fn a_hook_that_ends_after_it_was_cut_off_is_not_believed() {
    let mut run = Run::running();
    run.signal();
    run.step(Event::Drained(POLLER));
    run.step(Event::Drained(LANES));
    run.pass_time();
    run.step(Event::HookEnded(GOODBYE, HookResult::Done));
    assert_eq!(run.machine.hook(GOODBYE).result, Some(HookResult::TimedOut));
}

#[test]
fn a_service_that_ends_by_itself_stops_the_process() {
    let mut run = Run::running();
    run.step(Event::Exited(POLLER, Exit::Finished));
    assert_eq!(
        run.machine.reasons(),
        [StopReason::Completed("poller".into())]
    );
    assert_eq!(run.machine.phase(), Phase::Draining);
}

#[test]
fn a_supervisor_without_services_still_runs_its_hooks() {
    let mut run = Run::new(Plan {
        tiers: Vec::new(),
        ..bot()
    });
    run.step(Event::Begin);
    run.step(Event::HookEnded(HELLO, HookResult::Done));
    assert_eq!(
        run.signal(),
        [Action::ArmDeadline(s(25)), Action::RunHook(GOODBYE)]
    );
    assert_eq!(
        run.step(Event::HookEnded(GOODBYE, HookResult::Done)),
        [Action::RunHook(FLUSH)]
    );
    run.step(Event::HookEnded(FLUSH, HookResult::Done));
    assert_eq!(run.machine.phase(), Phase::Stopped);
}
