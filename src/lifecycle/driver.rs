//! Carries the machine's decisions out: the thin, impure half of the supervisor.

mod ending;
mod reloading;
mod tasks;

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use super::deadline::HardDeadline;
use super::handle::RestartRequest;
use super::hook::{ReloadHook, StageHooks};
use super::machine::{Action, Event, HookId, Machine, Notice, ServiceId};
use super::service::{Message, RunService, Tokens};
use super::systemd::Notifier;
use super::tasks::Tasks;
use super::telling::{self, tell};
use reloading::Reloads;

use super::{
    Failure, Handle, Mode, Phase, Report, RestartRefused, ServiceSnapshot, Snapshot, StopReason,
    StopSnapshot, last_words, signals,
};

/// Time between the end of the budget and the hard deadline: what is late is still reported in it.
pub(super) const HARD_DEADLINE_MARGIN: Duration = Duration::from_secs(2);

struct Running {
    tokens: Tokens,
    task: AbortHandle,
    /// The tasks that the service spawned.
    tasks: Tasks,
}

struct Driver {
    machine: Machine,
    began: Instant,
    handle: Handle,
    snapshots: watch::Sender<Snapshot>,
    events: mpsc::UnboundedSender<Message>,
    factories: Vec<RunService>,
    hooks: StageHooks,
    services: HashMap<ServiceId, Running>,
    hook_tasks: HashMap<HookId, AbortHandle>,
    /// Services, hooks, the timer and the signal listener; what is left in it when the supervisor returns is
    /// aborted.
    tasks: JoinSet<()>,
    run_for: Option<Duration>,
    stop_timeout: Duration,
    listening: Option<signals::Listening>,
    watch: Option<signals::Watch>,
    dumper: Option<signals::Dumper>,
    deadline: Option<HardDeadline>,
    progress_every: Option<Duration>,
    notifier: Option<Notifier>,
    reloads: Reloads,
}

/// What a supervisor was built from, apart from the plan that the machine has.
pub(super) struct Cast {
    pub(super) factories: Vec<RunService>,
    pub(super) hooks: StageHooks,
    pub(super) run_for: Option<Duration>,
    pub(super) stop_timeout: Duration,
    pub(super) signals: bool,
    pub(super) notifier: Option<Notifier>,
    pub(super) reload: Option<ReloadHook>,
    pub(super) progress_every: Option<Duration>,
    pub(super) handle: Handle,
    pub(super) snapshots: watch::Sender<Snapshot>,
}

pub(super) async fn run(machine: Machine, cast: Cast) -> Report {
    let (events, mut inbox) = mpsc::unbounded_channel();
    cast.handle.remarks.make_room(machine.services().len());
    let mut driver = Driver {
        machine,
        began: cast.handle.begin(),
        handle: cast.handle,
        snapshots: cast.snapshots,
        events,
        factories: cast.factories,
        hooks: cast.hooks,
        services: HashMap::new(),
        hook_tasks: HashMap::new(),
        tasks: JoinSet::new(),
        run_for: cast.run_for,
        stop_timeout: cast.stop_timeout,
        listening: None,
        watch: None,
        dumper: None,
        deadline: None,
        progress_every: cast.progress_every,
        notifier: cast.notifier,
        reloads: Reloads::new(cast.reload),
    };
    if cast.signals {
        driver.listen_to_signals();
    }
    // A stop that was asked for before the start comes first.
    for reason in driver.handle.pending_requests() {
        driver.step(Event::StopRequested(reason));
    }
    driver.step(Event::Begin);
    let mut progress_at = None;
    while driver.machine.phase() != Phase::Stopped {
        let tick = driver.machine.wake_at().map(|at| driver.began + at);
        if progress_at.is_none() && driver.machine.stop_began().is_some() {
            progress_at = driver.progress_every.map(|every| Instant::now() + every);
        }
        let phase = driver.machine.phase();
        let notify_at = driver
            .notifier
            .as_ref()
            .map(|notifier| notifier.next(phase));
        tokio::select! {
            // Time before talk: services that say much must not hold up the stop's clock.
            biased;
            requests = driver.handle.next_requests() => {
                for reason in requests {
                    driver.step(Event::StopRequested(reason));
                }
            }
            () = sleep_until(tick.unwrap_or(driver.began)), if tick.is_some() => driver.step(Event::Tick),
            () = sleep_until(progress_at.unwrap_or(driver.began)), if progress_at.is_some() => {
                telling::progress(&driver.handle);
                progress_at = None;
            }
            () = sleep_until(notify_at.unwrap_or(driver.began)), if notify_at.is_some() => driver.notify(),
            () = driver.handle.reload_requested(), if driver.reloads.can_begin() => driver.reload(),
            Some(end) = driver.reloads.ended() => driver.reloaded(end),
            requests = driver.handle.next_restarts() => driver.restart(requests),
            Some(message) = inbox.recv() => driver.receive(message),
            () = driver.handle.remarks.changed() => driver.hear_remarks(),
        }
    }
    driver.finish().await
}

impl Driver {
    fn listen_to_signals(&mut self) {
        let started = signals::listen().and_then(|(listener, listening)| {
            self.listening = Some(listening);
            self.tasks
                .spawn(signals::forward(listener, self.handle.clone()));
            let time = self.stop_timeout + HARD_DEADLINE_MARGIN;
            self.watch = Some(signals::Watch::start(&self.handle, time)?);
            self.dumper = Some(signals::Dumper::start(&self.handle)?);
            if self.reloads.are_answered() {
                let listener = signals::listen_to_reloads()?;
                self.tasks
                    .spawn(signals::forward_reloads(listener, self.handle.clone()));
            }
            Ok(())
        });
        if let Err(error) = started {
            warn!(%error, "signals cannot be listened to; a stop by signal will not be graceful");
        }
    }

    fn receive(&mut self, message: Message) {
        let is_current = |(id, life): (ServiceId, u32)| self.machine.services()[id.0].life == life;
        if message.from.is_none_or(is_current) {
            self.step(message.event);
        }
    }

    fn restart(&mut self, requests: Vec<RestartRequest>) {
        for RestartRequest { name, answer } in requests {
            let services = self.machine.services();
            let found = services.iter().position(|service| service.name == name);
            let allowed = match found.map(ServiceId) {
                Some(id) => self.machine.may_be_restarted(id).map(|()| id),
                None => Err(RestartRefused::Unknown {
                    name,
                    known: services.iter().map(|each| each.name.clone()).collect(),
                }),
            };
            // First of all: whoever asked may be a part of what goes down. They may have gone, too.
            let _ = answer.send(allowed.as_ref().map(|_| ()).map_err(Clone::clone));
            if let Ok(id) = allowed {
                let service = &self.machine.services()[id.0].name;
                info!(service, "restart requested");
                self.step(Event::RestartRequested(id));
            }
        }
    }

    fn hear_remarks(&mut self) {
        self.step(Event::Tick);
        self.publish();
    }

    fn step(&mut self, event: Event) {
        // First of all what was promised meanwhile: a supervisor that was held up must not judge by what is outdated.
        for (id, until) in self.handle.remarks.take_promises() {
            let until = until.saturating_duration_since(self.began);
            self.machine.promise(id, until);
        }
        let actions = self.machine.step(event, self.began.elapsed());
        if actions.is_empty() {
            return;
        }
        // Published first, so that whoever is told something by an action sees the state that goes with it.
        self.publish();
        for (id, service) in &self.services {
            if let Some((kill, abort)) = self.machine.marks_of(*id) {
                let marks = (self.began + kill, self.began + abort);
                service.tokens.ends_at.send_replace(Some(marks));
            }
        }
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
            Action::ArmImmediate => {
                last_words::say();
                if let Some(listening) = &self.listening {
                    listening.arm_immediate();
                }
            }
            Action::Note(notice) => {
                tell(&self.machine, &notice, self.began.elapsed());
                self.tell_manager(&notice);
                if notice == Notice::Phase(Phase::Running) {
                    self.start_timer();
                }
            }
        }
    }

    fn notify(&mut self) {
        if let Some(notifier) = &mut self.notifier {
            notifier.tick(&self.handle.dump(), self.machine.is_well());
        }
    }

    fn tell_manager(&mut self, notice: &Notice) {
        let Some(notifier) = &mut self.notifier else {
            return;
        };
        match notice {
            Notice::Phase(phase) => notifier.enters(*phase, &self.handle.dump()),
            Notice::Stale(id) => {
                let name = &self.machine.services()[id.0].name;
                notifier.give_up(&StopReason::Stale(name.clone()).to_string());
            }
            _ => {}
        }
    }

    fn arm_deadline(&mut self, at: Duration) {
        let at = (self.began + at + HARD_DEADLINE_MARGIN).into_std();
        match HardDeadline::arm(&self.handle, at) {
            Ok(deadline) => self.deadline = Some(deadline),
            Err(error) => error!(%error, "the hard deadline cannot be armed"),
        }
    }

    fn publish(&self) {
        let machine = &self.machine;
        let services = machine
            .services()
            .iter()
            .zip(self.handle.remarks.statuses())
            .map(|(service, status)| ServiceSnapshot {
                name: service.name.clone(),
                state: service.state,
                since: service.since,
                restarts: service.restarts,
                promise: service.promise,
                status,
            });
        let hook = machine.running_hook();
        let stop = machine.stop_began().zip(machine.deadline());
        self.snapshots.send_replace(Snapshot {
            phase: machine.phase(),
            since: machine.phase_since(),
            services: services.collect(),
            hook: hook.map(|hook| format!("{} {}", hook.id.stage, hook.name)),
            stop: stop.map(|(began, deadline)| StopSnapshot {
                began,
                is_fast: machine.mode() == Some(Mode::Fast),
                cancels_at: machine.cancels_at(),
                deadline,
            }),
        });
    }

    fn start_timer(&mut self) {
        if let Some(time) = self.run_for {
            let handle = self.handle.clone();
            self.tasks.spawn(count_down(time, handle));
        }
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
