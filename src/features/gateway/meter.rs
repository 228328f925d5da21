//! What one request costs, counted at its end, whatever that is.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::{Span, debug};

use super::Shared;
use super::door::Caller;
use super::ledger::Ledger;
use crate::ai::{Chunk, Usage, estimate};
use crate::http::Drain;

/// Goes with a request until its answer is over, also where that is because nobody reads it any more: then what was asked
/// and what came is counted.
pub(super) struct Meter {
    ledger: Arc<Ledger>,
    caller: Caller,
    began: Instant,
    span: Span,
    asked: u64,
    came: u64,
    said: Option<Usage>,
    drain: Drain,
    /// How it ended; none where nobody waited for that.
    end: Option<(u16, &'static str)>,
    _place: OwnedSemaphorePermit,
}

impl Meter {
    pub(super) fn new(
        shared: &Shared,
        caller: Caller,
        place: OwnedSemaphorePermit,
        asked: u64,
    ) -> Self {
        Self {
            drain: shared.drain.clone(),
            ledger: Arc::clone(&shared.gateway.0.ledger),
            caller,
            began: Instant::now(),
            span: Span::current(),
            asked,
            came: 0,
            said: None,
            end: None,
            _place: place,
        }
    }

    /// A piece of the answer went by.
    pub(super) fn chunk(&mut self, chunk: &Chunk) {
        if chunk.is_visible() {
            let choices = chunk.0.get("choices").and_then(|all| all.get(0));
            self.came += choices.and_then(|it| it.get("delta")).map_or(0, tokens_of);
        }
    }

    /// What the provider has said of the answer's usage, also to those who did not ask for it.
    pub(super) fn said(&mut self, usage: Option<Usage>) {
        self.said = usage.or(self.said);
    }

    /// The whole answer is there.
    pub(super) fn whole(&mut self, body: &Value, usage: Option<Usage>) {
        self.said = usage;
        self.came = body.get("choices").map_or(0, tokens_of);
    }

    /// It ended with this status. What is refused costs nothing.
    pub(super) fn end(&mut self, status: u16, how: &'static str) {
        self.end = Some((status, how));
        if status >= 400 {
            (self.asked, self.came) = (0, 0);
        }
    }

    /// What the provider said, or else what it can be taken for.
    pub(super) fn usage(&self) -> Usage {
        let estimated = Usage {
            prompt: self.asked,
            completion: self.came,
        };
        // A provider that counts nothing says zero.
        let said = self.said.filter(|said| said.total() > 0);
        said.unwrap_or(estimated)
    }

    pub(super) fn provider(&self, provider: &str, model: &str) {
        self.span.record("provider", provider);
        self.span.record("model", model);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.end.is_none() && self.drain.is_ending() {
            // Whoever asked was told to ask again, and is charged then.
            self.end(503, "cut off by the stop");
        }
        let tokens = self.usage().total();
        if let Caller(Some(key)) = self.caller {
            self.ledger.spend(key, tokens, SystemTime::now());
        }
        let (status, how) = self.end.unwrap_or((499, "the client went away"));
        let elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.span
            .in_scope(|| debug!(status, elapsed_ms, tokens, "{how}"));
    }
}

/// What a question may cost, in tokens.
pub(super) fn asked(question: &Map<String, Value>) -> u64 {
    let messages = question.get("messages").and_then(Value::as_array);
    let messages = messages.map_or(0, |messages| estimate::messages(messages));
    messages + question.get("tools").map_or(0, tokens_of)
}

/// Tokens of everything that is said in it, whatever its shape.
fn tokens_of(value: &Value) -> u64 {
    match value {
        Value::String(text) => estimate::text(text),
        Value::Array(values) => values.iter().map(tokens_of).sum(),
        Value::Object(fields) => fields.values().map(tokens_of).sum(),
        _ => 0,
    }
}
