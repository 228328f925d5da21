//! What a model may call while it answers.
//!
//! Whatever goes wrong with a call is told to the model, which can try again or do without: it never fails the answer.

mod clock;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

pub use clock::Clock;

/// Something that a model may call.
#[async_trait]
pub trait Tool: Send + Sync {
    /// What it is called by: letters, digits, `_` and `-`, 64 of them at most.
    fn name(&self) -> &str;

    /// What it does and when it is of use, for the model.
    fn description(&self) -> &str;

    /// A JSON schema of its arguments, which are an object.
    fn parameters(&self) -> Value;

    /// How long a call may take, where that is not what the others may ([`ToolLimits::time`]).
    fn time(&self) -> Option<Duration> {
        None
    }

    /// Does it. Dropped when its time is over or nobody wants the answer any more.
    ///
    /// # Errors
    /// [`ToolError`], whose text the model reads.
    async fn call(&self, arguments: Map<String, Value>) -> Result<String, ToolError>;
}

/// Why a tool could not do what was wanted, and how to call it better: the model reads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

/// What a call of a tool may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// How long it may take, where it does not say so itself ([`Tool::time`]). Default 30 s.
    pub time: Duration,
    /// How long its result may be; what is longer is cut off. Default 16 KiB.
    pub result_bytes: usize,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            result_bytes: 16 * 1024,
        }
    }
}

/// The tools that a model may call. Cheap to clone.
#[derive(Clone, Default)]
pub struct Tools {
    tools: Arc<[Arc<dyn Tool>]>,
    limits: ToolLimits,
}

impl Tools {
    /// These tools. Of two with the same name the first is called.
    #[must_use]
    pub fn new(tools: Vec<Arc<dyn Tool>>, limits: ToolLimits) -> Self {
        Self {
            tools: tools.into(),
            limits,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// The tools as a request's `tools`.
    #[must_use]
    pub fn definitions(&self) -> Vec<Value> {
        let define = |tool: &Arc<dyn Tool>| {
            let function = json!({
                "name": tool.name(),
                "description": tool.description(),
                "parameters": tool.parameters(),
            });
            json!({ "type": "function", "function": function })
        };
        self.tools.iter().map(define).collect()
    }

    /// Calls a tool with its arguments as the model wrote them, and gives what the model is told: the result, or what went
    /// wrong. An empty text is taken for no arguments.
    ///
    /// # Cancel safety
    /// Dropped, the call is dropped.
    pub async fn call(&self, name: &str, arguments: &str) -> String {
        let result = self.try_call(name, arguments).await;
        let text = result.unwrap_or_else(|error| format!("Error: {error}"));
        cut(text, self.limits.result_bytes)
    }

    async fn try_call(&self, name: &str, arguments: &str) -> Result<String, ToolError> {
        let tool = self.find(name)?;
        let arguments = match arguments.trim() {
            "" => Map::new(),
            text => serde_json::from_str(text).map_err(|error| {
                let text = format!("the arguments are no JSON object: {error}");
                ToolError(text)
            })?,
        };
        let called = AssertUnwindSafe(tool.call(arguments)).catch_unwind();
        let time = tool.time().unwrap_or(self.limits.time);
        match timeout(time, called).await {
            Ok(Ok(result)) => result,
            Ok(Err(_panic)) => Err(ToolError("the tool failed".to_owned())),
            Err(_) => {
                let seconds = time.as_secs_f64();
                Err(ToolError(format!("there was no result within {seconds} s")))
            }
        }
    }

    fn find(&self, name: &str) -> Result<&dyn Tool, ToolError> {
        let found = self.tools.iter().find(|tool| tool.name() == name);
        found.map(|tool| &**tool).ok_or_else(|| {
            let known: Vec<_> = self.tools.iter().map(|tool| tool.name()).collect();
            let text = format!("there is no such tool; there are: {}", known.join(", "));
            ToolError(text)
        })
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tools.iter().map(|tool| tool.name());
        f.debug_list().entries(names).finish()
    }
}

/// The beginning of a text that is too long, with a word about it.
fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let left_out = text.len() - text.floor_char_boundary(limit);
        text.truncate(text.len() - left_out);
        text += &format!("\n[cut off: {left_out} more bytes]");
    }
    text
}
