//! Dispatches stored updates and timers to dptree handlers.

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
use super::state::State;
use super::timer::Timer;
use super::verdict::Verdict;
use crate::lanes::{Handler, Outcome};
use crate::store::{Entry, Origin, Store};
use crate::telegram::Identity;
use crate::telegram::outgoing::Outgoing;

/// Handler trees with what they need.
pub struct Dispatch<E> {
    updates: UpdateHandler<E>,
    timers: Option<UpdateHandler<E>>,
    dependencies: DependencyMap,
    identity: Identity,
    /// What every handling gets, with who the bot is; made once that is known.
    common: OnceCell<DependencyMap>,
    store: Arc<dyn Fn() -> Store + Send + Sync>,
}

impl<E: Debug + Send + Sync + 'static> Dispatch<E> {
    /// Prepares the tree for updates. Handlers may ask for [`Bot`], [`Me`], [`Update`], [`State`], [`Verdict`], [`Outgoing`]
    /// and whatever is in `dependencies`, which may have an [`Outgoing`] with other limits than the default ones. The store
    /// that states are kept in is asked for when there is an update.
    ///
    /// # Panics
    /// Where a handler asks for something that nobody provides, as teloxide's own dispatcher does: better now
    /// than at the first update.
    #[must_use]
    pub fn new(
        bot: Bot,
        updates: UpdateHandler<E>,
        mut dependencies: DependencyMap,
        identity: Identity,
        store: impl Fn() -> Store + Send + Sync + 'static,
    ) -> Self {
        dependencies.insert(bot);
        if dependencies.try_get::<Outgoing>().is_none() {
            dependencies.insert(Outgoing::default());
        }
        check(&updates, &dependencies, dptree::Type::of::<Update>());
        Self {
            updates,
            timers: None,
            dependencies,
            identity,
            common: OnceCell::new(),
            store: Arc::new(store),
        }
    }

    /// Prepares the tree for timers. Its handlers may ask for [`Timer`] and not for [`Update`]; otherwise they are like
    /// the others.
    ///
    /// # Panics
    /// As for [`new`](Self::new).
    #[must_use]
    pub fn on_timer(mut self, timers: UpdateHandler<E>) -> Self {
        check(&timers, &self.dependencies, dptree::Type::of::<Timer>());
        self.timers = Some(timers);
        self
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
        let mut dependencies = self.common().await.clone();
        let verdict = Verdict::default();
        dependencies.insert(verdict.clone());
        let state = State::new((self.store)(), &entry);
        dependencies.insert(state.clone());
        let (tree, untaken) = match &entry.origin {
            Origin::Timer(key) => {
                dependencies.insert(Timer::new(key, &entry));
                let Some(tree) = &self.timers else {
                    return parked("nothing here handles timers".to_owned());
                };
                (tree, Some("no handler took the timer"))
            }
            Origin::Update(_) => {
                let update: Update = match serde_json::from_str(&entry.body) {
                    Ok(update) => update,
                    Err(error) => return parked(format!("the update does not parse: {error}")),
                };
                let is_unknown = matches!(update.kind, UpdateKind::Error(_));
                if is_unknown {
                    warn!(
                        "the update is of a kind or form that is not known here; handing it on as it is"
                    );
                }
                dependencies.insert(update);
                let untaken = "of an unknown kind or form, and no handler took it";
                (&self.updates, is_unknown.then_some(untaken))
            }
        };
        match tree.dispatch(dependencies).await {
            ControlFlow::Break(Ok(())) => verdict
                .take()
                .unwrap_or_else(|| Outcome::DoneWith(state.take())),
            ControlFlow::Break(Err(error)) => parked(brief(&format!("{error:?}"))),
            ControlFlow::Continue(_) => match untaken {
                Some(error) => parked(error.to_owned()),
                None => {
                    debug!("no handler took the update");
                    Outcome::Done
                }
            },
        }
    }
}

/// That a tree asks for nothing that is not there.
fn check<E: 'static>(tree: &UpdateHandler<E>, dependencies: &DependencyMap, subject: dptree::Type) {
    let given_later = [
        subject,
        dptree::Type::of::<Me>(),
        dptree::Type::of::<State>(),
        dptree::Type::of::<Verdict>(),
    ];
    dptree::type_check(tree.sig(), dependencies, &given_later);
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
