//! An answer for which the model may call tools: asked, called, and asked again, until it has said all.
//!
//! ```text
//!  ask ─→ text … ─→ finish_reason ─→ End
//!   ▲        │
//!   │        └─→ calls of tools: each is announced, called, and its result put into the conversation
//!   └────────────┘ with the same provider; after the last round calls are forbidden (`tool_choice: "none"`)
//! ```

mod calls;
mod round;
#[cfg(test)]
mod tests;

use std::fmt;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::{Ai, Ask, Broken, Refusal, Tools, Usage};
use round::{Heard, Rounds};

/// What is heard of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// More of its text.
    Text(String),
    /// This tool is called now.
    Calls(String),
    /// The end; nothing follows.
    End {
        /// Why it ends: OpenAI's `stop`, `length`, `content_filter` and others.
        finish_reason: String,
        /// What all rounds together cost, as far as the provider says so.
        usage: Option<Usage>,
        /// Who answered.
        provider: String,
        /// The model, by the provider's own name.
        model: String,
    },
}

/// An answer with its calls of tools. Dropped, it ends the provider's work, and the tool's that is being called.
pub struct Talk {
    provider: String,
    model: String,
    usage: Option<Usage>,
    said: BoxStream<'static, Heard>,
}

impl Talk {
    /// How many rounds of calls are usual.
    pub const ROUNDS: usize = 4;

    /// Asks for an answer, and resolves with its first visible token or its first call.
    ///
    /// `tools` take the place of those in the request, where there are any and `rounds` is not 0. One round is one answer
    /// that calls tools, however many; after so many rounds the model has to answer without.
    ///
    /// # Errors
    /// [`Refusal`], where no provider could or would answer.
    ///
    /// # Cancel safety
    /// Dropped, the provider that is being asked is hung up on.
    pub async fn begin(
        ai: &Ai,
        ask: Ask,
        tools: Tools,
        rounds: usize,
    ) -> Result<Self, Box<Refusal>> {
        let (rounds, answer) = Rounds::begin(ai.clone(), ask, tools, rounds).await?;
        Ok(Self {
            provider: answer.provider().to_owned(),
            model: answer.model().to_owned(),
            usage: None,
            said: stream::unfold(rounds.reading(answer), Rounds::next).boxed(),
        })
    }

    /// Who answers, in all rounds.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The model, by the provider's own name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What the rounds that are over cost, as far as the provider says so; also where a later one breaks. A round that is
    /// broken off says nothing: what it cost is to be estimated.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// What is said next; none when it is over, after [`Said::End`] or an error.
    ///
    /// # Errors
    /// [`Broken`], once; nothing follows. So is a provider that refuses a further round.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a tool that is being called goes on when this is called again.
    pub async fn next(&mut self) -> Option<Result<Said, Broken>> {
        let heard = self.said.next().await?;
        self.usage = heard.usage;
        Some(heard.said)
    }
}

impl fmt::Debug for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Talk")
            .field("provider", &self.provider)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}
