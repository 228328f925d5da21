//! A stream that is watched over: until its first visible token it can be refused, after it only broken.
//!
//! ```text
//!  raw chunks ─→ begin: kept back ─→ first visible token, or a proper end ─→ next: as they come ─→ end
//!                   └─ anything wrong: Failure, another provider may try      └─ anything wrong: Broken, once
//! ```
//!
//! It holds the provider's [`Pass`] until it is dropped, and tells the breaker how it went.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, Stream};
use serde_json::Value;
use tokio::time::timeout;

use super::collect::Chunks;
use super::failure::Failure;
use super::gate::Pass;
use super::said::Said;
use crate::ai::breaker::Fault;
use crate::ai::{Broken, Chunk, Secret};

/// Chunks that say nothing before the first that does; with more there is none to be expected.
const EMPTY: usize = 256;
/// And no more bytes than this, as JSON.
const EMPTY_BYTES: usize = 1024 * 1024;
/// How long the usage is waited for behind the end of the answer itself.
const TRAILER: Duration = Duration::from_secs(5);

pub(super) struct Running {
    raw: Chunks,
    kept: VecDeque<Chunk>,
    choices: Choices,
    key: Option<Secret>,
    is_over: bool,
}

impl Running {
    /// Reads up to the first visible token, or to the end of an answer that has none. So many choices are wanted.
    pub(super) async fn begin(
        raw: Chunks,
        wanted: usize,
        provider: &str,
        key: Option<&Secret>,
    ) -> Result<Self, Failure> {
        let mut this = Self {
            raw,
            kept: VecDeque::new(),
            choices: Choices::new(wanted),
            key: key.cloned(),
            is_over: false,
        };
        let mut kept_bytes = 0;
        loop {
            let chunk = match this.raw.next().await {
                Some(Ok(chunk)) => chunk,
                Some(Err(broken)) => return Err(refused(provider, &broken)),
                None => {
                    return Err(Failure::failing(
                        provider,
                        502,
                        "ended its answer before it began",
                    ));
                }
            };
            if let Some(said) = Said::of(&chunk.0, key) {
                let status = said.status();
                return Err(said.failure(status, provider, None));
            }
            this.choices.note(&chunk);
            if chunk.is_visible() || this.choices.are_closed() {
                this.kept.push_back(chunk);
                return Ok(this);
            }
            kept_bytes += chunk.0.to_string().len();
            this.kept.push_back(chunk);
            if this.kept.len() > EMPTY || kept_bytes > EMPTY_BYTES {
                return Err(Failure::failing(
                    provider,
                    502,
                    "sends chunks that say nothing",
                ));
            }
        }
    }

    /// The whole answer, from its first chunk on.
    pub(super) fn go_on(
        self,
        pass: Pass,
        idle: Duration,
    ) -> impl Stream<Item = Result<Chunk, Broken>> + Send + 'static {
        stream::unfold((self, pass), move |(mut this, mut pass)| async move {
            let next = this.next(&mut pass, idle).await?;
            Some((next, (this, pass)))
        })
    }

    async fn next(&mut self, pass: &mut Pass, idle: Duration) -> Option<Result<Chunk, Broken>> {
        let chunk = match self.kept.pop_front() {
            Some(chunk) => Ok(chunk),
            None if self.is_over => return None,
            None => self.read(idle).await,
        };
        match chunk {
            Ok(chunk) => {
                self.choices.note(&chunk);
                if self.choices.are_complete() {
                    pass.succeeded();
                }
                Some(Ok(chunk))
            }
            Err(broken) if self.is_whole(&broken) => {
                pass.succeeded();
                self.end();
                None
            }
            Err(broken) => {
                self.end();
                pass.failed(Fault::Failing, status(&broken));
                Some(Err(broken))
            }
        }
    }

    async fn read(&mut self, idle: Duration) -> Result<Chunk, Broken> {
        let idle = if self.choices.are_complete() {
            idle.min(TRAILER)
        } else {
            idle
        };
        let chunk = match timeout(idle, self.raw.next()).await {
            Ok(Some(chunk)) => chunk?,
            Ok(None) => return Err(Broken::Truncated),
            Err(_) => return Err(Broken::Stalled),
        };
        match Said::of(&chunk.0, self.key.as_ref()) {
            Some(said) => Err(Broken::Failed(said.message().to_owned())),
            None => Ok(chunk),
        }
    }

    /// Whether the answer itself has come to its end, although this came instead of a chunk: what is missing behind it is no
    /// more than its usage. A server that does not know `n` gives one choice and ends in good order; one that breaks off may
    /// have wanted to begin another.
    fn is_whole(&self, broken: &Broken) -> bool {
        let is_in_order = *broken == Broken::Truncated;
        self.choices.are_complete() || (is_in_order && self.choices.are_closed())
    }

    /// Hangs up, without waiting for whoever reads to be done with it.
    fn end(&mut self) {
        self.is_over = true;
        self.raw = stream::empty().boxed();
    }
}

/// What broke an answer that had not begun.
fn refused(provider: &str, broken: &Broken) -> Failure {
    let what = match broken {
        Broken::Stalled => "fell silent".to_owned(),
        Broken::Disconnected(why) => format!("hung up: {why}"),
        Broken::Malformed(why) => format!("sent what is no chunk: {why}"),
        Broken::Failed(why) => format!("failed: {why}"),
        Broken::Truncated => "ended its answer before it began".to_owned(),
    };
    Failure::failing(provider, status(broken), &what)
}

fn status(broken: &Broken) -> u16 {
    match broken {
        Broken::Stalled => 504,
        _ => 502,
    }
}

/// The choices of an answer by their index: each that has begun has to have its `finish_reason`.
#[derive(Debug)]
struct Choices {
    wanted: usize,
    open: BTreeSet<u64>,
    finished: BTreeSet<u64>,
}

impl Choices {
    fn new(wanted: usize) -> Self {
        Self {
            wanted,
            open: BTreeSet::new(),
            finished: BTreeSet::new(),
        }
    }

    /// Takes in what a chunk says of them.
    fn note(&mut self, chunk: &Chunk) {
        let choices = chunk.0.get("choices").and_then(Value::as_array);
        for choice in choices.into_iter().flatten() {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            if choice.get("finish_reason").is_some_and(Value::is_string) {
                self.open.remove(&index);
                self.finished.insert(index);
            } else if !self.finished.contains(&index) {
                self.open.insert(index);
            }
        }
    }

    /// Whether all that have begun are at their end.
    fn are_closed(&self) -> bool {
        self.open.is_empty() && !self.finished.is_empty()
    }

    /// Whether all that are wanted are.
    fn are_complete(&self) -> bool {
        self.are_closed() && self.finished.len() >= self.wanted
    }
}
