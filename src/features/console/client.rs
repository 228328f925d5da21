//! The operator's side of the socket.

use std::env;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;

use futures::future::{self, Either, FutureExt};
use futures::stream::{self, StreamExt};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use signal_hook_tokio::Signals;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::command::Command;
use super::history::History;
use super::prompt::{Left, Prompt};
use super::session::{Reply, Request, Session};
use super::shown::shown;
use super::socket::NAME;
use super::terminal::Terminal;

/// Answers that wait to be shown.
const PENDING: usize = 64;
/// Code where the instance went, or turned the operator away, before all was done.
const GONE: u8 = 69;
const ENDED: &str = "the instance has ended";

/// The first of the runtime directories that systemd has made for this unit.
#[must_use]
pub fn runtime_dir() -> Option<PathBuf> {
    let dirs = env::var("RUNTIME_DIRECTORY").ok()?;
    let first = dirs.split(':').next().filter(|dir| !dir.is_empty())?;
    Some(PathBuf::from(first))
}

/// Where an instance's socket is: in its runtime directory, else in its state directory.
#[must_use]
pub fn socket_in(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// Attaches to the instance that listens here.
///
/// # Errors
/// Where nobody listens, or the socket is another user's.
pub async fn connect(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

/// A session over a socket, and what carries it for as long as it is polled and the other side is there.
pub(super) fn session(stream: UnixStream) -> (Session, impl Future<Output = ()> + Send) {
    let (from, to) = stream.into_split();
    let (requests, asked) = mpsc::channel(PENDING);
    let (answer, replies) = mpsc::channel(PENDING);
    let carrying = async move {
        // An instance that takes no more may have said why.
        let asking = ask(to, asked).then(|()| future::pending::<()>());
        tokio::select! {
            () = hear(from, answer) => {}
            () = asking => {}
        }
    };
    (Session { requests, replies }, carrying)
}

/// Has each line done in turn, prints what is said, and returns the code of the first that went wrong, or 0. It ends when
/// the instance goes, and says so; where a line has asked for that, it went well.
pub async fn run_lines(stream: UnixStream, lines: impl IntoIterator<Item = String>) -> u8 {
    let (mut session, carrying) = session(stream);
    let (mut code, mut ends_it) = (0, false);
    let working = async {
        for line in lines {
            ends_it |= Command::ends_the_instance(&line);
            let sent = session.requests.send(Request::Line(line)).await;
            match print_answer(&mut session.replies).await {
                Answer::Done(done) if code == 0 => code = done,
                Answer::Done(_) => {}
                Answer::Refused(why) => return Answer::Refused(why),
                Answer::Gone => return Answer::Gone,
            }
            if sent.is_err() {
                return Answer::Gone;
            }
        }
        Answer::Done(code)
    };
    let end = match future::select(pin!(working), pin!(carrying)).await {
        Either::Left((end, _)) => end,
        // What it has carried is read to its end.
        Either::Right(((), working)) => working.await,
    };
    match end {
        Answer::Done(code) => code,
        Answer::Refused(why) => {
            say(&shown(&why, false));
            GONE
        }
        Answer::Gone => {
            say(ENDED);
            if ends_it { code } else { GONE }
        }
    }
}

/// A prompt on this process's terminal, until it is left or the instance goes, which it says; returns a code.
///
/// # Errors
/// Where there is no terminal that can be used.
pub async fn run_prompt(stream: UnixStream) -> io::Result<u8> {
    let terminal = Terminal::take(false)?;
    let (session, carrying) = session(stream);
    let nothing = stream::pending().boxed();
    let mut prompt = Prompt::new(terminal, session, nothing, History(None));
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let prompting = async {
        match future::select(pin!(prompt.run()), pin!(carrying)).await {
            Either::Left((left, _)) => left,
            // What it has carried is shown to its end.
            Either::Right(((), running)) => running.await,
        }
    };
    let left = tokio::select! {
        biased;
        signal = signals.next() => Err(signal),
        left = prompting => Ok(left),
    };
    let is_as_asked = prompt.has_ended_the_instance();
    prompt.finish().await;
    let left = match left {
        Ok(left) => left,
        Err(signal) => {
            // The terminal is back; the rest is as it would have been.
            let _ = signal.map(emulate_default_handler);
            Ok(Left::Quit)
        }
    };
    match left? {
        Left::Quit => Ok(0),
        Left::Refused => Ok(GONE),
        Left::Gone => {
            say(ENDED);
            Ok(if is_as_asked { 0 } else { GONE })
        }
    }
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "sundown: {text}");
}

/// How a line went.
enum Answer {
    Done(u8),
    /// There is no session any more, and why.
    Refused(String),
    Gone,
}

/// Until the line is done.
async fn print_answer(replies: &mut mpsc::Receiver<Reply>) -> Answer {
    while let Some(reply) = replies.recv().await {
        match reply {
            Reply::Out(text) => {
                let mut stdout = io::stdout().lock();
                // A closed pipe is the reader's own affair.
                let _ = stdout
                    .write_all(shown(&text, false).as_bytes())
                    .and_then(|()| stdout.flush());
            }
            Reply::Done(code) => return Answer::Done(code),
            Reply::Refused(why) => return Answer::Refused(why),
            Reply::Hello { .. } => {}
        }
    }
    Answer::Gone
}

async fn hear(from: OwnedReadHalf, answer: mpsc::Sender<Reply>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let Ok(reply) = serde_json::from_slice(&line) else {
            return;
        };
        if answer.send(reply).await.is_err() {
            return;
        }
    }
}

async fn ask(mut to: OwnedWriteHalf, mut asked: mpsc::Receiver<Request>) {
    while let Some(request) = asked.recv().await {
        let Ok(mut line) = serde_json::to_vec(&request) else {
            return;
        };
        line.push(b'\n');
        if to.write_all(&line).await.is_err() {
            return;
        }
    }
}
