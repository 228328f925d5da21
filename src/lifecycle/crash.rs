//! Places at which a test has the process die, panic or hang: debug builds alone.

#[cfg(debug_assertions)]
use std::sync::LazyLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU32, Ordering};

/// Kills the process here, by SIGKILL, where `SUNDOWN_CRASH_AT` is `point:count` and this is the so manyth time that the
/// point is passed; panics where `SUNDOWN_PANIC_AT` is, blocks for good where `SUNDOWN_BLOCK_AT` is, while the runtime's other
/// work goes on, and its thread where `SUNDOWN_WEDGE_AT` is, as bad code does: that mostly stops the whole runtime. Release
/// builds have no such places.
///
/// # Panics
/// Where that is asked for.
#[cfg(debug_assertions)]
pub(crate) fn crash_point(point: &str) {
    static KILLS: LazyLock<Option<Wanted>> = LazyLock::new(|| Wanted::from("SUNDOWN_CRASH_AT"));
    static BLOCKS: LazyLock<Option<Wanted>> = LazyLock::new(|| Wanted::from("SUNDOWN_BLOCK_AT"));
    static WEDGES: LazyLock<Option<Wanted>> = LazyLock::new(|| Wanted::from("SUNDOWN_WEDGE_AT"));
    static PANICS: LazyLock<Option<Wanted>> = LazyLock::new(|| Wanted::from("SUNDOWN_PANIC_AT"));
    if KILLS.as_ref().is_some_and(|wanted| wanted.is_met(point)) {
        let _ = signal_hook::low_level::raise(signal_hook::consts::SIGKILL);
    }
    if WEDGES.as_ref().is_some_and(|wanted| wanted.is_met(point)) {
        park_for_good();
    }
    if BLOCKS.as_ref().is_some_and(|wanted| wanted.is_met(point)) {
        tokio::task::block_in_place(park_for_good);
    }
    if PANICS.as_ref().is_some_and(|wanted| wanted.is_met(point)) {
        panic!("asked for at {point}");
    }
}

#[cfg(debug_assertions)]
fn park_for_good() {
    loop {
        std::thread::park();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) fn crash_point(_point: &str) {}

/// Never returns, where `SUNDOWN_HANG_AT` is `point:count` and this is the so manyth time that the point is passed. Release
/// builds have no such places.
#[cfg(debug_assertions)]
pub(crate) async fn hang_point(point: &str) {
    static WANTED: LazyLock<Option<Wanted>> = LazyLock::new(|| Wanted::from("SUNDOWN_HANG_AT"));
    if WANTED.as_ref().is_some_and(|wanted| wanted.is_met(point)) {
        std::future::pending::<()>().await;
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub(crate) async fn hang_point(_point: &str) {}

/// A point, and how often it is still to be passed.
#[cfg(debug_assertions)]
struct Wanted {
    point: String,
    left: AtomicU32,
}

#[cfg(debug_assertions)]
impl Wanted {
    fn from(variable: &str) -> Option<Self> {
        let wanted = std::env::var(variable).ok()?;
        let (point, count) = wanted.split_once(':')?;
        Some(Self {
            point: point.to_owned(),
            left: AtomicU32::new(count.parse().ok()?),
        })
    }

    fn is_met(&self, point: &str) -> bool {
        self.point == point && self.left.fetch_sub(1, Ordering::SeqCst) == 1
    }
}
