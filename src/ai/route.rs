//! Which providers can answer what.

use super::provider::Provider;
use super::{Ask, Refusal};

/// A model that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// By this name.
    pub id: String,
    /// From these providers, in the order in which they are tried.
    pub providers: Vec<String>,
}

pub(super) fn models(providers: &[Provider]) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    for provider in providers {
        for id in provider.names() {
            match models.iter_mut().find(|model| model.id == id) {
                Some(model) => model.providers.push(provider.name().to_owned()),
                None => models.push(Model {
                    id: id.to_owned(),
                    providers: vec![provider.name().to_owned()],
                }),
            }
        }
    }
    models
}

pub(super) fn model(providers: &[Provider], id: &str) -> Option<Model> {
    let listed = models(providers).into_iter().find(|model| model.id == id);
    listed.or_else(|| {
        let takers = providers.iter().filter(|it| it.model(Some(id)).is_some());
        let providers: Vec<_> = takers.map(|it| it.name().to_owned()).collect();
        let id = id.to_owned();
        (!providers.is_empty()).then_some(Model { id, providers })
    })
}

/// The providers to try, each with the name it has for the model.
pub(super) fn candidates<'a>(
    providers: &'a [Provider],
    ask: &Ask,
) -> Result<Vec<(&'a Provider, String)>, Box<Refusal>> {
    let wanted = match ask.providers.as_slice() {
        [] => providers.iter().collect(),
        names => named(providers, names)?,
    };
    let found: Vec<_> = wanted
        .into_iter()
        .filter_map(|provider| Some((provider, provider.model(ask.model())?)))
        .collect();
    if found.is_empty() {
        let model = ask.model().unwrap_or_default();
        let text =
            format!("there is no model `{model}` here; GET /v1/models lists those there are");
        let refusal = Refusal::new(404, "invalid_request_error", text);
        return Err(refusal.code("model_not_found").param("model").into());
    }
    Ok(found)
}

fn named<'a>(
    providers: &'a [Provider],
    names: &[String],
) -> Result<Vec<&'a Provider>, Box<Refusal>> {
    let find = |name: &String| {
        let found = providers.iter().find(|provider| provider.name() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = providers.iter().map(Provider::name).collect();
            let text = format!(
                "there is no provider `{name}` here; there are {}",
                known.join(", ")
            );
            let refusal = Refusal::new(404, "invalid_request_error", text);
            Box::new(refusal.code("provider_not_found").param("provider"))
        })
    };
    let mut found: Vec<&Provider> = Vec::new();
    for name in names {
        let provider = find(name)?;
        // Asked twice, it would say the same twice.
        if !found.iter().any(|other| other.name() == provider.name()) {
            found.push(provider);
        }
    }
    Ok(found)
}
