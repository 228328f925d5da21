//! One provider: its models, its turns, and who answers behind it.

mod collect;
mod command;
mod offline;
mod write;

use serde_json::{Map, Value};

use super::{Answer, Kind, ProviderSpec, Refusal, SpecError, Whole};

#[derive(Debug)]
pub(super) struct Provider {
    spec: ProviderSpec,
}

impl Provider {
    pub(super) fn new(spec: ProviderSpec) -> Result<Self, SpecError> {
        Ok(Self { spec })
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

    pub(super) async fn stream(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<Answer, Box<Refusal>> {
        match &self.spec.kind {
            Kind::Offline => {
                let chunks = offline::stream(model, &body).await?;
                Ok(Answer::new(self.name(), model, chunks))
            }
            Kind::Command { command } => {
                let chunks = command::stream(command, model, &body).await?;
                Ok(Answer::new(self.name(), model, chunks))
            }
            Kind::OpenAi { .. } => Err(Refusal::nobody().into()),
        }
    }

    pub(super) async fn complete(
        &self,
        model: &str,
        body: Map<String, Value>,
    ) -> Result<Whole, Box<Refusal>> {
        match &self.spec.kind {
            Kind::Offline => {
                let chunks = offline::stream(model, &collect::with_usage(&body)).await?;
                Ok(Whole {
                    provider: self.name().to_owned(),
                    model: model.to_owned(),
                    body: collect::collect(chunks).await?,
                })
            }
            Kind::Command { command } => {
                let body = collect::with_usage(&body);
                let chunks = command::stream(command, model, &body);
                Ok(Whole {
                    provider: self.name().to_owned(),
                    model: model.to_owned(),
                    body: collect::within(self.spec.timeouts.total, chunks).await?,
                })
            }
            Kind::OpenAi { .. } => Err(Refusal::nobody().into()),
        }
    }
}
