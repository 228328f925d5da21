//! The models that can be asked for.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;
use super::error::Problem;
use super::name::Name;
use crate::ai::Model;

/// `GET /v1/models`: what is configured. A provider without models takes any name, and lists none.
pub(super) async fn list(State(shared): State<Shared>) -> Json<Value> {
    listed(shared.ai().models().iter())
}

/// `GET /v1/models/{model}`; a model's name may have slashes in it.
pub(super) async fn one(
    State(shared): State<Shared>,
    Name(id): Name,
) -> Result<Json<Value>, Problem> {
    let model = shared.ai().model(&id);
    model.map(|model| Json(shown(&model))).ok_or_else(|| {
        let text = format!("there is no model `{id}` here; GET /v1/models lists those there are");
        Problem::new(404, "invalid_request_error", text)
            .code("model_not_found")
            .param("model")
    })
}

/// `GET /api/{provider}/models`
pub(super) async fn of_provider(
    State(shared): State<Shared>,
    Name(provider): Name,
) -> Result<Json<Value>, Problem> {
    if !shared.ai().providers().any(|name| name == provider) {
        let text = format!("there is no provider `{provider}` here");
        let problem = Problem::new(404, "invalid_request_error", text);
        return Err(problem.code("provider_not_found").param("provider"));
    }
    let models = shared.ai().models();
    let theirs = models.iter().filter(|it| it.providers.contains(&provider));
    Ok(listed(theirs))
}

fn listed<'a>(models: impl Iterator<Item = &'a Model>) -> Json<Value> {
    let data: Vec<Value> = models.map(shown).collect();
    Json(json!({ "object": "list", "data": data }))
}

/// Nobody here knows when a model was made; clients want a number.
fn shown(model: &Model) -> Value {
    json!({
        "id": model.id,
        "object": "model",
        "created": 0,
        "owned_by": model.providers.first(),
        "providers": model.providers,
    })
}
