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

/// The last refusal of those who were asked, with what each has said, and the shortest time to wait. Who was only put
/// aside counts where everybody was.
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
    let retry_after = failures
        .iter()
        .filter_map(|failure| failure.refusal.retry_after)
        .min();
    let (aside, mut asked): (Vec<_>, Vec<_>) = failures
        .into_iter()
        .partition(|failure| failure.blame == Blame::Aside);
    let Some(last) = asked.pop().or_else(|| aside.into_iter().next_back()) else {
        return Refusal::nobody().into();
    };
    let mut refusal = last.refusal;
    refusal.message = message;
    refusal.retry_after = retry_after;
    refusal
}
