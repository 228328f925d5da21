//! What waited at the start, and what of it is too old to be handled.
//!
//! The backlog is over with the first answer that brings nothing new, or with the first update that is younger than the
//! start: ids are given out in the order of time. Nothing that comes after it is dropped, however old its date is: a later life
//! of the poller has no backlog where an earlier one has seen its end, and the start is that of the first.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::time::Instant;
use tracing::info;

use super::PollerConfig;
use super::past::Past;
use super::split::fields;
use crate::store::RawUpdate;

/// A server that always has something undated to tell is not in its backlog for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// Drops what is stale while the backlog lasts.
pub(super) struct Backlog {
    older_than: Option<Duration>,
    kinds: Vec<String>,
    past: Past,
    /// None before the first answer: reaching the server may take long.
    until: Option<Instant>,
    is_open: bool,
    /// What has not been told of yet.
    untold: u64,
}

/// The times that an update's payload may say of itself. That of a message with buttons is not the button's.
#[derive(Deserialize, Default)]
struct Dates {
    date: Option<u64>,
    edit_date: Option<u64>,
}

impl Backlog {
    pub(super) fn new(config: &PollerConfig, past: Past) -> Self {
        let drops = config.drop_older_than.is_some() || !config.drop_kinds.is_empty();
        Self {
            older_than: config.drop_older_than,
            kinds: config.drop_kinds.clone(),
            is_open: drops && !past.is_backlog_over(),
            past,
            until: None,
            untold: 0,
        }
    }

    /// Whether more of it may come, and calls had better not wait for it.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What of an answer's new updates is to be kept.
    pub(super) fn sift(&mut self, mut updates: Vec<RawUpdate>) -> Vec<RawUpdate> {
        if !self.is_open {
            return updates;
        }
        let until = *self.until.get_or_insert_with(|| Instant::now() + LONGEST);
        if updates.is_empty() || Instant::now() > until {
            self.close();
            return updates;
        }
        let now = SystemTime::now();
        updates.retain(|update| !self.is_stale(update, now));
        updates
    }

    fn close(&mut self) {
        self.is_open = false;
        self.past.end_backlog();
        self.tell();
    }

    /// Says what was dropped, once.
    pub(super) fn tell(&mut self) {
        let count = std::mem::take(&mut self.untold);
        if count > 0 {
            info!(
                count,
                "updates that waited at the start were too old or of a kind to be dropped; they are not handled"
            );
        }
    }

    fn is_stale(&mut self, update: &RawUpdate, now: SystemTime) -> bool {
        if !self.is_open {
            return false;
        }
        let (kind, date) = kind_and_date(&update.body).unwrap_or_default();
        if date.is_some_and(|date| date >= self.past.began()) {
            self.close();
            return false;
        }
        let age = date.and_then(|date| now.duration_since(date).ok());
        let is_old = self
            .older_than
            .zip(age)
            .is_some_and(|(limit, age)| age > limit);
        let is_stale = is_old || self.kinds.contains(&kind);
        if is_stale {
            self.untold += 1;
            self.past.drop_one();
        }
        is_stale
    }
}

fn kind_and_date(body: &str) -> Option<(String, Option<SystemTime>)> {
    let (kind, payload) = fields(body)?.payload?;
    let dates: Dates = serde_json::from_str(payload.get()).unwrap_or_default();
    let seconds = dates.edit_date.or(dates.date).map(Duration::from_secs);
    let date = seconds.and_then(|seconds| UNIX_EPOCH.checked_add(seconds));
    Some((kind.0.into_owned(), date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LaneKey, UpdateId};
    use serde_json::{Value, json};

    const HOUR: u64 = 3_600;

    fn ago(seconds: u64) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_secs() - seconds
    }

    fn update(kind: &str, payload: Value) -> RawUpdate {
        RawUpdate {
            id: UpdateId(1),
            lane: LaneKey(1),
            body: json!({ "update_id": 1, kind: payload }).to_string().into(),
        }
    }

    fn message(age: u64) -> RawUpdate {
        update("message", json!({ "date": ago(age) }))
    }

    fn backlog(older_than: Option<u64>, kinds: &[&str]) -> Backlog {
        backlog_after(Past::default(), older_than, kinds)
    }

    fn backlog_after(past: Past, older_than: Option<u64>, kinds: &[&str]) -> Backlog {
        let config = PollerConfig {
            drop_older_than: older_than.map(Duration::from_secs),
            drop_kinds: kinds.iter().map(ToString::to_string).collect(),
            ..PollerConfig::default()
        };
        Backlog::new(&config, past)
    }

    fn kept(backlog: &mut Backlog, updates: impl IntoIterator<Item = RawUpdate>) -> usize {
        backlog.sift(updates.into_iter().collect()).len()
    }

    #[tokio::test]
    async fn by_default_everything_is_kept_and_there_is_no_backlog() {
        let mut backlog = backlog(None, &[]);
        assert!(!backlog.is_open());
        assert_eq!(kept(&mut backlog, [message(9 * HOUR)]), 1);
    }

    #[tokio::test]
    async fn what_is_older_is_dropped_and_counted_over_many_answers() {
        let mut backlog = backlog(Some(HOUR), &[]);
        assert_eq!(kept(&mut backlog, [message(2 * HOUR), message(60)]), 1);
        assert_eq!(kept(&mut backlog, [message(2 * HOUR)]), 0);
        assert_eq!((backlog.past.dropped(), backlog.is_open()), (2, true));
    }

    #[tokio::test]
    async fn an_edit_is_as_old_as_the_edit_and_a_button_has_no_age() {
        let mut backlog = backlog(Some(HOUR), &[]);
        let old = ago(9 * HOUR);
        let edit = json!({ "date": old, "edit_date": ago(60) });
        let press = json!({ "message": { "date": old } });
        let updates = [
            update("edited_message", edit),
            update("callback_query", press),
            update("poll", json!("odd")),
        ];
        assert_eq!(kept(&mut backlog, updates), 3);
    }

    #[tokio::test]
    async fn a_kind_is_dropped_at_any_age() {
        let mut backlog = backlog(None, &["callback_query"]);
        let updates = [update("callback_query", json!({})), message(9 * HOUR)];
        assert_eq!(kept(&mut backlog, updates), 1);
        assert_eq!(backlog.past.dropped(), 1);
    }

    #[tokio::test]
    async fn it_ends_with_an_answer_that_brings_nothing_new() {
        let mut backlog = backlog(Some(HOUR), &[]);
        assert_eq!(kept(&mut backlog, []), 0);
        assert_eq!(kept(&mut backlog, [message(2 * HOUR)]), 1);
    }

    #[tokio::test]
    async fn it_ends_with_an_update_that_is_younger_than_the_start() {
        let mut backlog = backlog(Some(HOUR), &["message"]);
        let future = update("message", json!({ "date": ago(0) + 9 }));
        let updates = [message(2 * HOUR), future, message(2 * HOUR)];
        assert_eq!(kept(&mut backlog, updates), 2);
    }

    #[tokio::test]
    async fn what_comes_between_two_lives_is_no_backlog() {
        let past = Past::default();
        let mut first = backlog_after(past.clone(), None, &["message"]);
        assert_eq!(kept(&mut first, [message(60)]), 0);
        let mut second = backlog_after(past.clone(), None, &["message"]);
        assert!(second.is_open(), "the first life has not seen its end");
        assert_eq!(kept(&mut second, [message(60)]), 0);
        assert_eq!(kept(&mut second, []), 0);
        let mut third = backlog_after(past.clone(), None, &["message"]);
        assert!(!third.is_open());
        assert_eq!(kept(&mut third, [message(60)]), 1);
        assert_eq!(past.dropped(), 2, "of all lives");
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_by_itself_where_something_always_comes() {
        let mut backlog = backlog(None, &["inline_query"]);
        let query = || [update("inline_query", json!({}))];
        assert_eq!(kept(&mut backlog, query()), 0);
        tokio::time::advance(LONGEST * 2).await;
        assert_eq!(kept(&mut backlog, query()), 1);
    }
}
