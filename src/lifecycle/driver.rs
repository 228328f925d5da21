//! Carries the machine's decisions out: the thin, impure half of the supervisor.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, debug, error, info, info_span, warn};

use super::deadline::HardDeadline;
use super::hook::StageHooks;
use super::machine::{Action, Event, Exit, HookId, HookResult, Machine, Notice, ServiceId};
use super::message::Message;
use super::report::Remarks;
use super::service::{RunService, ServiceContext, Tokens};
use super::{Failure, Handle, Phase, Report, ServiceSnapshot, Snapshot, StopReason, signals};

/// Time between the end of the budget and the hard deadline: what is late is still reported in it.
const HARD_DEADLINE_MARGIN: Duration = Duration::from_secs(2);

struct Running {
    tokens: Tokens,
    task: AbortHandle,
}

struct Driver {
    name: String,
    machine: Machine,
    began: Instant,
    handle: Handle,
    snapshots: watch::Sender<Snapshot>,
    messages: mpsc::UnboundedSender<Message>,
    factories: Vec<RunService>,
    hooks: StageHooks,
    services: HashMap<ServiceId, Running>,
    hook_tasks: HashMap<HookId, AbortHandle>,
    /// Services, hooks, the timer and the signal listener; what is left in it when the supervisor returns is
    /// aborted.
    tasks: JoinSet<()>,
    run_for: Option<Duration>,
    listens: bool,
    deadline: Option<HardDeadline>,
    remarks: Remarks,
}

/// What a supervisor was built from, apart from the plan that the machine has.
pub(super) struct Cast {
    pub(super) name: String,
    pub(super) factories: Vec<RunService>,
    pub(super) hooks: StageHooks,
    pub(super) run_for: Option<Duration>,
    pub(super) signals: bool,
    pub(super) handle: Handle,
    pub(super) snapshots: watch::Sender<Snapshot>,
}

pub(super) async fn run(machine: Machine, cast: Cast) -> Report {
    let (messages, mut inbox) = mpsc::unbounded_channel();
    let mut driver = Driver {
        name: cast.name,
        remarks: Remarks::new(machine.services().len()),
        machine,
        began: Instant::now(),
        handle: cast.handle,
        snapshots: cast.snapshots,
        messages,
        factories: cast.factories,
        hooks: cast.hooks,
        services: HashMap::new(),
        hook_tasks: HashMap::new(),
        tasks: JoinSet::new(),
        run_for: cast.run_for,
        listens: cast.signals,
        deadline: None,
    };
    if driver.listens {
        driver.listen_to_signals();
    }
    driver.step(Event::Begin);
    while driver.machine.phase() != Phase::Stopped {
        let tick = driver.machine.wake_at().map(|at| driver.began + at);
        tokio::select! {
            biased;
            requests = driver.handle.next_requests() => {
                for reason in requests {
                    driver.step(Event::StopRequested(reason));
                }
            }
            Some(message) = inbox.recv() => driver.receive(message),
            () = sleep_until(tick.unwrap_or(driver.began)), if tick.is_some() => driver.step(Event::Tick),
        }
    }
    driver.finish()
}

impl Driver {
    fn listen_to_signals(&mut self) {
        match signals::listen() {
            Ok(listener) => {
                self.tasks
                    .spawn(signals::forward(listener, self.handle.clone()));
            }
            Err(error) => {
                warn!(%error, "signals cannot be listened to; a stop by signal will not be graceful")
            }
        }
    }

    fn receive(&mut self, message: Message) {
        match message {
            Message::Machine(event) => self.step(event),
            Message::Status(id, text) => {
                self.remarks.status(id, text);
                self.publish();
            }
            Message::Fact(id, key, value) => self.remarks.fact(id, key, value),
            Message::Unfinished(id, what) => {
                let service = &self.machine.services()[id.0].name;
                warn!(service, what, "left unfinished");
                self.remarks.unfinished(id, what);
            }
        }
    }

    fn step(&mut self, event: Event) {
        let actions = self.machine.step(event, self.began.elapsed());
        if actions.is_empty() {
            return;
        }
        // Published first, so that whoever is told something by an action sees the state that goes with it.
        self.publish();
        for action in actions {
            self.carry_out(action);
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::RunHook(id) => self.run_hook(id),
            Action::CancelHook(id) => {
                if let Some(task) = self.hook_tasks.get(&id) {
                    task.abort();
                }
            }
            Action::Spawn(id) => self.spawn(id),
            Action::Drain(id) => self.services[&id].tokens.draining.cancel(),
            Action::Release(id) => self.services[&id].tokens.released.cancel(),
            Action::Kill(id) => self.services[&id].tokens.killed.cancel(),
            Action::Abort(id) => self.services[&id].task.abort(),
            Action::ArmDeadline(at) => self.arm_deadline(at),
            Action::ArmImmediate => signals::arm_immediate(true),
            Action::Note(notice) => self.tell(&notice),
        }
    }

    fn spawn(&mut self, id: ServiceId) {
        let tokens = Tokens::default();
        let cx = ServiceContext {
            id,
            tokens: tokens.clone(),
            messages: self.messages.clone(),
            handle: self.handle.clone(),
        };
        let span = info_span!("service", service = self.machine.services()[id.0].name);
        let service = (self.factories[id.0])(cx);
        let task = self.watch(service.instrument(span), move |end| {
            Event::Exited(
                id,
                match end {
                    End::Done(Ok(())) => Exit::Finished,
                    End::Done(Err(failure)) => Exit::Failed {
                        message: failure.message(),
                        kind: failure.exit_kind(),
                    },
                    End::Panicked(message) => Exit::Panicked(message),
                    End::Aborted => Exit::Aborted,
                },
            )
        });
        self.services.insert(id, Running { tokens, task });
    }

    fn run_hook(&mut self, id: HookId) {
        let Some(hook) = self.hooks.of(id.stage).take(id.index) else {
            return;
        };
        let span = info_span!("hook", hook = self.machine.hook(id).name, stage = %id.stage);
        let hook = async move { hook().await }.instrument(span);
        let task = self.watch(hook, move |end| {
            Event::HookEnded(
                id,
                match end {
                    End::Done(Ok(())) => HookResult::Done,
                    End::Done(Err(failure)) => HookResult::Failed {
                        message: failure.message(),
                        kind: failure.exit_kind(),
                    },
                    End::Panicked(message) => HookResult::Panicked(message),
                    End::Aborted => HookResult::Cancelled,
                },
            )
        });
        self.hook_tasks.insert(id, task);
    }

    /// Runs a future in a task of its own and reports its end, however it comes, as an event.
    fn watch<F, E>(&mut self, future: F, event: E) -> AbortHandle
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
        E: FnOnce(End) -> Event + Send + 'static,
    {
        let messages = self.messages.clone();
        let mut inner = JoinSet::new();
        let task = inner.spawn(future);
        self.tasks.spawn(async move {
            let end = match inner.join_next().await {
                Some(Ok(result)) => End::Done(result),
                Some(Err(error)) => End::of(error),
                None => End::Aborted,
            };
            let _ = messages.send(Message::Machine(event(end)));
        });
        task
    }

    fn arm_deadline(&mut self, at: Duration) {
        let at = (self.began + at + HARD_DEADLINE_MARGIN).into_std();
        match HardDeadline::arm(&self.name, at) {
            Ok(deadline) => self.deadline = Some(deadline),
            Err(error) => error!(%error, "the hard deadline cannot be armed"),
        }
    }

    fn publish(&self) {
        let services = self.machine.services().iter().enumerate();
        self.snapshots.send_replace(Snapshot {
            phase: self.machine.phase(),
            since: self.machine.phase_since(),
            services: services
                .map(|(index, service)| ServiceSnapshot {
                    name: service.name.clone(),
                    state: service.state,
                    status: self.remarks.status_of(index).to_owned(),
                })
                .collect(),
        });
    }

    fn tell(&mut self, notice: &Notice) {
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match notice {
            Notice::Phase(phase) => {
                match (phase, self.machine.reasons().first()) {
                    (Phase::Draining, Some(reason)) => {
                        info!(%phase, elapsed_ms, %reason, "draining")
                    }
                    _ => info!(%phase, elapsed_ms, "{phase}"),
                }
                if *phase == Phase::Running {
                    self.start_timer();
                }
            }
            Notice::Service(id, state) => {
                let service = &self.machine.services()[id.0];
                let name = &service.name;
                match &service.exit {
                    Some(Exit::Failed { message, .. }) => error!(
                        service = name,
                        elapsed_ms,
                        error = message,
                        "service failed"
                    ),
                    Some(Exit::Panicked(message)) => error!(
                        service = name,
                        elapsed_ms,
                        error = message,
                        "service panicked"
                    ),
                    _ => debug!(service = name, %state, elapsed_ms, "service {state}"),
                }
            }
            Notice::Hook(id) => {
                let hook = self.machine.hook(*id);
                let (name, stage) = (&hook.name, id.stage);
                match &hook.result {
                    Some(HookResult::Done) => info!(hook = name, %stage, elapsed_ms, "hook done"),
                    Some(HookResult::NotDue) | None => {
                        debug!(hook = name, %stage, elapsed_ms, "hook not due")
                    }
                    Some(HookResult::Cancelled) => {
                        warn!(hook = name, %stage, elapsed_ms, "hook cancelled by the stop")
                    }
                    Some(HookResult::Skipped) => {
                        error!(hook = name, %stage, elapsed_ms, "hook skipped: the stop budget was spent")
                    }
                    Some(HookResult::TimedOut) => {
                        error!(hook = name, %stage, elapsed_ms, "hook took too long and was cut off")
                    }
                    Some(HookResult::Failed { message, .. } | HookResult::Panicked(message)) => {
                        error!(hook = name, %stage, elapsed_ms, error = message, "hook failed")
                    }
                }
            }
            Notice::StopAppended(reason) => info!(%reason, elapsed_ms, "another reason to stop"),
            Notice::Mode(_) => warn!(
                elapsed_ms,
                "second signal: running work is cancelled now; a third ends the process at once"
            ),
        }
    }

    fn start_timer(&mut self) {
        if let Some(time) = self.run_for {
            let handle = self.handle.clone();
            self.tasks.spawn(count_down(time, handle));
        }
    }

    fn finish(mut self) -> Report {
        if self.listens {
            // Nobody listens any more: a signal from here on takes its default action.
            signals::arm_immediate(true);
        }
        let report = Report::new(self.name, &self.machine, self.remarks, self.began.elapsed());
        if let Some(deadline) = self.deadline.take()
            && report.has_abandoned()
        {
            // What was left behind may block the end of the runtime; the deadline stays armed for that.
            std::mem::forget(deadline);
        }
        report
    }
}

/// The timer task: asks for a stop when the time is over, and says now and then how long that is.
async fn count_down(time: Duration, handle: Handle) {
    let end = Instant::now() + time;
    for left in [60, 30, 20, 10, 5, 3, 2, 1].map(Duration::from_secs) {
        if left < time {
            sleep_until(end - left).await;
            info!(left_s = left.as_secs(), "stopping in {} s", left.as_secs());
        }
    }
    sleep_until(end).await;
    handle.request_stop(StopReason::RunForElapsed);
}

/// How a watched future ended.
enum End {
    Done(Result<(), Failure>),
    Panicked(String),
    Aborted,
}

impl End {
    fn of(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::Panicked(panic_message(payload.as_ref())),
            Err(_) => Self::Aborted,
        }
    }
}

/// The text of a panic's payload.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
