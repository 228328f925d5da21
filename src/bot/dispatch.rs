//! Dispatches stored updates to a dptree handler.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::sync::Arc;

use dptree::di::DependencyMap;
use futures::FutureExt;
use teloxide::Bot;
use teloxide::types::{Me, Update, UpdateKind};
use tokio::sync::OnceCell;
use tracing::{debug, warn};

pub use teloxide::dispatching::UpdateHandler;

use super::me::me;
use super::verdict::Verdict;
use crate::lanes::{Handler, Outcome};
use crate::store::Entry;
use crate::telegram::Identity;

/// A handler tree with what it needs.
pub struct Dispatch<E> {
    handler: UpdateHandler<E>,
    dependencies: DependencyMap,
    identity: Identity,
    /// What every update's handling gets, with who the bot is; made once that is known.
    common: OnceCell<DependencyMap>,
}

impl<E: Debug + Send + Sync + 'static> Dispatch<E> {
    /// Prepares a tree. Handlers may ask for [`Bot`], [`Me`], [`Update`], [`Verdict`] and whatever is in `dependencies`.
    ///
    /// # Panics
    /// Where a handler asks for something that nobody provides, as teloxide's own dispatcher does: better now
    /// than at the first update.
    #[must_use]
    pub fn new(
        bot: Bot,
        handler: UpdateHandler<E>,
        mut dependencies: DependencyMap,
        identity: Identity,
    ) -> Self {
        dependencies.insert(bot);
        let given_later = [
            dptree::Type::of::<Me>(),
            dptree::Type::of::<Update>(),
            dptree::Type::of::<Verdict>(),
        ];
        dptree::type_check(handler.sig(), &dependencies, &given_later);
        Self {
            handler,
            dependencies,
            identity,
            common: OnceCell::new(),
        }
    }

    /// As the lanes call it.
    #[must_use]
    pub fn into_handler(self) -> Handler {
        let dispatch = Arc::new(self);
        Arc::new(move |entry| {
            let dispatch = Arc::clone(&dispatch);
            async move { dispatch.handle(entry).await }.boxed()
        })
    }

    async fn common(&self) -> &DependencyMap {
        let with_me = async || {
            let mut dependencies = self.dependencies.clone();
            dependencies.insert(me(&*self.identity.known().await));
            dependencies
        };
        self.common.get_or_init(with_me).await
    }

    async fn handle(&self, entry: Entry) -> Outcome {
        let update: Update = match serde_json::from_str(&entry.body) {
            Ok(update) => update,
            Err(error) => return parked(format!("the update does not parse: {error}")),
        };
        let is_unknown = matches!(update.kind, UpdateKind::Error(_));
        if is_unknown {
            warn!("the update is of a kind or form that is not known here; handing it on as it is");
        }
        let mut dependencies = self.common().await.clone();
        dependencies.insert(update);
        let verdict = Verdict::default();
        dependencies.insert(verdict.clone());
        match self.handler.dispatch(dependencies).await {
            ControlFlow::Break(Ok(())) => verdict.take().unwrap_or(Outcome::Done),
            ControlFlow::Break(Err(error)) => parked(brief(&format!("{error:?}"))),
            ControlFlow::Continue(_) if is_unknown => {
                parked("of an unknown kind or form, and no handler took it".to_owned())
            }
            ControlFlow::Continue(_) => {
                debug!("no handler took the update");
                Outcome::Done
            }
        }
    }
}

/// An error's text without what it quotes of an answer, which holds people's names and words, and not at any length.
fn brief(text: &str) -> String {
    const LONGEST: usize = 300;
    let said = text.split_once("raw:").map_or(text, |(said, _)| said);
    let mut brief: String = said.chars().take(LONGEST).collect();
    if brief.len() < text.len() {
        brief.push('…');
    }
    brief
}

fn parked(error: String) -> Outcome {
    Outcome::Failed { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_kept_without_the_answer_it_quotes() {
        let error =
            r#"InvalidJson { source: Error("missing field"), raw: "{\"text\":\"SECRET WORDS\"}" }"#;
        assert_eq!(
            brief(error),
            r#"InvalidJson { source: Error("missing field"), …"#
        );
        assert_eq!(brief("short"), "short");
        assert_eq!(brief(&"x".repeat(1_000)).chars().count(), 301);
    }
}
