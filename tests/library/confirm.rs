//! Nothing is confirmed that is not stored.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sundown::lifecycle::{ExitKind, Supervisor};
use sundown::sandbox::Sandbox;
use sundown::store::sqlite::Sqlite;
use sundown::store::{
    BotId, Completion, Counts, Cursor, Engine, Entry, Lease, Pos, RawBatch, Scope, StoreError,
};
use sundown::telegram::{Client, Identity, Poller, PollerConfig, Token};
use tokio::sync::Semaphore;

/// A store whose disk takes its time over an append, and then refuses it.
struct FullDisk {
    inner: Sqlite,
    asked: Semaphore,
    may_answer: Semaphore,
}

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl Engine for FullDisk {
    async fn append(&self, _: &Lease, _: RawBatch) -> Result<usize> {
        self.asked.add_permits(1);
        let _turn = self.may_answer.acquire().await;
        Err(StoreError::Database {
            what: "write",
            detail: "disk full".into(),
        })
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
    async fn complete(&self, part: &Lease, done: Vec<Completion>) -> Result<()> {
        self.inner.complete(part, done).await
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

fn full_disk(dir: &Path) -> Arc<FullDisk> {
    let inner = Sqlite::open(dir).unwrap();
    Arc::new(FullDisk {
        inner,
        asked: Semaphore::new(0),
        may_answer: Semaphore::new(0),
    })
}

async fn control(url: &str, call: &str, body: Option<Value>) -> Value {
    let (http, url) = (reqwest::Client::new(), format!("{url}/control/{call}"));
    let request = match body {
        Some(body) => http.post(url).json(&body),
        None => http.get(url),
    };
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_stop_during_an_append_that_fails_confirms_nothing_and_ends_with_74() {
    let dir = tempfile::tempdir().unwrap();
    let (sandbox, token) = Sandbox::with_bot((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let (url, store) = (sandbox.url(), full_disk(dir.path()));
    let client = Client::new(
        reqwest::Client::new(),
        url.parse().unwrap(),
        Token::parse(&token).unwrap(),
    );

    let for_poller = Arc::clone(&store);
    let builder = Supervisor::builder("test")
        .signals(false)
        .service("sandbox", move || sandbox.clone())
        .service("poller", move || {
            Poller::new(
                client.clone(),
                for_poller.clone(),
                Identity::default(),
                PollerConfig::default(),
            )
        })
        .on_drain("look", {
            let url = url.clone();
            move || async move {
                // The poller has been told to drain, and the server still has the update.
                let state = control(&url, "state", None).await;
                assert_eq!(state["result"]["pending_update_count"], json!(1));
                Ok(())
            }
        });
    let handle = builder.handle();
    let trouble = async {
        handle.reached(sundown::lifecycle::Phase::Running).await;
        let user = json!({ "id": 5, "first_name": "Ada" });
        control(&url, "message", Some(json!({ "user": user, "text": "hi" }))).await;
        store.asked.acquire().await.unwrap().forget();
        handle.request_stop("in the middle of an append");
        store.may_answer.add_permits(1);
    };
    let (report, ()) = tokio::join!(builder.run(), trouble);
    assert_eq!(report.exit_kind(), ExitKind::StateIo, "{report}");
    assert!(report.to_string().contains("look: done"), "{report}");
}
