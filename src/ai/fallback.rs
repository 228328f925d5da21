//! One provider after another, until one answers or the request itself is what is refused.

use std::future::Future;

use serde_json::{Map, Value};

use super::Refusal;
use super::provider::{Blame, Failure, Provider};

/// Asks the candidates in their order. The last one is given the request itself, and not a copy: with one candidate there is
/// never more than one of it.
pub(super) async fn first<'a, T, F>(
    candidates: Vec<(&'a Provider, String)>,
    mut body: Map<String, Value>,
    ask: impl Fn(&'a Provider, String, Map<String, Value>) -> F,
) -> Result<T, Box<Refusal>>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut failures = Vec::new();
    let mut left = candidates.len();
    for (provider, model) in candidates {
        left -= 1;
        let body = match left {
            0 => std::mem::take(&mut body),
            _ => body.clone(),
        };
        match ask(provider, model, body).await {
            Ok(answer) => return Ok(answer),
            // Another one would say the same.
            Err(failure) if failure.blame == Blame::Request => return Err(failure.refusal),
            Err(failure) => failures.push(failure),
        }
    }
    Err(all_failed(failures))
}

/// The refusal that says most about what comes of asking again, with what each has said: the last of those who failed; where
/// nobody did, of those who were put aside; else of those who do not have the model. The shortest time to wait is told where
/// all of these say one.
fn all_failed(mut failures: Vec<Failure>) -> Box<Refusal> {
    if failures.len() == 1
        && let Some(failure) = failures.pop()
    {
        return failure.refusal;
    }
    let told: Vec<_> = failures
        .iter()
        .map(|failure| &*failure.refusal.message)
        .collect();
    let message = format!("no provider could answer: {}", told.join("; "));
    let weightiest = failures.iter().map(weight).max();
    failures.retain(|failure| Some(weight(failure)) == weightiest);
    let waits = failures.iter().map(|failure| failure.refusal.retry_after);
    let shortest = waits.collect::<Option<Vec<_>>>().unwrap_or_default();
    let shortest = shortest.into_iter().min();
    let Some(last) = failures.pop() else {
        return Refusal::nobody().into();
    };
    let mut refusal = last.refusal;
    refusal.message = message;
    refusal.retry_after = shortest.or(refusal.retry_after);
    refusal
}

fn weight(failure: &Failure) -> u8 {
    match failure.blame {
        Blame::Provider(_) => 2,
        Blame::Aside => 1,
        Blame::Model | Blame::Request => 0,
    }
}
