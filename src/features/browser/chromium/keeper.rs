//! The thread that browsers are started on and buried by.
//!
//! A browser asks the kernel to be killed when the *thread* that started it ends, so that has to be one which lives as long
//! as browsers may: not a worker of the runtime, which may hand its work to another. And what is to be done after a kill,
//! waiting for the end and removing the profile, has to be done by somebody when the future that wanted the page is gone.

#[cfg(test)]
mod tests;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::disk::takes_more_than;

/// Between two looks at those that are dying.
const LOOK: Duration = Duration::from_millis(10);

/// How long a killed group may take. What is left then cannot be killed: it waits in the kernel, for a disk that is away.
const BURIAL: Duration = Duration::from_secs(5);

/// Between two looks at what those that live have on the disk.
const MEASURE: Duration = Duration::from_secs(1);

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
        keeper: Keeper,
        started: oneshot::Sender<io::Result<Started>>,
    },
    Bury(Body),
}

/// What a start gives: the group, and its two pipes. The group buries itself also where nobody takes this.
type Started = (Group, Option<ChildStdin>, Option<ChildStdout>);

impl Keeper {
    /// One whose browsers may have about so many bytes on the disk each. What has more is killed.
    pub(super) fn new(most_bytes: u64) -> io::Result<Self> {
        let (orders, inbox) = channel();
        thread::Builder::new()
            .name("chromium-keeper".to_owned())
            .spawn(move || keep(&inbox, most_bytes))?;
        Ok(Self { orders })
    }

    /// Starts a command, which has to ask for a process group of its own.
    ///
    /// # Cancel safety
    /// Dropped, what was started is buried at once.
    pub(super) async fn start(&self, command: Command, profile: TempDir) -> io::Result<Started> {
        let (started, answer) = oneshot::channel();
        let order = Order::Start {
            command,
            profile,
            keeper: self.clone(),
            started,
        };
        let is_gone = || io::Error::other("the thread that starts it is gone");
        self.orders.send(order).map_err(|_| is_gone())?;
        answer.await.map_err(|_| is_gone())?
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

/// A group that is looked at now and then. Its process is waited for by nobody else, so its number stays its own.
struct Living {
    group: Option<Pid>,
    profile: PathBuf,
}

impl Living {
    fn of(body: &Body) -> Self {
        Self {
            group: body.group(),
            profile: body.profile.path().to_owned(),
        }
    }

    /// Kills it where it has more on the disk than it may: its owner sees that it has ended.
    fn measure(&self, most_bytes: u64) {
        if takes_more_than(&self.profile, most_bytes) {
            tracing::warn!(
                "a page has filled more than {most_bytes} bytes of the disk, so its browser is killed"
            );
            let _ = self
                .group
                .map(|group| kill_process_group(group, Signal::KILL));
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

fn keep(inbox: &Receiver<Order>, most_bytes: u64) {
    let (mut living, mut dying) = (Vec::<Living>::new(), Vec::<Dying>::new());
    let mut measured = Instant::now();
    loop {
        match next(inbox, !living.is_empty(), !dying.is_empty()) {
            Ok(Order::Start {
                command,
                profile,
                keeper,
                started,
            }) => {
                let start = start(command, profile, keeper);
                if let Ok((group, ..)) = &start {
                    living.extend(group.body.as_ref().map(Living::of));
                }
                // Where nobody wants it any more, its burial is the next order.
                let _ = started.send(start);
            }
            Ok(Order::Bury(body)) => {
                living.retain(|living| living.group != body.group());
                dying.push(killed(body));
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if dying.is_empty() => return,
            // The channel does not wait any more, so this does.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK),
        }
        // The profile goes with what is dropped here.
        dying.retain_mut(|dying| !dying.is_over());
        if measured.elapsed() >= MEASURE {
            living.iter().for_each(|living| living.measure(most_bytes));
            measured = Instant::now();
        }
    }
}

/// The next order, or that it is time to look after those that live or die.
fn next(inbox: &Receiver<Order>, lives: bool, dies: bool) -> Result<Order, RecvTimeoutError> {
    match (lives, dies) {
        (_, true) => inbox.recv_timeout(LOOK),
        (true, false) => inbox.recv_timeout(MEASURE),
        (false, false) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn start(mut command: Command, profile: TempDir, keeper: Keeper) -> io::Result<Started> {
    let mut child = command.spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let body = Some(Body { child, profile });
    Ok((Group { body, keeper }, stdin, stdout))
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
