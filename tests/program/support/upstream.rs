//! A server that speaks OpenAI's protocol, well or badly: the model's name says how.
//!
//! It runs on threads of its own, so that tests which block theirs do not hold it up, and writes its bytes itself, so that it
//! can break off anywhere.

use std::io::{BufRead, BufReader, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);

/// A server that ends with the test process.
pub(crate) struct Upstream {
    /// What `/chat/completions` is added to.
    pub(crate) url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    seen: Mutex<Seen>,
    /// The bodies of all requests, as they came.
    heard: Mutex<Vec<String>>,
    changed: Condvar,
}

/// What it has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// Requests that were read.
    pub(crate) asked: usize,
    /// Requests whose client went away before the answer was whole.
    pub(crate) aborted: usize,
    /// Requests that are being answered.
    pub(crate) open: usize,
    /// Whether answers that are held go on.
    is_released: bool,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let counts = Arc::<Counts>::default();
        let shared = Arc::clone(&counts);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counts = Arc::clone(&shared);
                // A connection that breaks is what many tests are about.
                thread::spawn(move || drop(serve(stream, &counts)));
            }
        });
        Self { url, counts }
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.counts.seen.lock().unwrap()
    }

    /// The bodies of all requests so far, as they came.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.counts.heard.lock().unwrap().clone()
    }

    /// The models that were asked for, one after another.
    pub(crate) fn models(&self) -> Vec<String> {
        let model = |text: &String| {
            let body: Value = serde_json::from_str(text).unwrap_or_default();
            body["model"].as_str().unwrap_or_default().to_owned()
        };
        self.heard().iter().map(model).collect()
    }

    /// Lets the answers of the model `held` come to their end, now and from now on.
    pub(crate) fn release(&self) {
        self.counts.change(|seen| seen.is_released = true);
    }

    /// Waits until it has seen this.
    pub(crate) fn wait_until(&self, is_so: impl Fn(Seen) -> bool) {
        self.counts.wait_until(PATIENCE, is_so);
    }
}

impl Counts {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap());
        self.changed.notify_all();
    }

    fn wait_until(&self, patience: Duration, is_so: impl Fn(Seen) -> bool) {
        let until = Instant::now() + patience;
        let mut seen = self.seen.lock().unwrap();
        while !is_so(*seen) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {patience:?}: {seen:?}");
            seen = self.changed.wait_timeout(seen, left).unwrap().0;
        }
    }
}

/// Answers one request after another.
fn serve(stream: TcpStream, counts: &Counts) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(text) = read_question(&mut reader)? {
        let question = serde_json::from_str(&text).unwrap_or_default();
        counts.heard.lock().unwrap().push(text);
        counts.change(|seen| {
            seen.asked += 1;
            seen.open += 1;
        });
        let answered = Answer {
            stream: &stream,
            counts,
        }
        .give(&question);
        counts.change(|seen| {
            seen.open -= 1;
            seen.aborted += usize::from(answered.is_err());
        });
        answered?;
    }
    Ok(())
}

/// The body of the next request.
fn read_question(reader: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim().to_ascii_lowercase();
        if let Some(bytes) = text.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap_or(0);
        }
        if text.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(String::from_utf8_lossy(&body).into_owned()))
}

struct Answer<'a> {
    stream: &'a TcpStream,
    counts: &'a Counts,
}

impl Answer<'_> {
    /// As the model's name says: `ok-TOKENS-DELAY_MS`, a status, or the name of a fault.
    fn give(mut self, question: &Value) -> Result<()> {
        let model = question["model"].as_str().unwrap_or_default();
        if let Ok(status) = model.parse::<u16>() {
            return self.refuse(status);
        }
        if model == "stall" {
            return self.stall();
        }
        let mut parts = model.split('-').skip(1).map(|part| part.parse().ok());
        let (tokens, delay) = match model.split('-').next() {
            Some("ok") => (parts.next().flatten(), parts.next().flatten()),
            _ => (Some(3), None),
        };
        let (tokens, delay_ms) = (tokens.unwrap_or(3), delay.unwrap_or(0));
        if question["stream"] == json!(true) {
            self.stream_of(model, question, tokens, delay_ms)
        } else {
            self.whole(model, question, tokens, delay_ms)
        }
    }

    fn refuse(&mut self, status: u16) -> Result<()> {
        let wait = if status == 429 {
            "retry-after: 7\r\n"
        } else {
            ""
        };
        let error = json!({ "error": {
            "message": format!("upstream says {status}"), "type": "upstream_error", "param": null, "code": null,
        } });
        self.json(status, wait, &error)
    }

    fn whole(&mut self, model: &str, question: &Value, tokens: u64, delay_ms: u64) -> Result<()> {
        self.wait(Duration::from_millis(delay_ms * tokens))?;
        let message = if model == "tools" {
            json!({ "role": "assistant", "content": null, "tool_calls": [call()] })
        } else {
            json!({ "role": "assistant", "content": "token ".repeat(usize::try_from(tokens).unwrap()) })
        };
        let finish = if model == "tools" {
            "tool_calls"
        } else {
            "stop"
        };
        let body = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{ "index": 0, "message": message, "finish_reason": finish, "logprobs": null }],
            "usage": usage(tokens), "x_unknown": { "asked": question.get("x_asked") },
        });
        self.json(200, "", &body)
    }

    fn stream_of(
        &mut self,
        model: &str,
        question: &Value,
        tokens: u64,
        delay_ms: u64,
    ) -> Result<()> {
        self.stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        )?;
        if model == "stall-first" {
            return self.stall();
        }
        let chunk = |delta: Value, finish: Value| {
            json!({
                "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
                "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }], "x_unknown": 7,
            })
        };
        self.frame(&chunk(
            json!({ "role": "assistant", "content": null }),
            Value::Null,
        ))?;
        for token in 0..tokens {
            if token > 0 {
                self.wait(Duration::from_millis(delay_ms))?;
            }
            self.frame(&chunk(json!({ "content": "token " }), Value::Null))?;
        }
        match model {
            "stall-after" => return self.stall(),
            "held" => self
                .counts
                .wait_until(PATIENCE * 2, |seen| seen.is_released),
            "malformed" => {
                return self
                    .part(b"data: {\"choices\": [\n\n")
                    .and_then(|()| self.finish());
            }
            "truncated" => return self.finish(),
            // Without the chunk that ends a body, so that the client sees a connection that broke.
            "reset" => return self.stream.shutdown(Shutdown::Both),
            "split" => self.split(&chunk(json!({ "content": "grüße 🌞" }), Value::Null))?,
            "crlf" => {
                let frame = chunk(json!({ "content": "crlf" }), Value::Null);
                self.part(format!("data: {frame}\r\n\r\n").as_bytes())?;
            }
            "tools" => self.frame(&chunk(json!({ "tool_calls": [call()] }), Value::Null))?,
            _ => {}
        }
        let reason = if model == "tools" {
            "tool_calls"
        } else {
            "stop"
        };
        self.frame(&chunk(json!({}), reason.into()))?;
        if question["stream_options"]["include_usage"] == json!(true) && model != "no-usage" {
            let mut last = chunk(json!({}), Value::Null);
            last["choices"] = json!([]);
            last["usage"] = usage(tokens);
            self.frame(&last)?;
        }
        self.part(b"data: [DONE]\n\n")?;
        self.finish()
    }

    fn frame(&mut self, value: &Value) -> Result<()> {
        self.part(format!("data: {value}\n\n").as_bytes())
    }

    /// A frame in pieces of one byte.
    fn split(&mut self, value: &Value) -> Result<()> {
        for byte in format!("data: {value}\n\n").as_bytes() {
            self.part(&[*byte])?;
        }
        Ok(())
    }

    fn part(&mut self, bytes: &[u8]) -> Result<()> {
        let mut part = format!("{:x}\r\n", bytes.len()).into_bytes();
        part.extend_from_slice(bytes);
        part.extend_from_slice(b"\r\n");
        self.stream.write_all(&part)
    }

    fn finish(&mut self) -> Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }

    fn json(&mut self, status: u16, headers: &str, body: &Value) -> Result<()> {
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all((head + &body).as_bytes())
    }

    /// Says nothing until the client goes away.
    fn stall(&mut self) -> Result<()> {
        self.wait(PATIENCE * 10)
    }

    /// An error where the client goes away meanwhile.
    fn wait(&mut self, time: Duration) -> Result<()> {
        if time.is_zero() {
            return Ok(());
        }
        self.stream.set_read_timeout(Some(time))?;
        let read = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(None)?;
        match read {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => Err(ErrorKind::ConnectionAborted.into()),
        }
    }
}

fn call() -> Value {
    json!({
        "index": 0, "id": "call_1", "type": "function",
        "function": { "name": "weather", "arguments": "{\"city\":\"Lima\"}" },
    })
}

fn usage(tokens: u64) -> Value {
    json!({ "prompt_tokens": 11, "completion_tokens": tokens, "total_tokens": 11 + tokens })
}
