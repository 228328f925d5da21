//! Providers of chat completions behind one door: the assistant and the gateway ask here, and nowhere else.
//!
//! ```text
//!  Ask ─→ route ─→ provider 1 ── refused before its first token ──→ provider 2 ── … ──→ Refusal
//!         model,     │ first token                                    │
//!         wish       └──────────────→ Answer: chunks as they come ←───┘
//! ```
//!
//! What goes through is OpenAI's chat completion as JSON, whatever answers: a server that speaks it, a command line, or the
//! conversationalist that is built in. Fields that are not known here are handed on untouched.
//!
//! Each provider has a breaker and, where it is limited, seats; who answers behind them only makes chunks:
//!
//! ```text
//!  provider ─→ gate (breaker, seats) ─→ openai | command | offline ─→ raw chunks ─→ running ─→ Answer
//!                ▲                                                      │ time-outs, error frames, missing ends
//!                └────────────── how it went: well, at fault, or nothing ┘
//! ```
//!
//! Invariants:
//! - Another provider is tried only before the first visible token: two models' texts are never spliced.
//! - Whoever drops an [`Answer`], or the future that makes one, ends the work upstream: there is no task that goes on.
//! - A stream that ends without a `finish_reason` is broken, and says so.
//! - A key is in no error, no log line and no `Debug`. What a provider says is handed on without it, and without what its
//!   addresses hide.
//! - Whoever hangs up says nothing about the provider: only what it did itself puts it aside.
//! - The first token's time begins when the provider is asked, not when somebody queues for it.
//!
//! Not done here: who may ask, and how much; that is the features' business. No request is sent to the same provider twice
//! (but where it refuses the field that asks for the usage): whoever asked can ask again, and knows whether it matters.

mod answer;
mod ask;
mod breaker;
mod chunk;
mod error;
pub mod estimate;
mod fallback;
mod message;
mod provider;
mod route;
mod spec;
mod talk;
#[cfg(test)]
mod tests;
mod tools;

use std::sync::Arc;

pub use answer::{Answer, Whole};
pub use ask::Ask;
pub use chunk::{Chunk, Usage};
pub use error::{Broken, Refusal, SpecError};
pub use route::Model;
pub use spec::{Kind, ProviderSpec, Secret, Timeouts};
pub use talk::{Said, Talk};
pub use tools::{Clock, Tool, ToolError, ToolLimits, Tools};

use provider::Provider;

/// The providers of a process. Cheap to clone; clones share connections and breakers.
#[derive(Clone, Debug)]
pub struct Ai(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    providers: Vec<Provider>,
}

impl Ai {
    /// With these providers, in the order in which they are tried. Where there is none, the built-in one answers.
    ///
    /// # Errors
    /// Where two have the same name, or one cannot be used as it is described.
    pub fn new(specs: Vec<ProviderSpec>) -> Result<Self, SpecError> {
        let specs = if specs.is_empty() {
            vec![ProviderSpec::offline("offline")]
        } else {
            specs
        };
        let mut providers: Vec<Provider> = Vec::with_capacity(specs.len());
        for spec in specs {
            if providers.iter().any(|other| other.name() == &*spec.name) {
                return Err(SpecError::Twice { name: spec.name });
            }
            providers.push(Provider::new(spec)?);
        }
        Ok(Self(Arc::new(Inner { providers })))
    }

    /// The names of the providers, in their order.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.0.providers.iter().map(Provider::name)
    }

    /// The models that can be asked for by name, each once, in the order of the providers.
    #[must_use]
    pub fn models(&self) -> Vec<Model> {
        route::models(&self.0.providers)
    }

    /// Whether somebody can be asked for this model: one that lists it, or that takes any name.
    #[must_use]
    pub fn has_model(&self, name: &str) -> bool {
        let mut providers = self.0.providers.iter();
        providers.any(|provider| provider.model(Some(name)).is_some())
    }

    /// Asks for an answer as it is written. Resolves with the first visible token, or the end of an answer that has none,
    /// and tries the providers one after another until then.
    ///
    /// # Errors
    /// [`Refusal`], where none of them could or would answer.
    ///
    /// # Cancel safety
    /// Dropped, the provider that is being asked is hung up on.
    pub async fn stream(&self, ask: Ask) -> Result<Answer, Box<Refusal>> {
        let candidates = route::candidates(&self.0.providers, &ask)?;
        let body = &ask.body;
        fallback::first(
            candidates,
            async move |provider: &Provider, model: String| {
                provider.stream(&model, body.clone()).await
            },
        )
        .await
    }

    /// Asks for a whole answer.
    ///
    /// # Errors
    /// As for [`stream`](Self::stream).
    ///
    /// # Cancel safety
    /// As for [`stream`](Self::stream).
    pub async fn complete(&self, ask: Ask) -> Result<Whole, Box<Refusal>> {
        let candidates = route::candidates(&self.0.providers, &ask)?;
        let body = &ask.body;
        fallback::first(
            candidates,
            async move |provider: &Provider, model: String| {
                provider.complete(&model, body.clone()).await
            },
        )
        .await
    }
}
