//! A model that does what the question says, behind OpenAI's protocol.
//!
//! It runs on threads of its own, so that tests which block theirs do not hold it up.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A server that ends with the test process. A question's first word says how it is answered:
///
/// | question | answer |
/// |---|---|
/// | `say TEXT` | the text, at once |
/// | `drip N MS` | `w1 w2 …`, N words, one each so many milliseconds |
/// | `stall` | `one two`, and nothing more |
/// | `never` | nothing |
/// | `later TEXT` | nothing the first time; then the text, at once |
/// | `cut` | `half of it`, and the end without a `finish_reason` |
/// | `busy` | 429, again in 30 s |
/// | `locked` | 401, with words that are not for people |
/// | `long N` | N paragraphs of about a thousand characters |
pub(super) struct Model {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Model {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let shared = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let asked = Arc::clone(&shared);
                // Who hangs up is what some tests are about.
                thread::spawn(move || drop(serve(&stream, &asked)));
            }
        });
        Self { url, asked }
    }

    /// The bodies of all requests so far.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// Waits until it has been asked something.
    pub(super) async fn wait_until_asked(&self) {
        let give_up = Instant::now() + Duration::from_secs(30);
        while self.asked().is_empty() {
            assert!(Instant::now() < give_up, "nobody has asked anything");
            tokio::time::sleep(Duration::from_millis(5)).await; // between two looks at a condition
        }
    }

    /// What was said to it last, as `role: text`.
    pub(super) fn heard(&self) -> Vec<String> {
        let asked = self.asked();
        let messages = asked.last().unwrap()["messages"].as_array().unwrap();
        let text = |message: &Value| {
            let (role, content) = (&message["role"], &message["content"]);
            format!("{}: {}", role.as_str().unwrap(), content.as_str().unwrap())
        };
        messages.iter().map(text).collect()
    }
}

/// What `long` answers.
pub(super) fn long(paragraphs: usize) -> String {
    let paragraph = |n| format!("{n} {}", "tea ".repeat(250).trim_end());
    let all: Vec<_> = (1..=paragraphs).map(paragraph).collect();
    all.join("\n\n")
}

/// What `drip` answers.
pub(super) fn drip(words: usize) -> String {
    let all: Vec<_> = (1..=words).map(|n| format!("w{n}")).collect();
    all.join(" ")
}

fn serve(mut stream: &TcpStream, asked: &Mutex<Vec<Value>>) -> Result<()> {
    stream.set_nodelay(true)?;
    let body = read(&mut BufReader::new(stream.try_clone()?))?;
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    let question = last["content"].as_str().unwrap_or_default().to_owned();
    let is_first = asked.lock().unwrap().is_empty();
    asked.lock().unwrap().push(body);
    let (what, rest) = question.split_once(' ').unwrap_or((&question, ""));
    let number = |at: usize| {
        let word = rest.split(' ').nth(at).unwrap_or_default();
        word.parse::<u64>().unwrap_or(0)
    };
    match what {
        "busy" => {
            return refuse(
                stream,
                "429 Too Many Requests\r\nretry-after: 30",
                "slow down",
            );
        }
        "locked" => return refuse(stream, "401 Unauthorized", "org-SECRET has no such key"),
        "never" => return hold(stream),
        "later" if is_first => return hold(stream),
        _ => {}
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
    )?;
    match what {
        "stall" => {
            say(stream, "one ")?;
            say(stream, "two")?;
            return hold(stream);
        }
        "cut" => return say(stream, "half of it"),
        "drip" => {
            for n in 1..=number(0) {
                thread::sleep(Duration::from_millis(number(1))); // the pace of this model
                say(stream, &format!("{}w{n}", if n > 1 { " " } else { "" }))?;
            }
        }
        "long" => say(stream, &long(usize::try_from(number(0)).unwrap()))?,
        _ => say(stream, rest)?,
    }
    let end = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 3 } });
    stream.write_all(format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n").as_bytes())
}

fn read(reader: &mut BufReader<TcpStream>) -> Result<Value> {
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line)?;
        let text = line.trim().to_ascii_lowercase();
        if let Some(bytes) = text.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

fn say(mut stream: &TcpStream, text: &str) -> Result<()> {
    let chunk =
        json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] });
    stream.write_all(format!("data: {chunk}\n\n").as_bytes())
}

/// Until the other side hangs up.
fn hold(mut stream: &TcpStream) -> Result<()> {
    stream.read(&mut [0]).map(drop)
}

fn refuse(mut stream: &TcpStream, status: &str, message: &str) -> Result<()> {
    let body = json!({ "error": { "message": message, "type": "x" } }).to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes())
}
