//! Nothing is confirmed that is not stored.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sundown::lifecycle::{ExitKind, Phase, Report, Supervisor};
use sundown::store::sqlite::Sqlite;
use sundown::store::{
    BotId, Change, Completion, Counts, Cursor, Document, Engine, Entry, Key, Lease, Pos, RawBatch,
    Scope, StoreError,
};
use sundown::telegram::{Client, Identity, Poller, PollerConfig, Token};
use tokio::sync::Semaphore;

use super::support::server;

/// A store whose disk takes its time over an append, and may refuse it then.
struct SlowDisk {
    inner: Sqlite,
    is_full: bool,
    asked: Semaphore,
    may_answer: Semaphore,
}

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl Engine for SlowDisk {
    async fn append(&self, poll: &Lease, batch: RawBatch) -> Result<usize> {
        self.asked.add_permits(1);
        let _turn = self.may_answer.acquire().await;
        if self.is_full {
            return Err(StoreError::Full {
                what: "write to",
                path: "the store".into(),
            });
        }
        self.inner.append(poll, batch).await
    }
    async fn acquire(&self, scope: Scope) -> Result<Lease> {
        self.inner.acquire(scope).await
    }
    async fn cursor(&self, poll: &Lease) -> Result<Cursor> {
        self.inner.cursor(poll).await
    }
    async fn next(
        &self,
        part: &Lease,
        after: Pos,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Entry>> {
        self.inner.next(part, after, max, wait).await
    }
    async fn fetch(&self, part: &Lease, positions: Vec<Pos>) -> Result<Vec<Entry>> {
        self.inner.fetch(part, positions).await
    }
    async fn begin(&self, part: &Lease, pos: Pos) -> Result<()> {
        self.inner.begin(part, pos).await
    }
    async fn end(&self, part: &Lease, pos: Pos) -> Result<()> {
        self.inner.end(part, pos).await
    }
    async fn put_back(&self, part: &Lease, pos: Pos) -> Result<()> {
        self.inner.put_back(part, pos).await
    }
    async fn flush(&self) -> Result<()> {
        self.inner.flush().await
    }
    async fn complete(&self, part: &Lease, done: Vec<Completion>) -> Result<()> {
        self.inner.complete(part, done).await
    }
    async fn change(&self, lease: &Lease, changes: Vec<Change>) -> Result<()> {
        self.inner.change(lease, changes).await
    }
    async fn read(&self, key: &Key) -> Result<Option<Document>> {
        self.inner.read(key).await
    }
    async fn scan(&self, prefix: &str, after: Option<&Key>, max: usize) -> Result<Vec<Document>> {
        self.inner.scan(prefix, after, max).await
    }
    async fn bots(&self) -> Result<Vec<BotId>> {
        self.inner.bots().await
    }
    async fn counts(&self) -> Result<Counts> {
        self.inner.counts().await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

async fn control(url: &str, call: &str, body: Option<Value>) -> Value {
    let (http, url) = (reqwest::Client::new(), format!("{url}/control/{call}"));
    let request = match body {
        Some(body) => http.post(url).json(&body),
        None => http.get(url),
    };
    request.send().await.unwrap().json().await.unwrap()
}

/// A stop in the middle of an append; returns how it ended, and how many updates the server still has then.
async fn stop_during_append(is_full: bool) -> (Report, Value) {
    let dir = tempfile::tempdir().unwrap();
    let (server, url, token) = server();
    let server_handle = server.handle();

    let inner = Sqlite::open(dir.path()).unwrap();
    let store = Arc::new(SlowDisk {
        inner,
        is_full,
        asked: Semaphore::new(0),
        may_answer: Semaphore::new(0),
    });
    let client = Client::new(
        reqwest::Client::new(),
        url.parse().unwrap(),
        Token::parse(&token).unwrap(),
    );
    let for_poller = Arc::clone(&store);
    let bot = Supervisor::builder("bot")
        .signals(false)
        .service("poller", move || {
            Poller::new(
                client.clone(),
                for_poller.clone(),
                Identity::default(),
                PollerConfig::default(),
            )
        });
    let bot_handle = bot.handle();

    let course = async {
        bot_handle.reached(Phase::Running).await;
        let user = json!({ "id": 5, "first_name": "Ada" });
        control(&url, "message", Some(json!({ "user": user, "text": "hi" }))).await;
        store.asked.acquire().await.unwrap().forget();
        bot_handle.request_stop("in the middle of an append");
        bot_handle.reached(Phase::Draining).await;
        store.may_answer.add_permits(1);
        bot_handle.reached(Phase::Stopped).await;
        let state = control(&url, "state", None).await;
        server_handle.request_stop("seen enough");
        state["result"]["pending_update_count"].clone()
    };
    let (_, report, pending) = tokio::join!(server.run(), bot.run(), course);
    (report, pending)
}

#[tokio::test]
async fn an_append_that_fails_during_a_stop_is_not_confirmed_and_ends_with_74() {
    let (report, pending) = stop_during_append(true).await;
    assert_eq!(report.exit_kind(), ExitKind::StateIo, "{report}");
    assert_eq!(pending, json!(1));
}

#[tokio::test]
async fn an_append_that_succeeds_during_a_stop_is_confirmed_on_the_way_out() {
    let (report, pending) = stop_during_append(false).await;
    assert_eq!(report.exit_kind(), ExitKind::Clean, "{report}");
    assert_eq!(report.fact("received"), 1);
    assert_eq!(pending, json!(0));
}
