//! An answer: as it is written, or whole.

use std::fmt;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use serde_json::Value;

use super::{Broken, Chunk, Usage};

/// An answer as it is written. Dropped, it ends the provider's work.
///
/// The last thing it says is a chunk with a `finish_reason` or with the usage behind it, or how it broke.
pub struct Answer {
    provider: String,
    model: String,
    chunks: BoxStream<'static, Result<Chunk, Broken>>,
}

impl Answer {
    pub(super) fn new(
        provider: &str,
        model: &str,
        chunks: impl Stream<Item = Result<Chunk, Broken>> + Send + 'static,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            chunks: chunks.boxed(),
        }
    }

    /// Who answers.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model, by the provider's own name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The next chunk; none when the answer is over, be it well or broken.
    ///
    /// # Errors
    /// [`Broken`], once; nothing follows.
    ///
    /// # Cancel safety
    /// No chunk is lost.
    pub async fn next(&mut self) -> Option<Result<Chunk, Broken>> {
        self.chunks.next().await
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Who answered.
    pub provider: String,
    /// The model, by the provider's own name.
    pub model: String,
    /// A `chat.completion`, as it came.
    pub body: Value,
}

impl Whole {
    /// What it cost, where it says so.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        Usage::of(self.body.get("usage")?)
    }
}
