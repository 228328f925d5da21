//! What a power cut may cost: nothing that the server was told to forget.
//!
//! A bot lives under a shim that writes down every change of its state directory, every flush, and every request, in
//! one order. From that log the directory is made as a power cut would have left it at any moment. Then either the bot
//! starts on it, against a server that has forgotten exactly what it had been told to forget by then; or, for many
//! more moments, the store alone is opened on it and asked what it has. At the moment of the kill the server is the one
//! that was there; for earlier moments it is another one with the same updates, rewound.
//!
//! Two things keep these tests from passing for nothing: the log must lead to the very files that are there, and a disk
//! that does not flush the write-ahead log must lose something.

mod disk;
mod life;
mod log;
mod shim;
mod verdict;

use fastrand::Rng;

use super::support::skip;
use disk::Luck;
use life::{Course, Life, UPDATES};
use log::Log;
use shim::Shim;

/// With texts of this size SQLite moves its log into the database while the bot works, which takes 16 MB.
const LONG: usize = 130_000;
/// In records.
const NEAR: usize = 500;
const HONEST: Option<&str> = None;
const NO_FLUSH: Option<&str> = Some("-wal");

fn compiled() -> Option<Shim> {
    let shim = Shim::compile();
    if shim.is_none() {
        skip(
            "power cuts",
            "a C compiler for Linux with glibc (apt install build-essential)",
        );
    }
    shim
}

#[tokio::test]
async fn after_a_power_cut_every_update_that_was_confirmed_is_answered() {
    let Some(shim) = compiled() else { return };
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for number in 0..6 {
        let waiting = rng.i64(1..UPDATES);
        let course = Course {
            waiting,
            sent: rng.i64(waiting..=UPDATES),
            padding: 0,
            killed_after: (number > 0).then(|| rng.usize(1..=usize::try_from(waiting).unwrap())),
        };
        println!("seed {seed}, {course:?}");
        let life = Life::lead(&shim, course).await;
        let (confirmed, end) = (life.log.confirmations(), life.log.len());
        let luck = any_luck(&mut rng);
        println!("  cut at the end, {luck:?}");
        let verdict = life.go_on(luck, &mut rng).await;
        println!("    {verdict:?}");
        assert!(verdict.is_well(), "{verdict:?}");
        // A bot that was killed early may have confirmed nothing.
        let confirmation =
            |rng: &mut Rng| rng.choice(&confirmed).map_or(end, |(moment, _)| *moment);
        let mut moments = vec![rng.usize(..end)];
        moments.extend((0..3).map(|_| confirmation(&mut rng)));
        for cut in moments {
            let luck = any_luck(&mut rng);
            println!("  cut at {cut} of {end}, {luck:?}");
            let verdict = life.go_on_after(cut, luck, &mut rng).await;
            println!("    {verdict:?}");
            assert!(verdict.is_well(), "{verdict:?}");
        }
    }
}

#[tokio::test]
async fn whenever_the_power_goes_the_store_has_what_was_confirmed_and_not_answered() {
    let Some(shim) = compiled() else { return };
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for (waiting, padding, killed_after, cuts) in [
        (UPDATES / 2, 0, Some(100), 120),
        (UPDATES / 2, 0, None, 120),
        (UPDATES, LONG, Some(150), 12),
    ] {
        let course = Course {
            waiting,
            sent: UPDATES,
            padding,
            killed_after,
        };
        println!("seed {seed}, {course:?}");
        let life = Life::lead(&shim, course).await;
        let mut turns = life.log.turns();
        if padding > 0 {
            let running = life.log.confirmations()[0].0;
            turns = life.log.flushes_of("sundown.sqlite", running);
            assert!(
                !turns.is_empty(),
                "SQLite's log was not moved into the database"
            );
        }
        for cut in moments(&life.log, &turns, cuts, &mut rng) {
            let luck = any_luck(&mut rng);
            let remains = life.remains_after(cut, luck, &mut rng).await;
            assert!(
                matches!(&remains, Ok(remains) if remains.missing.is_empty() && remains.offset_is_kept),
                "cut at {cut} of {}, {luck:?}: {remains:?}",
                life.log.len()
            );
        }
    }
}

#[tokio::test]
async fn a_disk_that_does_not_flush_loses_what_was_confirmed() {
    let Some(shim) = compiled() else { return };
    let mut rng = Rng::with_seed(1);
    // More answers than the first call can have brought: the second one has confirmed those.
    let course = Course {
        waiting: UPDATES,
        sent: UPDATES,
        padding: 0,
        killed_after: Some(120),
    };
    let life = Life::lead(&shim, course).await;
    let (cut, _) = life.log.confirmations()[0];
    for lies_about in [HONEST, NO_FLUSH] {
        let luck = Luck {
            sectors: 0.0,
            lies_about,
        };
        let verdict = life.go_on_after(cut, luck, &mut rng).await;
        let remains = life.remains_after(cut, luck, &mut rng).await.unwrap();
        println!("{luck:?}: {} of {UPDATES} lost", verdict.lost.len());
        assert_eq!(
            verdict.lost, remains.missing,
            "{luck:?}: the store and the bot do not agree"
        );
        assert_eq!(
            verdict.lost.is_empty(),
            lies_about == HONEST,
            "{luck:?}: {verdict:?}"
        );
    }
}

fn any_luck(rng: &mut Rng) -> Luck {
    let sectors = [0.0, 0.5, 0.9][rng.usize(..3)];
    Luck {
        sectors,
        lies_about: HONEST,
    }
}

/// Half of them just before or just after such a turn, half of them anywhere near one.
fn moments(log: &Log, turns: &[usize], count: usize, rng: &mut Rng) -> Vec<usize> {
    let moment = |index: usize| {
        let turn = turns[rng.usize(..turns.len())];
        match index % 2 {
            0 => turn + rng.usize(..2),
            _ => rng.usize(turn.saturating_sub(NEAR)..=(turn + NEAR).min(log.len())),
        }
    };
    (0..count).map(moment).collect()
}
