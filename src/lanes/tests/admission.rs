//! Bots that are let in at once, late, or never.

use super::*;

const FIRST: BotId = BotId(1);
const SECOND: BotId = BotId(2);

/// Stores updates of a bot, numbered on from `from`, each in the lane that `lanes` says.
async fn append(store: &Store, bot: BotId, from: i64, lanes: impl IntoIterator<Item = i64>) {
    let poll = store.acquire(Scope::Poll(bot)).await.unwrap();
    let updates = (from..).zip(lanes).map(|(id, lane)| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(lane),
        body: "{}".into(),
    });
    let batch = RawBatch {
        updates: updates.collect(),
        cursor: Cursor::default(),
    };
    store.append(&poll, batch).await.unwrap();
}

async fn run(store: &Store, gate: Gate, handler: Handler) -> Report {
    let store = Arc::clone(store);
    Supervisor::builder("test")
        .signals(false)
        .stop_timeout(Duration::from_secs(5))
        .service("lanes", move || {
            let (handler, gate) = (Arc::clone(&handler), Arc::clone(&gate));
            Lanes::new(Arc::clone(&store), handler, gate, until_idle())
        })
        .run()
        .await
}

#[tokio::test]
async fn a_bot_that_is_not_let_in_holds_up_nobody_however_much_of_it_waits() {
    let fixture = fixture(&[]).await;
    // More than is held in memory, and each in a lane of its own.
    append(&fixture.store, SECOND, 1, 1..=12_000).await;
    append(&fixture.store, FIRST, 1, [1, 2, 3]).await;
    let seen: Arc<Mutex<Vec<BotId>>> = Arc::default();
    let log = Arc::clone(&seen);
    let handler: Handler = Arc::new(move |entry| {
        log.lock().unwrap().push(entry.bot);
        Box::pin(async { Outcome::Done })
    });
    let report = run(&fixture.store, open_gate(), handler).await;
    assert_eq!(report.fact("handled"), 3, "{report}");
    assert_eq!(*seen.lock().unwrap(), [FIRST; 3]);
    assert_eq!(fixture.store.counts().await.unwrap().queued, 12_000);
}

#[tokio::test]
async fn a_bot_that_is_let_in_late_is_handled_from_its_first_update_on_in_order() {
    let fixture = fixture(&[]).await;
    let store = Arc::clone(&fixture.store);
    // More than is read at a time; all of it passed over, because the first bot's are read behind it.
    append(&store, SECOND, 1, std::iter::repeat_n(7, 11_000)).await;
    append(&store, FIRST, 1, [7]).await;
    let first_is_over = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&first_is_over);
    let gate: Gate = Arc::new(move || {
        let opens = Arc::clone(&opens);
        let late = stream::once(async move {
            opens.acquire().await.unwrap().forget();
            SECOND
        });
        stream::once(async { FIRST }).chain(late).boxed()
    });
    let seen: Arc<Mutex<Vec<i64>>> = Arc::default();
    let (log, more) = (Arc::clone(&seen), Arc::clone(&store));
    let handler: Handler = Arc::new(move |entry| {
        let (log, more) = (Arc::clone(&log), Arc::clone(&more));
        let first_is_over = Arc::clone(&first_is_over);
        Box::pin(async move {
            if entry.bot == FIRST {
                first_is_over.add_permits(1);
            } else {
                log.lock().unwrap().push(id(&entry));
            }
            if entry.bot == SECOND && id(&entry) == 1 {
                // It goes on arriving meanwhile.
                append(&more, SECOND, 11_001, [7, 7, 7]).await;
            }
            Outcome::Done
        })
    });
    let report = run(&store, gate, handler).await;
    assert_eq!(report.fact("handled"), 11_004, "{report}");
    let expected: Vec<i64> = (1..=11_003).collect();
    assert_eq!(*seen.lock().unwrap(), expected, "in order, each once");
}
