//! A Bot API server on loopback that costs next to nothing: one thread, HTTP/1.1 with keep-alive, answers made before.
//!
//! It keeps the protocol where a benchmark could tell: an offset confirms, a poll is held, the newest poll wins. The
//! library's own sandbox is not used here: it copies and orders JSON values, and would be what is measured.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::record::Record;
use super::workload::{Arrival, Workload};

const ME: &str = r#"{"ok":true,"result":{"id":123456789,"is_bot":true,"first_name":"Bench","username":"bench_bot","can_join_groups":true,"can_read_all_group_messages":false,"supports_inline_queries":false,"can_connect_to_business":false,"has_main_web_app":false}}"#;
const NO_WEBHOOK: &str =
    r#"{"ok":true,"result":{"url":"","has_custom_certificate":false,"pending_update_count":0}}"#;
const SENT: &str = r#"{"ok":true,"result":{"message_id":7,"from":{"id":123456789,"is_bot":true,"first_name":"Bench","username":"bench_bot"},"chat":{"id":500000000,"first_name":"Ada","username":"ada_500000000","type":"private"},"date":1700000000,"text":"0"}}"#;
const TRUE: &str = r#"{"ok":true,"result":true}"#;
const UNKNOWN: &str = r#"{"ok":false,"error_code":404,"description":"Not Found"}"#;

#[derive(Clone)]
struct Shared {
    record: Arc<Mutex<Record>>,
    /// Rings where a held poll should look again.
    bell: Arc<Notify>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server for one trial. Dropped, it is gone with every connection.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(workload: &Workload) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let shared = Shared {
            record: Arc::new(Mutex::new(Record::new(workload))),
            bell: Arc::default(),
        };
        let (stop, stopped) = oneshot::channel();
        let (updates, arrival, served) = (workload.updates, workload.arrival, shared.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    served = serve(listener, &served) => served.expect("the server accepts"),
                    () = release(updates, arrival, &served) => {}
                }
            });
        });
        Ok(Self {
            url,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, Record> {
        self.shared.lock()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shared: &Shared) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let shared = shared.clone();
        connections.spawn(async move { connection(stream, &shared).await });
        while connections.try_join_next().is_some() {}
    }
}

/// Makes updates available on time, from the first long poll on; never ends.
async fn release(updates: usize, arrival: Arrival, shared: &Shared) {
    if let Arrival::Every(gap) = arrival {
        while shared.lock().held_since.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut at = Instant::now();
        for count in 1..=updates {
            at += gap;
            sleep_until(at).await;
            shared.lock().release(count);
            shared.bell.notify_waiters();
        }
    }
    std::future::pending().await
}

/// Answers one request after another until the other side has gone.
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let (mut input, mut output) = (Vec::with_capacity(2_048), Vec::new());
    loop {
        let request = loop {
            if let Some(request) = parse(&input) {
                break request;
            }
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        };
        let body = &input[request.body..request.end];
        let is = |name: &str| request.method.eq_ignore_ascii_case(name);
        let updates;
        // The most frequent first. teloxide writes `SendMessage`, we write `sendMessage`.
        let answer = if is("sendMessage") {
            if let Some(index) = number_after(body, br#""text":""#) {
                shared.lock().answer(index);
            }
            SENT
        } else if is("getUpdates") {
            updates = get_updates(body, shared).await;
            &updates
        } else if is("getMe") {
            ME
        } else if is("getWebhookInfo") {
            NO_WEBHOOK
        } else if is("deleteWebhook") {
            TRUE
        } else {
            UNKNOWN
        };
        output.clear();
        output.extend_from_slice(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ",
        );
        output.extend_from_slice(answer.len().to_string().as_bytes());
        output.extend_from_slice(b"\r\n\r\n");
        output.extend_from_slice(answer.as_bytes());
        let end = request.end;
        stream.write_all(&output).await?;
        input.drain(..end);
    }
}

/// Answers as soon as there are updates, else with none when the time is over or a newer call has come.
async fn get_updates(body: &[u8], shared: &Shared) -> String {
    let asked: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let limit = asked["limit"].as_u64().unwrap_or(100);
    let wait = Duration::from_secs(asked["timeout"].as_u64().unwrap_or(0));
    let until = Instant::now() + wait;
    let number = {
        let mut record = shared.lock();
        record.confirm(asked["offset"].as_i64().unwrap_or(0));
        record.polls += 1;
        record
            .polled_first
            .get_or_insert_with(std::time::Instant::now);
        record.held_since = None;
        record.polls
    };
    shared.bell.notify_waiters();
    loop {
        let rung = shared.bell.notified();
        let mut rung = std::pin::pin!(rung);
        // Registered before the look, so that no update between the two is missed.
        rung.as_mut().enable();
        {
            let mut record = shared.lock();
            if record.polls != number {
                return r#"{"ok":true,"result":[]}"#.to_owned();
            }
            if record.has_updates() || Instant::now() >= until {
                record.held_since = None;
                return record.hand_out(usize::try_from(limit).unwrap_or(100));
            }
            record
                .held_since
                .get_or_insert_with(std::time::Instant::now);
        }
        let _ = timeout_at(until, rung).await;
    }
}

/// A whole request: its Bot API method, and where its body begins and ends.
struct Request<'a> {
    method: &'a str,
    body: usize,
    end: usize,
}

fn parse(input: &[u8]) -> Option<Request<'_>> {
    let head_end = input.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&input[..head_end]).ok()?;
    let path = head.split(' ').nth(1)?;
    // hyper's clients write headers in small letters.
    let length = number_after(head.as_bytes(), b"\r\ncontent-length: ").unwrap_or(0);
    let body = head_end + 4;
    (input.len() >= body + length).then(|| Request {
        method: path.rsplit('/').next().unwrap_or_default(),
        body,
        end: body + length,
    })
}

/// The number right behind a text.
fn number_after(input: &[u8], text: &[u8]) -> Option<usize> {
    let at = input.windows(text.len()).position(|part| part == text)? + text.len();
    let digits = input[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    Some(number)
}
