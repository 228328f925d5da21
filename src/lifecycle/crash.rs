//! Places at which a test has the process die: debug builds alone.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU32, Ordering};

/// Kills the process here, by SIGKILL, where `SUNDOWN_CRASH_AT` is `point:count` and this is the so manyth time that the
/// point is passed. Release builds have no such places.
#[cfg(debug_assertions)]
pub(crate) fn crash_point(point: &str) {
    static WANTED: std::sync::LazyLock<Option<(String, AtomicU32)>> =
        std::sync::LazyLock::new(|| {
            let wanted = std::env::var("SUNDOWN_CRASH_AT").ok()?;
            let (point, count) = wanted.split_once(':')?;
            Some((point.to_owned(), AtomicU32::new(count.parse().ok()?)))
        });
    if let Some((wanted, left)) = &*WANTED
        && wanted == point
        && left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn crash_point(_point: &str) {}
