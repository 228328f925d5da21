//! One operator's requests and what is answered to them, wherever the operator sits.
//!
//! On a socket each is a line of JSON: `{"line": "status"}` and `"cancel"` one way, `{"hello": {"services": […]}}`,
//! `{"out": "text"}`, `{"done": 0}` and `{"refused": "why"}` the other.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::execute::Console;

/// Requests that wait for the one that runs.
const QUEUE: usize = 100;
/// Answers that wait for an operator who does not read; then the command waits.
const PENDING: usize = 64;
/// Code of a command that was broken off.
const CANCELLED: u8 = 130;

/// What an operator wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// A line that was typed.
    Line(String),
    /// What runs is to be broken off.
    Cancel,
}

/// What an operator is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// First of all, for the completion.
    Hello { services: Vec<String> },
    /// A piece of text, with its line ends.
    Out(String),
    /// The line has been done: 0 well, 1 not, 64 where it was no command, 130 where it was broken off.
    Done(u8),
    /// Last of all, why there is no session, or none any more, while the instance goes on.
    Refused(String),
}

/// Where a command's text goes.
#[derive(Clone)]
pub(super) struct Out(mpsc::Sender<Reply>);

impl Out {
    /// Waits where the operator does not read. With nobody there any more the text is lost, and the command about to be
    /// dropped.
    pub(super) async fn say(&self, text: impl Into<String>) {
        let _ = self.0.send(Reply::Out(text.into())).await;
    }

    pub(super) async fn line(&self, text: impl std::fmt::Display) {
        self.say(format!("{text}\n")).await;
    }
}

/// The operator's ends.
pub(super) struct Session {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) replies: mpsc::Receiver<Reply>,
}

/// A session, and what answers in it for as long as it is polled and the operator is there.
pub(super) fn open(console: Console) -> (Session, impl Future<Output = ()> + Send) {
    let (requests, asked) = mpsc::channel(QUEUE);
    let (answer, replies) = mpsc::channel(PENDING);
    (Session { requests, replies }, serve(console, asked, answer))
}

async fn serve(
    console: Console,
    mut requests: mpsc::Receiver<Request>,
    replies: mpsc::Sender<Reply>,
) {
    let services = console.services();
    if replies.send(Reply::Hello { services }).await.is_err() {
        return;
    }
    let mut waiting = VecDeque::new();
    loop {
        let line = match waiting.pop_front() {
            Some(line) => line,
            None => match requests.recv().await {
                Some(Request::Line(line)) => line,
                Some(Request::Cancel) => continue,
                None => return,
            },
        };
        let out = Out(replies.clone());
        let code = tokio::select! {
            biased;
            code = console.execute(&line, &out) => code,
            why = interrupted(&mut requests, &mut waiting) => match why {
                Interrupted::Cancelled => CANCELLED,
                Interrupted::Gone => return,
                Interrupted::Flooded => {
                    let why = format!("more than {QUEUE} commands wait");
                    let _ = replies.send(Reply::Refused(why)).await;
                    return;
                }
            }
        };
        if replies.send(Reply::Done(code)).await.is_err() {
            return;
        }
    }
}

/// Why what runs is broken off.
enum Interrupted {
    /// The operator wants it so.
    Cancelled,
    /// There is no operator any more.
    Gone,
    /// One who says so much is none.
    Flooded,
}

async fn interrupted(
    requests: &mut mpsc::Receiver<Request>,
    waiting: &mut VecDeque<String>,
) -> Interrupted {
    loop {
        match requests.recv().await {
            Some(Request::Cancel) => return Interrupted::Cancelled,
            Some(Request::Line(line)) if waiting.len() < QUEUE => waiting.push_back(line),
            Some(Request::Line(_)) => return Interrupted::Flooded,
            None => return Interrupted::Gone,
        }
    }
}
