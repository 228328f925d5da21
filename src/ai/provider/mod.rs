//! One provider: its models, its turns, and who answers behind it.
//!
//! Whoever answers only makes chunks; that somebody waits no longer than is meant, that an answer which is cut off says so,
//! the breaker and the number of requests at the same time are the same for all of them, and done here.

mod collect;
mod command;
mod failure;
mod gate;
mod offline;
mod openai;
mod redact;
mod running;
mod said;
mod write;

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};
use tracing::debug;

use super::{Answer, Kind, ProviderSpec, Secret, SpecError, Whole};
use collect::Chunks;
use gate::{Gate, Pass};
use openai::OpenAi;
use running::Running;
use said::Said;

pub(super) use failure::{Blame, Failure};

#[derive(Debug)]
pub(super) struct Provider {
    spec: ProviderSpec,
    gate: Gate,
    backend: Backend,
}

/// Who answers, made ready.
#[derive(Debug)]
enum Backend {
    OpenAi(OpenAi),
    Command(Vec<String>),
    Offline,
}

impl Provider {
    pub(super) fn new(spec: ProviderSpec) -> Result<Self, SpecError> {
        let unusable = |what: String| SpecError::Unusable {
            name: spec.name.clone(),
            what,
        };
        check(&spec).map_err(|what| unusable(what.to_owned()))?;
        let backend = match &spec.kind {
            Kind::OpenAi { base_url, key } => {
                let made = OpenAi::new(&spec.name, base_url, key.as_ref(), &spec.timeouts);
                Backend::OpenAi(made.map_err(unusable)?)
            }
            Kind::Command { command } => Backend::Command(command.clone()),
            Kind::Offline => Backend::Offline,
        };
        Ok(Self {
            gate: Gate::new(&spec.name, spec.concurrency),
            backend,
            spec,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.spec.name
    }

    /// The names by which its models can be asked for.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let models = self.spec.models.iter();
        models.chain(self.spec.aliases.keys()).map(String::as_str)
    }

    /// The name that it has itself for a model; none where it does not have it. Its first one where none is wanted.
    pub(super) fn model(&self, wanted: Option<&str>) -> Option<String> {
        let Some(wanted) = wanted else {
            return Some(self.spec.models.first().cloned().unwrap_or_default());
        };
        if let Some(model) = self.spec.aliases.get(wanted) {
            return Some(model.clone());
        }
        let is_known =
            self.spec.models.is_empty() || self.spec.models.iter().any(|model| model == wanted);
        is_known.then(|| wanted.to_owned())
    }

    /// Asks for an answer as it is written, and waits for its first visible token.
    pub(super) async fn stream(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<Answer, Failure> {
        let (wants_usage, choices) = (asks_for_usage(&body), choices(&body));
        let begin = async {
            let raw = self.raw(model, body).await?;
            Running::begin(raw, choices, self.name(), self.key()).await
        };
        let (running, pass) = self
            .ask(self.spec.timeouts.first_token, model, begin)
            .await?;
        pass.begun();
        let chunks = running.go_on(pass, self.spec.timeouts.idle);
        Ok(Answer::new(self.name(), model, wants_usage, chunks))
    }

    /// Asks for a whole answer.
    pub(super) async fn complete(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<Whole, Failure> {
        let answer = async {
            let body = self.whole(model, body).await?;
            if let Some(said) = Said::of(&body, self.key()) {
                let status = said.status();
                return Err(said.failure(status, self.name(), None));
            }
            if body
                .get("choices")
                .is_none_or(|choices| !choices.is_array())
            {
                return Err(Failure::failing(
                    self.name(),
                    502,
                    "answered without choices",
                ));
            }
            Ok(body)
        };
        let (body, mut pass) = self.ask(self.spec.timeouts.total, model, answer).await?;
        pass.succeeded();
        Ok(Whole {
            provider: self.name().to_owned(),
            model: model.to_owned(),
            body,
        })
    }

    /// Waits for the provider's turn, and then for what is asked no longer than `limit`. The breaker hears of a failure.
    async fn ask<T>(
        &self,
        limit: Duration,
        model: &str,
        asking: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, Pass), Failure> {
        let entered = self.gate.enter().await;
        let mut pass = entered.map_err(|wait| Failure::aside(self.name(), wait))?;
        let begun = Instant::now();
        let result = timeout(limit, asking).await.unwrap_or_else(|_| {
            let what = format!("did not answer within {limit:?}");
            Err(Failure::failing(self.name(), 504, &what))
        });
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (provider, status) = (
            self.name(),
            result.as_ref().err().map_or(200, |failure| failure.status),
        );
        debug!(provider, model, status, elapsed_ms, "a provider was asked");
        match result {
            Ok(result) => Ok((result, pass)),
            Err(failure) => {
                match failure.blame {
                    Blame::Provider(fault) => pass.failed(fault, failure.status),
                    Blame::Request | Blame::Model | Blame::Aside => pass.succeeded(),
                }
                Err(failure)
            }
        }
    }

    async fn raw(&self, model: &str, body: Map<String, Value>) -> Result<Chunks, Failure> {
        let chunks = match &self.backend {
            Backend::OpenAi(server) => return server.stream(model, body).await,
            Backend::Command(command) => command::stream(command, model, &body).await,
            Backend::Offline => offline::stream(model, &body).await,
        };
        chunks.map_err(|refusal| Failure::of(refusal, self.name()))
    }

    async fn whole(&self, model: &str, body: Map<String, Value>) -> Result<Value, Failure> {
        if let Backend::OpenAi(server) = &self.backend {
            return server.complete(model, body).await;
        }
        let chunks = self.raw(model, body).await?;
        let whole = collect::collect(chunks).await;
        whole.map_err(|refusal| Failure::of(refusal, self.name()))
    }

    fn key(&self) -> Option<&Secret> {
        match &self.spec.kind {
            Kind::OpenAi { key, .. } => key.as_ref(),
            Kind::Command { .. } | Kind::Offline => None,
        }
    }
}

/// What no kind of provider can be used with.
fn check(spec: &ProviderSpec) -> Result<(), &'static str> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if spec.name.is_empty() || !spec.name.chars().all(is_plain) {
        return Err("a name is made of letters, digits, `-`, `_` and `.`");
    }
    if spec.concurrency == Some(0) {
        return Err(
            "with no request at a time it would never be asked; leave the limit out, or set it to 1 or more",
        );
    }
    if let Kind::Command { command } = &spec.kind {
        check_command(command, spec.models.is_empty())?;
    }
    let times = &spec.timeouts;
    if [times.connect, times.first_token, times.idle, times.total].contains(&Duration::ZERO) {
        return Err("with a time-out of nothing it could never answer");
    }
    Ok(())
}

/// What is asked for would stand in the arguments word for word: a file's name, an option.
fn check_command(command: &[String], takes_any_model: bool) -> Result<(), &'static str> {
    if command.is_empty() {
        return Err("its command is empty; name the program that answers");
    }
    if takes_any_model && command.iter().any(|part| part.contains("{model}")) {
        return Err(
            "its command has `{model}` in it, and it has no models; name those that it may be called with",
        );
    }
    Ok(())
}

/// How many answers are wanted. Who answers here gives one, whatever is wanted; it ends in good order all the same.
fn choices(body: &Map<String, Value>) -> usize {
    let count = body.get("n").and_then(Value::as_u64).unwrap_or(1);
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Whether the chunk with the usage is wanted by whoever asks.
fn asks_for_usage(body: &Map<String, Value>) -> bool {
    let options = body.get("stream_options");
    let usage = options.and_then(|options| options.get("include_usage"));
    usage.and_then(Value::as_bool).unwrap_or(false)
}
