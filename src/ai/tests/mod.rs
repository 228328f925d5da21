//! What comes of whatever a provider does, over real connections to a server that misbehaves on demand.

mod cancelling;
mod fallback;
mod refusals;
mod streams;
mod upstream;

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Ai, Answer, Ask, Broken, Kind, ProviderSpec, Secret};
use upstream::Upstream;

const KEY: &str = "sk-very-secret";

fn spec(name: &str, upstream: &Upstream) -> ProviderSpec {
    let kind = Kind::OpenAi {
        base_url: upstream.base_url(),
        key: Some(Secret::new(KEY)),
    };
    ProviderSpec::new(name, kind)
}

/// One that may be silent only shortly once it has begun.
fn restless(name: &str, upstream: &Upstream) -> ProviderSpec {
    let mut spec = spec(name, upstream);
    spec.timeouts.idle = Duration::from_millis(200);
    spec
}

/// One whose begin is not waited for long.
fn hasty(name: &str, upstream: &Upstream) -> ProviderSpec {
    let mut spec = spec(name, upstream);
    spec.timeouts.first_token = Duration::from_millis(300);
    spec.timeouts.total = Duration::from_millis(300);
    spec
}

fn ai(specs: impl Into<Vec<ProviderSpec>>) -> Ai {
    Ai::new(specs.into()).unwrap()
}

fn body() -> Map<String, Value> {
    let body = json!({ "messages": [{ "role": "user", "content": "hi" }], "seed": 7 });
    body.as_object().cloned().unwrap()
}

fn ask() -> Ask {
    Ask {
        body: body(),
        providers: Vec::new(),
    }
}

/// The whole text, and how it broke.
async fn read(answer: &mut Answer) -> (String, Option<Broken>) {
    let mut text = String::new();
    while let Some(chunk) = answer.next().await {
        match chunk {
            Ok(chunk) => text += &chunk.text().unwrap_or_default(),
            Err(broken) => {
                assert!(answer.next().await.is_none(), "something follows the break");
                return (text, Some(broken));
            }
        }
    }
    (text, None)
}
