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

    /// Whether it tells nothing but the usage. Servers send that with no choices, or with one that is empty.
    pub(super) fn is_only_usage(&self) -> bool {
        let choices = self.0.get("choices").and_then(Value::as_array);
        let is_empty = |choice: &Value| {
            let has_text = |value: &Value| value.as_str().is_none_or(|text| !text.is_empty());
            let delta = choice.get("delta").and_then(Value::as_object);
            let mut said = delta.into_iter().flat_map(|delta| delta.values());
            let is_finished = choice.get("finish_reason").is_some_and(Value::is_string);
            !is_finished && said.all(|value| value.is_null() || !has_text(value))
        };
        self.usage().is_some() && choices.is_none_or(|choices| choices.iter().all(is_empty))
    }

    /// Takes away the `usage: null` that is there only where the usage was asked for.
    pub(super) fn forget_empty_usage(&mut self) {
        if let Some(chunk) = self.0.as_object_mut()
            && chunk.get("usage").is_some_and(Value::is_null)
        {
            chunk.shift_remove("usage");
        }
    }

    /// The first choice; the chunk with the usage has none.
    fn choice(&self) -> Option<&Value> {
        self.0.get("choices")?.get(0)
    }

    fn delta(&self) -> Option<&Value> {
        self.choice()?.get("delta")
    }
}
