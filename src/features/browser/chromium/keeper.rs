//! The thread that browsers are started on and buried by.
//!
//! A browser asks the kernel to be killed when the *thread* that started it ends, so that has to be one which lives as long
//! as browsers may: not a worker of the runtime, which may hand its work to another. And what is to be done after a kill,
//! waiting for the end and removing the profile, has to be done by somebody when the future that wanted the page is gone.

use std::fs;
use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Between two looks at those that are dying.
const LOOK: Duration = Duration::from_millis(10);

/// How long a killed group may take. What is left then cannot be killed: it waits in the kernel, for a disk that is away.
const BURIAL: Duration = Duration::from_secs(5);

/// Starts browsers and buries them. Dropped with the last of its browsers, its thread ends.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    orders: Sender<Order>,
}

/// A browser's process group. Dropped, the group is killed, waited for, and its profile removed; none of that blocks.
#[derive(Debug)]
pub(super) struct Group {
    body: Option<Body>,
    keeper: Keeper,
}

#[derive(Debug)]
struct Body {
    child: Child,
    profile: TempDir,
}

enum Order {
    Start {
        command: Command,
        profile: TempDir,
        started: oneshot::Sender<io::Result<Started>>,
    },
    Bury(Body),
}

/// What a start gives: the process, and its two pipes.
type Started = (Body, Option<ChildStdin>, Option<ChildStdout>);

impl Keeper {
    pub(super) fn new() -> io::Result<Self> {
        let (orders, inbox) = channel();
        thread::Builder::new()
            .name("chromium-keeper".to_owned())
            .spawn(move || keep(&inbox))?;
        Ok(Self { orders })
    }

    /// Starts a command, which has to ask for a process group of its own.
    ///
    /// # Cancel safety
    /// Dropped, what was started is buried at once.
    pub(super) async fn start(
        &self,
        command: Command,
        profile: TempDir,
    ) -> io::Result<(Group, Option<ChildStdin>, Option<ChildStdout>)> {
        let (started, answer) = oneshot::channel();
        let order = Order::Start {
            command,
            profile,
            started,
        };
        let is_gone = || io::Error::other("the thread that starts it is gone");
        self.orders.send(order).map_err(|_| is_gone())?;
        let (body, stdin, stdout) = answer.await.map_err(|_| is_gone())??;
        let group = Group {
            body: Some(body),
            keeper: self.clone(),
        };
        Ok((group, stdin, stdout))
    }
}

impl Group {
    /// The profile's folder, while the group lives.
    pub(super) fn profile(&self) -> Option<&std::path::Path> {
        self.body.as_ref().map(|body| body.profile.path())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            // Killed here and not by the thread: it is over when this returns, whatever that is busy with.
            body.kill();
            // It lives for as long as there is a sender.
            let _ = self.keeper.orders.send(Order::Bury(body));
        }
    }
}

impl Body {
    fn group(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The number is the group's until the process has been waited for, which only the keeper does.
    fn kill(&self) {
        if let Some(group) = self.group() {
            // An error says that nobody is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A group that was killed.
struct Dying {
    body: Body,
    since: Instant,
}

impl Dying {
    /// Whether it is over; then its profile can go.
    fn is_over(&mut self) -> bool {
        let number = self.body.child.id();
        let has_ended = !matches!(self.body.child.try_wait(), Ok(None));
        (has_ended && !has_members(number)) || self.since.elapsed() > BURIAL
    }
}

fn keep(inbox: &Receiver<Order>) {
    let mut dying: Vec<Dying> = Vec::new();
    loop {
        let order = if dying.is_empty() {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(LOOK)
        };
        match order {
            Ok(Order::Start {
                command,
                profile,
                started,
            }) => {
                // Nobody may want it any more.
                if let Err(Ok((body, ..))) = started.send(start(command, profile)) {
                    dying.push(killed(body));
                }
            }
            Ok(Order::Bury(body)) => dying.push(killed(body)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if dying.is_empty() => return,
            // The channel does not wait any more, so this does.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
        }
        // The profile goes with what is dropped here.
        dying.retain_mut(|dying| !dying.is_over());
    }
}

fn start(mut command: Command, profile: TempDir) -> io::Result<Started> {
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    Ok((Body { child, profile }, stdin, stdout))
}

fn killed(body: Body) -> Dying {
    body.kill();
    Dying {
        body,
        since: Instant::now(),
    }
}

/// Whether a process of this group still runs. Zombies do not: it is for their parent to wait for them.
fn has_members(group: u32) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    let group = group.to_string();
    processes.flatten().any(|process| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // After the name, which may have anything in it: state, parent, group.
        let mut fields = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let state = fields.next();
        state.is_some_and(|state| state != "Z" && state != "X") && fields.nth(1) == Some(&group)
    })
}
