//! A server on loopback that takes every message at once, but the first one to a certain chat.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const SENT: &str = r#"{"ok":true,"result":{"message_id":7,"from":{"id":123456789,"is_bot":true,"first_name":"Bench","username":"bench_bot"},"chat":{"id":500000000,"first_name":"Ada","username":"ada_500000000","type":"private"},"date":1700000000,"text":"0"}}"#;

/// Serves on a thread of its own. Dropped, it is gone with every connection.
pub(crate) struct Server {
    pub(crate) url: String,
    _stop: oneshot::Sender<()>,
}

/// Answers 429 to the first message in which this text is.
#[derive(Clone)]
struct Refusal {
    chat: Arc<str>,
    answer: Arc<str>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(refused: i64, retry_after: u32) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let refusal = Refusal {
            chat: format!(r#""chat_id":{refused},"#).into(),
            answer: format!(r#"{{"ok":false,"error_code":429,"description":"Too Many Requests: retry after {retry_after}","parameters":{{"retry_after":{retry_after}}}}}"#).into(),
            is_over: Arc::default(),
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    served = serve(listener, &refusal) => served.expect("the server accepts"),
                }
            });
        });
        Ok(Self { url, _stop: stop })
    }
}

async fn serve(listener: std::net::TcpListener, refusal: &Refusal) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let refusal = refusal.clone();
        connections.spawn(async move { connection(stream, &refusal).await });
    }
}

/// Answers one request after another until the other side has gone.
async fn connection(mut stream: TcpStream, refusal: &Refusal) -> io::Result<()> {
    let mut input = Vec::with_capacity(2_048);
    loop {
        let end = loop {
            if let Some(end) = end_of_request(&input) {
                break end;
            }
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
        };
        let is_meant = String::from_utf8_lossy(&input[..end]).contains(&*refusal.chat);
        let is_refused = is_meant && !refusal.is_over.swap(true, Ordering::Relaxed);
        let (status, answer) = if is_refused {
            ("429 Too Many Requests", &*refusal.answer)
        } else {
            ("200 OK", SENT)
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all((head + answer).as_bytes()).await?;
        input.drain(..end);
    }
}

/// Where the first request ends, once it is there.
fn end_of_request(input: &[u8]) -> Option<usize> {
    let head_end = input.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&input[..head_end]).ok()?;
    let length = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head_end + 4 + length.unwrap_or(0);
    (input.len() >= end).then_some(end)
}
