//! One piece of an answer.

use serde_json::Value;

/// A `chat.completion.chunk`, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk(pub Value);

/// How much was asked and answered, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the question with everything that goes with it.
    pub prompt: u64,
    /// Of the answer.
    pub completion: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.prompt.saturating_add(self.completion)
    }

    /// What a `usage` object says; none where it is no such object, or `null`.
    #[must_use]
    pub fn of(usage: &Value) -> Option<Self> {
        let count = |key: &str| usage.get(key).and_then(Value::as_u64);
        Some(Self {
            prompt: count("prompt_tokens")?,
            completion: count("completion_tokens").unwrap_or(0),
        })
    }
}

impl Chunk {
    /// The text that it adds.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let text = self.delta()?.get("content")?.as_str()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// The calls of tools that it begins or goes on with.
    #[must_use]
    pub fn tool_calls(&self) -> &[Value] {
        let calls = self.delta().and_then(|delta| delta.get("tool_calls"));
        calls.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Whether somebody who reads along sees something of it, so that no other provider can take over any more.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        let is_said = |key| {
            let said = self.delta().and_then(|delta| delta.get(key));
            said.and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        };
        self.text().is_some()
            || !self.tool_calls().is_empty()
            || ["refusal", "reasoning", "reasoning_content"]
                .into_iter()
                .any(is_said)
    }

    /// Why the answer ends here.
    #[must_use]
    pub fn finish_reason(&self) -> Option<&str> {
        self.choice()?.get("finish_reason")?.as_str()
    }

    /// The answer's usage, where this says it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.0.get("usage")?)
    }

    /// The first choice; the chunk with the usage has none.
    fn choice(&self) -> Option<&Value> {
        self.0.get("choices")?.get(0)
    }

    fn delta(&self) -> Option<&Value> {
        self.choice()?.get("delta")
    }
}
