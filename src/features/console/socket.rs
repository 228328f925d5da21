//! The socket by which operators attach to a running process: a supervised service, several clients at once.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{ReadHalf, WriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tracing::{info, warn};

use super::execute::Console;
use super::session::{self, Reply, Request, Session};
use crate::lifecycle::{Failure, Phase, Service, ServiceContext};

/// The socket's name in its directory.
pub(super) const NAME: &str = "console.sock";
/// A request's longest line.
pub(super) const LONGEST_LINE: u64 = 64 * 1024;
/// Operators at the same time.
const CLIENTS: usize = 16;
/// A client that does not read is not waited for.
const FAREWELL: Duration = Duration::from_millis(200);

/// Listens while it runs; the file goes with it.
#[derive(Clone)]
pub struct Socket {
    dir: PathBuf,
    console: Console,
}

impl Socket {
    /// A socket in this directory, which is made where it is missing, for its owner alone.
    #[must_use]
    pub fn new(dir: PathBuf, console: Console) -> Self {
        Self { dir, console }
    }
}

impl Service for Socket {
    async fn run(&mut self, cx: ServiceContext) -> Result<(), Failure> {
        let path = self.dir.join(NAME);
        let listener = match listen(&self.dir, &path) {
            Ok(listener) => listener,
            Err(error) => {
                // The bot is worth more than its console.
                warn!(path = %path.display(), %error, "nobody can attach: the socket cannot be made");
                cx.ready();
                cx.draining().await;
                return Ok(());
            }
        };
        let _file = RemovedAtEnd(path);
        let seats = Arc::new(Semaphore::new(CLIENTS));
        cx.ready();
        loop {
            let accepted = tokio::select! {
                biased;
                () = cx.draining() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    warn!(%error, "an operator could not attach");
                    tokio::select! {
                        () = cx.draining() => return Ok(()),
                        () = tokio::time::sleep(Duration::from_millis(100)) => continue,
                    }
                }
            };
            let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                warn!(
                    clients = CLIENTS,
                    "an operator is turned away: too many are attached"
                );
                refuse(&stream, "too many operators are attached");
                continue;
            };
            if !is_allowed(&stream) {
                refuse(&stream, "only the instance's own user and root may attach");
                continue;
            }
            let (console, cx_of_talk) = (self.console.clone(), cx.clone());
            let talking = async move {
                talk(stream, console, &cx_of_talk).await;
                drop(seat);
            };
            if cx.spawn(talking).is_err() {
                return Ok(());
            }
        }
    }
}

/// The user of the process itself, and root.
fn is_allowed(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) if peer.uid() == own || peer.uid() == 0 => {
            info!(uid = peer.uid(), pid = peer.pid(), "an operator attaches");
            true
        }
        Ok(peer) => {
            warn!(
                uid = peer.uid(),
                pid = peer.pid(),
                "another user is not let in"
            );
            false
        }
        Err(error) => {
            warn!(%error, "an operator is turned away: who it is cannot be seen");
            false
        }
    }
}

/// A socket of mode 0600 at this path: in a directory of its own until it has that mode, whatever the umask is. One that a
/// process left behind is replaced, one that is listened at is not.
fn listen(dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let mut make = fs::DirBuilder::new();
    make.recursive(true).mode(0o700).create(dir)?;
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            return Err(io::Error::other(
                "something that is no socket is in its place",
            ));
        }
        Ok(_) if Probe::connect(path).is_ok() => {
            return Err(io::Error::other("another process listens there"));
        }
        Ok(_) | Err(_) => {}
    }
    let scratch = tempfile::Builder::new()
        .prefix(".console-")
        .tempdir_in(dir)?;
    let unseen = scratch.path().join("s");
    let listener = UnixListener::bind(&unseen)?;
    fs::set_permissions(&unseen, fs::Permissions::from_mode(0o600))?;
    fs::rename(&unseen, path)?;
    Ok(listener)
}

struct RemovedAtEnd(PathBuf);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Until the client hangs up, or the service is to end: then it is still given what has been said.
async fn talk(mut stream: UnixStream, console: Console, cx: &ServiceContext) {
    let handle = console.0.handle.clone();
    let refused = converse(&mut stream, console, cx.draining()).await;
    // Where the service alone ends, the instance is still there.
    let restarts = cx.is_draining() && handle.phase() == Phase::Running;
    let why =
        refused.or_else(|| restarts.then(|| "the console is restarted; attach again".to_owned()));
    if let Some(why) = why {
        refuse(&stream, &why);
    }
}

/// As [`talk`]; returns why the client is not listened to any more.
async fn converse(
    stream: &mut UnixStream,
    console: Console,
    draining: impl Future<Output = ()>,
) -> Option<String> {
    let (from, to) = stream.split();
    let (Session { requests, replies }, serving) = session::open(console);
    // A client that does not read waits for itself alone: its command does when its queue is full.
    let mut answering = pin!(async {
        // With nobody who serves, what is left is given, and that ends.
        let serving = serving.then(|()| future::pending::<()>());
        tokio::select! {
            () = serving => {}
            () = give(to, replies) => {}
        }
    });
    tokio::select! {
        biased;
        () = &mut answering => None,
        refused = take(from, requests) => refused,
        () = draining => {
            // There are no more requests, so the session ends by itself.
            let _ = timeout(FAREWELL, answering).await;
            None
        }
    }
}

/// Says why, where the client's queue has room for it.
fn refuse(stream: &UnixStream, why: &str) {
    if let Ok(mut line) = serde_json::to_vec(&Reply::Refused(why.to_owned())) {
        line.push(b'\n');
        let _ = stream.try_write(&line);
    }
}

/// Until the client hangs up, or says what is no request, and why that is none.
async fn take(from: ReadHalf<'_>, requests: mpsc::Sender<Request>) -> Option<String> {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match (&mut from)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await
        {
            Ok(0) | Err(_) => return None,
            Ok(_) if line.last() != Some(&b'\n') => {
                return Some(format!("a line may have {LONGEST_LINE} bytes at most"));
            }
            Ok(_) => {}
        }
        let Ok(request) = serde_json::from_slice(&line) else {
            return Some("that is no request; is this client of another version?".to_owned());
        };
        if requests.send(request).await.is_err() {
            return None;
        }
    }
}

async fn give(mut to: WriteHalf<'_>, mut replies: mpsc::Receiver<Reply>) {
    while let Some(reply) = replies.recv().await {
        let Ok(mut line) = serde_json::to_vec(&reply) else {
            return;
        };
        line.push(b'\n');
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}
