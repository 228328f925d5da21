//! Updates: stored, read, completed, parked.

use std::time::Duration;

use super::*;

pub(crate) async fn a_batch_and_its_cursor_survive_without_a_close(home: &impl Home) {
    let store = home.open().await;
    let (poll, _) = leases(&store).await;
    assert_eq!(store.cursor(&poll).await.unwrap(), Cursor::default());
    assert_eq!(store.append(&poll, batch(10..13)).await.unwrap(), 3);
    drop(store);

    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    assert_eq!(
        store.cursor(&poll).await.unwrap(),
        Cursor {
            generation: 0,
            next_offset: 13
        }
    );
    let entries = read_all(&store, &part, 100).await;
    assert_eq!(ids(&entries), [10, 11, 12]);
    assert_eq!(
        (entries[0].bot, &*entries[0].body, entries[0].lane),
        (BOT, "{\"n\":10}", LaneKey(1))
    );
}

pub(crate) async fn what_is_done_is_gone_and_what_is_parked_is_kept_aside(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    let entries = read_all(&store, &part, 100).await;
    let done = |entry: &Entry| Completion::new(entry.pos, Fate::Done);
    let error = "no tea".to_owned();
    let parked = Completion::new(entries[1].pos, Fate::Parked { error });
    store
        .complete(&part, vec![done(&entries[0]), parked])
        .await
        .unwrap();
    assert_eq!(
        store.counts().await.unwrap(),
        Counts {
            queued: 1,
            parked: 1
        }
    );
    store.close().await.unwrap();

    drop(store);
    let store = home.open().await;
    let (_, part) = leases(&store).await;
    assert_eq!(ids(&read_all(&store, &part, 100).await), [3]);
}

pub(crate) async fn an_update_is_stored_once_a_generation(home: &impl Home) {
    let store = home.open().await;
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    assert_eq!(store.append(&poll, batch(2..6)).await.unwrap(), 2);
    let mut again = batch(1..4);
    again.cursor.generation = 1;
    assert_eq!(store.append(&poll, again).await.unwrap(), 3);
    assert_eq!(store.counts().await.unwrap().queued, 8);
}

pub(crate) async fn what_does_not_fit_into_memory_is_read_from_disk_in_order(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    let many = 10_500;
    for start in (0..many).step_by(100) {
        store
            .append(&poll, batch(start..start + 100))
            .await
            .unwrap();
    }
    let entries = read_all(&store, &part, 777).await;
    assert_eq!(ids(&entries), (0..many).collect::<Vec<_>>());
    store.append(&poll, batch(many..many + 2)).await.unwrap();
    let entries = store
        .next(&part, entries.last().unwrap().pos, 10, SOON)
        .await
        .unwrap();
    assert_eq!(ids(&entries), [many, many + 1]);
}

pub(crate) async fn a_reader_that_waits_is_woken_by_an_append(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    let waits = store.next(&part, Pos::default(), 10, Duration::from_secs(60));
    let appends = async {
        tokio::task::yield_now().await;
        store.append(&poll, batch(1..2)).await.unwrap();
    };
    let (entries, ()) = tokio::join!(waits, appends);
    assert_eq!(ids(&entries.unwrap()), [1]);
}

pub(crate) async fn parked_updates_at_the_end_do_not_hide_what_comes_after_a_restart(
    home: &impl Home,
) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..3)).await.unwrap();
    for entry in read_all(&store, &part, 10).await {
        let fate = Fate::Parked { error: "x".into() };
        store
            .complete(&part, vec![Completion::new(entry.pos, fate)])
            .await
            .unwrap();
    }
    drop(store);
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    assert_eq!(
        store.next(&part, Pos::default(), 10, SOON).await.unwrap(),
        []
    );
    store.append(&poll, batch(3..5)).await.unwrap();
    assert_eq!(ids(&read_all(&store, &part, 10).await), [3, 4]);
}

pub(crate) async fn a_new_reader_does_not_get_what_is_done(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    // Read once: the entries are still in memory.
    let entries = store.next(&part, Pos::default(), 10, SOON).await.unwrap();
    let done = |entry: &Entry| Completion::new(entry.pos, Fate::Done);
    store
        .complete(&part, entries[..2].iter().map(done).collect())
        .await
        .unwrap();
    let part = store.acquire(Scope::Part(0)).await.unwrap();
    assert_eq!(ids(&read_all(&store, &part, 10).await), [3]);
}

pub(crate) async fn the_bots_with_queued_updates_are_known(home: &impl Home) {
    let store = home.open().await;
    assert_eq!(store.bots().await.unwrap(), []);
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    assert_eq!(store.bots().await.unwrap(), [BOT]);
}

pub(crate) async fn a_lease_of_an_earlier_opening_is_fenced(home: &impl Home) {
    let store = home.open().await;
    let (old, old_part) = leases(&store).await;
    drop(store);
    let store = home.open().await;
    let refused = store.append(&old, batch(1..2)).await;
    assert!(matches!(refused, Err(StoreError::Fenced(Scope::Poll(BOT)))));
    let refused = store.change(&old_part, vec![put("a", "1")]).await;
    assert!(matches!(refused, Err(StoreError::Fenced(Scope::Part(0)))));
}

pub(crate) async fn what_was_handled_when_the_process_died_is_counted_and_the_third_time_parked(
    home: &impl Home,
) {
    let store = home.open().await;
    let (poll, _) = leases(&store).await;
    store.append(&poll, batch(1..8)).await.unwrap();
    drop(store);
    for died in 0..3 {
        let store = home.open().await;
        let (_, part) = leases(&store).await;
        let entries = read_all(&store, &part, 100).await;
        assert_eq!(
            (entries[0].update_id().unwrap(), entries[0].attempts),
            (1, died)
        );
        assert!(entries[1..].iter().all(|entry| entry.attempts == 0));
        for entry in &entries[..3] {
            store.begin(&part, entry.pos).await.unwrap();
        }
        // One ended well, and one was broken off on purpose; during the first the process dies.
        let done = Completion::new(entries[1].pos, Fate::Done);
        store.complete(&part, vec![done]).await.unwrap();
        store.put_back(&part, entries[2].pos).await.unwrap();
        drop(store);
    }
    let store = home.open().await;
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.queued, counts.parked), (3, 1));
}

pub(crate) async fn updates_are_fetched_by_their_positions(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..6)).await.unwrap();
    let all = read_all(&store, &part, 100).await;
    let gone = Completion::new(all[2].pos, Fate::Done);
    store.complete(&part, vec![gone]).await.unwrap();
    let wanted = vec![all[4].pos, all[2].pos, all[0].pos];
    let fetched = store.fetch(&part, wanted).await.unwrap();
    assert_eq!(ids(&fetched), [5, 1]);
}

pub(crate) async fn a_closed_store_refuses_everything(home: &impl Home) {
    let store = home.open().await;
    let (poll, part) = leases(&store).await;
    store.append(&poll, batch(1..4)).await.unwrap();
    store.close().await.unwrap();
    let key = key("a");
    let refusals = [
        store.append(&poll, batch(1..2)).await.err(),
        store.complete(&part, Vec::new()).await.err(),
        store.change(&part, vec![put("a", "1")]).await.err(),
        store.read(&key).await.err(),
        store.cursor(&poll).await.err(),
        store.counts().await.err(),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Some(StoreError::Closed)), "{refusal:?}");
    }
}
