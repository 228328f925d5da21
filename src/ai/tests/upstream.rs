//! A server for tests that answers as it is told to, byte by byte: well, badly, or not at all.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a test waits for what has to happen.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the server does with one request, in this order; then it closes the connection.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Send(Vec<u8>),
    /// Reports that all before it has been taken by the other side, or by what lies between.
    Report,
    /// Says nothing until the other side has hung up, and reports that.
    Hold,
    /// Ends the connection with a reset.
    Reset,
}

/// What the server saw.
#[derive(Debug)]
pub(super) enum Seen {
    Asked { head: String, body: Value },
    Reported,
    HungUp,
}

/// A server on loopback. It ends with this value.
pub(super) struct Upstream {
    address: SocketAddr,
    seen: UnboundedReceiver<Seen>,
    _task: JoinSet<()>,
}

impl Upstream {
    /// Answers the first request with the first script, and so on; connections beyond them are closed at once.
    pub(super) async fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, seen) = unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(serve(listener, scripts.into_iter().collect(), told));
        Self {
            address,
            seen,
            _task: task,
        }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next thing it saw.
    pub(super) async fn seen(&mut self) -> Seen {
        let seen = timeout(DEADLINE, self.seen.recv()).await;
        seen.expect("the upstream sees nothing").unwrap()
    }

    /// The next request's head and body.
    pub(super) async fn asked(&mut self) -> (String, Value) {
        match self.seen().await {
            Seen::Asked { head, body } => (head, body),
            seen => panic!("{seen:?} instead of asking"),
        }
    }

    pub(super) async fn hung_up(&mut self) {
        let seen = self.seen().await;
        assert!(matches!(seen, Seen::HungUp), "{seen:?}");
    }

    pub(super) async fn reported(&mut self) {
        let seen = self.seen().await;
        assert!(matches!(seen, Seen::Reported), "{seen:?}");
    }

    /// How many requests it has seen that nobody has looked at.
    pub(super) fn requests(&mut self) -> usize {
        let mut count = 0;
        while let Ok(seen) = self.seen.try_recv() {
            count += usize::from(matches!(seen, Seen::Asked { .. }));
        }
        count
    }
}

async fn serve(
    listener: TcpListener,
    mut scripts: VecDeque<Vec<Step>>,
    told: UnboundedSender<Seen>,
) {
    let mut connections = JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        connections.spawn(answer(
            socket,
            scripts.pop_front().unwrap_or_default(),
            told.clone(),
        ));
    }
}

async fn answer(mut socket: TcpStream, script: Vec<Step>, told: UnboundedSender<Seen>) {
    socket.set_nodelay(true).unwrap();
    let Some(asked) = request(&mut socket).await else {
        return;
    };
    let _ = told.send(asked);
    for step in script {
        match step {
            Step::Send(bytes) => {
                if socket.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Step::Report => drop(told.send(Seen::Reported)),
            Step::Hold => {
                let _ = socket.read(&mut [0; 16]).await;
                let _ = told.send(Seen::HungUp);
                return;
            }
            Step::Reset => {
                socket.set_zero_linger().unwrap();
                return;
            }
        }
    }
    // Closed for writing first, and read to its end: what was sent is not to be lost in a reset.
    let _ = socket.shutdown().await;
    let _ = socket.read(&mut [0; 16]).await;
}

async fn request(socket: &mut TcpStream) -> Option<Seen> {
    let mut socket = BufReader::new(socket);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if socket.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1)?.lines().next()?;
    let mut body = vec![0; length.parse().ok()?];
    socket.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Seen::Asked { head, body })
}

/// A response with this status, further header lines and body.
pub(super) fn status(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} So\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    );
    vec![Step::Send(text.into_bytes())]
}

/// A response with OpenAI's error object.
pub(super) fn error(code: u16, headers: &str, error: Value) -> Vec<Step> {
    let headers = format!("content-type: application/json\r\n{headers}");
    status(code, &headers, &json!({ "error": error }).to_string())
}

/// The begin of a stream that ends with its connection.
pub(super) fn head() -> Step {
    Step::Send(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec(),
    )
}

/// One event.
pub(super) fn frame(data: &str) -> Step {
    Step::Send(format!("data: {data}\n\n").into_bytes())
}

pub(super) fn done() -> Step {
    frame("[DONE]")
}

/// A chunk with this delta.
pub(super) fn delta(delta: Value) -> Step {
    let choices = json!([{ "index": 0, "delta": delta, "finish_reason": null }]);
    frame(&json!({ "id": "x", "choices": choices }).to_string())
}

pub(super) fn text(text: &str) -> Step {
    delta(json!({ "content": text }))
}

/// The chunk that ends the answer.
pub(super) fn stop() -> Step {
    let choices = json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]);
    frame(&json!({ "id": "x", "choices": choices }).to_string())
}

/// A good stream that says this.
pub(super) fn says(words: &str) -> Vec<Step> {
    vec![head(), text(words), stop(), done()]
}

/// A good whole answer that says this.
pub(super) fn whole(words: &str) -> Vec<Step> {
    let message = json!({ "role": "assistant", "content": words });
    let body = json!({
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 4 },
    });
    status(200, "content-type: application/json\r\n", &body.to_string())
}
