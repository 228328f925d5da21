//! An answer: as it is written, or whole.

use std::fmt;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use serde_json::Value;

use super::{Broken, Chunk, Usage};

/// An answer as it is written. Dropped, it ends the provider's work.
///
/// The last thing it says is a chunk with a `finish_reason` or with the usage behind it, or how it broke. The chunk with
/// the usage comes only to whoever asked for it (`stream_options.include_usage`); [`usage`](Self::usage) knows it all the same.
pub struct Answer {
    provider: String,
    model: String,
    wants_usage: bool,
    usage: Option<Usage>,
    chunks: BoxStream<'static, Result<Chunk, Broken>>,
}

impl Answer {
    pub(super) fn new(
        provider: &str,
        model: &str,
        wants_usage: bool,
        chunks: impl Stream<Item = Result<Chunk, Broken>> + Send + 'static,
    ) -> Self {
        Self {
            provider: provider.to_owned(),
            model: model.to_owned(),
            wants_usage,
            usage: None,
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

    /// What it cost, as far as that has been said: providers say it with the last chunk or behind it, if at all, so it is
    /// known once [`next`](Self::next) has said that the answer is over.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The next chunk; none when the answer is over, be it well or broken.
    ///
    /// # Errors
    /// [`Broken`], once; nothing follows.
    ///
    /// # Cancel safety
    /// No chunk is lost.
    pub async fn next(&mut self) -> Option<Result<Chunk, Broken>> {
        loop {
            let mut chunk = match self.chunks.next().await? {
                Ok(chunk) => chunk,
                Err(broken) => return Some(Err(broken)),
            };
            self.usage = chunk.usage().or(self.usage);
            if self.wants_usage {
                return Some(Ok(chunk));
            }
            if !chunk.is_only_usage() {
                chunk.forget_empty_usage();
                return Some(Ok(chunk));
            }
        }
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
