//! What every engine must do, asked of each in the same words.
//!
//! An engine says how its stores are made ([`Home`]) and takes all facts with `conformance!`.

pub(crate) mod state;
pub(crate) mod updates;

use std::time::Duration;

use super::{
    BotId, Change, Completion, Counts, Cursor, Entry, Expected, Fate, Key, LaneKey, Lease, Origin,
    Pos, RawBatch, RawUpdate, Scope, Store, StoreError, Timer, UpdateId,
};

/// A place for one store.
pub(crate) trait Home: Sized {
    /// One with nothing in it.
    async fn new() -> Self;

    /// Opens the store that is there, as a starting process does. What is dropped without a close has died.
    async fn open(&self) -> Store;
}

/// Makes a test of every fact, on the stores of a home.
macro_rules! conformance {
    ($home:ty) => {
        $crate::store::conformance::facts! { $home:
            updates::a_batch_and_its_cursor_survive_without_a_close,
            updates::what_is_done_is_gone_and_what_is_parked_is_kept_aside,
            updates::an_update_is_stored_once_a_generation,
            updates::what_does_not_fit_into_memory_is_read_from_disk_in_order,
            updates::a_reader_that_waits_is_woken_by_an_append,
            updates::parked_updates_at_the_end_do_not_hide_what_comes_after_a_restart,
            updates::a_new_reader_does_not_get_what_is_done,
            updates::the_bots_with_queued_updates_are_known,
            updates::a_lease_of_an_earlier_opening_is_fenced,
            updates::what_was_handled_when_the_process_died_is_counted_and_the_third_time_parked,
            updates::updates_are_fetched_by_their_positions,
            updates::a_closed_store_refuses_everything,
            state::a_document_is_read_as_it_was_last_committed,
            state::a_document_that_was_deleted_never_has_an_old_version_again,
            state::a_change_that_does_not_find_what_it_expects_changes_nothing,
            state::a_lease_of_documents_changes_them_and_takes_nothing_from_who_reads_updates,
            state::documents_are_found_by_the_beginning_of_their_names,
            state::a_completion_and_its_changes_are_recorded_together,
            state::a_refused_change_stops_nobody_elses,
            state::a_timer_becomes_an_entry_in_its_lane_and_never_early,
            state::timers_come_in_the_order_in_which_they_are_due,
            state::a_timer_is_replaced_by_its_name_and_can_be_taken_back,
            state::a_timer_that_came_due_while_nothing_ran_is_there_at_the_start,
            state::a_timer_during_which_the_process_died_three_times_is_parked,
        }
    };
}

macro_rules! facts {
    ($home:ty: $($room:ident::$fact:ident,)*) => {$(
        #[tokio::test]
        async fn $fact() {
            let home = <$home as $crate::store::conformance::Home>::new().await;
            $crate::store::conformance::$room::$fact(&home).await;
        }
    )*};
}

pub(crate) use {conformance, facts};

const BOT: BotId = BotId(7);
const SOON: Duration = Duration::from_millis(10);

fn batch(ids: std::ops::Range<i64>) -> RawBatch {
    let cursor = Cursor {
        generation: 0,
        next_offset: ids.end,
    };
    let update = |id: i64| RawUpdate {
        id: UpdateId(id),
        lane: LaneKey(id % 3),
        body: format!("{{\"n\":{id}}}").into(),
    };
    RawBatch {
        updates: ids.map(update).collect(),
        cursor,
    }
}

async fn leases(store: &Store) -> (Lease, Lease) {
    (
        store.acquire(Scope::Poll(BOT)).await.unwrap(),
        store.acquire(Scope::Part(0)).await.unwrap(),
    )
}

/// Everything that waits, read as the lanes read it.
async fn read_all(store: &Store, part: &Lease, page: usize) -> Vec<Entry> {
    let (mut all, mut after) = (Vec::new(), Pos::default());
    loop {
        let entries = store.next(part, after, page, SOON).await.unwrap();
        let Some(last) = entries.last() else {
            return all;
        };
        after = last.pos;
        all.extend(entries);
    }
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries
        .iter()
        .map(|entry| entry.update_id().unwrap())
        .collect()
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// Writes a document, whatever was there.
fn put(name: &str, body: &str) -> Change {
    put_if(name, body, Expected::Anything)
}

fn put_if(name: &str, body: &str, expected: Expected) -> Change {
    Change::Put {
        key: key(name),
        body: body.into(),
        expected,
    }
}
