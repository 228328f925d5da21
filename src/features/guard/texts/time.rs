//! Spans of time in their two largest units, for which each language has its words.

use std::time::Duration;

#[derive(Clone, Copy)]
pub(super) enum Unit {
    Day,
    Hour,
    Minute,
    Second,
}

/// The two largest units that are not zero and next to each other. A span of less than two days is told in hours, because
/// "24 hours" is the plainer deadline; one of no seconds is told as one.
pub(super) fn units(time: Duration) -> Vec<(u64, Unit)> {
    let s = time.as_secs().max(1);
    let all = if s >= 48 * 3_600 {
        [(s / 86_400, Unit::Day), (s / 3_600 % 24, Unit::Hour)]
    } else if s >= 3_600 {
        [(s / 3_600, Unit::Hour), (s / 60 % 60, Unit::Minute)]
    } else {
        [(s / 60, Unit::Minute), (s % 60, Unit::Second)]
    };
    all.into_iter().filter(|(count, _)| *count > 0).collect()
}
