//! What a teloxide handler keeps: documents and timers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{BotId, Change, Entry, Expected, Key, LaneKey, Store, StoreError, Timer};

/// Documents and timers of a bot: a dependency that every handler may ask for.
///
/// What a handler changes is committed together with the completion of its update, or not at all: it is kept where the
/// handler returns `Ok` and says nothing else by its [`Verdict`](super::Verdict). Until then it sees its own changes, and
/// nobody else does. A document that it has read and then changes must not have been changed by another handler meanwhile;
/// where it has been, this one **runs again** from the beginning, on what is there now, ten times at most. Handlers of the
/// same chat never meet that way, for they run one after another.
///
/// Names have 1 to 512 bytes without control characters, and by convention parts with slashes. Each bot has names of its
/// own. What is kept is JSON.
///
/// ```no_run
/// use std::time::Duration;
/// use sundown::bot::{State, Timer};
/// use teloxide::{dptree, prelude::*};
///
/// type Fallible = Result<(), Box<dyn std::error::Error + Send + Sync>>;
///
/// async fn greet(bot: Bot, message: Message, state: State) -> Fallible {
///     let name = format!("greeted/{}", message.chat.id);
///     let count: u64 = state.get(&name).await?.unwrap_or(0);
///     state.put(&name, &(count + 1))?;
///     state.set_timer(&name, Duration::from_secs(3_600), &message.chat.id)?;
///     bot.send_message(message.chat.id, format!("Hello for the {}. time!", count + 1)).await?;
///     Ok(())
/// }
///
/// async fn an_hour_later(bot: Bot, timer: Timer) -> Fallible {
///     let chat: ChatId = timer.body()?;
///     bot.send_message(chat, "That was an hour ago.").await?;
///     Ok(())
/// }
///
/// sundown::polling(Bot::from_env(), Update::filter_message().endpoint(greet))
///     .on_timer(dptree::endpoint(an_hour_later));
/// ```
#[derive(Clone)]
pub struct State {
    inner: Arc<Inner>,
    /// Where timers are handled.
    lane: LaneKey,
}

struct Inner {
    store: Store,
    bot: BotId,
    changed: Mutex<Changed>,
}

/// What the handler has read and changed so far.
#[derive(Default)]
struct Changed {
    /// The versions that it saw.
    seen: BTreeMap<Key, Expected>,
    /// What it wrote; none where it deleted.
    documents: BTreeMap<Key, Option<Arc<str>>>,
    /// What it set; none where it took back.
    timers: BTreeMap<Key, Option<Timer>>,
}

impl State {
    pub(super) fn new(store: Store, entry: &Entry) -> Self {
        let inner = Inner {
            store,
            bot: entry.bot,
            changed: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
            lane: entry.lane,
        }
    }

    /// The same documents and timers, where timers are set in another lane: that of a chat (its number is the lane's), or one
    /// by a [name](LaneKey::named). So a handler hands work over to where it is in order with other work: what is due at
    /// once is handled there as soon as this handler's update is completed.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use sundown::{bot::State, store::{LaneKey, StoreError}};
    /// # use teloxide::types::{ChatId, Message};
    /// # fn tell(state: &State, message: &Message, group: ChatId) -> Result<(), StoreError> {
    /// let there = state.in_lane(LaneKey(group.0));
    /// there.set_timer(&format!("said/{}", message.id), Duration::ZERO, message.text().unwrap_or_default())
    /// # }
    /// ```
    #[must_use]
    pub fn in_lane(&self, lane: LaneKey) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            lane,
        }
    }

    /// Reads a document; none where there is none.
    ///
    /// # Errors
    /// [`StoreError::BadKey`]; [`StoreError::Unreadable`] where it is no `T`; whatever the store says.
    pub async fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let key = self.key(name)?;
        if let Some(body) = self.changed().documents.get(&key) {
            return body.as_ref().map(|body| parse(&key, body)).transpose();
        }
        let found = self.inner.store.read(&key).await?;
        let version = found.as_ref().map(|document| document.version);
        let expected = version.map_or(Expected::Nothing, Expected::Version);
        // The first look counts: what the handler has decided may rest on it.
        self.changed().seen.entry(key.clone()).or_insert(expected);
        found
            .map(|document| parse(&key, &document.body))
            .transpose()
    }

    /// Up to `max` documents whose names begin with `prefix`, in the order of their names' bytes, from the first behind the
    /// name `after`. They are as they were last committed: what this handler has changed is not seen here, and what is read
    /// here and changed by others meanwhile does not make it run again.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub async fn scan<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let mine = self.name("");
        let after = after.map(|name| self.key(name)).transpose()?;
        let prefix = self.name(prefix);
        let found = self.inner.store.scan(&prefix, after.as_ref(), max).await?;
        let read = found.into_iter().map(|document| {
            let name = document.key.as_str().strip_prefix(&mine);
            let name = name.unwrap_or_default().to_owned();
            Ok((name, parse(&document.key, &document.body)?))
        });
        read.collect()
    }

    /// Writes a document.
    ///
    /// # Errors
    /// [`StoreError::BadKey`]; [`StoreError::Unreadable`] where it cannot be written as JSON.
    pub fn put<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let key = self.key(name)?;
        let body = text(&key, value)?;
        self.changed().documents.insert(key, Some(body));
        Ok(())
    }

    /// Deletes a document, where there is one.
    ///
    /// # Errors
    /// [`StoreError::BadKey`].
    pub fn delete(&self, name: &str) -> Result<(), StoreError> {
        let key = self.key(name)?;
        self.changed().documents.insert(key, None);
        Ok(())
    }

    /// Has the timers' handler called after this time, counted from now, with this body, in the lane of the update in hand:
    /// behind what waits there then. It survives restarts; what came due meanwhile is handled at the start. A timer of
    /// the same name is replaced.
    ///
    /// # Errors
    /// [`StoreError::BadKey`]; [`StoreError::Unreadable`] where the body cannot be written as JSON.
    pub fn set_timer<T: Serialize + ?Sized>(
        &self,
        name: &str,
        after: Duration,
        body: &T,
    ) -> Result<(), StoreError> {
        let key = self.key(name)?;
        let now = SystemTime::now();
        let timer = Timer {
            bot: self.inner.bot,
            lane: self.lane,
            due: now.checked_add(after).unwrap_or(now + FOR_EVER),
            body: text(&key, body)?,
            key: key.clone(),
        };
        self.changed().timers.insert(key, Some(timer));
        Ok(())
    }

    /// Takes a timer back, where it is not due yet. One that is due may wait in its lane already, so its handler should look
    /// whether it is still wanted.
    ///
    /// # Errors
    /// [`StoreError::BadKey`].
    pub fn cancel_timer(&self, name: &str) -> Result<(), StoreError> {
        let key = self.key(name)?;
        self.changed().timers.insert(key, None);
        Ok(())
    }

    /// What the handler has changed. What it changes after this is not kept.
    pub(super) fn take(&self) -> Vec<Change> {
        let Changed {
            seen,
            documents,
            timers,
        } = std::mem::take(&mut *self.changed());
        let documents = documents.into_iter().map(|(key, body)| {
            let expected = seen.get(&key).copied().unwrap_or(Expected::Anything);
            match body {
                Some(body) => Change::Put {
                    key,
                    body,
                    expected,
                },
                None => Change::Delete { key, expected },
            }
        });
        let timers = timers.into_iter().map(|(key, timer)| match timer {
            Some(timer) => Change::SetTimer(timer),
            None => Change::CancelTimer(key),
        });
        documents.chain(timers).collect()
    }

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.inner
            .changed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, name: &str) -> Result<Key, StoreError> {
        if name.is_empty() {
            return Err(StoreError::BadKey { key: name.into() });
        }
        Key::new(self.name(name))
    }

    /// The bot's own names begin with its number.
    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.inner.bot.0)
    }
}

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

pub(super) fn parse<T: DeserializeOwned>(key: &Key, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| unreadable(key, &error))
}

fn text<T: Serialize + ?Sized>(key: &Key, value: &T) -> Result<Arc<str>, StoreError> {
    let text = serde_json::to_string(value).map_err(|error| unreadable(key, &error))?;
    Ok(text.into())
}

fn unreadable(key: &Key, error: &serde_json::Error) -> StoreError {
    StoreError::Unreadable {
        key: key.clone(),
        // Its place and kind, and nothing of what it holds.
        detail: format!("{:?} error at column {}", error.classify(), error.column()),
    }
}
