//! Documents and timers, and what is recorded together with a completion.

use std::time::{Duration, SystemTime};

use super::*;

/// What is written in a document, and its version.
async fn read(store: &Store, name: &str) -> Option<(String, i64)> {
    let document = store.read(&key(name)).await.unwrap()?;
    assert_eq!(document.key, key(name));
    Some((document.body.to_string(), document.version))
}

async fn text(store: &Store, name: &str) -> Option<String> {
    read(store, name).await.map(|(body, _)| body)
}

fn delete(name: &str) -> Change {
    Change::Delete {
        key: key(name),
        expected: Expected::Anything,
    }
}

pub(crate) async fn a_document_is_read_as_it_was_last_committed(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    assert_eq!(read(&store, "a/1").await, None);
    store.change(&part, vec![put("a/1", "x")]).await.unwrap();
    let (_, first) = read(&store, "a/1").await.unwrap();
    store
        .change(&part, vec![put("a/1", "y"), put("a/2", "z")])
        .await
        .unwrap();
    drop(store);

    let store = home.open().await;
    let (body, second) = read(&store, "a/1").await.unwrap();
    assert_eq!(body, "y");
    assert!(second > first);
    assert_eq!(text(&store, "a/2").await.unwrap(), "z");
}

pub(crate) async fn a_lease_of_documents_changes_them_and_takes_nothing_from_who_reads_updates(
    home: &impl Home,
) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    let first = store.next(&part, Pos::default(), 1, SOON).await.unwrap();
    let lease = store.acquire(Scope::Documents).await.unwrap();
    store.change(&lease, vec![put("a", "x")]).await.unwrap();
    assert_eq!(text(&store, "a").await.unwrap(), "x");
    let rest = store.next(&part, first[0].pos, 9, SOON).await.unwrap();
    assert_eq!((ids(&first), ids(&rest)), (vec![1], vec![2, 3]));
    let other = store.acquire(Scope::Part(0)).await.unwrap();
    assert_eq!(ids(&read_all(&store, &other, 9).await), [1, 2, 3]);
}

pub(crate) async fn a_document_that_was_deleted_never_has_an_old_version_again(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    store.change(&part, vec![put("a", "x")]).await.unwrap();
    let (_, old) = read(&store, "a").await.unwrap();
    store.change(&part, vec![delete("a")]).await.unwrap();
    assert_eq!(read(&store, "a").await, None);
    drop(store);

    let store = home.open().await;
    let (_, part) = leases(&store).await;
    store.change(&part, vec![put("a", "x")]).await.unwrap();
    let stale = put_if("a", "y", Expected::Version(old));
    let refused = store.change(&part, vec![stale]).await;
    assert!(matches!(refused, Err(StoreError::Changed(_))));
}

pub(crate) async fn a_change_that_does_not_find_what_it_expects_changes_nothing(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    store.change(&part, vec![put("a", "x")]).await.unwrap();
    let (_, version) = read(&store, "a").await.unwrap();
    let wrong = [
        put_if("a", "y", Expected::Nothing),
        put_if("a", "y", Expected::Version(version + 1)),
        put_if("b", "y", Expected::Version(version)),
        Change::Delete {
            key: key("a"),
            expected: Expected::Version(version - 1),
        },
    ];
    for change in wrong {
        let refused = store
            .change(&part, vec![put("c", "z"), change.clone()])
            .await;
        assert!(matches!(refused, Err(StoreError::Changed(_))), "{change:?}");
    }
    assert_eq!(read(&store, "a").await, Some(("x".to_owned(), version)));
    assert_eq!(read(&store, "c").await, None);

    let right = vec![
        put_if("a", "y", Expected::Version(version)),
        put_if("b", "y", Expected::Nothing),
    ];
    store.change(&part, right).await.unwrap();
    assert_eq!(text(&store, "a").await, text(&store, "b").await);
}

pub(crate) async fn documents_are_found_by_the_beginning_of_their_names(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    let names = ["a", "a/1", "a/10", "a/2", "a/é", "a/%", "a0", "b/1"];
    let puts = names.map(|name| put(name, name));
    store.change(&part, puts.into()).await.unwrap();
    let scan = async |prefix: &str, after: Option<&str>, max: usize| {
        let after = after.map(key);
        let found = store.scan(prefix, after.as_ref(), max).await.unwrap();
        let names = found.iter().map(|document| document.key.to_string());
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        scan("a/", None, 9).await,
        ["a/%", "a/1", "a/10", "a/2", "a/é"]
    );
    assert_eq!(scan("a/", None, 2).await, ["a/%", "a/1"]);
    assert_eq!(scan("a/", Some("a/1"), 2).await, ["a/10", "a/2"]);
    assert_eq!(scan("a/", Some("a/é"), 2).await, [""; 0]);
    assert_eq!(scan("", None, 99).await.len(), names.len());
    assert_eq!(scan("c", None, 99).await, [""; 0]);
}

pub(crate) async fn a_completion_and_its_changes_are_recorded_together(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..3)).await.unwrap();
    let entries = read_all(&store, &part, 10).await;
    let done = |nth: usize, changes| Completion {
        changes,
        ..Completion::new(entries[nth].pos, Fate::Done)
    };
    let first = done(0, vec![put("a", "x"), Change::SetTimer(timer("t", 0))]);
    store.complete(&part, vec![first]).await.unwrap();
    let second = done(1, vec![put_if("a", "y", Expected::Nothing)]);
    let refused = store.complete(&part, vec![second]).await;
    assert!(matches!(refused, Err(StoreError::Changed(key)) if key.as_str() == "a"));
    drop(store);

    let store = home.open().await;
    let (_, part) = leases(&store).await;
    assert_eq!(text(&store, "a").await.unwrap(), "x");
    let left = until_there_are(2, &store, &part).await;
    assert_eq!(left[0].update_id(), Some(2), "what was refused is not done");
    assert_eq!(left[1].origin, Origin::Timer(key("t")));
}

pub(crate) async fn a_refused_change_stops_nobody_elses(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    let changes = [
        vec![put("a", "x")],
        vec![put_if("none", "x", Expected::Version(1)), put("b", "x")],
        vec![put("c", "x")],
    ];
    // Asked for at once, they may well share a transaction.
    let asked = changes.map(|changes| store.change(&part, changes));
    let done = futures::future::join_all(asked).await;
    assert_eq!(
        done.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert_eq!(text(&store, "b").await, None);
    assert_eq!(text(&store, "c").await.unwrap(), "x");
}

/// A timer that is due so many milliseconds from now.
fn timer(name: &str, after_ms: u64) -> Timer {
    Timer {
        key: key(name),
        bot: BOT,
        lane: LaneKey(5),
        due: SystemTime::now() + Duration::from_millis(after_ms),
        body: format!("of {name}").into(),
    }
}

async fn set(store: &Store, part: &Lease, timers: impl IntoIterator<Item = Timer>) {
    let changes = timers.into_iter().map(Change::SetTimer).collect();
    store.change(part, changes).await.unwrap();
}

/// What waits, as soon as it is so many.
async fn until_there_are(count: usize, store: &Store, part: &Lease) -> Vec<Entry> {
    let mut all: Vec<Entry> = Vec::new();
    while all.len() < count {
        let after = all.last().map_or(Pos::default(), |last| last.pos);
        let next = store
            .next(part, after, count, Duration::from_secs(20))
            .await;
        all.extend(next.unwrap());
    }
    all
}

fn names(entries: &[Entry]) -> Vec<String> {
    let names = entries.iter().map(|entry| entry.origin.to_string());
    names.collect()
}

pub(crate) async fn a_timer_becomes_an_entry_in_its_lane_and_never_early(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    let timer = timer("a/1", 40);
    set(&store, &part, [timer.clone()]).await;
    let entries = until_there_are(1, &store, &part).await;
    assert!(SystemTime::now() >= timer.due);
    let entry = &entries[0];
    assert_eq!(entry.origin, Origin::Timer(timer.key));
    assert_eq!(
        (entry.bot, entry.lane, &*entry.body),
        (BOT, LaneKey(5), "of a/1")
    );
    let done = Completion::new(entry.pos, Fate::Done);
    store.complete(&part, vec![done]).await.unwrap();
    drop(store);

    let store = home.open().await;
    let (_, part) = leases(&store).await;
    assert_eq!(read_all(&store, &part, 10).await, [], "it comes once");
}

pub(crate) async fn timers_come_in_the_order_in_which_they_are_due(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    let timers = [timer("late", 60), timer("early", 20), timer("later", 90)];
    set(&store, &part, timers).await;
    let entries = until_there_are(3, &store, &part).await;
    assert_eq!(
        names(&entries),
        ["timer early", "timer late", "timer later"]
    );
}

pub(crate) async fn a_timer_is_replaced_by_its_name_and_can_be_taken_back(home: &impl Home) {
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    set(&store, &part, [timer("a", 3_600_000)]).await;
    // Together, so that it is taken back before it is due, however slow all this is.
    let set_and_taken_back = vec![
        Change::SetTimer(timer("b", 0)),
        Change::CancelTimer(key("b")),
    ];
    store.change(&part, set_and_taken_back).await.unwrap();
    set(&store, &part, [timer("a", 0)]).await;
    set(&store, &part, [timer("last", 50)]).await;
    let entries = until_there_are(2, &store, &part).await;
    assert_eq!(names(&entries), ["timer a", "timer last"]);
}

pub(crate) async fn a_timer_that_came_due_while_nothing_ran_is_there_at_the_start(
    home: &impl Home,
) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..2)).await.unwrap();
    set(&store, &part, [timer("a", 5)]).await;
    let due = timer("now", 5).due;
    drop(store);
    while SystemTime::now() < due {
        std::hint::spin_loop();
    }
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    let entries = until_there_are(2, &store, &part).await;
    assert_eq!(names(&entries), ["update 1", "timer a"]);
}

pub(crate) async fn a_timer_during_which_the_process_died_three_times_is_parked(home: &impl Home) {
    for died in 0..3 {
        let store = home.open().await;
        let (_, part) = leases(&store).await;
        if died == 0 {
            set(&store, &part, [timer("a", 0)]).await;
        }
        let entries = until_there_are(1, &store, &part).await;
        assert_eq!(entries[0].attempts, died);
        store.begin(&part, entries[0].pos).await.unwrap();
    }
    let store = home.open().await;
    let counts = store.counts().await.unwrap();
    assert_eq!(
        counts,
        Counts {
            queued: 0,
            parked: 1
        }
    );
}
